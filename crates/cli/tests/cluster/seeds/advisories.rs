//! The known issues of kpanda, each before and after on a cluster: what an upgrade by hand leaves there, and what
//! Portolan does. (That a password of Redis is added is part of the seeds' procedure.)

use std::collections::BTreeSet;
use std::fs;

use portolan_testkit::charts::Chart;
use portolan_testkit::cluster::Node;
use portolan_testkit::components::{HELM_3, HELM_4};
use serde_json::Value;

use super::STUCK;
use super::modules::KPANDA;
use super::site::Seed;

/// The chart's defaults as a page wrote them into the overrides: all of them, with the project in each repository.
fn page_written(seed: &Seed, version: &str) -> String {
    let values = seed.chart(version).files()["values.yaml"].clone();
    let values = String::from_utf8(values).unwrap();
    let line = |line: &str| match line.trim_start().strip_prefix("repository: ") {
        Some(name) => {
            let indent = &line[..line.len() - line.trim_start().len()];
            format!("{indent}repository: release.daocloud.io/kpanda/{}\n", name.rsplit('/').next().unwrap())
        }
        None => format!("{line}\n"),
    };
    let values: String = values.lines().map(line).collect();
    let values = values.replace("imageRegistry: ''", "imageRegistry: HOST/release.daocloud.io");
    // Of sub-charts, where the images came from.
    values
        .replace(
            "clusterpedia:\n",
            "clusterpedia:\n  apiserver: {image: {repository: release.daocloud.io/clusterpedia/apiserver}}\n",
        )
        .replace(
            "cloudtty:\n",
            "cloudtty:\n  cloudshellImage: {repository: release.daocloud.io/cloudtty/cloudshell}\n",
        )
}

/// Every text in what stands that names an image of the depot.
fn images(seed: &Seed) -> BTreeSet<String> {
    fn collect(value: &Value, host: &str, found: &mut BTreeSet<String>) {
        match value {
            Value::String(text) if text.starts_with(host) && !text.contains('\n') => {
                found.insert(text.clone());
            }
            Value::Array(items) => items.iter().for_each(|item| collect(item, host, found)),
            Value::Object(map) => map.values().for_each(|item| collect(item, host, found)),
            _ => {}
        }
    }
    let mut found = BTreeSet::new();
    for (_, object) in seed.stands() {
        collect(&object, &format!("{}/", seed.depot.host()), &mut found);
    }
    found
}

/// Seed 003, "Upgrade to v0.25.1 but < v0.29.0".
#[test]
fn repositories_that_carry_a_project() {
    let Some(seed) = Seed::start("seed-3-images", &HELM_3, KPANDA, "kpanda") else { return };
    seed.sync(&["0.24.1", "0.25.1"]);
    seed.install("0.24.1", &page_written(&seed, "0.24.1"));
    let held = |version: &str| seed.image_names(version).into_iter().collect::<BTreeSet<_>>();
    let is_twice = |image: &String| image.contains("/release.daocloud.io/release.daocloud.io/");
    assert!(!images(&seed).iter().any(is_twice), "{:?}", images(&seed));

    // Before: by hand, with the overrides as they are.
    seed.by_hand(
        "helm repo add kpanda http://HOST/chartrepo/release.daocloud.io --username admin --password Harbor12345
        helm get values RELEASE -n NAMESPACE -o yaml > bak.yaml
        helm upgrade RELEASE kpanda/kpanda -n NAMESPACE -f bak.yaml --version 0.25.1",
    );
    let twice = format!(
        "{}/release.daocloud.io/release.daocloud.io/kpanda/kpanda-apiserver:v0.24.1",
        seed.depot.host()
    );
    assert!(images(&seed).contains(&twice), "{:?}", images(&seed));
    assert!(images(&seed).is_disjoint(&held("0.25.1")), "{:?}", images(&seed));
    seed.by_hand("helm rollback RELEASE 1 -n NAMESPACE --wait");

    // After.
    let listed = seed.walk("releases -n NAMESPACE", 0);
    assert!(listed.contains("0.25.1 in kpanda  advisories: kpanda-image-repositories\n"), "{listed}");
    let line = "upgrade RELEASE -n NAMESPACE -c load-image.yaml";
    let unseen = seed.portolan(&format!("{line} --drop-frozen --skip-image-check")).expect(1);
    assert!(unseen.err.contains("advisory kpanda-image-repositories: Repositories of images"), "{unseen:?}");
    let kept = seed.portolan(&format!("{line} --keep-frozen --dry-run")).expect(0).out;
    assert!(
        kept.contains("global.kpanda.imageTag holds the tag v0.24.1, where the new chart has v0.25.1"),
        "{kept}"
    );
    let done = seed.portolan(&format!("{line} --drop-frozen")).expect(0);
    assert!(done.err.contains("images are there, for every node"), "{}", done.err);
    let now = images(&seed);
    assert!(now.is_subset(&held("0.25.1")), "{now:?}");
    let own = format!("{}/release.daocloud.io/kpanda/kpanda-apiserver:v0.25.1", seed.depot.host());
    assert!(now.contains(&own) && now.len() > 8, "{now:?}");
    let values = seed.by_hand("helm get values RELEASE -n NAMESPACE -o yaml");
    let repositories = values.lines().filter_map(|line| line.trim().strip_prefix("repository: "));
    let repositories: Vec<&str> = repositories.collect();
    assert!(repositories.len() > 8, "{values}");
    for repository in repositories {
        assert_eq!(repository.split('/').count(), 2, "{values}");
    }
}

const TRAIN: &str = "\
apiVersion: apps/v1
kind: Deployment
metadata: {name: NAME, namespace: SPACE}
spec:
  selector: {matchLabels: {app: NAME}}
  template:
    metadata: {labels: {app: NAME}}
    spec: {containers: [{name: c, image: r.test.example/train:1, resources: {limits: {RESOURCE: 1}}}]}
";

/// Makes something that uses a GPU, and waits until it runs.
fn uses_gpu(seed: &Seed, name: &str, resource: &str) {
    let words = [("NAME", name), ("SPACE", seed.namespace), ("RESOURCE", resource)];
    let text = words.iter().fold(TRAIN.to_owned(), |text, (word, value)| text.replace(word, value));
    seed.site.cluster.apply(&text);
    let wait = ["-n", seed.namespace, "rollout", "status", &format!("deployment/{name}"), "--timeout=60s"];
    seed.site.cluster.kubectl(&wait);
}

fn mode(seed: &Seed) -> Option<String> {
    let node = seed.site.cluster.object("", "node", "gpu-1").unwrap();
    node["metadata"]["labels"]["gpu.node.kpanda.io/nvidia-gpu-mode"].as_str().map(str::to_owned)
}

/// Seed 003, "Upgrade to v0.29.0 or Higher": both ways, and no way past it unseen. The nodes are the cluster's,
/// so this is one test.
#[test]
fn nodes_in_mig_mode() {
    let Some(seed) = Seed::start("seed-3-gpu", &HELM_4, KPANDA, "kpanda") else { return };
    seed.sync(&["0.28.3", "0.29.0"]);
    seed.install("0.28.3", "global: {imageRegistry: HOST}\n");
    let line = "upgrade RELEASE -n NAMESPACE -c load-image.yaml --keep-frozen";
    let none = seed.portolan(&format!("{line} --dry-run")).expect(0);
    assert!(!none.out.contains("kpanda-gpu-mig"), "no node is in MIG mode: {}", none.out);

    let mig = Node::new("gpu-1", "amd64").label("nvidia.com/mig.capable", "true");
    let mig = mig.label("nvidia.com/mig.config", "all-1g.5gb").label("nvidia.com/mig.strategy", "mixed");
    let whole =
        Node::new("gpu-2", "amd64").label("nvidia.com/mig.capable", "false").devices("nvidia.com/gpu", 2);
    seed.site.cluster.add_nodes(&[mig.devices("nvidia.com/mig-1g.5gb", 7), whole]);
    let operator = "apiVersion: v1\nkind: ConfigMap\nmetadata: {name: gpu-operator}\n";
    let operator = Chart::new("gpu-operator", "v23.9.0").file("templates/all.yaml", operator);
    fs::write(seed.site.path("gpu-operator.tgz"), operator.archive()).unwrap();
    seed.by_hand("helm install gpu-operator gpu-operator.tgz -n NAMESPACE");
    uses_gpu(&seed, "train", "nvidia.com/mig-1g.5gb");

    never_unseen(&seed, line);
    labels_that_stay(&seed, line);
    without_disruption(&seed, line);
    step_by_step(&seed, line);
}

/// Without an answer nothing is changed, and what is in use is not stopped.
fn never_unseen(seed: &Seed, line: &str) {
    let listed =
        seed.portolan("advisories list --module kpanda --from 0.28.3 --to 0.29.0 --lang zh").expect(0);
    assert!(listed.out.contains("处于 GPU MIG 模式的节点会被切换为整卡模式"), "{}", listed.out);
    seed.walk("advisories show kpanda-gpu-mig", 0);
    for line in [format!("{line} --yes"), format!("{line} --dry-run")] {
        let asked = seed.portolan(&line).expect(1);
        assert!(asked.out.contains("--answer 'kpanda-gpu-mig=label'"), "{}", asked.out);
        assert!(
            asked.out.contains("nothing stops, and gpu-operator follows after it (recommended)"),
            "{}",
            asked.out
        );
        assert!(!asked.out.contains("kpanda-gpu-mig=stop"), "{}", asked.out);
        assert!(asked.err.contains("advisory kpanda-gpu-mig: Nodes in GPU MIG mode"), "{}", asked.err);
    }
    let chinese = seed.portolan(&format!("{line} --lang zh")).expect(1);
    assert!(
        chinese.out.contains("升级前为节点打标签；业务不中断，升级后再升级 gpu-operator"),
        "{}",
        chinese.out
    );
    let stopped = seed.portolan(&format!("{line} --answer kpanda-gpu-mig=stop")).expect(1);
    assert!(stopped.out.contains("stop is none of the answers"), "{}", stopped.out);
    assert_eq!(mode(seed), None);
    assert!(seed.portolan("releases -n NAMESPACE").expect(0).out.contains("kpanda 0.28.3"));
}

/// An upgrade that fails leaves the labels, and says so; nothing is asked for after it then.
fn labels_that_stay(seed: &Seed, line: &str) {
    seed.chart("0.29.0").file("templates/stuck.yaml", STUCK).write(&seed.site.path("stuck"));
    let line = format!("{line} --answer kpanda-gpu-mig=label --chart stuck --skip-image-check --timeout 8s");
    let failed = seed.portolan(&line).expect(1);
    assert!(
        failed.out.starts_with("failed to upgrade kpanda to 0.29.0; it is back at 0.28.3"),
        "{}",
        failed.out
    );
    assert!(failed.out.contains("\n  labels stay that nodes got: gpu-1\n"), "{}", failed.out);
    assert!(!failed.out.contains("after:"), "{}", failed.out);
    seed.site.cluster.kubectl(&["label", "node", "gpu-1", "gpu.node.kpanda.io/nvidia-gpu-mode-"]);
}

/// "Non-disruptive Upgrade": labelled before, and gpu-operator is asked for after.
fn without_disruption(seed: &Seed, line: &str) {
    let done = seed.walk(&format!("{line} --answer kpanda-gpu-mig=label"), 0);
    assert!(done.contains("label nodes: gpu-1"), "{done}");
    let operator = format!("{0}/gpu-operator (gpu-operator v23.9.0)", seed.namespace);
    let after = format!("  after: gpu-operator has to be >= 23.9.0+1 ({operator})\n");
    assert!(done.contains(&after), "{done}");
    assert_eq!(mode(seed).as_deref(), Some("mig"));
    let train = seed.site.cluster.object(seed.namespace, "deployment", "train").unwrap();
    assert_eq!(train["status"]["readyReplicas"], 1);
}

/// "Disruptive Upgrade": what is still there is named, and stands in the way.
fn step_by_step(seed: &Seed, line: &str) {
    seed.portolan("rollback RELEASE -n NAMESPACE -c load-image.yaml").expect(0);
    seed.site.cluster.kubectl(&["label", "node", "gpu-1", "gpu.node.kpanda.io/nvidia-gpu-mode-"]);
    seed.site.cluster.kubectl(&[
        "-n",
        seed.namespace,
        "delete",
        "deployment",
        "train",
        "--cascade=foreground",
    ]);
    uses_gpu(seed, "infer", "nvidia.com/gpu");
    let line = format!("{line} --answer kpanda-gpu-mig=stop");
    let stands = seed.walk(&line, 1);
    let apps = format!(
        "before the upgrade: Stop everything that uses GPUs; still there: Deployment {}/infer\n",
        seed.namespace
    );
    assert!(stands.contains(&apps), "{stands}");
    seed.site.cluster.kubectl(&[
        "-n",
        seed.namespace,
        "delete",
        "deployment",
        "infer",
        "--cascade=foreground",
    ]);
    let stands = seed.portolan(&format!("{line} --output json")).expect(1);
    let operator = "before the upgrade: Uninstall gpu-operator and nvidia-vgpu; still there: ";
    assert!(stands.err.contains(operator) && !stands.err.contains("Stop everything"), "{}", stands.err);
    seed.by_hand("helm uninstall gpu-operator -n NAMESPACE");
    let done = seed.portolan(&format!("{line} --output json")).expect(0);
    let report: Value = serde_json::from_str(&done.out).unwrap();
    let after = report["after"][0]["text"]["en"].as_str().unwrap();
    assert!(after.starts_with("Install gpu-operator again, in a version newer than v23.9.0+1."), "{report}");
    assert_eq!(mode(seed), None);
}
