//! What a run reads its package from: files that can be read at an offset, or bytes that go by.

use std::fs::{self, File};
use std::io::{self, Read};
use std::os::fd::AsFd;
use std::path::Path;
use std::sync::Arc;

use portolan_oci::{Digest, Hasher};
use portolan_package::{Package, PackageError};
use portolan_registry::Stop;
use portolan_transfer::import::PassingPackage;

use crate::config::{PackageSettings, Settings};
use crate::failure::{Exit, Failure};
use crate::output::Console;

/// What stands for standard input.
pub(super) const STANDARD_INPUT: &str = "-";

/// How much of a file is hashed at once, in bytes.
const PIECE: usize = 1 << 20;

/// A package that was opened.
pub(super) enum Opened {
    /// Its headers are known, and the rest is read where it lies.
    Seekable(Arc<Package>),
    /// It is read once, front to back.
    Passing(PassingPackage),
}

/// Why a package can't be held to its checksum.
#[derive(Debug, thiserror::Error)]
enum ChecksumError {
    #[error(
        "{package} has the checksum {found} in place of {expected}: it was damaged on its way, or is another one"
    )]
    Differs { package: String, expected: Digest, found: Digest },
    #[error("{package} is a folder, and a checksum is of one file")]
    Folder { package: String },
    #[error("cannot read {package} for its checksum")]
    Read {
        package: String,
        #[source]
        source: io::Error,
    },
}

/// Opens the package. One that can be read anywhere is held to its checksum here, before anything is written;
/// one that goes by, while it does.
pub(super) async fn open(settings: &Settings, console: &Console) -> Result<Opened, Failure> {
    let PackageSettings { path, checksum, .. } = settings.package.clone();
    if let Some(passing) = unseekable(&path).map_err(|error| refused(settings, &error))? {
        return Ok(Opened::Passing(held_to(passing, checksum)));
    }
    let (opened, stop) = (path.clone(), settings.sync.stop.clone());
    // Reading headers blocks, so it is done beside the runtime's own threads.
    let package = blocking(move || portolan_package::open(&opened)).await?;
    let package = match package {
        Ok(package) => Arc::new(package),
        Err(PackageError::Compressed { .. }) => {
            let passing = PassingPackage::file(&path).map_err(|error| refused(settings, &error))?;
            return Ok(Opened::Passing(held_to(passing, checksum)));
        }
        Err(error) => return Err(refused(settings, &error)),
    };
    if let Some(expected) = checksum {
        console.say(&format!("Deriving the checksum of {}", path.display()));
        blocking(move || check(&path, &expected, &stop)).await??;
    }
    Ok(Opened::Seekable(package))
}

async fn blocking<T: Send + 'static>(work: impl FnOnce() -> T + Send + 'static) -> Result<T, Failure> {
    tokio::task::spawn_blocking(work).await.map_err(|error| Failure::of(&error))
}

/// Standard input, and pipes that have a name.
fn unseekable(path: &Path) -> io::Result<Option<PassingPackage>> {
    if path == Path::new(STANDARD_INPUT) {
        // Without a buffer of its own, which would only be one copy more.
        let input = File::from(io::stdin().as_fd().try_clone_to_owned()?);
        return Ok(Some(PassingPackage::once("standard input", input)));
    }
    // Whatever else is wrong with the path is told when it is opened as a package.
    let Ok(metadata) = fs::metadata(path) else { return Ok(None) };
    if metadata.is_file() || metadata.is_dir() {
        return Ok(None);
    }
    Ok(Some(PassingPackage::once(&path.display().to_string(), File::open(path)?)))
}

fn held_to(package: PassingPackage, checksum: Option<Digest>) -> PassingPackage {
    match checksum {
        Some(checksum) => package.with_checksum(checksum),
        None => package,
    }
}

fn check(path: &Path, expected: &Digest, stop: &Stop) -> Result<(), Failure> {
    let package = path.display().to_string();
    if path.is_dir() {
        return Err(Failure::usage(&ChecksumError::Folder { package }));
    }
    let found = match derive(path, expected, stop) {
        Ok(Some(found)) => found,
        Ok(None) => return Err(Failure::interrupted()),
        Err(source) => return Err(Failure::of(&ChecksumError::Read { package, source })),
    };
    match found == *expected {
        true => Ok(()),
        false => Err(Failure::of(&ChecksumError::Differs { package, expected: expected.clone(), found })),
    }
}

/// The file's digest by the algorithm of `like`; nothing where the run was interrupted.
fn derive(path: &Path, like: &Digest, stop: &Stop) -> io::Result<Option<Digest>> {
    let mut file = File::open(path)?;
    let (mut hasher, mut piece) = (Hasher::new(like.algorithm()), vec![0; PIECE]);
    while !stop.is_requested() {
        match file.read(&mut piece)? {
            0 => return Ok(Some(hasher.finish())),
            read => hasher.update(&piece[..read]),
        }
    }
    Ok(None)
}

/// What keeps the package from being opened, with where it is named.
pub(super) fn refused(settings: &Settings, error: &(dyn std::error::Error + 'static)) -> Failure {
    let named_by = &settings.package.named_by;
    Failure::of(error)
        .with_hint(format!("{named_by} names the package; a relative path counts from the working directory"))
}

/// Refuses that two flags want standard input, which can be read once.
pub(super) fn read_standard_input_once(files: &[(&str, Option<&Path>)]) -> Result<(), Failure> {
    let mut wanting = files.iter().filter(|(_, file)| *file == Some(Path::new(STANDARD_INPUT)));
    match (wanting.next(), wanting.next()) {
        (Some((first, _)), Some((second, _))) => {
            let message = format!("standard input can be read once, and {first} and {second} both want it");
            Err(Failure { exit: Exit::Usage, ..Failure::failed(message) })
        }
        _ => Ok(()),
    }
}
