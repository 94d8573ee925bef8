//! What is left out of a package, and what is said about it.

use super::PackageError;
use crate::source::Stretch;

/// What a person calls a bundle's file.
pub(crate) const BUNDLE_SUFFIX: &str = ".bundle.tar";

/// What is said of a file that holds nothing of a package.
pub(crate) enum Ignored {
    /// By its name it should.
    Broken(PackageError),
    /// It could have.
    Noted(String),
    /// Nothing.
    Silently,
}

/// What is said of that file.
pub(crate) fn ignored(file: &Stretch) -> Ignored {
    let has_suffix = |suffix: &&str| file.name().ends_with(suffix);
    if has_suffix(&BUNDLE_SUFFIX) {
        return Ignored::Broken(PackageError::NoChart { origin: file.to_string() });
    }
    match [".tar", ".tgz", ".tar.gz"].iter().any(has_suffix) {
        true => Ignored::Noted(format!("{file}: holds neither charts nor images and is left out")),
        false => Ignored::Silently,
    }
}

/// Whether a Zstandard frame is a package by its name, and nothing else.
pub(crate) fn is_zstd_tar(file: &Stretch) -> bool {
    [".tar.zst", ".tzst", ".tar.zstd"].iter().any(|suffix| file.name().ends_with(suffix))
}

/// The note on a folder that is a chart.
pub(crate) fn unpacked_chart(folder: &str) -> String {
    format!("{folder}: is an unpacked chart and is left out: pack it with `helm package`")
}

/// The note on a provenance file without its chart.
pub(crate) fn signs_nothing(file: &Stretch) -> String {
    format!("{file}: signs no chart beside it and is left out")
}
