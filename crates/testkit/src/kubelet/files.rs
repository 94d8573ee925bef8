//! The files of a real node: the configurations of its two daemons, the network of its pods, and the image
//! that every pod begins with.

use std::fs;
use std::path::Path;

use serde_json::json;

use crate::components;
use crate::docker_archive::{Shape, docker_archive};
use crate::images::{Image, Layer, config, this_machine};
use crate::ports;
use crate::runtimes::Release;
use crate::tarball::Tarball;

/// What holds a pod's namespaces while its containers come and go.
const PAUSE: &str = "pause.test.example/pause:1";

/// Writes them all into `folder`. `None` where a program is missing.
pub(super) fn write(folder: &Path, group: &str, release: Release, client_ca: &Path) -> Option<()> {
    let put =
        |name: &str, bytes: &[u8]| fs::write(folder.join(name), bytes).expect("the folder takes a file");
    // A program of these plugins that no other package has.
    let plugins = components::CNI.require()?;
    let plugins = plugins.parent().expect("because it is a file in a folder");
    fs::create_dir(folder.join("network")).expect("the folder takes a folder");
    put("network/pods.conflist", network(folder).as_bytes());
    put("pause.tar", &docker_archive(Shape::GoContainerRegistry, &[pause()?]));
    put("containerd.toml", containerd(folder, plugins, release).as_bytes());
    put("kubelet.yaml", kubelet(folder, group, client_ca).as_bytes());
    put("start.sh", include_bytes!("start.sh"));
    Some(())
}

/// busybox, asleep.
fn pause() -> Option<Image> {
    let program = fs::read(components::BUSYBOX.require()?).expect("busybox can be read");
    let layers = vec![Layer::new(Tarball::new().program("busybox", &program).finish())];
    let diff_ids: Vec<_> = layers.iter().map(Layer::diff_id).collect();
    let config = config(&this_machine(), &diff_ids, &["/busybox", "sleep", "2147483647"]);
    Some(Image { name: PAUSE.to_owned(), config, layers })
}

/// A bridge, in a network where nobody else is.
fn network(folder: &Path) -> String {
    let addresses =
        json!({"type": "host-local", "dataDir": folder.join("addresses"), "subnet": "10.244.0.0/24"});
    let bridge = json!({"type": "bridge", "bridge": "pods", "isGateway": true, "ipam": addresses});
    json!({"cniVersion": "0.4.0", "name": "pods", "plugins": [bridge]}).to_string()
}

fn containerd(folder: &Path, plugins: &Path, release: Release) -> String {
    let (folder, plugins) = (folder.display(), plugins.display());
    let common = "restrict_oom_score_adj = true\nnetns_mounts_under_state_dir = true\n";
    let (version, cri) = match release {
        Release::Debian => (
            2,
            format!(
                "[plugins.\"io.containerd.grpc.v1.cri\"]\nsandbox_image = \"{PAUSE}\"\n{common}\
                 [plugins.\"io.containerd.grpc.v1.cri\".cni]\nbin_dir = \"{plugins}\"\nconf_dir = \"{folder}/network\"\n"
            ),
        ),
        Release::Newest => (
            3,
            format!(
                "[plugins.\"io.containerd.cri.v1.images\".pinned_images]\nsandbox = \"{PAUSE}\"\n\
                 [plugins.\"io.containerd.cri.v1.runtime\"]\n{common}\
                 [plugins.\"io.containerd.cri.v1.runtime\".cni]\nbin_dirs = [\"{plugins}\"]\nconf_dir = \"{folder}/network\"\n"
            ),
        ),
    };
    format!(
        "version = {version}\nroot = \"{folder}/root\"\nstate = \"{folder}/state\"\n\
         [grpc]\naddress = \"{folder}/socket\"\n[ttrpc]\naddress = \"{folder}/ttrpc\"\n{cri}"
    )
}

/// A kubelet that listens on loopback for the API server alone, leaves the machine's firewall alone, and never makes
/// room.
fn kubelet(folder: &Path, group: &str, client_ca: &Path) -> String {
    let at = |name: &str| folder.join(name).display().to_string();
    let eviction = ["memory.available", "nodefs.available", "nodefs.inodesFree", "imagefs.available"];
    let never: serde_json::Map<_, _> =
        eviction.into_iter().map(|signal| (signal.to_owned(), json!("0%"))).collect();
    let configuration = json!({
        "apiVersion": "kubelet.config.k8s.io/v1beta1",
        "kind": "KubeletConfiguration",
        "containerRuntimeEndpoint": format!("unix://{}", at("socket")),
        "podLogsDir": at("logs"),
        "volumePluginDir": at("plugins"),
        "resolvConf": "",
        "failCgroupV1": false,
        "cgroupDriver": "cgroupfs",
        "cgroupRoot": format!("/{group}"),
        "enforceNodeAllocatable": [],
        "failSwapOn": false,
        // A pod that waits for its image looks again that often.
        "syncFrequency": "2s",
        "evictionHard": never,
        "imageGCHighThresholdPercent": 100,
        "makeIPTablesUtilChains": false,
        "address": "127.0.0.1",
        "port": ports::free(),
        "healthzPort": 0,
        // Whoever may ask it may run programs in its pods.
        "authentication": {
            "anonymous": {"enabled": false},
            "webhook": {"enabled": false},
            "x509": {"clientCAFile": client_ca},
        },
        "authorization": {"mode": "AlwaysAllow"},
        // Pods of other tests find no place here.
        "registerWithTaints": [{"key": "test.example/real", "effect": "NoSchedule"}],
    });
    configuration.to_string()
}
