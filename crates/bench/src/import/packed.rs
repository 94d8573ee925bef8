//! An add-on package on disk: bundles in a folder that names their chart repository, and the `.tar.gz` of it as
//! `tar` and `gzip` write it.

use std::fs::{self, File};
use std::path::{Path, PathBuf};
use std::process::{Command, Stdio};

use crate::Outcome;
use crate::material::{self, Architecture, Package, Shape};

/// The folder in the package.
const FOLDER: &str = "addon";

/// A package, loose and packed.
pub(crate) struct Packed {
    /// The bundles.
    pub(crate) package: Package,
    /// The folder that holds `addon`.
    pub(crate) folder: PathBuf,
    /// The `.tar.gz`.
    pub(crate) file: PathBuf,
    /// Its size in bytes.
    pub(crate) bytes: u64,
}

impl Packed {
    /// Makes a package below `work`, and packs it.
    pub(crate) fn make(work: &Path, shape: Shape, architecture: Architecture) -> Outcome<Self> {
        let mut packed = Self::loose(work, shape, architecture)?;
        pack(&packed.folder, &packed.file)?;
        packed.bytes = fs::metadata(&packed.file)?.len();
        Ok(packed)
    }

    /// Makes the bundles alone.
    pub(crate) fn loose(work: &Path, shape: Shape, architecture: Architecture) -> Outcome<Self> {
        let name = architecture.name();
        let home = work.join(name);
        let mut package = material::make(&home, shape.on(architecture))?;
        let folder = home.join("folder");
        fs::create_dir(&folder)?;
        let bundles = folder.join(FOLDER);
        fs::rename(&package.folder, &bundles)?;
        for blob in &mut package.blobs {
            let file = blob.file.file_name().ok_or("a blob lies in a bundle")?;
            blob.file = bundles.join(file);
        }
        package.folder = bundles;
        let file = work.join(format!("addon-offline-full-package-v0.12.0-{name}.tar.gz"));
        Ok(Self { package, folder, file, bytes: 0 })
    }
}

fn pack(folder: &Path, file: &Path) -> Outcome<()> {
    let mut tar = Command::new("tar")
        .arg("-C")
        .arg(folder)
        .args(["-cf", "-", FOLDER])
        .stdout(Stdio::piped())
        .spawn()?;
    let tarred = tar.stdout.take().ok_or("tar has an output")?;
    let gzip = Command::new("gzip").arg("-c").stdin(tarred).stdout(File::create(file)?).status()?;
    if !gzip.success() || !tar.wait()?.success() {
        return Err("the package could not be packed".into());
    }
    Ok(())
}
