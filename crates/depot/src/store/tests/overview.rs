//! What a depot holds in all.

use super::*;

fn held(project: &str, repositories: u64, tags: u64, bytes: u64) -> Holdings {
    Holdings { project: project.to_owned(), repositories, tags, charts: 0, bytes }
}

#[test]
fn an_empty_depot_holds_nothing() {
    let (_dir, store) = store();
    assert_eq!(store.holdings().unwrap(), []);
    assert_eq!(store.contents().unwrap(), Contents { count: 0, bytes: 0, damaged: 0 });
    store.ping().unwrap();
}

#[test]
fn every_project_is_counted_by_itself_and_every_content_once() {
    let (_dir, store) = store();
    let first = seeded("first");
    let size = first.manifest.bytes().len() as u64;
    put_manifest(&store, "b/one", &first, &["v1", "v2"]);
    put_manifest(&store, "b/two", &first, &["v1"]);
    put_manifest(&store, "a", &first, &[]);
    push(&store, "b/three", "layer");
    store.metadata.create_project(&"empty".parse().unwrap(), crate::options::Visibility::Public).unwrap();
    assert_eq!(store.holdings().unwrap(), [held("a", 1, 0, size), held("b", 2, 3, size + 5)]);
    assert_eq!(store.contents().unwrap(), Contents { count: 2, bytes: size + 5, damaged: 0 });
    let named = |name: &str, count| Named { name: name.to_owned(), count };
    assert_eq!(store.repositories_of("b", 10).unwrap(), [named("b/one", 2), named("b/two", 1)]);
    assert_eq!(store.repositories_of("b", 1).unwrap(), [named("b/one", 2)]);
    assert_eq!(store.repositories_of("nothing", 10).unwrap(), []);
    store.ping().unwrap();
}

#[test]
fn the_file_system_is_measured() {
    let (dir, store) = store();
    let Space { free, size } = store.space().unwrap();
    assert!(free <= size, "{free} of {size}");
    assert_eq!(Space::of(dir.path()).unwrap().size, size);
    assert!(Space::of(&dir.path().join("nothing")).is_err());
}
