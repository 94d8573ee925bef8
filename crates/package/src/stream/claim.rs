//! What a path says of the folder it lies in.
//!
//! In place, a folder is judged by all its files at once. In a stream the first of them have to be dealt with
//! before the others come, so it is judged by their names, in the forms in which writers give them, and
//! what was taken for an archive of images is one only if its list shows up.

use portolan_oci::{Algorithm, Digest};

use crate::bundle::{CHART_FILE, CHART_FOLDER, HINTS, IMAGES};
use crate::images::{self, LAYOUT_MARK};

/// What a folder is, by one of its files.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Kind {
    /// An unpacked bundle.
    Bundle,
    /// An unpacked archive of images.
    Images,
    /// An unpacked chart.
    Chart,
}

/// A file that says what its folder is.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct Claim<'a> {
    /// The folder: empty, or with a slash at its end.
    pub(super) root: &'a str,
    /// What it is.
    pub(super) kind: Kind,
    /// Whether only such a folder has a file of that name.
    pub(super) firm: bool,
}

/// What the file at `path` says.
pub(super) fn of(path: &str) -> Option<Claim<'_>> {
    bundle(path).or_else(|| images(path)).or_else(|| chart(path))
}

fn bundle(path: &str) -> Option<Claim<'_>> {
    let claim = |root, firm| Claim { root, kind: Kind::Bundle, firm };
    if let Some(root) = before_folder(path, CHART_FOLDER) {
        return Some(claim(root, true));
    }
    let (root, name) = split(path);
    match name {
        // At the root of a tar nothing else has hints.
        HINTS => Some(claim(root, root.is_empty())),
        IMAGES => Some(claim(root, false)),
        _ => None,
    }
}

fn images(path: &str) -> Option<Claim<'_>> {
    let claim = |root, firm| Claim { root, kind: Kind::Images, firm };
    if let Some(root) = before_folder(path, "blobs/").filter(|root| is_blob(&path[root.len()..])) {
        return Some(claim(root, true));
    }
    let (root, name) = split(path);
    if name == LAYOUT_MARK {
        return Some(claim(root, true));
    }
    // Other programs name files so too; in a folder it takes more, but a tar has to be something.
    if images::LISTS.contains(&name) || name == images::NAMES || is_named_by_digest(name) {
        return Some(claim(root, root.is_empty()));
    }
    let (root, folder) = split(root.strip_suffix('/')?);
    let is_layer = is_hex(folder) && (name == "layer.tar" || images::is_legacy(name));
    is_layer.then(|| claim(root, root.is_empty()))
}

fn chart(path: &str) -> Option<Claim<'_>> {
    let (root, name) = split(path);
    let is_chart = format!("{CHART_FOLDER}{name}") == CHART_FILE && !root.is_empty();
    is_chart.then_some(Claim { root, kind: Kind::Chart, firm: true })
}

/// The folder, with its slash, and the name in it.
fn split(path: &str) -> (&str, &str) {
    path.split_at(path.rfind('/').map_or(0, |at| at + 1))
}

/// What stands before the outermost folder of that name (with its slash).
fn before_folder<'a>(path: &'a str, folder: &str) -> Option<&'a str> {
    let starts = std::iter::once(0).chain(path.match_indices('/').map(|(at, _)| at + 1));
    starts.map(|at| path.split_at(at)).find(|(_, rest)| rest.starts_with(folder)).map(|(before, _)| before)
}

/// `blobs/sha256/<hex>`.
fn is_blob(path: &str) -> bool {
    let digest = path.strip_prefix("blobs/").map(|path| path.replacen('/', ":", 1));
    digest.is_some_and(|digest| digest.parse::<Digest>().is_ok())
}

/// `sha256:<hex>`, `<hex>.tar.gz`, `<hex>.tar`, `<hex>.json`.
fn is_named_by_digest(name: &str) -> bool {
    let hex = [".tar.gz", ".tar", ".json"].iter().find_map(|suffix| name.strip_suffix(suffix));
    hex.is_some_and(is_hex) || name.parse::<Digest>().is_ok()
}

fn is_hex(text: &str) -> bool {
    Digest::from_hex(Algorithm::Sha256, text).is_ok()
}

#[cfg(test)]
mod tests {
    use super::*;

    const HEX: &str = "24fb2886d6f6c5d16481dd7608b47e78a8e92a13d6e64d87d57cb16d5f766d63";

    #[track_caller]
    fn check(path: &str, expected: Option<(&str, Kind, bool)>) {
        let path = path.replace("HEX", HEX);
        let found = of(&path).map(|claim| (claim.root, claim.kind, claim.firm));
        assert_eq!(found, expected, "{path}");
    }

    #[test]
    fn what_names_say_of_folders() {
        check("hints.yaml", Some(("", Kind::Bundle, true)));
        check("docs/hints.yaml", Some(("docs/", Kind::Bundle, false)));
        check("images.tar", Some(("", Kind::Bundle, false)));
        check("a/b/original-chart/charts/c/original-chart/x", Some(("a/b/", Kind::Bundle, true)));
        check("original-chart/blobs/sha256/HEX", Some(("", Kind::Bundle, true)));
        check("not-original-chart/x", None);
        check("original-chart", None);
        check("l/blobs/sha256/HEX", Some(("l/", Kind::Images, true)));
        check("l/blobs/sha256/short", None);
        check("l/oci-layout", Some(("l/", Kind::Images, true)));
        check("web/manifest.json", Some(("web/", Kind::Images, false)));
        check("manifest.json", Some(("", Kind::Images, true)));
        check("index.json", Some(("", Kind::Images, true)));
        check("sha256:HEX", Some(("", Kind::Images, true)));
        check("x/HEX.tar.gz", Some(("x/", Kind::Images, false)));
        check("HEX.json", Some(("", Kind::Images, true)));
        check("x/HEX/layer.tar", Some(("x/", Kind::Images, false)));
        check("HEX/VERSION", Some(("", Kind::Images, true)));
        check("HEX/other", None);
        check("layer.tar", None);
        check("nginx/Chart.yaml", Some(("nginx/", Kind::Chart, true)));
        check("Chart.yaml", None);
        check("addon/nginx.bundle.tar", None);
    }
}
