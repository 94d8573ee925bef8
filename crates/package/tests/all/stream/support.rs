//! What the tests of streams share: a stream read to its end, and its bundles beside those of the package in
//! place.

use std::collections::BTreeMap;
use std::io::{self, Cursor, Read};

use portolan_oci::{Digest, SizedDigest};
use portolan_package::stream::{PackageStream, Step, StreamEnd, StreamError, StreamOptions};
use portolan_package::{BlobId, Broken, Bundle, ImageSource, Package};

/// What a blob was when it went by.
#[derive(Debug)]
pub(crate) struct Sent {
    pub(crate) entry: String,
    pub(crate) claimed: Option<Digest>,
    pub(crate) sent: SizedDigest,
}

/// All that a stream said.
#[derive(Debug, Default)]
pub(crate) struct Seen {
    pub(crate) bundles: Vec<Bundle>,
    pub(crate) broken: Vec<Broken>,
    /// What was known when images came.
    pub(crate) early: Vec<Bundle>,
    pub(crate) blobs: BTreeMap<BlobId, Sent>,
    pub(crate) end: Option<StreamEnd>,
    /// The order of the steps, a letter each.
    pub(crate) steps: String,
}

impl Seen {
    pub(crate) fn notes(&self) -> &[String] {
        &self.end.as_ref().expect("the stream ended well").notes
    }

    /// Digest of the manifest of an image whose layers went by.
    pub(crate) fn manifest(&self, source: &ImageSource) -> Digest {
        let layer = |layer: &portolan_package::Layer| match layer.blob.passed() {
            Some(id) => self.blobs[&id].sent.clone(),
            None => {
                let bytes = crate::support::sent(&layer.blob);
                SizedDigest { size: bytes.len() as u64, digest: Digest::sha256(&bytes) }
            }
        };
        source.manifest_with(&source.layers.iter().map(layer).collect::<Vec<_>>()).digest().clone()
    }
}

/// The name that streams have in these tests.
pub(crate) const NAME: &str = "package";

pub(crate) fn stream(input: impl Read + Send + 'static) -> PackageStream {
    PackageStream::new(NAME, input, &StreamOptions::default()).unwrap()
}

/// Reads the stream to its end, every blob included; the error, where it ends with one.
pub(crate) fn read(mut stream: PackageStream) -> (Seen, Option<StreamError>) {
    let mut seen = Seen::default();
    loop {
        match stream.step() {
            Ok(Some(step)) => {
                if take(&mut seen, step).is_err() {
                    return (seen, stream.step().err());
                }
            }
            Ok(None) => return (seen, None),
            Err(error) => return (seen, Some(error)),
        }
    }
}

fn take(seen: &mut Seen, step: Step<'_>) -> io::Result<()> {
    match step {
        Step::Images(bundle) => {
            seen.steps.push('i');
            seen.early.push(bundle);
        }
        Step::Blob(blob) => {
            seen.steps.push('b');
            let (id, entry, claimed) = (blob.id(), blob.entry(), blob.digest().cloned());
            let mut bytes = Vec::new();
            blob.open().read_to_end(&mut bytes)?;
            let sent = SizedDigest { size: bytes.len() as u64, digest: Digest::sha256(&bytes) };
            assert!(seen.blobs.insert(id, Sent { entry, claimed, sent }).is_none(), "{id:?} came twice");
        }
        Step::Bundle(bundle) => {
            seen.steps.push('B');
            seen.bundles.push(bundle);
        }
        Step::Broken(broken) => {
            seen.steps.push('X');
            seen.broken.push(broken);
        }
        Step::End(end) => {
            seen.steps.push('.');
            seen.end = Some(end);
        }
    }
    Ok(())
}

/// Reads a stream that is said to end well.
pub(crate) fn whole(bytes: &[u8]) -> Seen {
    let (seen, error) = read(stream(Cursor::new(bytes.to_vec())));
    if let Some(error) = error {
        panic!("{error}");
    }
    seen
}

/// The whole text of the error that a stream ends with.
pub(crate) fn error_text(bytes: &[u8]) -> String {
    crate::support::text(&error(bytes))
}

/// The error that a stream ends with.
pub(crate) fn error(bytes: &[u8]) -> StreamError {
    let (seen, error) = read(stream(Cursor::new(bytes.to_vec())));
    error.unwrap_or_else(|| panic!("the stream ended well: {seen:?}"))
}

/// The files of a tar, in its order.
pub(crate) fn files(archive: &[u8]) -> Vec<(String, Vec<u8>)> {
    let file = |entry: io::Result<tar::Entry<'_, &[u8]>>| {
        let mut entry = entry.unwrap();
        let mut data = Vec::new();
        entry.read_to_end(&mut data).unwrap();
        (entry.path().unwrap().display().to_string(), data)
    };
    tar::Archive::new(archive).entries().unwrap().map(file).collect()
}

/// A bundle as text, so that two readings can be compared: all but where its bytes lie.
fn described(bundle: &Bundle, package: &str, manifest: &dyn Fn(&ImageSource) -> Digest) -> String {
    let chart = bundle.chart().map(|chart| chart.map(|chart| chart.files().to_vec()));
    let hints = bundle.hints().map(|hints| hints.map(|hints| format!("{hints:?}")));
    let images: Vec<_> = bundle
        .images
        .iter()
        .map(|image| {
            let sources = image.content.sources().iter();
            let sources: Vec<_> = sources
                .map(|source| {
                    let layer = |layer: &portolan_package::Layer| {
                        (layer.media_type.clone(), layer.blob.stored_size(), layer.diff_id.clone())
                    };
                    let layers: Vec<_> = source.layers.iter().map(layer).collect();
                    format!("{} {:?} {}", source.platform, layers, manifest(source))
                })
                .collect();
            format!("{:?} {sources:?}", image.names)
        })
        .collect();
    let text = format!(
        "{} {:?} {chart:?} {hints:?} {:?} {:?} {images:#?}",
        bundle.origin,
        bundle.folder,
        bundle.archive().map(|bytes| bytes.map(|bytes| Digest::sha256(&bytes))),
        bundle.provenance().map(|file| file.read_small(1 << 20).unwrap()),
    );
    text.replace(package, NAME)
}

/// Asserts that the file says the same as a stream as it said in place.
pub(crate) fn assert_agrees_in_place(package: &Package) {
    assert_agree(&whole(&std::fs::read(&package.path).unwrap()), package);
}

/// Asserts that the stream said what opening in place says.
pub(crate) fn assert_agree(seen: &Seen, package: &Package) {
    let path = package.path.display().to_string();
    let in_place = package.bundles.iter();
    let in_place: Vec<_> = in_place.map(|bundle| described(bundle, &path, &crate::support::send)).collect();
    let mut passed: Vec<_> =
        seen.bundles.iter().map(|bundle| described(bundle, NAME, &|source| seen.manifest(source))).collect();
    passed.sort();
    let mut expected = in_place;
    expected.sort();
    assert_eq!(passed, expected);

    let told = |broken: &[Broken], package: &str| {
        let mut told: Vec<_> = broken.iter().map(|broken| crate::support::text(&broken.error)).collect();
        told.sort();
        told.join("\n").replace(package, NAME)
    };
    assert_eq!(told(&seen.broken, NAME), told(&package.broken, &path));

    let sorted = |notes: &[String], package: &str| {
        let mut notes: Vec<_> = notes.iter().map(|note| note.replace(package, NAME)).collect();
        notes.sort();
        notes
    };
    assert_eq!(sorted(seen.notes(), NAME), sorted(&package.notes, &path));
    for (id, blob) in &seen.blobs {
        assert!(
            blob.claimed.is_none() || blob.claimed.as_ref() == Some(&blob.sent.digest),
            "{id:?} {blob:?}"
        );
    }
}
