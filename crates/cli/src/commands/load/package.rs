//! The package of a load: one that is read at its offsets, or one that goes by.

use std::io;
use std::path::Path;
use std::sync::Arc;

use portolan_node::{Again, PassingPackage};
use portolan_package::stream::{PackageStream, StreamError, StreamOptions};
use portolan_package::{Package, PackageError};
use portolan_transfer::{ImageChoice, PackageImages, package_images};

use super::args::{Goal, Settings};
use crate::failure::{Exit, Failure};

/// What stands for standard input.
const STANDARD_INPUT: &str = "-";

/// A package that was begun to be read.
pub(super) enum Opened {
    /// Its images are known.
    Whole(PackageImages),
    /// It can be read front to back alone.
    Passing(Box<PassingPackage>),
}

/// Opens the package. Where nothing is to be written, one that goes by is read to its end without its layers.
///
/// Reading headers, and all of what is compressed, blocks; so it is done beside the runtime's own threads.
pub(super) async fn open(package: &Path, settings: &Settings) -> Result<Opened, Failure> {
    if settings.goal != Goal::Write && package == Path::new(STANDARD_INPUT) {
        return Err(read_once());
    }
    let (path, choice, goal) = (package.to_owned(), settings.choice.clone(), settings.goal);
    let opened = tokio::task::spawn_blocking(move || opened(&path, &choice, goal)).await;
    opened.map_err(|error| Failure::of(&error))?
}

fn opened(path: &Path, choice: &ImageChoice, goal: Goal) -> Result<Opened, Failure> {
    let stream = match whole(path)? {
        Some(package) => return Ok(Opened::Whole(package_images(&package, choice))),
        None => stream(path).map_err(|error| Failure::of(&error))?,
    };
    match goal {
        Goal::Write => Ok(Opened::Passing(Box::new(PassingPackage { stream, again: again(path) }))),
        Goal::ShowPlan | Goal::Check => {
            let images = portolan_node::look_through(stream, choice);
            images.map(Opened::Whole).map_err(|error| Failure::of(&error))
        }
    }
}

/// The package, where it can be read at its offsets.
fn whole(path: &Path) -> Result<Option<Package>, Failure> {
    if path == Path::new(STANDARD_INPUT) {
        return Ok(None);
    }
    match portolan_package::open(path) {
        Ok(package) => Ok(Some(package)),
        Err(PackageError::Compressed { .. }) => Ok(None),
        Err(error) => Err(Failure::of(&error)),
    }
}

fn stream(path: &Path) -> Result<PackageStream, StreamError> {
    let options = StreamOptions::default();
    match path == Path::new(STANDARD_INPUT) {
        true => PackageStream::new("standard input", io::stdin(), &options),
        false => PackageStream::open(path, &options),
    }
}

/// How to read the package once more, where it is a file.
fn again(path: &Path) -> Option<Again> {
    let path = path.to_owned();
    let is_file = path != Path::new(STANDARD_INPUT);
    is_file.then(|| Arc::new(move || PackageStream::open(&path, &StreamOptions::default())) as Again)
}

fn read_once() -> Failure {
    let message = "standard input can be read once, and a plan or check would read it without loading it";
    let failure = Failure { exit: Exit::Usage, ..Failure::failed(message) };
    failure.with_hint("give the package as a file")
}
