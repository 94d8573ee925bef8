//! Waiting until every object of a release is ready, and saying of each that isn't why not: its condition, the
//! events about it and its pods, and the last lines that its containers wrote.

mod reasons;
mod restarts;
mod watch;

use std::time::{Duration, Instant};

use futures_util::{StreamExt, TryStreamExt, stream};
use portolan_chart::{ObjectName, rendered_objects};
use serde::Serialize;
use serde_json::Value;

use crate::cluster::{Cluster, ClusterError, Scope};
use crate::event::{Event, Observer, Step};
use crate::private::FileError;
use crate::readiness::{Readiness, readiness};
use crate::run::Run;
use restarts::Restarts;
pub(crate) use watch::{Named, Watched, watch};

/// How many objects are asked for at once.
const QUESTIONS_AT_ONCE: usize = 16;
/// How long between two looks.
const PAUSE: Duration = Duration::from_millis(500);

/// An object that is not ready.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
#[serde(rename_all = "camelCase")]
pub struct Unready {
    /// Which.
    pub object: ObjectName,
    /// What it says of itself.
    pub why: String,
    /// Events about it and its pods, newest last.
    #[serde(skip_serializing_if = "Vec::is_empty")]
    pub events: Vec<String>,
    /// The last lines of its containers that aren't ready, or were started again meanwhile, `POD/CONTAINER: LINE` each.
    /// Of the latter also those of the run before, which come first.
    #[serde(skip_serializing_if = "Vec::is_empty")]
    pub log: Vec<String>,
}

/// What was found.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
#[serde(rename_all = "camelCase")]
pub struct Verified {
    /// How many objects the release has.
    pub objects: usize,
    /// Those that were not ready in time.
    pub unready: Vec<Unready>,
}

impl Verified {
    /// Whether all of them are ready.
    pub fn is_ready(&self) -> bool {
        self.unready.is_empty()
    }

    /// What somebody still has to look after, a line each.
    pub(crate) fn left(&self) -> impl Iterator<Item = String> {
        self.unready.iter().map(|one| format!("{} is not ready: {}", one.object, one.why))
    }

    pub(crate) fn words(&self) -> String {
        match self.unready.len() {
            0 => format!("all {} objects are ready", self.objects),
            unready => format!("{unready} of {} objects are not ready", self.objects),
        }
    }
}

/// An object that is looked at, and how far it is.
struct Looked {
    name: ObjectName,
    object: Option<Value>,
    readiness: Readiness,
}

/// [`verify`] as a step of a run.
///
/// # Errors
/// Those of [`verify`], and of [`Run::step`].
pub(crate) async fn in_step<E: From<ClusterError> + From<FileError>>(
    cluster: &Cluster,
    manifest: &str,
    namespace: &str,
    patience: Duration,
    run: &Run<'_>,
) -> Result<Verified, E> {
    let looking = async { Ok(verify(cluster, manifest, namespace, patience, run.observer()).await?) };
    run.step(Step::Verify, looking, Verified::words).await
}

/// Waits until all objects of a manifest are ready, or one can't become so, or the time is over. While the API
/// server is out of reach it is asked again.
///
/// # Errors
/// [`ClusterError`] where it can't be told, because a right lacks or the server stays out of reach.
pub async fn verify(
    cluster: &Cluster,
    manifest: &str,
    namespace: &str,
    patience: Duration,
    observer: &dyn Observer,
) -> Result<Verified, ClusterError> {
    let names: Vec<ObjectName> = rendered_objects(manifest)
        .objects
        .into_iter()
        .map(|object| in_namespace(object.name, namespace))
        .collect();
    let deadline = Instant::now() + patience;
    let (mut told, mut seen) = (None, None);
    loop {
        match look(cluster, &names).await {
            Ok(looked) => {
                tell(&looked, &mut told, observer);
                if is_settled(&looked) || Instant::now() > deadline {
                    return Ok(reasons::of(cluster, looked, &seen.unwrap_or_default()).await);
                }
                // What was started again is told of where there is something to wait for.
                if seen.is_none() {
                    seen = Some(Restarts::now(cluster, &names).await);
                }
            }
            Err(error) if error.may_pass() && Instant::now() < deadline => {}
            Err(error) => return Err(error),
        }
        tokio::time::sleep(PAUSE).await;
    }
}

fn in_namespace(name: ObjectName, namespace: &str) -> ObjectName {
    match name.namespace.is_empty() {
        true => ObjectName { namespace: namespace.to_owned(), ..name },
        false => name,
    }
}

async fn look(cluster: &Cluster, names: &[ObjectName]) -> Result<Vec<Looked>, ClusterError> {
    stream::iter(names).map(|name| look_at(cluster, name)).buffered(QUESTIONS_AT_ONCE).try_collect().await
}

async fn look_at(cluster: &Cluster, name: &ObjectName) -> Result<Looked, ClusterError> {
    let kind = match cluster.kind(&name.api_version, &name.kind).await {
        Ok(kind) => kind,
        Err(error @ ClusterError::NoKind { .. }) => {
            let readiness = Readiness::Failed(error.to_string());
            return Ok(Looked { name: name.clone(), object: None, readiness });
        }
        Err(error) => return Err(error),
    };
    let is_namespaced = kind.scope == Scope::Namespaced;
    let namespace = is_namespaced.then_some(name.namespace.as_str());
    let object = cluster.get(&kind, namespace, &name.name).await?;
    let readiness = object.as_ref().map(readiness);
    let mut name = name.clone();
    if !is_namespaced {
        name.namespace.clear();
    }
    let readiness = readiness.unwrap_or_else(|| Readiness::InProgress("it is not there".to_owned()));
    Ok(Looked { name, object, readiness })
}

/// Whether waiting longer changes nothing.
fn is_settled(looked: &[Looked]) -> bool {
    let is_lost = |looked: &Looked| matches!(looked.readiness, Readiness::Failed(_));
    looked.iter().all(Looked::is_ready) || looked.iter().any(is_lost)
}

impl Looked {
    fn is_ready(&self) -> bool {
        self.readiness == Readiness::Ready
    }

    fn why(&self) -> &str {
        match &self.readiness {
            Readiness::Ready => "",
            Readiness::Terminating => "it is being deleted",
            Readiness::InProgress(why) | Readiness::Failed(why) => why,
        }
    }
}

fn tell(looked: &[Looked], told: &mut Option<usize>, observer: &dyn Observer) {
    let ready = looked.iter().filter(|object| object.is_ready()).count();
    if told.replace(ready) == Some(ready) {
        return;
    }
    let first = looked.iter().find(|object| !object.is_ready());
    let on = first.map(|object| format!("{}: {}", object.name, object.why())).unwrap_or_default();
    observer.event(Event::Waiting { ready, all: looked.len(), on: &on });
}
