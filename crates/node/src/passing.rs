//! A package that can only be read front to back, onto one node: nothing of it is ever laid down.
//!
//! ```text
//! reader (a thread) ──blobs──▶ Runtime::keep ──▶ ledger     which blob has which digest, or why it is not there
//!        │                                        ▼
//!        └──bundle whole──▶ names, survey, plan ──▶ carry ──▶ lines of the report
//! ```
//!
//! Which image a blob belongs to shows only at the end of its archive. containerd takes blobs before that,
//! under the lease of the run. Docker takes whole images alone, in archives: a file is read twice, first to learn
//! what is to be sent; what comes once is sent as a whole, since only its end tells what it was.

mod archives;
mod ledger;
mod pass;
mod reader;

use portolan_package::{
    Package,
    stream::{PackageStream, Step, StreamError},
};
use portolan_registry::Stop;
use portolan_transfer::{BrokenBundle, ImageChoice, PackageImages, package_images};

use crate::{
    error::RuntimeError,
    event::{Event, Observer},
    options::LoadOptions,
    report::NodeResult,
    runtime::{Runtime, Takes},
};

/// What came of a package that went by.
#[derive(Debug)]
pub struct Passed {
    /// The node.
    pub node: NodeResult,
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

/// What a package is loaded with.
#[derive(Clone, Copy)]
pub struct Passage<'a> {
    /// How the node is called.
    pub node: &'a str,
    /// Its runtime.
    pub runtime: &'a dyn Runtime,
    /// Which images, under which names.
    pub choice: &'a ImageChoice,
    /// How.
    pub options: &'a LoadOptions,
    /// Who is told.
    pub observer: &'a dyn Observer,
    /// Begins to read the package once more, where it is a file.
    pub again: Option<&'a (dyn Fn() -> Result<PackageStream, StreamError> + Sync)>,
}

/// Loads a package while it goes by.
///
/// # Errors
/// [`PassingError`] where the node can't be asked, or the package breaks off before any image was whole. What
/// breaks off later is a line of [`Passed::broken`].
pub async fn load_passing(stream: PackageStream, passage: Passage<'_>) -> Result<Passed, PassingError> {
    // Asked first: whoever names the wrong node need not wait for the package.
    let survey = passage.runtime.survey(&[]).await?;
    passage.observer.event(Event::Started { node: passage.node, bytes: 0 });
    let mut passed = match passage.runtime.takes() {
        Takes::Blobs => pass::run(stream, passage, survey).await?,
        Takes::Archives => archives::run(stream, passage, survey).await?,
    };
    passed.node.notes.extend(passage.runtime.finish().await);
    passage.observer.event(Event::NodeFinished { result: &passed.node });
    Ok(passed)
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
