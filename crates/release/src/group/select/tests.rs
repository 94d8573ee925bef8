//! Who belongs to a group, who does not, and what nobody can tell.

use super::*;

fn installed(release: &str, chart: &str, version: &str) -> Installed {
    let (namespace, name) = release.split_once('/').unwrap();
    let release = HelmRelease { name: name.parse().unwrap(), namespace: namespace.parse().unwrap() };
    let (chart, version) = (chart.to_owned(), version.to_owned());
    Installed { release, chart, version, revision: 1, status: Status::Deployed }
}

fn component(name: &str, version: Option<&str>) -> Component {
    let version = version.map(|version| version.parse().unwrap());
    Component { name: name.to_owned(), is_enabled: true, version, ..Component::default() }
}

fn there() -> Vec<Installed> {
    let mut failed = installed("ghippo-system/ghippo", "ghippo", "0.20.0");
    failed.status = Status::Failed;
    vec![
        installed("kpanda-system/kpanda", "kpanda", "0.20.0"),
        installed("kant-system/kant-release", "kant", "0.5.0"),
        installed("hwameistor/hwameistor", "hwameistor", "0.10.4"),
        installed("one/redis", "redis", "1.0.0"),
        installed("two/redis", "redis", "1.0.0"),
        failed,
    ]
}

#[track_caller]
fn check(components: &[Component], expected: &str) {
    let selection = select(components, &there()).unwrap();
    let members = selection.members.iter().map(|one| format!("{} {}", one.component, one.release.name));
    let left_out = selection.left_out.iter().map(|one| format!("{} {}", one.component, one.why));
    assert_eq!(members.chain(left_out).collect::<Vec<_>>().join("; "), expected);
}

#[test]
fn in_the_order_in_which_they_are_wanted() {
    let wanted = |name| component(name, Some("99.0.0"));
    check(&[wanted("kant"), wanted("kpanda")], "kant kant-release; kpanda kpanda");
    check(&[wanted("kpanda"), wanted("kant")], "kpanda kpanda; kant kant-release");
    check(&[wanted("hwameiStor"), component("kpanda", None)], "hwameiStor hwameistor; kpanda kpanda");
}

#[test]
fn those_that_stay_and_why() {
    let off = Component { is_enabled: false, ..component("kpanda", None) };
    check(&[off, component("insight", None)], "kpanda is not enabled; insight is not installed");
    check(&[component("kpanda", Some("0.20.0"))], "kpanda is of the version 0.20.0 already");
    check(&[component("kpanda", Some("v0.20.0"))], "kpanda is of the version 0.20.0 already");
    check(&[component("kpanda", Some("0.19.9"))], "kpanda is of a newer version already, 0.20.0");
    // It failed at that version.
    check(&[component("ghippo", Some("0.20.0"))], "ghippo ghippo");
}

#[test]
fn by_a_map() {
    let named = |name: &str, chart: Option<&str>, release: Option<&str>, namespace: Option<&str>| Component {
        chart: chart.map(str::to_owned),
        release: release.map(|name| name.parse().unwrap()),
        namespace: namespace.map(|name| name.parse().unwrap()),
        ..component(name, None)
    };
    check(&[named("cache", Some("redis"), None, Some("two"))], "cache redis");
    check(&[named("edge", None, Some("kant-release"), None)], "edge kant-release");
    check(&[named("edge", Some("other"), Some("kant-release"), None)], "edge is not installed");
    check(&[named("kpanda", None, None, Some("elsewhere"))], "kpanda is not installed");
}

#[test]
fn what_nobody_can_tell_is_told_at_once() {
    let edge = Component { chart: Some("kant".to_owned()), ..component("edge", None) };
    let problems = select(&[component("redis", None), component("kant", None), edge], &there()).unwrap_err();
    let told: Vec<String> = problems.iter().map(ToString::to_string).collect();
    let expected = [
        "redis may be any of the releases one/redis, two/redis",
        "edge and kant are both the release kant-system/kant-release",
    ];
    assert_eq!(told, expected);
}
