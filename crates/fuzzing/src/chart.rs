//! Charts: archives, `Chart.yaml`, image hints.

use std::io::Write as _;

use flate2::{Compression, write::GzEncoder};
use portolan_chart::{
    CHART_LIMIT, Chart, ChartFile, FILE_LIMIT, Hints, Metadata, RelocateOptions, Rules, check_provenance,
    relocate,
};

use portolan_oci::Digest;

use crate::{
    laws::{can_be_told, stays_inside},
    values::is_not_our_fault,
};

/// How many bytes a byte of gzip can become: a little more than the 1032 of its format.
const INFLATED: u64 = 1100;

/// A `.tgz`; what is no gzip stream is taken as the tar inside one.
pub fn chart_archive(bytes: &[u8]) {
    let is_gzip = bytes.starts_with(&[0x1f, 0x8b]);
    let archive = if is_gzip { bytes.to_vec() } else { stored(&crate::archives::with_checksums(bytes)) };
    match Chart::from_archive("fuzz.tgz", archive.as_slice()) {
        Ok(chart) => {
            is_within_limits(&chart, archive.len() as u64);
            is_read_as_packed(&chart);
            is_vendored_once(&chart);
            chart.validate().err().iter().for_each(|error| can_be_told(error));
        }
        Err(error) => can_be_told(&error),
    }
}

fn stored(tar: &[u8]) -> Vec<u8> {
    let mut encoder = GzEncoder::new(Vec::new(), Compression::none());
    encoder.write_all(tar).expect("because memory takes bytes");
    encoder.finish().expect("because memory takes bytes")
}

fn is_within_limits(chart: &Chart, archive: u64) {
    let mut all = 0;
    for ChartFile { path, data } in chart.files() {
        stays_inside(path);
        assert!(data.len() as u64 <= FILE_LIMIT);
        all += data.len() as u64;
    }
    assert!(all <= CHART_LIMIT.min(archive * INFLATED), "{all} bytes came out of {archive}");
    is_folder(chart.name());
}

fn is_folder(name: &str) {
    stays_inside(name);
    assert!(!name.is_empty() && !name.contains(['/', '\\']), "{name:?} is no folder's name");
}

fn is_read_as_packed(chart: &Chart) {
    let packed = chart.pack().expect("because every name that is taken can be packed");
    assert_eq!(chart.pack().ok(), Some(packed.clone()), "packing is reproducible");
    let again = Chart::from_archive("again", packed.as_ref()).expect("because Portolan packed it");
    assert_eq!(again.files(), chart.files());
    assert!(again.same_content(chart));
}

/// Sub-charts of every kind are taken apart and put together, and their dependencies emptied.
fn is_vendored_once(chart: &Chart) {
    let options = RelocateOptions { target_repo_name: "myrepo".to_owned(), digest_of: &|_| None };
    let (hints, rules) = (Hints::default(), Rules::default());
    match relocate(chart, &hints, &rules, &options) {
        Ok(once) => {
            let twice = relocate(&once.chart, &hints, &rules, &options).expect("because it went well once");
            assert_eq!(twice.edits, []);
            assert_eq!(twice.chart.files(), once.chart.files());
        }
        Err(error) => is_not_our_fault(&error),
    }
}

/// `Chart.yaml`.
pub fn chart_metadata(bytes: &[u8]) {
    let metadata = match Metadata::parse(bytes) {
        Ok(metadata) => metadata,
        Err(error) => return can_be_told(&error),
    };
    is_folder(metadata.name());
    if let Ok(tag) = metadata.version().tag() {
        assert_eq!(tag.as_str(), metadata.version().as_str().replace('+', "_"));
    }
    // Indexes and OCI configs carry it as JSON, which is YAML.
    let json = serde_json::to_vec(&metadata).expect("because metadata are JSON");
    assert!(json.len() <= bytes.len() * JSON_GROWTH + JSON_OF_ALIASES, "{} bytes", json.len());
    let again = Metadata::parse(&json).expect("because Portolan wrote it");
    assert_eq!(again, metadata, "{}", String::from_utf8_lossy(&json));
}

/// A character may become an escape of six.
const JSON_GROWTH: usize = 8;
/// What aliases may repeat.
const JSON_OF_ALIASES: usize = 64 << 20;

/// A provenance file beside an archive that is empty.
pub fn provenance(bytes: &[u8]) {
    const FILE: &str = "web-1.0.0.tgz";
    let archive = Digest::sha256(b"");
    match check_provenance(bytes, FILE, &archive) {
        Ok(()) => {
            let text = String::from_utf8_lossy(bytes);
            // The digest may be written with escapes, and so may the name.
            assert!(text.contains("-----BEGIN PGP SIGNATURE-----") && text.contains("files"), "{text}");
        }
        Err(error) => can_be_told(&error),
    }
}

/// `hints.yaml`.
pub fn hints(bytes: &[u8]) {
    let hints = match Hints::parse("hints.yaml", bytes) {
        Ok(hints) => hints,
        Err(error) => return can_be_told(&error),
    };
    let lines = String::from_utf8_lossy(bytes).split(['\n', '\r']).count();
    for hint in hints.iter() {
        assert!((1..=lines).contains(&hint.line()), "line {} of {lines}", hint.line());
        let alone = format!("- {}", serde_json::Value::from(hint.text()));
        let again = Hints::parse("again", alone.as_bytes()).expect("because the template was taken before");
        assert_eq!(again.iter().map(portolan_chart::Hint::text).collect::<Vec<_>>(), [hint.text()]);
    }
}
