//! Nodes, packages, and loads of the one onto the others.

use std::path::PathBuf;
use std::process::Command;
use std::sync::Arc;

use portolan_node::ssh::{Endpoint, HostKeys, Login, SSH_PORT, Session};
use portolan_node::{
    Again, Asked, Fleet, LoadOptions, LoadOutcome, NodeResult, NodeTarget, Observer, Passed, PassingPackage,
    RemoteOptions, Silent, digests_of,
};
use portolan_package::stream::{PackageStream, StreamOptions};
use portolan_testkit::docker_archive::{Shape, docker_archive};
use portolan_testkit::images::Image;
use portolan_testkit::nodes::{Node, NodeOptions, PASSWORD};
use portolan_testkit::process::run;
use portolan_testkit::tarball::{Tarball, gzip};
use portolan_transfer::{ImageChoice, PackageImages, package_images};
use secrecy::SecretString;
use tempfile::TempDir;

/// Archives of images in a folder of their own.
pub(crate) struct Package(TempDir);

impl Package {
    pub(crate) fn of(images: &[Image]) -> Self {
        Self::of_archives(&[docker_archive(Shape::GoContainerRegistry, images)])
    }

    pub(crate) fn of_archives(archives: &[Vec<u8>]) -> Self {
        let folder = tempfile::tempdir().unwrap();
        for (number, archive) in archives.iter().enumerate() {
            std::fs::write(folder.path().join(format!("{number}.tar")), archive).unwrap();
        }
        Self(folder)
    }

    /// The same as one compressed file.
    pub(crate) fn gzip(&self) -> Vec<u8> {
        let files = std::fs::read_dir(self.0.path()).unwrap().map(|file| file.unwrap().path());
        let mut files: Vec<PathBuf> = files.collect();
        files.sort();
        let tar = files.iter().fold(Tarball::new(), |tar, file| {
            tar.file(file.file_name().unwrap().to_str().unwrap(), &std::fs::read(file).unwrap())
        });
        gzip(&tar.finish())
    }

    /// Its images, with the registry that relocation gives them.
    pub(crate) fn images(&self) -> PackageImages {
        package_images(&portolan_package::open(self.0.path()).unwrap(), &choice())
    }
}

/// All images, in a registry of that name.
fn choice() -> ImageChoice {
    let mut choice = ImageChoice::default();
    choice.rules.registry = Some("10.1.2.3".parse().unwrap());
    choice
}

/// A node, and how it is reached.
pub(crate) struct Reached {
    pub(crate) node: Node,
    pub(crate) user: &'static str,
    pub(crate) password: &'static str,
}

impl Reached {
    pub(crate) fn start(options: &NodeOptions) -> Option<Self> {
        Some(Self { node: Node::start(options)?, user: "root", password: PASSWORD })
    }

    fn login(&self) -> Login {
        let password = Some(SecretString::from(self.password.to_owned()));
        Login { user: self.user.to_owned(), password, keys: Vec::new(), agent: None }
    }

    /// What `ctr` prints on it.
    pub(crate) fn ctr(&self, words: &[&str]) -> String {
        printed(self.node.ctr().args(words))
    }

    /// What a container of an image says, on the node itself.
    pub(crate) async fn says(&self, keys: &Arc<HostKeys>, image: &str) -> String {
        let endpoint = Endpoint::new(&self.node.address().to_string(), SSH_PORT);
        let session = Session::open(&endpoint, &self.login(), keys).await.unwrap();
        let command = format!("ctr -n k8s.io run --rm {image} says");
        let ended = session.start(&command).await.unwrap().ended().await.unwrap();
        assert!(ended.is_good(), "{ended:?}");
        ended.text().trim().to_owned()
    }
}

pub(crate) fn printed(command: &mut Command) -> String {
    String::from_utf8(run(command)).unwrap()
}

/// A file that knows all these nodes.
pub(crate) struct KnownHosts(TempDir);

impl KnownHosts {
    pub(crate) fn of<'a>(nodes: impl IntoIterator<Item = &'a Node>) -> Self {
        let folder = tempfile::tempdir().unwrap();
        let lines: String = nodes.into_iter().map(Node::known_hosts_line).collect();
        std::fs::write(folder.path().join("known_hosts"), lines).unwrap();
        Self(folder)
    }

    pub(crate) fn path(&self) -> PathBuf {
        self.0.path().join("known_hosts")
    }

    pub(crate) fn keys(&self) -> Arc<HostKeys> {
        Arc::new(HostKeys::known_by(vec![self.path()]))
    }
}

/// The nodes as a fleet; `a`, `b`, … by name.
pub(crate) fn fleet(nodes: &[&Reached], known: &KnownHosts, package: &PackageImages) -> Fleet {
    let target = |(number, node): (usize, &&Reached)| NodeTarget {
        name: char::from(b'a' + u8::try_from(number).unwrap()).to_string(),
        endpoint: Endpoint::new(&node.node.address().to_string(), SSH_PORT),
        login: node.login(),
    };
    let remote = RemoteOptions {
        runtime: None,
        namespace: "k8s.io".to_owned(),
        socket: None,
        snapshotter: None,
        expected: Arc::new(digests_of(package)),
    };
    Fleet {
        nodes: nodes.iter().enumerate().map(target).collect(),
        host_keys: known.keys(),
        remote,
        at_once: 10,
    }
}

/// Asks and loads.
pub(crate) async fn load(nodes: &[&Reached], package: &Package) -> Vec<NodeResult> {
    let known = KnownHosts::of(nodes.iter().map(|node| &node.node));
    load_with(nodes, &known, package, &LoadOptions::default(), &Silent).await
}

pub(crate) async fn load_with(
    nodes: &[&Reached],
    known: &KnownHosts,
    package: &Package,
    options: &LoadOptions,
    observer: &dyn Observer,
) -> Vec<NodeResult> {
    let images = package.images();
    let fleet = fleet(nodes, known, &images);
    let asked: Vec<Asked> = fleet.ask(&images, options, observer).await;
    fleet.load(asked, options, observer).await
}

/// Whether a package that goes by can be read once more.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Comes {
    Once,
    AsFile,
}

/// Loads a package while it goes by.
pub(crate) async fn pass(
    nodes: &[&Reached],
    package: &[u8],
    comes: Comes,
    observer: &dyn Observer,
) -> Passed {
    let known = KnownHosts::of(nodes.iter().map(|node| &node.node));
    pass_onto(&fleet(nodes, &known, &PackageImages::default()), package, comes, observer).await
}

/// The same onto nodes that are known already.
pub(crate) async fn pass_onto(
    fleet: &Fleet,
    package: &[u8],
    comes: Comes,
    observer: &dyn Observer,
) -> Passed {
    let bytes = package.to_vec();
    let again: Again = Arc::new(move || {
        PackageStream::new("package.tar.gz", std::io::Cursor::new(bytes.clone()), &StreamOptions::default())
    });
    let stream = again().unwrap();
    let package = PassingPackage { stream, again: (comes == Comes::AsFile).then_some(again) };
    fleet.load_passing(package, &choice(), &LoadOptions::default(), None, observer).await.unwrap()
}

/// What became of each image.
pub(crate) fn outcomes(result: &NodeResult) -> Vec<LoadOutcome> {
    result.images.iter().map(|image| image.action).collect()
}

/// What ended the work on a node.
pub(crate) fn failure(result: &NodeResult) -> &str {
    &result.failure.as_ref().unwrap_or_else(|| panic!("that was to fail: {result:?}")).error
}
