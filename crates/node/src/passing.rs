//! A package that can only be read front to back, onto one node or many: nothing of it is ever laid down.
//!
//! ```text
//! reader (a thread) ──pieces──▶ window ──▶ each node: Runtime::keep ──▶ ledger     which blob has which digest
//!        └──images named──▶ each node: survey, plan ──▶ carry ──▶ lines of the report
//! ```
//!
//! Which image a blob belongs to shows only at the end of its archive. containerd takes blobs before that,
//! under the lease of the run. Docker takes whole images alone, in archives: a file is read twice, first to learn
//! what is to be sent; what comes once is sent as a whole, since only its end tells what it was.
//!
//! | module | subject |
//! | --- | --- |
//! | `passes` | passes over the package, which all nodes make together |
//! | `reader` | the thread that reads one pass |
//! | `pass` | a node that takes blobs |
//! | `archives` | a node that takes archives |
//! | `ledger` | what became of the blobs |
//!
//! A node that falls out of the window has missed a blob, and the images that it belongs to: a file is read once
//! more for those, for all nodes that missed some; of what comes once the report says so.

mod archives;
mod ledger;
mod pass;
mod passes;
mod reader;

use portolan_package::{
    Package,
    stream::{PackageStream, Step, StreamError},
};
use portolan_registry::Stop;
use portolan_transfer::{BrokenBundle, ImageChoice, PackageImages, package_images};

use self::passes::Passes;
pub use self::passes::{Again, PassingPackage};
pub(crate) use self::{passes::Member, reader::Heard};
use crate::{
    error::RuntimeError,
    event::{Event, Observer},
    execute::{line, one_line},
    left::LoadLeft,
    options::LoadOptions,
    plan::{NodePlan, PlannedLoad},
    report::{LoadOutcome, LoadResult, NodeFailure, NodeResult},
    runtime::{Runtime, Takes},
    survey::Survey,
};

/// How often a file is read at the most, to send what a node missed, or what a broken archive kept from being
/// loaded.
const PASSES: usize = 4;

/// What came of a package that went by.
#[derive(Debug)]
pub struct Passed {
    /// The nodes, in their order.
    pub nodes: Vec<NodeResult>,
    /// Bundles that could not be read or named.
    pub broken: Vec<BrokenBundle>,
    /// What a reader should know though nothing went wrong.
    pub notes: Vec<String>,
}

/// Why a package that goes by could not be loaded at all.
#[derive(Debug, thiserror::Error)]
pub enum PassingError {
    /// It can't be read, and nothing of it was loaded.
    #[error("reading the package")]
    Package {
        /// What is wrong with it.
        #[from]
        source: StreamError,
    },
    /// The node can't be asked.
    #[error(transparent)]
    Runtime(#[from] RuntimeError),
}

/// What a package is loaded with onto one node.
#[derive(Clone, Copy)]
pub struct Passage<'a> {
    /// How the node is called.
    pub node: &'a str,
    /// Its runtime.
    pub runtime: &'a dyn Runtime,
    /// How.
    pub options: &'a LoadOptions,
    /// What an earlier run left, where only that is taken.
    pub left: Option<&'a LoadLeft>,
    /// Who is told.
    pub observer: &'a dyn Observer,
}

/// Loads a package onto one node while it goes by.
///
/// # Errors
/// [`PassingError`] where the node can't be asked, or the package breaks off before any image was whole. What
/// breaks off later is a line of [`Passed::broken`].
pub async fn load_passing(
    package: PassingPackage,
    choice: &ImageChoice,
    passage: Passage<'_>,
) -> Result<Passed, PassingError> {
    // Asked first: whoever names the wrong node need not wait for the package.
    let survey = passage.runtime.survey(&[]).await?;
    let mut group = Group::new(1, package, choice, passage.options, false);
    let member = group.members.pop().expect("because the group has one member");
    let node = load(member, passage, survey).await;
    passed(vec![node], vec![group.heard()])
}

/// Nodes that take a package together.
pub(crate) struct Group {
    passes: std::sync::Arc<Passes>,
    /// One for each node.
    pub(crate) members: Vec<Member>,
}

impl Group {
    /// So many nodes. Where `hashes` is set, digests are derived while the package is read; else runtimes have to
    /// find them out.
    pub(crate) fn new(
        nodes: usize,
        package: PassingPackage,
        choice: &ImageChoice,
        options: &LoadOptions,
        hashes: bool,
    ) -> Self {
        let tolerance = package.tolerance(nodes);
        let (passes, members) = Passes::of(nodes, package, choice, &options.stop, hashes, tolerance);
        Self { passes, members }
    }

    /// What concerns no node by itself.
    pub(crate) fn heard(self) -> Heard {
        self.passes.heard()
    }
}

/// What came of a package on these nodes. What breaks off before any image was whole is an error; later it is
/// what the rest lacks.
pub(crate) fn passed(nodes: Vec<NodeResult>, heard: Vec<Heard>) -> Result<Passed, PassingError> {
    let has_nothing = nodes.iter().all(|node| node.images.is_empty() && node.failure.is_none());
    let mut passed = Passed { nodes, broken: Vec::new(), notes: Vec::new() };
    for Heard { broken, notes, failed } in heard {
        let rest = match failed {
            Some(source) if has_nothing => return Err(source.into()),
            Some(source) => Some(("the rest of the package".to_owned(), one_line(&source))),
            None => None,
        };
        let rest = rest.map(|(source, error)| BrokenBundle { source, error });
        // Each group of nodes heard the same.
        let new: Vec<_> = broken.into_iter().chain(rest).filter(|it| !passed.broken.contains(it)).collect();
        passed.broken.extend(new);
        let new: Vec<_> = notes.into_iter().filter(|it| !passed.notes.contains(it)).collect();
        passed.notes.extend(new);
    }
    Ok(passed)
}

/// Loads a package onto a node of a group.
pub(crate) async fn load(member: Member, passage: Passage<'_>, survey: Survey) -> NodeResult {
    passage.observer.event(Event::Started { node: passage.node, bytes: 0 });
    let mut node = match passage.runtime.takes() {
        Takes::Blobs { at_once } => pass::run(&member, passage, survey, at_once).await,
        Takes::Archives => archives::run(&member, passage, survey).await,
    };
    // Nobody waits for this node while it lets go.
    drop(member);
    if passage.options.stop.is_requested() || node.failure.is_some() {
        let note = "the package was not read to its end for this node: images that came later are not listed";
        node.notes.push(note.to_owned());
    }
    node.notes.extend(passage.runtime.finish().await);
    passage.observer.event(Event::NodeFinished { result: &node });
    node
}

impl Passage<'_> {
    /// Takes out of a plan what an earlier run did not leave.
    fn narrow(&self, plan: &mut NodePlan) {
        if let Some(left) = self.left {
            // A report that knows nothing of the node leaves all of it.
            let _ = left.narrow(plan);
        }
    }

    /// The line of an image that this node missed for good.
    fn missed(&self, planned: &PlannedLoad, can_go_again: bool) -> LoadResult {
        if self.options.stop.is_requested() {
            return line(planned, LoadOutcome::Interrupted, None);
        }
        let error = match can_go_again {
            true => "went by while this node was behind, in every pass; the same command goes on from there",
            false => {
                "went by while this node was behind, and can't be read again: load what is left from a file, with \
                 --only-failed"
            }
        };
        let result = line(planned, LoadOutcome::Failed, Some(error.to_owned()));
        self.observer.event(Event::ImageFinished { node: self.node, result: &result });
        result
    }
}

/// Notes what ended the work on a node, unless something did before.
fn ended(node: &mut NodeResult, error: &RuntimeError) {
    node.failure.get_or_insert_with(|| NodeFailure { error: one_line(error) });
}

/// Reads a package to its end without its layers, and names its images: for plans and checks.
///
/// # Errors
/// [`StreamError`] where it can't be read. Blocking.
pub fn look_through(mut stream: PackageStream, choice: &ImageChoice) -> Result<PackageImages, StreamError> {
    let mut package = Package::default();
    while let Some(step) = go_on(&choice.stop).then(|| stream.step()).transpose()?.flatten() {
        match step {
            Step::Images(_) | Step::Blob(_) => {}
            Step::Bundle(bundle) => package.bundles.push(bundle),
            Step::Broken(broken) => package.broken.push(broken),
            Step::End(end) => package.notes.extend(end.notes),
        }
    }
    Ok(package_images(&package, choice))
}

fn go_on(stop: &Stop) -> bool {
    !stop.is_requested()
}

#[cfg(test)]
mod tests;
