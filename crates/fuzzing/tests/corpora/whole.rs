//! No target lacks a program, a test or a corpus, and the corpora stay small.

use std::{collections::BTreeSet, fs};

use portolan_fuzzing::TARGETS;
use portolan_release::advisories::Advisories;
use portolan_transfer::SavedPlan;

use crate::{
    every_file::TESTED,
    files::{corpus, files, fuzz},
    seeds::seeds,
};

/// How much all corpora may take together, in bytes.
const ALL: usize = 1 << 20;

fn targets() -> BTreeSet<&'static str> {
    TARGETS.iter().map(|(name, _)| *name).collect()
}

#[test]
fn every_target_is_tested_and_has_a_corpus() {
    assert_eq!(TESTED.iter().copied().collect::<BTreeSet<_>>(), targets());
    let listed = fs::read_dir(fuzz().join("corpus")).unwrap();
    let corpora: BTreeSet<_> =
        listed.map(|entry| entry.unwrap().file_name().into_string().unwrap()).collect();
    assert_eq!(corpora.iter().map(String::as_str).collect::<BTreeSet<_>>(), targets());
}

#[test]
fn every_target_has_a_program_that_runs_it() {
    let manifest = fs::read_to_string(fuzz().join("Cargo.toml")).unwrap();
    for name in targets() {
        let path = format!("fuzz_targets/{name}.rs");
        assert!(manifest.contains(&format!("name = \"{name}\"\npath = \"{path}\"")), "{name}");
        let program = fs::read_to_string(fuzz().join(&path)).unwrap();
        assert!(program.contains(&format!("portolan_fuzzing::{name}(bytes)")), "{path}");
    }
}

#[test]
fn corpora_are_small() {
    let size: usize = targets().into_iter().flat_map(files).map(|(_, bytes)| bytes.len()).sum();
    assert!(size <= ALL, "{size} bytes");
}

#[test]
fn seeds_are_those_of_this_code() {
    for (target, name, bytes) in seeds() {
        let path = corpus(target).join(&name);
        let found = fs::read(&path).unwrap_or_default();
        assert!(found == bytes, "{}: write the seeds anew (docs/fuzzing.md)", path.display());
    }
}

/// A seed that stops at the first check would leave the rest to chance.
#[test]
fn the_seed_of_a_plan_is_one() {
    let (_, bytes) = files("plan").into_iter().find(|(name, _)| name == "seed-00").unwrap();
    let plan: SavedPlan = serde_json::from_slice(&bytes).unwrap();
    assert!(SavedPlan::from_file(plan.to_file().as_bytes()).is_ok());
}

/// The same of advisories.
#[test]
fn two_seeds_of_advisories_are_some() {
    for name in ["seed-00", "seed-01"] {
        let (_, bytes) = files("advisories").into_iter().find(|(other, _)| other == name).unwrap();
        let text = String::from_utf8(bytes).unwrap();
        let file = text.split("%%").next().unwrap();
        Advisories::default().add_file(name, file.as_bytes()).unwrap();
    }
}

/// Not a test: writes the seeds, after a change to them.
#[test]
#[ignore = "writes into the repository"]
fn write_seeds() {
    for (target, name, bytes) in seeds() {
        let folder = corpus(target);
        fs::create_dir_all(&folder).unwrap();
        fs::write(folder.join(name), bytes).unwrap();
    }
}
