//! Whether the file is a cluster's configuration at all, and one of a version that is understood.

use super::super::problems::{Problems, line};
use super::file::{File, value};

/// The versions whose keys are those that are read here.
const VERSIONS: [&str; 2] = ["provision.daocloud.io/v1alpha3", "provision.daocloud.io/v1alpha4"];

const KIND: &str = "ClusterConfig";

/// Refuses another kind or version; a file that says neither is taken for one of the newest version, and
/// that is noted.
pub(super) fn check(file: &File, problems: &mut Problems) -> Option<String> {
    let version = value(&file.api_version);
    if let Some(version) = version.filter(|version| !VERSIONS.contains(&version.value.as_str())) {
        let reason = format!("{:?} is none of {}", version.value, VERSIONS.join(", "));
        problems.invalid("apiVersion", line(version), reason);
    }
    if let Some(kind) = value(&file.kind).filter(|kind| kind.value != KIND) {
        problems.invalid("kind", line(kind), format_args!("{:?} is not {KIND}", kind.value));
    }
    let newest = VERSIONS[VERSIONS.len() - 1];
    version.is_none().then(|| format!("no `apiVersion` is there, so {newest} is taken"))
}
