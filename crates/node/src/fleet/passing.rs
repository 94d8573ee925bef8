//! A package that can only be read front to back, onto many nodes.

use std::mem::take;

use futures_util::future::join_all;
use portolan_transfer::ImageChoice;

use super::{Fleet, IMAGES_AT_ONCE, NodeTarget, lost, unless_stopped};
use crate::event::{Event, Observer};
use crate::left::LoadLeft;
use crate::options::LoadOptions;
use crate::passing::{Group, Member, Passage, Passed, PassingError, PassingPackage, load, passed};
use crate::report::NodeResult;

/// How nodes are loaded, beside what.
#[derive(Clone, Copy)]
struct Way<'a> {
    options: &'a LoadOptions,
    left: Option<&'a LoadLeft>,
    observer: &'a dyn Observer,
}

impl Fleet {
    /// Loads a package onto all nodes while it goes by. A file is read once for so many nodes as are filled at
    /// once; what comes once is read for all of them together.
    ///
    /// # Errors
    /// [`PassingError::Package`] where the package breaks off before any image was whole on any node.
    pub async fn load_passing(
        &self,
        package: PassingPackage,
        choice: &ImageChoice,
        options: &LoadOptions,
        left: Option<&LoadLeft>,
        observer: &dyn Observer,
    ) -> Result<Passed, PassingError> {
        let options = &LoadOptions { jobs: options.jobs.min(IMAGES_AT_ONCE), ..options.clone() };
        let way = Way { options, left, observer };
        let again = package.again.clone();
        let at_once = if again.is_some() { self.at_once.max(1) } else { self.nodes.len() };
        let (mut results, mut heard, mut next) = (Vec::new(), Vec::new(), Some(package));
        for nodes in self.nodes.chunks(at_once.max(1)) {
            let package = match (next.take(), &again) {
                (Some(first), _) => first,
                (None, Some(begin)) => PassingPackage { stream: begin()?, again: again.clone() },
                (None, None) => break,
            };
            let mut group = Group::new(nodes.len(), package, choice, options, true);
            let members = take(&mut group.members).into_iter();
            let loads = nodes.iter().zip(members).map(|(node, member)| self.pass_one(node, member, way));
            results.extend(join_all(loads).await);
            heard.push(group.heard());
        }
        passed(results, heard)
    }

    async fn pass_one(&self, node: &NodeTarget, member: Member, way: Way<'_>) -> NodeResult {
        let Way { options, left, observer } = way;
        observer.event(Event::Asking { node: &node.name });
        match unless_stopped(options, self.reach(node, &[])).await {
            Ok((runtime, survey)) => {
                let runtime = runtime.as_ref();
                let passage = Passage { node: &node.name, runtime, options, left, observer };
                load(member, passage, survey).await
            }
            Err(error) => {
                let result = lost(node, error);
                observer.event(Event::NodeFinished { result: &result });
                result
            }
        }
    }
}
