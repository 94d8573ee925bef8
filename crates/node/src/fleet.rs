//! Many nodes at once, over SSH: each asked and filled by itself, from a package that is read once for all.
//!
//! | module | subject |
//! | --- | --- |
//! | `shared` | the layers of all nodes' plans, read through one window |
//! | `passing` | the same of a package that can only be read front to back |
//!
//! Every node has a plan, a run and a result of its own; what ends the work on one is told there, and is
//! nothing to the others.

mod passing;
mod shared;

use std::collections::HashSet;
use std::sync::Arc;

use futures_util::{StreamExt, stream};
use portolan_oci::Digest;
use portolan_package::ImageContent;
use portolan_transfer::PackageImages;

use crate::content::NodeImage;
use crate::event::{Event, Observer};
use crate::execute::{execute, one_line};
use crate::names::NodeName;
use crate::options::LoadOptions;
use crate::plan::{NodePlan, plan_offers};
use crate::remote::{RemoteOptions, connect};
use crate::report::{NodeFailure, NodeResult};
use crate::runtime::Runtime;
use crate::ssh::{Endpoint, HostKeys, Login, Session};
use crate::stock::Stock;
use crate::survey::Survey;

/// How many images are brought to one node of many at once: the next one is on its way while the node
/// unpacks. More would make the nodes read the package at places that are far from each other.
const IMAGES_AT_ONCE: usize = 2;

/// A node that is reached over SSH.
#[derive(Clone, Debug)]
pub struct NodeTarget {
    /// As a person named it.
    pub name: String,
    /// Where its sshd listens.
    pub endpoint: Endpoint,
    /// Who signs in.
    pub login: Login,
}

/// Nodes, and how they are reached.
#[derive(Clone, Debug)]
pub struct Fleet {
    /// The nodes.
    pub nodes: Vec<NodeTarget>,
    /// Whom to believe.
    pub host_keys: Arc<HostKeys>,
    /// Which runtimes are filled.
    pub remote: RemoteOptions,
    /// How many nodes are asked and filled at once; at least 1.
    pub at_once: usize,
}

/// A node that was asked.
pub enum Asked {
    /// What is to be done there, and the way to it.
    Planned(Box<NodePlan>, Box<dyn Runtime>),
    /// It could not be asked.
    Lost(Box<NodeResult>),
}

/// Digests of a package's manifests and image indexes, as nodes get them: what [`RemoteOptions::expected`] is to
/// hold.
pub fn digests_of(package: &PackageImages) -> HashSet<Digest> {
    let contents = package.images.iter().map(|image| &image.content.content);
    let manifests = contents.flat_map(|content| {
        let index = match content {
            ImageContent::Index { index, .. } => Some(index.clone()),
            ImageContent::Single(_) => None,
        };
        // Those that are made anew too: an earlier run gave them to the node.
        let sources = content.sources().iter().filter_map(|source| NodeImage::of_source(source, None).ok());
        index.into_iter().chain(sources.filter_map(|image| image.manifest))
    });
    manifests.map(|manifest| manifest.digest().clone()).collect()
}

impl Fleet {
    /// Asks every node what it has, and works out what is to be done there. In the order of the nodes.
    pub async fn ask(&self, stock: &dyn Stock, options: &LoadOptions, observer: &dyn Observer) -> Vec<Asked> {
        let asked = self.nodes.iter().map(|node| self.ask_one(node, stock, options, observer));
        in_order(asked, self.at_once).await
    }

    async fn ask_one(
        &self,
        node: &NodeTarget,
        stock: &dyn Stock,
        options: &LoadOptions,
        observer: &dyn Observer,
    ) -> Asked {
        observer.event(Event::Asking { node: &node.name });
        let lost = |error: String| {
            let result = lost(node, error);
            observer.event(Event::NodeFinished { result: &result });
            Asked::Lost(Box::new(result))
        };
        let asking = async {
            let (runtime, survey) = self.reach(node, &stock.names(options)).await?;
            let offers = stock.offers(options.platform.as_ref().unwrap_or(&survey.platform)).await;
            Ok((runtime, survey, offers))
        };
        match unless_stopped(options, asking).await {
            Err(error) => lost(error),
            Ok((runtime, survey, offers)) => {
                let plan = plan_offers((&node.name, &runtime.address()), offers, survey, options);
                observer.event(Event::Planned { plan: &plan });
                Asked::Planned(Box::new(plan), runtime)
            }
        }
    }

    /// The runtime of a node, and what it has; why not, in one line.
    async fn reach(
        &self,
        node: &NodeTarget,
        names: &[NodeName],
    ) -> Result<(Box<dyn Runtime>, Survey), String> {
        let session = Session::open(&node.endpoint, &node.login, &self.host_keys).await;
        let session = session.map_err(|error| one_line(&error))?;
        let runtime = connect(session, &node.login, &self.remote).await;
        let runtime = runtime.map_err(|error| one_line(&error))?;
        let survey = runtime.survey(names).await.map_err(|error| one_line(&error))?;
        Ok((runtime, survey))
    }

    /// Carries out what is planned, on all nodes. In the order of the nodes.
    pub async fn load(
        &self,
        mut asked: Vec<Asked>,
        options: &LoadOptions,
        observer: &dyn Observer,
    ) -> Vec<NodeResult> {
        let shares = shared::share(&mut asked);
        let options = &LoadOptions { jobs: options.jobs.min(IMAGES_AT_ONCE), ..options.clone() };
        let loads = asked.into_iter().zip(shares).map(async |(asked, share)| {
            // Whatever this node still wanted to see is let go when it is done with.
            let _share = share;
            match asked {
                Asked::Lost(result) => *result,
                Asked::Planned(plan, runtime) => execute(&plan, runtime.as_ref(), options, observer).await,
            }
        });
        in_order(loads, self.at_once).await
    }
}

/// What is awaited, unless the run is interrupted.
async fn unless_stopped<T>(
    options: &LoadOptions,
    work: impl Future<Output = Result<T, String>>,
) -> Result<T, String> {
    tokio::select! {
        biased;
        () = options.stop.requested() => Err("interrupted".to_owned()),
        done = work => done,
    }
}

/// All results in the order of the futures, some of which go on at once, whichever ends first.
async fn in_order<T>(futures: impl Iterator<Item = impl Future<Output = T>>, at_once: usize) -> Vec<T> {
    let numbered = futures.enumerate().map(|(number, future)| async move { (number, future.await) });
    let mut done: Vec<(usize, T)> = stream::iter(numbered).buffer_unordered(at_once.max(1)).collect().await;
    done.sort_by_key(|(number, _)| *number);
    done.into_iter().map(|(_, result)| result).collect()
}

fn lost(node: &NodeTarget, error: String) -> NodeResult {
    NodeResult {
        node: node.name.clone(),
        address: node.endpoint.to_string(),
        found: None,
        failure: Some(NodeFailure { error }),
        images: Vec::new(),
        bytes_sent: 0,
        notes: Vec::new(),
    }
}
