//! Garbage collection: what goes and what stays.

use std::collections::HashSet;
use std::fs;
use std::ops::ControlFlow;
use std::time::Duration;

use proptest::prelude::*;

use super::*;

const NOW: Collection = Collection { grace: Duration::ZERO, dry_run: false };
const LATER: Collection = Collection { grace: Duration::from_hours(1), dry_run: false };

fn collect(store: &Store, collection: &Collection) -> Collected {
    store.collect(collection, &mut |_| ControlFlow::Continue(())).unwrap()
}

/// An image of one layer, under these tags.
fn image_of(store: &Store, name: &str, content: &'static str, tags: &[&str]) -> (NewManifest, Descriptor) {
    let layer = push(store, name, content);
    let new = image(&[&layer]);
    put_manifest(store, name, &new, tags);
    (new, layer)
}

fn referrer(subject: &NewManifest, seed: &str) -> NewManifest {
    let subject = subject.manifest.descriptor();
    index(&json!({"subject": subject, "annotations": {"seed": seed}}))
}

fn has(store: &Store, name: &str, new: &NewManifest) -> bool {
    manifest(store, &repository(name), new.digest()).is_some()
}

#[test]
fn what_a_tag_reaches_stays() {
    let (_dir, store) = store();
    let (one, layer) = image_of(&store, "p/a", "one", &[]);
    let (other, _) = image_of(&store, "p/a", "other", &[]);
    let list = index(&json!({"manifests": [one.manifest.descriptor(), other.manifest.descriptor()]}));
    put_manifest(&store, "p/a", &list, &["v1"]);
    let signature = referrer(&one, "signature");
    put_manifest(&store, "p/a", &signature, &[]);
    put_manifest(&store, "p/a", &referrer(&signature, "of the signature"), &[]);
    assert_eq!(collect(&store, &NOW), Collected::default());
    assert!(has(&store, "p/a", &one) && store.metadata.has_blob(&repository("p/a"), &layer.digest).unwrap());
}

#[test]
fn what_nothing_reaches_goes_with_its_blobs_and_their_files() {
    let (dir, store) = store();
    let (old, layer) = image_of(&store, "p/a", "old layer", &["v1"]);
    put_manifest(&store, "p/a", &referrer(&old, "signature"), &[]);
    let (new, _) = image_of(&store, "p/a", "new layer", &["v1"]);
    let alone = push(&store, "p/b", "nobody names it");
    let done = collect(&store, &NOW);
    assert_eq!((done.manifests, done.links, done.contents, done.spared), (2, 2, 4, 0));
    assert!(!has(&store, "p/a", &old) && has(&store, "p/a", &new));
    for gone in [&layer.digest, old.digest(), &alone.digest] {
        assert!(!store.blobs.has_file(gone), "{gone}");
    }
    assert_eq!(collect(&store, &NOW), Collected::default());
    drop(store);
    assert!(Store::open(dir.path()).is_ok());
}

#[test]
fn a_content_stays_as_long_as_another_repository_has_it() {
    let (_dir, store) = store();
    image_of(&store, "p/a", "shared", &["v1"]);
    let (other, layer) = image_of(&store, "q/b", "shared", &["v1"]);
    store.delete_manifest(&repository("q/b"), &Locator::Digest(other.digest().clone())).unwrap();
    let done = collect(&store, &NOW);
    assert_eq!((done.manifests, done.links, done.contents), (0, 1, 0));
    assert!(store.metadata.has_blob(&repository("p/a"), &layer.digest).unwrap());
}

#[test]
fn what_came_or_was_asked_for_within_the_grace_time_stays() {
    let (_dir, store) = store();
    let (_, layer) = image_of(&store, "p/a", "layer", &[]);
    assert_eq!(collect(&store, &LATER), Collected { spared: 1, ..Collected::default() });
    let second = Duration::from_secs(1);
    std::thread::sleep(3 * second);
    let soon = Collection { grace: second, ..NOW };
    assert!(store.leases.touch(&repository("p/a"), &layer.digest));
    let done = collect(&store, &soon);
    assert_eq!((done.manifests, done.links, done.spared), (1, 0, 1), "the blob was asked for");
    std::thread::sleep(3 * second);
    assert_eq!(collect(&store, &soon).links, 1);
}

#[test]
fn a_process_that_has_just_begun_to_serve_knows_of_no_leases() {
    let (_dir, store) = store();
    image_of(&store, "p/a", "layer", &[]);
    std::thread::sleep(Duration::from_millis(3100));
    store.leases.serve();
    let second = Collection { grace: Duration::from_secs(1), ..NOW };
    assert_eq!(collect(&store, &second), Collected { spared: 1, ..Collected::default() });
}

#[test]
fn a_dry_run_counts_and_removes_nothing() {
    let (_dir, store) = store();
    let (old, _) = image_of(&store, "p/a", "layer", &[]);
    let alone = put(&store, b"nobody has it");
    let done = collect(&store, &Collection { dry_run: true, ..NOW });
    assert_eq!((done.manifests, done.contents), (1, 1));
    assert!(has(&store, "p/a", &old) && store.blobs.has_file(&alone));
}

#[test]
fn files_that_no_row_knows_go_and_others_stay() {
    let (dir, store) = store();
    let digest = Digest::sha256(b"left by a process that was killed");
    let path = store.blobs.path(&digest);
    fs::create_dir_all(path.parent().unwrap()).unwrap();
    fs::write(&path, b"left").unwrap();
    let other = dir.path().join("blobs/sha256/ab/README");
    fs::create_dir_all(other.parent().unwrap()).unwrap();
    fs::write(&other, b"not ours").unwrap();
    let done = collect(&store, &NOW);
    assert_eq!((done.orphans, done.bytes), (1, 4));
    assert!(!path.exists() && other.exists());
}

#[test]
fn a_collection_that_is_stopped_says_so() {
    let (_dir, store) = store();
    image_of(&store, "p/a", "layer", &[]);
    let done = store.collect(&NOW, &mut |_| ControlFlow::Break(())).unwrap();
    assert_eq!(done, Collected { stopped: true, ..Collected::default() });
}

/// A manifest of the property below: which earlier ones it names, which one it refers to, whether it has a tag.
#[derive(Debug, Clone)]
struct Plan {
    parts: HashSet<usize>,
    subject: Option<usize>,
    layer: u8,
    is_tagged: bool,
}

fn plan() -> impl Strategy<Value = Plan> {
    let parts = proptest::collection::hash_set(0..20_usize, 0..3);
    (parts, proptest::option::weighted(0.3, 0..20_usize), 0..6_u8, proptest::bool::weighted(0.25))
        .prop_map(|(parts, subject, layer, is_tagged)| Plan { parts, subject, layer, is_tagged })
}

/// Puts them one after the other: those that name none are images of one layer, the others indexes.
fn build(store: &Store, plans: &[Plan]) -> Vec<(NewManifest, Vec<usize>)> {
    let mut made: Vec<(NewManifest, Vec<usize>)> = Vec::new();
    for (at, plan) in plans.iter().enumerate() {
        let earlier = |number: &usize| *number < at;
        let mut parts: Vec<usize> = plan.parts.iter().copied().filter(earlier).collect();
        parts.sort_unstable();
        let subject = plan.subject.filter(earlier);
        let mut document = json!({"schemaVersion": 2, "annotations": {"number": at.to_string()}});
        if let Some(subject) = subject {
            document["subject"] = json!(made[subject].0.manifest.descriptor());
        }
        if parts.is_empty() {
            let layer = push(store, "p/a", format!("layer {}", plan.layer));
            document["mediaType"] = json!(MediaType::OCI_MANIFEST);
            document["config"] = json!(layer);
            document["layers"] = json!([layer]);
        } else {
            document["mediaType"] = json!(MediaType::OCI_INDEX);
            let named: Vec<_> = parts.iter().map(|part| made[*part].0.manifest.descriptor()).collect();
            document["manifests"] = json!(named);
        }
        let new = NewManifest::new(Manifest::parse(document.to_string().into(), None).unwrap());
        let tag = format!("v{at}");
        let tags = [tag.as_str()];
        put_manifest(store, "p/a", &new, if plan.is_tagged { &tags } else { &[] });
        made.push((new, parts.into_iter().chain(subject).collect()));
    }
    made
}

/// Which are reached, by going over all of them until nothing changes any more.
fn reached(plans: &[Plan], made: &[(NewManifest, Vec<usize>)]) -> HashSet<usize> {
    let mut reached: HashSet<usize> = (0..plans.len()).filter(|at| plans[*at].is_tagged).collect();
    loop {
        let before = reached.len();
        for (at, (new, named)) in made.iter().enumerate() {
            if reached.contains(&at) {
                reached.extend(named);
            }
            let refers =
                new.subject().is_some_and(|subject| reached.iter().any(|it| made[*it].0.digest() == subject));
            if refers {
                reached.insert(at);
            }
        }
        if reached.len() == before {
            return reached;
        }
    }
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(24))]

    #[test]
    fn what_stays_is_what_is_reached(plans in proptest::collection::vec(plan(), 1..20)) {
        let (_dir, store) = store();
        let made = build(&store, &plans);
        let reached = reached(&plans, &made);
        collect(&store, &NOW);
        for (at, (new, _)) in made.iter().enumerate() {
            prop_assert_eq!(has(&store, "p/a", new), reached.contains(&at), "{}", at);
        }
        let name = repository("p/a");
        for layer in 0..6_u8 {
            let digest = Digest::sha256(format!("layer {layer}").as_bytes());
            let is_named = reached.iter().any(|at| made[*at].0.required().any(|part| part.digest == digest));
            prop_assert_eq!(store.metadata.has_blob(&name, &digest).unwrap(), is_named, "layer {}", layer);
            prop_assert_eq!(store.blobs.has_file(&digest), is_named, "layer {}", layer);
        }
        prop_assert_eq!(collect(&store, &NOW), Collected::default());
    }
}
