//! Pods that may pull nothing, on a real node whose images `load` brought.

use std::fs;
use std::path::PathBuf;
use std::process::Command;
use std::sync::Mutex;
use std::time::{Duration, Instant};

use portolan_oci::Digest;
use portolan_testkit::bundles::Bundle;
use portolan_testkit::charts::Chart;
use portolan_testkit::cluster::Cluster;
use portolan_testkit::images::Image;
use portolan_testkit::kubelet::Kubelet;
use portolan_testkit::runtimes::Release;
use tempfile::TempDir;

use crate::ended::{Ended, ended};
use crate::site::CLUSTER;

/// How long a pod may take. Generous: two cores, shared with a build.
const PATIENCE: Duration = Duration::from_secs(120);

/// A node, a namespace for its pods, and a package.
struct Site {
    cluster: &'static Cluster,
    node: Kubelet,
    namespace: &'static str,
    folder: TempDir,
    /// The digest by which the chart names its second image.
    pinned: Digest,
}

impl Site {
    fn start(namespace: &'static str, release: Release) -> Option<Self> {
        let cluster = CLUSTER.as_ref()?;
        let node = Kubelet::start(cluster, release)?;
        let by_tag = Image::busybox("docker.io/demo/by-tag:v1", "named by tag")?;
        // As the writer of bundles calls an image that a chart names by digest.
        let by_digest = Image::busybox("docker.io/demo/by-digest:i-was-a-digest", "named by digest")?;
        let pinned = by_digest.docker_digest();
        let chart = Chart::new("demo", "1.0.0")
            .image("image", "docker.io", "demo/by-tag", "v1")
            .values(&format!("pinned:\n  image: docker.io/demo/by-digest\n  digest: {pinned}\n"))
            .hint("{{ .pinned.image }}@{{ .pinned.digest }}");
        let folder = tempfile::tempdir().unwrap();
        let bundle = Bundle::new(&chart).images(&[by_tag, by_digest]).tar();
        fs::write(folder.path().join("demo.bundle.tar"), bundle).unwrap();
        cluster.namespace(namespace);
        Some(Self { cluster, node, namespace, folder, pinned })
    }

    fn load(&self) -> Ended {
        let mut command = Command::new(env!("CARGO_BIN_EXE_portolan"));
        command.env_clear().env("HOME", self.folder.path()).current_dir(self.folder.path());
        command.args(["load", "demo.bundle.tar", "--registry", "10.1.2.3", "--repository", "kpanda"]);
        command.arg("--address").arg(self.node.socket());
        ended(&mut command)
    }

    /// Has a pod of that image on the real node, which may pull nothing.
    fn pod(&self, name: &str, image: &str) {
        let namespace = self.namespace;
        self.cluster.apply(&format!(
            "apiVersion: v1\nkind: Pod\nmetadata: {{name: {name}, namespace: {namespace}}}\nspec:\n  \
             nodeName: {}\n  restartPolicy: Never\n  terminationGracePeriodSeconds: 0\n  containers:\n  \
             - {{name: only, image: '{image}', imagePullPolicy: Never}}\n",
            Kubelet::NODE
        ));
    }

    /// Waits until that part of the pod's state is as expected.
    fn wait_for(&self, pod: &str, part: &str, expected: &str) {
        let deadline = Instant::now() + PATIENCE;
        let object = || self.cluster.object(self.namespace, "pod", pod).unwrap();
        while object().pointer(part).is_none_or(|found| found != expected) {
            let late = Instant::now() > deadline;
            assert!(!late, "{pod} is not {expected}: {:#}\n{}", object()["status"], self.node.log());
            std::thread::sleep(Duration::from_millis(100));
        }
    }

    fn runs(&self, pod: &str, image: &str, says: &str) {
        self.pod(pod, image);
        self.wait_for(pod, "/status/phase", "Succeeded");
        assert_eq!(self.node.printed(self.namespace, pod).trim(), says);
    }
}

/// Where a pod's only container tells what it waits for.
const WAITS_FOR: &str = "/status/containerStatuses/0/state/waiting/reason";

fn pods_start_from_loaded_images(namespace: &'static str, release: Release) {
    let Some(site) = Site::start(namespace, release) else { return };
    site.pod("before", "10.1.2.3/kpanda/by-tag:v1");
    site.wait_for("before", WAITS_FOR, "ErrImageNeverPull");
    let loaded = site.load().expect(0);
    let by_digest = format!("10.1.2.3/kpanda/by-digest@{}", site.pinned);
    assert!(loaded.out.contains(&format!("loaded  {by_digest}")), "{}", loaded.out);
    site.runs("by-tag", "10.1.2.3/kpanda/by-tag:v1", "named by tag");
    site.runs("by-digest", &by_digest, "named by digest");
    // Once the image is there the kubelet finds it by itself.
    site.wait_for("before", "/status/phase", "Succeeded");
    site.pod("other", "10.1.2.3/kpanda/other:v1");
    site.wait_for("other", WAITS_FOR, "ErrImageNeverPull");
    site.cluster.kubectl(&["delete", "namespace", namespace, "--timeout=60s"]);
    let left: Vec<PathBuf> = site.node.groups();
    assert!(!left.is_empty());
    drop(site);
    assert!(left.iter().all(|group| !group.exists()), "{left:?}");
}

/// Held by whoever has a real node, since all of them have the same name.
pub(crate) static NODE_IN_USE: Mutex<()> = Mutex::new(());

#[test]
fn pods_start_from_images_that_were_loaded_by_tag_and_by_digest() {
    let _alone = NODE_IN_USE.lock();
    pods_start_from_loaded_images("pods-on-debians-containerd", Release::Debian);
    pods_start_from_loaded_images("pods-on-the-newest-containerd", Release::Newest);
}
