//! Digests, files and differences of saved plans.

use proptest::prelude::*;
use serde_json::{Value, json};

use super::*;
use crate::{failure::one_line, options::Visibility};

fn digest(text: &str) -> Digest {
    Digest::sha256(text.as_bytes())
}

fn image(name: &str, action: Step, found: Option<Digest>) -> SavedImage {
    SavedImage {
        source: format!("quay.test/team/{name}:1").parse().unwrap(),
        target: format!("r.example/apps/{name}:1").parse().unwrap(),
        content: Pin::Digest(digest(name)),
        action,
        found,
    }
}

fn chart(name: &str, action: Step, found: Option<Digest>) -> SavedChart {
    SavedChart {
        bundle: format!("{name}.bundle.tar"),
        name: name.to_owned(),
        version: "1.0.0".to_owned(),
        target: format!("charts/{name}-1.0.0.tgz"),
        content: Pin::Digest(digest(name)),
        action,
        found,
    }
}

fn bundle(origin: &str, contents: &str) -> SavedBundle {
    SavedBundle { origin: origin.to_owned(), contents: digest(contents) }
}

fn project(name: &str, visibility: Visibility) -> PlannedProject {
    PlannedProject { name: name.to_owned(), visibility }
}

fn usual() -> SavedPlan {
    SavedPlan {
        registry: "https://r.example".to_owned(),
        chart_repository: "LOCAL charts".to_owned(),
        policies: Policies { charts_anyway: false, existing: Existing::default(), verify: false },
        bundles: vec![bundle("a.bundle.tar", "a"), bundle("b.bundle.tar", "b")],
        projects: vec![project("apps", Visibility::Private)],
        images: vec![image("a", Step::Push, None), image("b", Step::Keep, Some(digest("other")))],
        charts: vec![chart("a", Step::Push, None), chart("b", Step::Later, None)],
        left_out: vec!["c.bundle.tar".to_owned()],
    }
}

#[track_caller]
fn refused(file: &Value, expected: &str) {
    let error = SavedPlan::from_file(file.to_string().as_bytes()).unwrap_err();
    assert_eq!(one_line(&error), expected);
}

fn file() -> Value {
    serde_json::from_str(&usual().to_file()).unwrap()
}

/// A changed digest refuses every plan that anybody approved: raise [`PLAN_FILE_VERSION`] with it.
#[test]
fn the_digest_is_pinned() {
    let expected = "sha256:f63800cc858f40a785ce90a72fe819f369b992f660bb881c8ad3fb965a8f5ced";
    assert_eq!(usual().digest().to_string(), expected);
}

#[test]
fn a_changed_file_is_refused() {
    let mut changed = file();
    changed["plan"]["images"][0]["target"] = json!("r.example/apps/evil:1");
    let (stated, derived) = {
        let plan: SavedPlan = serde_json::from_value(changed["plan"].clone()).unwrap();
        (usual().digest(), plan.in_order().digest())
    };
    refused(
        &changed,
        &format!(
            "holds a plan of the digest {derived} under the digest {stated}: it was changed after it was saved"
        ),
    );
}

#[test]
fn unknown_members_versions_and_kinds_are_refused() {
    let mut more = file();
    more["plan"]["policies"]["force"] = json!(true);
    let error = SavedPlan::from_file(more.to_string().as_bytes()).unwrap_err();
    assert!(one_line(&error).starts_with("is no plan file: unknown field `force`"), "{error:?}");
    let mut newer = file();
    newer["planFileVersion"] = json!(3);
    refused(
        &newer,
        "is a plan file of version 3, and this program reads version 2: use the Portolan that wrote it",
    );
    refused(&json!({"reportVersion": 1}), "is no plan file: it is a report");
}

/// One name of the package for two platforms.
fn for_two_platforms(first: (Step, Option<Digest>), second: (Step, Option<Digest>)) -> SavedPlan {
    let images = [("amd64", first), ("arm64", second)].map(|(content, (action, found))| SavedImage {
        content: Pin::Digest(digest(content)),
        ..image("a", action, found)
    });
    SavedPlan { images: images.into(), ..usual() }.in_order()
}

#[test]
fn one_name_may_stand_for_several_images() {
    let plan = for_two_platforms((Step::Push, None), (Step::Push, None));
    assert_eq!(SavedPlan::from_file(plan.to_file().as_bytes()).unwrap(), plan);
    let mut turned = plan.clone();
    turned.images.reverse();
    assert_eq!(turned.in_order().digest(), plan.digest());
}

#[test]
fn a_tag_that_has_one_of_its_images_is_gone_on_with() {
    let check = |planned: (Step, Option<Digest>), now: (Step, Option<Digest>), expected: usize| {
        let plan = for_two_platforms(planned.clone(), planned);
        let by_now = for_two_platforms((Step::Exists, None), now);
        assert_eq!(plan.changes(&by_now).len(), expected, "{:?}", plan.changes(&by_now));
    };
    let other = || Some(digest("other"));
    let amd64 = || Some(digest("amd64"));
    check((Step::Push, None), (Step::Merge, amd64()), 0);
    check((Step::Replace, other()), (Step::Replace, amd64()), 0);
    check((Step::Merge, other()), (Step::Merge, amd64()), 0);
    check((Step::Push, None), (Step::Exists, None), 0);
    // It would not be brought any more.
    check((Step::Push, None), (Step::Keep, other()), 1);
    check((Step::Keep, other()), (Step::Merge, amd64()), 2);
    // Nothing of the plan is there: the tag is somebody else's.
    let plan = for_two_platforms((Step::Push, None), (Step::Push, None));
    let by_now = for_two_platforms((Step::Merge, other()), (Step::Merge, other()));
    assert_eq!(plan.changes(&by_now).len(), 2);
}

#[test]
fn what_stands_twice_is_refused() {
    let twice = |change: fn(&mut SavedPlan), what: &str| {
        let mut plan = usual();
        change(&mut plan);
        let error = SavedPlan::from_file(plan.in_order().to_file().as_bytes()).unwrap_err();
        assert_eq!(error.to_string(), format!("names {what} twice"));
    };
    twice(|plan| plan.images.push(image("a", Step::Exists, None)), "image quay.test/team/a:1");
    twice(|plan| plan.charts.push(chart("a", Step::Push, None)), "chart a 1.0.0 of a.bundle.tar");
    twice(|plan| plan.bundles.push(bundle("a.bundle.tar", "x")), "bundle a.bundle.tar");
    twice(|plan| plan.projects.push(project("apps", Visibility::Public)), "project apps");
}

/// What a change of the ground is called.
#[track_caller]
fn changed(change: impl Fn(&mut SavedPlan), expected: &[String]) {
    let mut now = usual();
    change(&mut now);
    let changes: Vec<String> = usual().changes(&now).iter().map(ToString::to_string).collect();
    assert_eq!(changes, expected);
}

#[test]
fn changed_servers_flags_and_bundles() {
    changed(|_| (), &[]);
    changed(
        |now| {
            now.registry = "http://r.example".to_owned();
            now.policies = Policies { charts_anyway: true, existing: Existing::default(), verify: false };
            // Told by the registry already.
            now.images.clear();
        },
        &[
            "the registry: the plan names https://r.example, and this run http://r.example".to_owned(),
            "the plan was made without --charts-anyway, which this run has".to_owned(),
        ],
    );
    changed(
        |now| now.bundles = vec![bundle("a.bundle.tar", "x"), bundle("c.bundle.tar", "c")],
        &[
            "bundle a.bundle.tar has another content".to_owned(),
            "bundle b.bundle.tar is in the plan, and this run knows nothing of it".to_owned(),
            "bundle c.bundle.tar is not in the plan, and this run would take it in".to_owned(),
        ],
    );
    changed(
        |now| {
            now.bundles.pop();
            now.left_out.push("b.bundle.tar".to_owned());
        },
        &["bundle b.bundle.tar is in the plan, and can't be read or planned now".to_owned()],
    );
}

#[test]
fn changed_projects_targets_and_contents() {
    changed(
        |now| now.projects = vec![project("apps", Visibility::Public), project("more", Visibility::Public)],
        &[
            "project apps is private in the plan, and would be made public".to_owned(),
            "project more is not in the plan, and this run would take it in".to_owned(),
        ],
    );
    changed(|now| now.projects.clear(), &[]);
    changed(
        |now| {
            now.images[0].target = "r.example/other/a:1".parse().unwrap();
            now.images.pop();
            now.charts[0].content = Pin::Digest(digest("x"));
        },
        &[
            "chart a 1.0.0 of a.bundle.tar would have another content than the plan says".to_owned(),
            "image quay.test/team/a:1: the plan brings it to r.example/apps/a:1, and this configuration to \
             r.example/other/a:1"
                .to_owned(),
            "image quay.test/team/b:1 is in the plan, and this run knows nothing of it".to_owned(),
        ],
    );
}

#[test]
fn what_tags_and_repositories_hold() {
    let (a, b) = ("r.example/apps/a:1", "r.example/apps/b:1");
    let (other, x) = (digest("other"), digest("x"));
    let to = |at: usize, action, found: Option<&Digest>| {
        let found = found.cloned();
        move |now: &mut SavedPlan| {
            now.images[at].action = action;
            now.images[at].found = found.clone();
        }
    };
    // A run of the plan that broke off brought it.
    changed(to(0, Step::Exists, None), &[]);
    let now_x = format!("{a}: the plan found nothing there, and now there is {x}");
    changed(to(0, Step::Keep, Some(&x)), &[now_x]);
    let from_other_to = |now: &str| [format!("{b}: the plan found {other} there, and now there is {now}")];
    changed(to(1, Step::Keep, Some(&x)), &from_other_to(&x.to_string()));
    changed(to(1, Step::Push, None), &from_other_to("nothing"));
    changed(to(1, Step::Exists, None), &from_other_to("the package's own content"));
    changed(|now| now.charts[1].action = Step::Exists, &[]);
    let replaced = format!("charts/a-1.0.0.tgz: the plan found nothing there, and now there is {x}");
    changed(|now| (now.charts[0].action, now.charts[0].found) = (Step::Keep, Some(digest("x"))), &[replaced]);
}

#[test]
fn what_was_there_and_is_gone_is_a_change() {
    let mut planned = usual();
    planned.images[0].action = Step::Exists;
    let changes = planned.changes(&usual());
    let expected =
        "r.example/apps/a:1: the plan found the package's own content there, and now there is nothing";
    assert_eq!(changes.iter().map(ToString::to_string).collect::<Vec<_>>(), [expected]);
}

fn any_step() -> impl Strategy<Value = (Step, Option<Digest>)> {
    let steps = prop::sample::select(vec![
        Step::Push,
        Step::Exists,
        Step::Mend,
        Step::Merge,
        Step::Replace,
        Step::Keep,
        Step::Later,
    ]);
    (steps, prop::option::of("[a-z]{1,3}".prop_map(|text| digest(&text))))
}

fn any_policy() -> impl Strategy<Value = ExistingPolicy> {
    prop::sample::select(vec![
        ExistingPolicy::Merge,
        ExistingPolicy::Keep,
        ExistingPolicy::Replace,
        ExistingPolicy::Error,
    ])
}

prop_compose! {
    fn any_plan()(
        bundles in prop::collection::btree_set("[a-z]{1,4}", 0..4),
        images in prop::collection::btree_map("[a-z]{1,4}", any_step(), 0..6),
        charts in prop::collection::btree_map("[a-z]{1,4}", any_step(), 0..4),
        left_out in prop::collection::vec("\\PC{0,12}", 0..3),
        charts_anyway: bool,
        policy in any_policy(),
        overwrite: bool,
        drop_lost: bool,
        verify: bool,
    ) -> SavedPlan {
        SavedPlan {
            bundles: bundles.iter().map(|name| bundle(name, name)).collect(),
            images: images.into_iter().map(|(name, (step, found))| image(&name, step, found)).collect(),
            charts: charts.into_iter().map(|(name, (step, found))| chart(&name, step, found)).collect(),
            left_out,
            policies: Policies { charts_anyway, existing: Existing { policy, overwrite, drop_lost }, verify },
            ..usual()
        }
        .in_order()
    }
}

/// The same JSON with the members of every object and the elements of every list backwards.
fn backwards(value: Value) -> Value {
    match value {
        Value::Object(members) => {
            Value::Object(members.into_iter().rev().map(|(key, value)| (key, backwards(value))).collect())
        }
        Value::Array(elements) => Value::Array(elements.into_iter().rev().map(backwards).collect()),
        other => other,
    }
}

proptest! {
    #[test]
    fn reading_gives_what_was_written(plan in any_plan()) {
        prop_assert_eq!(&SavedPlan::from_file(plan.to_file().as_bytes()).unwrap(), &plan);
        prop_assert_eq!(plan.changes(&plan), []);
    }

    #[test]
    fn order_and_spacing_of_the_file_do_not_matter(plan in any_plan()) {
        let file: Value = serde_json::from_str(&plan.to_file()).unwrap();
        let other = backwards(file).to_string();
        prop_assert_eq!(SavedPlan::from_file(other.as_bytes()).unwrap().digest(), plan.digest());
    }

    #[test]
    fn plans_are_one_if_their_digests_are(one in any_plan(), other in any_plan()) {
        prop_assert_eq!(one == other, one.digest() == other.digest());
    }

    #[test]
    fn no_bytes_make_it_panic(plan in any_plan(), at: prop::sample::Index, byte: u8) {
        let mut bytes = plan.to_file().into_bytes();
        let at = at.index(bytes.len());
        bytes[at] = byte;
        if let Ok(read) = SavedPlan::from_file(&bytes) {
            prop_assert_eq!(read, plan);
        }
    }
}
