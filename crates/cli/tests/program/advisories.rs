//! `advisories`: those that come with the program and others, and what they come to for a release's values.

use std::fs;
use std::os::unix::fs::PermissionsExt;

use portolan_testkit::bundles::{Bundle, module_tar};
use portolan_testkit::charts::Chart;
use portolan_testkit::tarball::gzip;
use serde_json::{Value, json};

use crate::inputs::local_site;
use crate::site::{Ended, Site};

fn document(ended: &Ended) -> Value {
    serde_json::from_str(&ended.out).unwrap()
}

const OURS: &str = "advisoriesVersion: 1
advisories:
  - id: web-port
    module: web
    to: '>= 2.0.0'
    severity: warns
    title: {en: the port moves, zh: 端口移动}
    text: {en: the port moves, zh: 端口移动}
    mend: [{move: {from: port, to: service.port}}]
    tests:
      - {name: it moves, to: 2.0.0, values: {port: 80}, expect: {applies: yes, values: {service: {port: 80}}}}
";

#[test]
fn those_of_the_program_are_listed_and_shown() {
    let site = Site::new();
    let listed = site.run("advisories list --module kpanda --from 0.20.0 --to 0.20.9").expect(0);
    assert_eq!(listed.out, "no advisories\n");
    let listed = site.run("advisories list --module kpanda --from 0.24.0 --to 0.26.0").expect(0);
    let expected =
        "  breaks  kpanda-image-repositories              kpanda  any → >= 0.25.1, < 0.29.0  portolan\n";
    assert!(listed.out.contains(expected), "{listed:?}");
    assert!(!listed.out.contains("kpanda-gpu-mig"), "{listed:?}");
    let all = document(&site.run("advisories list --output json").expect(0));
    assert_eq!(all["advisoryListVersion"], 1);
    assert_eq!(all["advisories"].as_array().unwrap().len(), 4);

    let shown = site.run("advisories show kpanda-gpu-mig").expect(0);
    assert!(shown.out.starts_with("kpanda-gpu-mig: Nodes in GPU MIG mode"), "{shown:?}");
    let chinese = site.run("advisories show kpanda-gpu-mig --lang zh").expect(0);
    assert!(chinese.out.starts_with("kpanda-gpu-mig: 处于 GPU MIG 模式的节点"), "{chinese:?}");
    let locale = site.command("advisories show kpanda-gpu-mig").env("LANG", "zh_CN.UTF-8").output().unwrap();
    assert_eq!(String::from_utf8(locale.stdout).unwrap(), chinese.out);
    let unknown = site.run("advisories show kpanda-gpu-mg").expect(2);
    assert_eq!(
        unknown.err,
        "error: there is no advisory kpanda-gpu-mg\nhint: did you mean kpanda-gpu-mig?\n"
    );
    let cases = site.run("advisories test").expect(0);
    assert!(cases.out.ends_with(" cases hold\n"), "{cases:?}");
}

#[test]
fn those_of_a_file_and_of_a_folder() {
    let site = Site::new();
    site.write("ours/web.yaml", OURS);
    site.write("ours/notes.txt", "nothing");
    let listed = site.run("advisories list --module web --advisories ours").expect(0);
    assert_eq!(listed.out, "  warns  web-port  web  any → >= 2.0.0  ours/web.yaml\n    the port moves\n");
    assert_eq!(
        site.run("advisories test ours").expect(0).out,
        "holds web-port: it moves\nthe one case holds\n"
    );

    site.write("wrong.yaml", OURS.replace("service: {port: 80}", "service: {port: 81}"));
    let failed = site.run("advisories test wrong.yaml").expect(1);
    let expected =
        "fails web-port: it moves\n    values: ~ service.port: 81 → 80\n1 of 1 cases do not hold\n";
    assert_eq!(failed.out, expected);
    site.write("bad.yaml", OURS.replace("warns", "bad"));
    let refused = site.run("advisories list --advisories bad.yaml").expect(2);
    let expected = "error: bad.yaml: line 6: advisories[0].severity: unknown variant `bad`, ";
    assert!(refused.err.starts_with(expected), "{refused:?}");
    site.write("empty/x.txt", "");
    site.run("advisories list --advisories empty").expect(2);
    site.run("advisories list --advisories nowhere.yaml").expect(2);
}

const REDIS: &str =
    "global:\n  db:\n    redis:\n      url: redis+sentinel://:3wPxzWffdn@rfs-redis:26379/mymaster\n";

/// Charts bring their own, wherever they lie: in a folder, an archive, a bundle, a package, a compressed one.
#[test]
fn those_of_charts_in_packages() {
    let site = Site::new();
    let chart = Chart::new("web", "2.0.0").file("portolan-advisories.yaml", OURS);
    let bundle = Bundle::new(&chart).tar();
    let package = module_tar("web", &[("web.bundle.tar".to_owned(), bundle.clone())]);
    chart.write(&site.path("web"));
    fs::write(site.path("web-2.0.0.tgz"), chart.archive()).unwrap();
    fs::write(site.path("web.bundle.tar"), bundle).unwrap();
    fs::write(site.path("web_v2.0.0_amd64.tar"), &package).unwrap();
    fs::write(site.path("web.tar.gz"), gzip(&package)).unwrap();
    for path in ["web", "web-2.0.0.tgz", "web.bundle.tar", "web_v2.0.0_amd64.tar", "web.tar.gz"] {
        let listed = document(
            &site.run(&format!("advisories list --module web --advisories {path} --output json")).expect(0),
        );
        assert_eq!(listed["advisories"][0]["advisory"]["id"], "web-port", "{path}: {listed}");
        assert_eq!(
            listed["advisories"][0]["source"],
            json!({"from": "chart", "name": "web 2.0.0"}),
            "{path}"
        );
        site.run(&format!("advisories test {path}")).expect(0);
    }
    let none = Bundle::new(&Chart::new("web", "2.0.0")).tar();
    fs::write(site.path("none.bundle.tar"), none).unwrap();
    let failed = site.run("advisories list --advisories none.bundle.tar").expect(2);
    assert_eq!(
        failed.err,
        "error: no chart in none.bundle.tar brings advisories: none has a portolan-advisories.yaml\n"
    );
}

#[test]
fn values_are_mended_and_secrets_not_shown() {
    let site = Site::new();
    site.write("bak.yaml", REDIS);
    let line = "advisories check --module kpanda --from 0.20.0 --to 0.21.0 -f bak.yaml";
    let checked = site.run(&format!("{line} --values-out mended.yaml")).expect(0);
    let expected = "  ~ global.db.redis.url: redis+sentinel://(changed)@rfs-redis:26379/mymaster → redis+sentinel://(changed)@rfs-redis:26379/mymaster?master_password=(changed)\n";
    assert!(checked.out.contains(expected), "{checked:?}");
    assert!(checked.out.ends_with("nothing is open\n"), "{checked:?}");
    let mended = fs::read_to_string(site.path("mended.yaml")).unwrap();
    let url = "redis+sentinel://:3wPxzWffdn@rfs-redis:26379/mymaster?master_password=3wPxzWffdn";
    assert_eq!(mended, format!("global:\n  db:\n    redis:\n      url: \"{url}\"\n"));
    assert_eq!(fs::metadata(site.path("mended.yaml")).unwrap().permissions().mode() & 0o777, 0o600);
    let json = site.run(&format!("{line} --output json")).expect(0);
    for shown in [&checked, &json] {
        assert!(!format!("{shown:?}").contains("3wPxzWffdn"), "{shown:?}");
    }
    let again = line.replace("bak.yaml", "mended.yaml");
    assert!(site.run(&again).expect(0).out.contains("nothing is left to do"));
}

#[test]
fn what_nobody_can_decide_is_asked() {
    let site = Site::new();
    site.write(
        "bak.yaml",
        "global: {imageRegistry: r.invalid/p}\nui: {image: {repository: p/kpanda/ui, tag: v1}}\n",
    );
    let line = "advisories check --module kpanda --from 0.24.0 --to 0.26.0 -f bak.yaml";
    let open = site.run(line).expect(3);
    let expected = "    --answer 'kpanda-image-repositories:ui.image.repository=kpanda/ui'  whether the registry holds it is not known\n";
    assert!(open.out.contains(expected), "{open:?}");
    let answered = format!("{line} --answer kpanda-image-repositories:ui.image.repository=kpanda/ui");
    let answered = site.run(&answered).expect(0);
    assert!(answered.out.contains("  ~ ui.image.repository: p/kpanda/ui → kpanda/ui\n"), "{answered:?}");
    let refused =
        site.run(&format!("{line} --answer kpanda-image-repositories:ui.image.repository=x")).expect(3);
    assert!(refused.out.contains("    x is none of the answers\n"), "{refused:?}");
    site.run(&format!("{line} --answer nonsense")).expect(2);
}

#[test]
fn a_registry_is_asked() {
    let (site, depot) = local_site();
    site.run("sync -c load-image.yaml").expect(0);
    let host = depot.host();
    let values = "ui: {image: {repository: release.example.io/apps/kant, tag: v1}}\nx: {image: {repository: a/apps/kant}}\ngone: {image: {repository: a/apps/gone, tag: v1}}\n";
    site.write("bak.yaml", values);
    let line = format!(
        "advisories check --module kpanda --to 0.26.0 -f bak.yaml --image-registry {host} --ask-registry"
    );
    let checked = site.run(&line).expect(3);
    assert!(
        checked.out.contains("  ~ ui.image.repository: release.example.io/apps/kant → apps/kant\n"),
        "{checked:?}"
    );
    assert!(checked.out.contains("  ~ x.image.repository: a/apps/kant → apps/kant\n"), "{checked:?}");
    assert!(
        checked.out.contains("gone.image.repository=apps/gone'  the registry does not hold it\n"),
        "{checked:?}"
    );
}

const FACTS: &str = "
nodes: [{name: gpu-1, labels: {nvidia.com/mig.config: all-1g.5gb}}]
workloads: [{kind: Deployment, namespace: ml, name: train, resources: [nvidia.com/mig-1g.5gb], nodes: [gpu-1]}]
releases: [{namespace: gpu, name: gpu-operator, chart: gpu-operator, version: v23.9.0}]
";

#[test]
fn nodes_in_mig_mode_are_never_passed_unseen() {
    let site = Site::new();
    let line = "advisories check --module kpanda --from 0.28.0 --to 0.29.0";
    let unseen = site.run(line).expect(3);
    assert!(unseen.out.contains("not known: the cluster was not asked"), "{unseen:?}");
    site.write("facts.yaml", FACTS);
    let asked = site.run(&format!("{line} --cluster-facts facts.yaml")).expect(3);
    assert!(asked.out.contains("--answer 'kpanda-gpu-mig=label'"), "{asked:?}");
    assert!(!asked.out.contains("kpanda-gpu-mig=stop"), "what is in use can't be stopped: {asked:?}");
    let labelled = format!("{line} --cluster-facts facts.yaml --answer kpanda-gpu-mig=label");
    let labelled = site.run(&labelled).expect(0);
    let expected = "  before: label the node gpu-1 with gpu.node.kpanda.io/nvidia-gpu-mode=mig
  after: gpu-operator has to be >= 23.9.0+1 (gpu/gpu-operator (gpu-operator v23.9.0))\n";
    assert!(labelled.out.contains(expected), "{labelled:?}");
    site.write("facts.yaml", "nodes:\n  - nam: x\n");
    let refused = site.run(&format!("{line} --cluster-facts facts.yaml")).expect(2);
    assert!(
        refused.err.starts_with("error: facts.yaml: line 2: nodes[0].nam: unknown field `nam`"),
        "{refused:?}"
    );
}

#[test]
fn a_chart_brings_its_version_its_defaults_and_its_advisories() {
    let site = Site::new();
    site.write("web/Chart.yaml", "apiVersion: v2\nname: web\nversion: 2.1.0\n");
    site.write("web/values.yaml", "service: {port: 8080}\n");
    site.write("web/portolan-advisories.yaml", OURS);
    let helm = "port: 80\n";
    site.write("bak.yaml", helm);
    let checked = document(&site.run("advisories check --chart web -f bak.yaml --output json").expect(0));
    assert_eq!((&checked["adviceVersion"], &checked["blocks"]), (&json!(1), &json!(false)));
    let finding = &checked["findings"][0];
    assert_eq!((&finding["advisory"], &finding["source"]), (&json!("web-port"), &json!("chart web 2.1.0")));
    site.write("web/portolan-advisories.yaml", OURS.replace("module: web", "module: db"));
    let refused = site.run("advisories check --chart web").expect(2);
    assert!(refused.err.contains("which may only advise on itself"), "{refused:?}");
    site.run("advisories check --module web").expect(2);
    site.write("list.yaml", "- a\n");
    let refused = site.run("advisories check --module web --to 1.0.0 -f list.yaml").expect(2);
    assert_eq!(
        refused.err,
        "error: the values of list.yaml are a list, and have to be a map of keys; mend that file\n"
    );
}
