//! The paths that the file names.

use std::path::{Path, PathBuf};

use serde_saphyr::Spanned;

use super::super::file::Key;
use super::super::problems::{Problems, line};
use super::super::{Environment, ProblemKind};
use super::file::{File, value};

/// The places that an add-on package is named at, the one of today first.
const ADDON: [&str; 3] = ["spec.addonPackage.path", "spec.addonOfflinePackagePath", "addonPackage.path"];

/// The path that a key names.
pub(super) fn path(key: &Key<String>, environment: &Environment) -> Option<PathBuf> {
    value(key).map(|path| expanded(&path.value, environment))
}

/// The add-on package, which several versions of the installer name in several places.
pub(super) fn addon(file: &File, environment: &Environment, problems: &mut Problems) -> Option<PathBuf> {
    let spec = &file.spec;
    let keys = [&spec.addon_package.path, &spec.addon_offline_package_path, &file.addon_package.path];
    let mut named = ADDON.iter().zip(keys).filter_map(|(name, key)| Some((*name, value(key)?)));
    let (with, first) = named.next()?;
    for (name, other) in named {
        refuse_another(name, other, with, first, problems);
    }
    Some(expanded(&first.value, environment))
}

/// Two keys may say the same twice, but nothing else.
fn refuse_another(
    name: &str,
    other: &Spanned<String>,
    with: &'static str,
    first: &Spanned<String>,
    problems: &mut Problems,
) {
    if other.value != first.value {
        problems.add(name, line(other), ProblemKind::Conflict { with });
    }
}

/// `~` alone or before a slash is the home directory, where that is known.
pub(crate) fn expanded(text: &str, environment: &Environment) -> PathBuf {
    match (text.strip_prefix('~'), environment.home()) {
        (Some(""), Some(home)) => PathBuf::from(home),
        (Some(rest), Some(home)) if rest.starts_with('/') => {
            Path::new(home).join(rest.trim_start_matches('/'))
        }
        _ => PathBuf::from(text),
    }
}
