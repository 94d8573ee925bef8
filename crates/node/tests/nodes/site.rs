//! Packages, and loads of them, as the tests do them.

use std::{
    io::Write,
    path::{Path, PathBuf},
    process::Command,
    sync::Arc,
};

use flate2::{Compression, write::GzEncoder};
use portolan_node::{
    Again, Containerd, ContainerdOptions, KUBERNETES, LoadOptions, LoadOutcome, NodePlan, NodeResult,
    Passage, PassingError, PassingPackage, Runtime, Silent, all_names, execute, load_passing, plan,
};
use portolan_oci::Platform;
use portolan_package::stream::{PackageStream, StreamError, StreamOptions};
use portolan_testkit::{
    docker_archive::{Shape, docker_archive},
    images::Image,
    process::run,
    runtimes::{Containerd as Node, ContainerdSetup, Release},
};
use portolan_transfer::{ImageChoice, PackageImages, package_images};
use tempfile::TempDir;

/// Every containerd that is tried.
pub(crate) const RELEASES: [Release; 2] = [Release::Debian, Release::Newest];

/// One that answers nobody else. `None` where it is missing.
pub(crate) fn started(release: Release) -> Option<Node> {
    Node::start_as(&ContainerdSetup { release, ..ContainerdSetup::default() })
}

/// A package in a folder of its own.
pub(crate) struct Package {
    folder: TempDir,
}

impl Package {
    /// An archive of these images in that shape.
    pub(crate) fn of(shape: Shape, images: &[Image]) -> Self {
        Self::of_bytes(&docker_archive(shape, images))
    }

    /// This archive.
    pub(crate) fn of_bytes(archive: &[u8]) -> Self {
        let folder = tempfile::tempdir().unwrap();
        std::fs::write(folder.path().join("images.tar"), archive).unwrap();
        Self { folder }
    }

    pub(crate) fn path(&self) -> PathBuf {
        self.folder.path().join("images.tar")
    }

    /// The same, compressed, as it goes by.
    pub(crate) fn gzip(&self) -> Vec<u8> {
        let mut encoder = GzEncoder::new(Vec::new(), Compression::fast());
        encoder.write_all(&std::fs::read(self.path()).unwrap()).unwrap();
        encoder.finish().unwrap()
    }

    /// Its images, with the registry that relocation gives them.
    pub(crate) fn images(&self) -> PackageImages {
        let package = portolan_package::open(&self.path()).unwrap();
        package_images(&package, &choice())
    }
}

/// All images, in the registry that relocation puts them in.
fn choice() -> ImageChoice {
    let mut choice = ImageChoice::default();
    choice.rules.registry = Some("10.1.2.3".parse().unwrap());
    choice
}

/// What came of a package that went by, onto one node.
#[derive(Debug)]
pub(crate) struct Passed {
    pub(crate) node: NodeResult,
}

/// Loads a package that goes by, once, as on standard input.
pub(crate) async fn pass(
    package: &[u8],
    runtime: &dyn Runtime,
    options: &LoadOptions,
) -> Result<Passed, PassingError> {
    passed(PassingPackage { stream: stream(package)?, again: None }, runtime, options).await
}

/// Loads a compressed file.
pub(crate) async fn pass_again(
    package: &[u8],
    runtime: &dyn Runtime,
    options: &LoadOptions,
) -> Result<Passed, PassingError> {
    let bytes = package.to_vec();
    let again: Again = Arc::new(move || stream(&bytes));
    passed(PassingPackage { stream: stream(package)?, again: Some(again) }, runtime, options).await
}

async fn passed(
    package: PassingPackage,
    runtime: &dyn Runtime,
    options: &LoadOptions,
) -> Result<Passed, PassingError> {
    let passage = Passage { node: "here", runtime, options, left: None, observer: &Silent };
    let mut passed = load_passing(package, &choice(), passage).await?;
    Ok(Passed { node: passed.nodes.remove(0) })
}

fn stream(package: &[u8]) -> Result<PackageStream, StreamError> {
    let input = std::io::Cursor::new(package.to_vec());
    PackageStream::new("package.tar.gz", input, &StreamOptions::default())
}

/// A client of the containerd at that socket, in the kubelets' namespace.
pub(crate) async fn containerd(socket: &Path) -> Containerd {
    let options =
        ContainerdOptions { socket: socket.to_owned(), namespace: KUBERNETES.to_owned(), snapshotter: None };
    Containerd::connect(options).await.unwrap()
}

/// What is to be done for a package on a runtime.
pub(crate) async fn planned(
    package: &PackageImages,
    runtime: &dyn Runtime,
    options: &LoadOptions,
) -> NodePlan {
    let survey = runtime.survey(&all_names(package, options)).await.unwrap();
    plan(("here", &runtime.address()), package, survey, options)
}

/// Plans and carries out.
pub(crate) async fn load(package: &Package, runtime: &dyn Runtime, options: &LoadOptions) -> NodeResult {
    let plan = planned(&package.images(), runtime, options).await;
    execute(&plan, runtime, options, &Silent).await
}

/// What became of each image.
pub(crate) fn outcomes(result: &NodeResult) -> Vec<LoadOutcome> {
    result.images.iter().map(|image| image.action).collect()
}

pub(crate) fn linux(architecture: &str) -> Platform {
    Platform::new("linux", architecture)
}

/// What a program prints.
pub(crate) fn printed(command: &mut Command, arguments: &[&str]) -> String {
    String::from_utf8(run(command.args(arguments))).unwrap()
}

/// What `ctr` prints about the kubelets' namespace.
pub(crate) fn ctr(containerd: &Node, arguments: &[&str]) -> String {
    printed(containerd.command().args(["--namespace", KUBERNETES]), arguments)
}
