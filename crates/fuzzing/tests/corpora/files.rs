//! Where the corpora lie.

use std::{fs, path::PathBuf};

/// The folder of the fuzz targets.
pub(crate) fn fuzz() -> PathBuf {
    PathBuf::from(env!("CARGO_MANIFEST_DIR")).join("../../fuzz")
}

/// The folder of a target's corpus.
pub(crate) fn corpus(target: &str) -> PathBuf {
    fuzz().join("corpus").join(target)
}

/// The files of a target's corpus, by name.
pub(crate) fn files(target: &str) -> Vec<(String, Vec<u8>)> {
    let folder = corpus(target);
    let listed = fs::read_dir(&folder).unwrap_or_else(|error| panic!("{}: {error}", folder.display()));
    let mut paths: Vec<PathBuf> = listed.map(|entry| entry.unwrap().path()).collect();
    paths.sort();
    let read = |path: &PathBuf| {
        let name = path.file_name().unwrap().to_string_lossy().into_owned();
        (name, fs::read(path).unwrap())
    };
    paths.iter().map(read).collect()
}
