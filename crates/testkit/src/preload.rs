//! Small libraries of C that stand below a program and its C library.

use std::fs;
use std::path::PathBuf;
use std::process::Command;

use portolan_oci::Digest;

use crate::components;
use crate::process::run;

/// The library of a source, compiled once for all clones. Two at once make it twice, and either is whole. `None` where
/// there is no C compiler and the test is to be skipped.
pub(crate) fn library(name: &str, text: &str) -> Option<PathBuf> {
    let compiler = components::CC.require()?;
    let folder = components::cache().join(format!("{name}-{}", &Digest::sha256(text.as_bytes()).hex()[..16]));
    let library = folder.join(format!("{name}.so"));
    if !library.is_file() {
        fs::create_dir_all(&folder).expect("the cache can be written");
        let fresh = tempfile::tempdir_in(&folder).expect("the cache can be written");
        let [source, made] = ["c", "so"].map(|ending| fresh.path().join(format!("{name}.{ending}")));
        fs::write(&source, text).expect("the cache can be written");
        run(Command::new(compiler)
            .args(["-shared", "-fPIC", "-O1", "-pthread", "-o"])
            .arg(&made)
            .arg(&source));
        fs::rename(&made, &library).expect("the cache can be written");
    }
    Some(library)
}
