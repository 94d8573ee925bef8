//! What a gzip stream holds: a chart, a package, or something else. Only as much is inflated as a chart may
//! have.

use std::io::Read;

use flate2::read::MultiGzDecoder;

use crate::bundle::{CHART_FILE, CHART_FOLDER, HINTS, IMAGES};
use crate::images;

/// The largest chart, unpacked, in bytes (design.md, decision 11). Beyond that no stream is a chart.
const CHART_LIMIT: u64 = 100 << 20;

/// The largest file of a chart in bytes, as Helm has it.
const CHART_FILE_LIMIT: u64 = 5 << 20;

/// What was found.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Content {
    /// A chart, as `helm package` writes it: one folder, with a `Chart.yaml`.
    Chart,
    /// Bundles or images.
    Package,
    /// Another tar, or no tar.
    Other,
}

/// Looks into the stream, entry by entry, until it is known what it is.
///
/// What cannot be read is no chart; whoever needs it as one will be told why when it is loaded.
pub(crate) fn content(stream: impl Read) -> Content {
    let inflated = MultiGzDecoder::new(stream).take(CHART_LIMIT);
    let mut archive = tar::Archive::new(inflated);
    // Raw, since long names and pax headers would be read into memory whole; what decides has a short name.
    let Ok(entries) = archive.entries().map(|entries| entries.raw(true)) else { return Content::Other };
    for entry in entries {
        let Ok(entry) = entry else { return Content::Other };
        let name = String::from_utf8_lossy(&entry.path_bytes()).into_owned();
        let size = entry.header().entry_size().unwrap_or(u64::MAX);
        if let Some(content) = verdict(name.trim_start_matches("./"), size) {
            return content;
        }
    }
    Content::Other
}

/// What an entry of that name and size proves.
fn verdict(name: &str, size: u64) -> Option<Content> {
    let last = name.rsplit('/').next().unwrap_or(name);
    let is_package = name.starts_with(CHART_FOLDER)
        || name.contains(&format!("/{CHART_FILE}"))
        || [HINTS, IMAGES].contains(&last)
        || images::LISTS.contains(&name)
        || is_layer(name)
        || last.ends_with(".bundle.tar");
    if is_package {
        return Some(Content::Package);
    }
    if name.split('/').count() == 2 && last == "Chart.yaml" {
        return Some(Content::Chart);
    }
    (size > CHART_FILE_LIMIT).then_some(Content::Other)
}

/// Whether an archive of images names its layers so. Most have their list last, behind layers that are larger
/// than any chart; and the files of a chart lie in a folder.
fn is_layer(name: &str) -> bool {
    let is_digest = |text: &str| text.len() == 64 && text.bytes().all(|byte| byte.is_ascii_hexdigit());
    match name.split('/').collect::<Vec<_>>().as_slice() {
        [file] => [".tar.gz", ".tar"].iter().any(|end| file.strip_suffix(end).is_some_and(is_digest)),
        [folder, "layer.tar"] => is_digest(folder),
        ["blobs", _, file] => is_digest(file),
        _ => false,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn entries_that_decide() {
        let digest = "0123456789abcdef".repeat(4);
        let layers = [
            format!("{digest}.tar"),
            format!("{digest}.tar.gz"),
            format!("{digest}/layer.tar"),
            format!("blobs/sha256/{digest}"),
        ];
        for name in layers {
            assert_eq!(verdict(&name, 6 << 20), Some(Content::Package), "{name}");
        }
        for (name, size, expected) in [
            ("nginx/Chart.yaml", 100, Some(Content::Chart)),
            ("nginx/values.yaml", 100, None),
            ("nginx/charts/redis/Chart.yaml", 100, None),
            ("addon/", 0, None),
            ("addon/nginx.bundle.tar", 9 << 20, Some(Content::Package)),
            ("original-chart/Chart.yaml", 100, Some(Content::Package)),
            ("addon/nginx/original-chart/Chart.yaml", 100, Some(Content::Package)),
            ("manifest.json", 100, Some(Content::Package)),
            ("db/dump.sql", 6 << 20, Some(Content::Other)),
            ("db/layer.tar", 6 << 20, Some(Content::Other)),
        ] {
            assert_eq!(verdict(name, size), expected, "{name}");
        }
    }
}
