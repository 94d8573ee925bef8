//! Chart repositories and their index.

use std::collections::BTreeMap;
use std::fs;
use std::io::Read;
use std::sync::Barrier;
use std::thread;

use flate2::read::GzDecoder;
use portolan_chart::ChartVersion;
use portolan_testkit::random::Random;
use rusqlite::params;

use super::*;
use crate::names::{ChartStem, Tenant};
use crate::options::Existing;
use crate::store::charts::{ChartStore, record};
use crate::store::database::Writing;

const NAMES: [&str; 4] = ["a", "a-1", "b", "yes"];

fn tenant(name: &str) -> Tenant {
    Tenant::Project(name.parse().unwrap())
}

fn entry(name: &str, version: &str, digest: Digest) -> ChartEntry {
    let metadata = json!({"name": name, "version": version, "apiVersion": "v2"});
    let metadata = metadata.as_object().unwrap().clone();
    ChartEntry::new(metadata, version.parse().unwrap(), digest, "2024-01-01T00:00:00Z")
}

/// Keeps a chart whose archive is that content.
fn keep(store: &Store, owner: &str, version: &str, content: &'static [u8], existing: Existing) -> Saved {
    let stem = ChartStem::new("demo", version).unwrap();
    let mut draft = store.blobs.draft(portolan_oci::Algorithm::Sha256);
    draft.append(&[Bytes::from_static(content)]).unwrap();
    let chart = NewChart { stem, entry: entry("demo", version, Digest::sha256(content)), draft };
    store.keep_chart(&tenant(owner), chart, None, existing).unwrap()
}

fn archive(store: &Store, version: &str) -> Option<Digest> {
    store.charts.archive(&tenant("p"), &ChartStem::new("demo", version).unwrap()).unwrap()
}

fn plain(index: ChartIndex) -> String {
    let length = index.length();
    let text: Vec<u8> = index.plain().collect::<Vec<_>>().concat();
    assert_eq!(text.len() as u64, length);
    String::from_utf8(text).unwrap()
}

fn gzip(index: ChartIndex) -> Vec<u8> {
    let (length, pieces) = index.gzip();
    let stream = pieces.collect::<Vec<_>>().concat();
    assert_eq!(stream.len() as u64, length);
    stream
}

/// What the index has: names, and of each the versions in order.
fn listed(text: &str) -> BTreeMap<String, Vec<String>> {
    let mut charts: BTreeMap<String, Vec<String>> = BTreeMap::new();
    let mut open = None;
    let unquoted = |text: &str| text.trim_matches('"').to_owned();
    for line in text.lines() {
        if let Some(name) = line.strip_prefix("  ").and_then(|line| line.strip_suffix(':')) {
            if name.starts_with(' ') {
                continue;
            }
            let name = unquoted(name);
            assert!(charts.insert(name.clone(), Vec::new()).is_none(), "{name} stands there twice");
            open = Some(name);
        } else if let Some(version) = line.strip_prefix("    version: ") {
            charts.get_mut(open.as_ref().unwrap()).unwrap().push(unquoted(version));
        }
    }
    charts
}

/// Writes rows of charts of `p` without archives, many in one commit; what is there is replaced.
fn write_rows(store: &Store, rows: Vec<(&'static str, String)>) {
    let job = move |writing: &Writing<'_>| {
        for (name, version) in &rows {
            let digest = Digest::sha256(format!("{name} {version}").as_bytes());
            let mut insert = writing.prepare_cached(
                "INSERT INTO blob (digest, size, created) VALUES (?1, 1, 1)
                 ON CONFLICT DO UPDATE SET damaged = NULL RETURNING id",
            )?;
            let blob = insert.query_row([digest.to_string()], |row| row.get(0))?;
            remove_row(writing, name, version)?;
            let stem = format!("{name}-{version}").parse().unwrap();
            record(writing, &tenant("p"), &stem, &entry(name, version, digest), blob)?;
        }
        Ok(())
    };
    store.metadata.database.write("test", job).unwrap();
}

fn remove_row(writing: &Writing<'_>, name: &str, version: &str) -> rusqlite::Result<usize> {
    writing.execute("DELETE FROM chart WHERE name = ?1 AND version = ?2", [name, version])
}

fn damage(writing: &Writing<'_>, digest: &Digest, at: Option<i64>) -> rusqlite::Result<usize> {
    writing.execute("UPDATE blob SET damaged = ?2 WHERE digest = ?1", params![digest.to_string(), at])
}

/// Compares what was kept of an index with what a store makes of it that has read nothing yet.
fn assert_fresh(store: &Store, context: &str) -> String {
    let kept = store.charts.index(&tenant("p")).unwrap();
    let fresh = ChartStore::new(store.metadata.database.clone()).index(&tenant("p")).unwrap();
    assert_eq!(kept.state(), fresh.state(), "{context}");
    let text = plain(kept.clone());
    assert_eq!(text, plain(fresh.clone()), "{context}");
    let stream = gzip(kept);
    assert!(stream == gzip(fresh), "the same state has the same bytes: {context}");
    let mut inflated = String::new();
    GzDecoder::new(&stream[..]).read_to_string(&mut inflated).unwrap();
    assert_eq!(inflated, text, "{context}");
    text
}

#[test]
fn an_index_that_is_kept_up_to_date_is_the_one_that_is_made_anew() {
    for seed in 0..4 {
        let (_dir, store) = store();
        let mut random = Random::new(seed);
        let mut model: BTreeMap<&str, Vec<ChartVersion>> = BTreeMap::new();
        write_rows(&store, vec![("b", "0.0.0".to_owned())]);
        model.entry("b").or_default().push("0.0.0".parse().unwrap());
        for step in 0..40 {
            let changes = [1, 2, 5, 40][random.next_u64() as usize % 4];
            for _ in 0..changes {
                let name = NAMES[random.next_u64() as usize % NAMES.len()];
                let version = format!("{}.{}.0", random.next_u64() % 4, random.next_u64() % 60);
                let versions = model.entry(name).or_default();
                versions.retain(|other| other.as_str() != version);
                match random.next_u64() % 4 {
                    0 => {
                        let job = move |writing: &Writing<'_>| remove_row(writing, name, &version);
                        store.metadata.database.write("test", job).unwrap();
                    }
                    1 => {
                        let digest = Digest::sha256(format!("{name} {version}").as_bytes());
                        let job = move |writing: &Writing<'_>| damage(writing, &digest, Some(1));
                        store.metadata.database.write("test", job).unwrap();
                    }
                    _ => {
                        versions.push(version.parse().unwrap());
                        write_rows(&store, vec![(name, version)]);
                    }
                }
            }
            let text = assert_fresh(&store, &format!("seed {seed}, step {step}"));
            let expected =
                model.iter_mut().filter(|(_, versions)| !versions.is_empty()).map(|(name, versions)| {
                    versions.sort_by(|one, other| other.cmp(one));
                    ((*name).to_owned(), versions.iter().map(ChartVersion::to_string).collect())
                });
            assert_eq!(listed(&text), expected.collect(), "seed {seed}, step {step}");
        }
    }
}

#[test]
fn an_index_with_more_changes_than_are_remembered_is_read_as_a_whole() {
    let (_dir, store) = store();
    let versions = |major: u32| (0..600).map(|minor| ("demo", format!("{major}.{minor}.0"))).collect();
    write_rows(&store, versions(1));
    assert_fresh(&store, "read first");
    write_rows(&store, versions(2));
    assert_eq!(listed(&assert_fresh(&store, "changed too often"))["demo"].len(), 1200);
    let remembered = "SELECT count(*) FROM chart_change";
    let remembered: i64 =
        store.metadata.database.read("test", |it| it.query_row(remembered, [], |row| row.get(0))).unwrap();
    assert_eq!(remembered, 512);
    let all = "DELETE FROM chart";
    store.metadata.database.write("test", move |writing| writing.execute(all, [])).unwrap();
    assert!(assert_fresh(&store, "emptied").starts_with("apiVersion: v1\nentries: {}\n"));
    write_rows(&store, vec![("demo", "3.0.0".to_owned())]);
    assert_eq!(listed(&assert_fresh(&store, "begun again"))["demo"], ["3.0.0"]);
}

#[test]
fn each_state_of_an_index_has_a_name_of_its_own() {
    let (_dir, store) = store();
    let state = || store.charts.index_state(&tenant("p")).unwrap();
    assert_eq!(state(), "", "it never had an entry");
    let mut states = vec![state()];
    let mut changed = |what: &str| {
        assert_eq!(state(), state(), "nothing happens in between");
        assert_eq!(store.charts.index(&tenant("p")).unwrap().state(), state());
        assert!(!states.contains(&state()), "{what}");
        states.push(state());
    };
    keep(&store, "p", "1.0.0", b"one", Existing::Keep);
    changed("saved");
    keep(&store, "p", "1.0.0", b"one", Existing::Replace);
    changed("replaced by the same");
    store.charts.delete(&tenant("p"), "demo", "1.0.0").unwrap();
    changed("deleted");
    keep(&store, "p", "1.0.0", b"one", Existing::Keep);
    changed("the same as before");
    keep(&store, "q", "1.0.0", b"another's", Existing::Keep);
    let other = states.last().cloned();
    assert_eq!(Some(store.charts.index_state(&tenant("p")).unwrap()), other, "another's is another's");
}

#[test]
fn a_chart_that_is_there_stays_unless_it_is_to_be_replaced() {
    let (_dir, store) = store();
    assert_eq!(keep(&store, "p", "1.0.0", b"one", Existing::Keep), Saved::Done);
    assert_eq!(keep(&store, "p", "1.0.0", b"two", Existing::Keep), Saved::Exists);
    assert_eq!(archive(&store, "1.0.0"), Some(Digest::sha256(b"one")));
    assert!(!store.blobs.has_file(&Digest::sha256(b"two")), "nothing of it stays");
    assert_eq!(keep(&store, "p", "1.0.0", b"two", Existing::Replace), Saved::Done);
    assert_eq!(archive(&store, "1.0.0"), Some(Digest::sha256(b"two")));
    assert_eq!(store.metadata.usage(&"p".parse().unwrap()).unwrap(), 3);
}

#[test]
fn of_two_that_bring_one_chart_at_once_one_finds_it_there() {
    let (_dir, store) = store();
    let contents: [&'static [u8]; 8] = [b"0", b"1", b"2", b"3", b"4", b"5", b"6", b"7"];
    let together = Barrier::new(contents.len());
    let saved: Vec<_> = thread::scope(|scope| {
        let bring = |content: &'static [u8]| {
            let (store, together) = (&store, &together);
            scope.spawn(move || {
                together.wait();
                (keep(store, "p", "1.0.0", content, Existing::Keep), Digest::sha256(content))
            })
        };
        contents.map(bring).into_iter().map(|thread| thread.join().unwrap()).collect()
    });
    let done: Vec<_> = saved.iter().filter(|(saved, _)| *saved == Saved::Done).collect();
    assert_eq!(done.len(), 1);
    assert_eq!(archive(&store, "1.0.0").as_ref(), Some(&done[0].1));
    for (saved, digest) in &saved {
        assert_eq!(store.blobs.has_file(digest), *saved == Saved::Done, "of the others nothing stays");
    }
}

#[test]
fn a_chart_whose_archive_is_damaged_or_lost_comes_again() {
    let (_dir, store) = store();
    keep(&store, "p", "1.0.0", b"one", Existing::Keep);
    let digest = Digest::sha256(b"one");
    let damaged = digest.clone();
    store.metadata.database.write("test", move |writing| damage(writing, &damaged, Some(1))).unwrap();
    assert_eq!(archive(&store, "1.0.0"), None);
    assert_eq!(store.charts.version(&tenant("p"), "demo", "1.0.0").unwrap(), None);
    assert!(assert_fresh(&store, "damaged").contains("entries: {}"));
    assert_eq!(keep(&store, "p", "1.0.0", b"one", Existing::Keep), Saved::Done);
    assert_eq!(listed(&assert_fresh(&store, "healed"))["demo"], ["1.0.0"]);
    fs::remove_file(store.blobs.path(&digest)).unwrap();
    assert_eq!(keep(&store, "p", "1.0.0", b"one", Existing::Keep), Saved::Done);
    assert!(store.blobs.has_file(&digest));
}

#[test]
fn a_chart_and_its_provenance_come_together_or_not_at_all() {
    let (_dir, store) = store();
    let stem: ChartStem = "demo-1.0.0".parse().unwrap();
    let signed =
        |content: &'static [u8]| NewProvenance { stem: stem.clone(), content: Bytes::from_static(content) };
    let owner = tenant("p");
    let bring = |content: &'static [u8], existing| {
        let mut draft = store.blobs.draft(portolan_oci::Algorithm::Sha256);
        draft.append(&[Bytes::from_static(content)]).unwrap();
        let chart =
            NewChart { stem: stem.clone(), entry: entry("demo", "1.0.0", Digest::sha256(content)), draft };
        store.keep_chart(&owner, chart, Some(&signed(content)), existing).unwrap()
    };
    assert_eq!(store.keep_provenance(&owner, &signed(b"alone"), Existing::Keep).unwrap(), Saved::Done);
    assert_eq!(bring(b"one", Existing::Keep), Saved::Exists, "the provenance file is there");
    assert_eq!(archive(&store, "1.0.0"), None);
    assert_eq!(bring(b"two", Existing::Replace), Saved::Done);
    assert_eq!(archive(&store, "1.0.0"), Some(Digest::sha256(b"two")));
    assert_eq!(store.charts.provenance(&owner, &stem).unwrap(), Some(Digest::sha256(b"two")));
    assert!(store.charts.delete(&owner, "demo", "1.0.0").unwrap());
    assert_eq!(store.charts.provenance(&owner, &stem).unwrap(), None);
    assert!(!store.charts.delete(&owner, "demo", "1.0.0").unwrap());
}

#[test]
fn names_and_versions_that_make_one_file_name_are_not_mixed_up() {
    let (_dir, store) = store();
    write_rows(&store, vec![("a-1", "2.0.0".to_owned())]);
    let owner = tenant("p");
    assert_eq!(store.charts.version(&owner, "a", "1-2.0.0").unwrap(), None);
    assert!(!store.charts.delete(&owner, "a", "1-2.0.0").unwrap());
    assert!(store.charts.delete(&owner, "a-1", "2.0.0").unwrap());
}

#[test]
fn lists_come_in_pieces_and_in_order() {
    let (_dir, store) = store();
    let rows = NAMES.iter().flat_map(|name| (0..150).map(move |minor| (*name, format!("1.{minor}.0"))));
    write_rows(&store, rows.collect());
    let owner = tenant("p");
    let all = |mut listing: Listing| {
        let (mut charts, mut pieces) = (Vec::new(), 0);
        loop {
            let piece = store.charts.list(&owner, &mut listing).unwrap();
            if piece.is_empty() {
                return (charts, pieces);
            }
            pieces += 1;
            charts.extend(piece.into_iter().map(|chart| {
                let entry: Value = serde_json::from_str(&chart.entry).unwrap();
                (chart.name, entry["version"].as_str().unwrap().to_owned())
            }));
        }
    };
    let expected = |names: &[&str]| -> Vec<(String, String)> {
        let of = |name: &&str| {
            let name = (*name).to_owned();
            (0..150).rev().map(move |minor| (name.clone(), format!("1.{minor}.0")))
        };
        names.iter().flat_map(of).collect()
    };
    let (charts, pieces) = all(store.charts.listing(&owner, 0, None).unwrap());
    assert_eq!(charts, expected(&NAMES));
    assert!(pieces > 1, "{pieces}");
    assert_eq!(all(Listing::of_chart("a")).0, expected(&["a"]));
    assert_eq!(all(Listing::of_chart("nothing")).0, []);
    for (offset, limit, names) in [
        (0, Some(1), &NAMES[..1]),
        (1, Some(2), &NAMES[1..3]),
        (3, Some(9), &NAMES[3..]),
        (2, None, &NAMES[2..]),
        (4, Some(1), &[]),
        (u64::MAX, Some(u64::MAX), &[]),
    ] {
        let listing = store.charts.listing(&owner, offset, limit).unwrap();
        assert_eq!(all(listing).0, expected(names), "{offset} {limit:?}");
    }
    let mut listing = Listing::default();
    let summaries = store.charts.summaries(&owner, &mut listing).unwrap();
    let summed: Vec<_> = summaries.iter().map(|chart| (chart.name.as_str(), chart.versions)).collect();
    assert_eq!(summed, NAMES.map(|name| (name, 150)));
    assert!(summaries[0].newest.contains("1.149.0") && summaries[0].first.contains("1.0.0"));
    assert_eq!(store.charts.summaries(&owner, &mut listing).unwrap(), []);
}

#[test]
fn the_newest_release_is_no_pre_release() {
    let (_dir, store) = store();
    let versions = ["1.0.0", "1.10.0", "1.9.0", "2.0.0-rc.1", "1.10.0+5"];
    write_rows(&store, versions.iter().map(|version| ("b", (*version).to_owned())).collect());
    write_rows(&store, vec![("a", "1.0.0-rc.1".to_owned())]);
    let newest = |name: &str| store.charts.newest_release(&tenant("p"), name).unwrap();
    assert!(newest("b").unwrap().contains(r#""version":"1.10.0+5""#));
    assert_eq!(newest("a"), None);
    assert_eq!(newest("nothing"), None);
}
