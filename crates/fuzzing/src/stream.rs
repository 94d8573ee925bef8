//! Packages that go by, front to back.

use std::{
    collections::BTreeSet,
    io::{self, Cursor, Read},
};

use portolan_package::{
    BlobId, Bundle, Encoding,
    stream::{PackageStream, PassingBlob, Step, StreamOptions},
};

use crate::{archives::with_checksums, images::image_holds, laws::can_be_told};

/// What goes by under these names is the same each time.
type Blobs = Vec<(BlobId, String)>;

/// A package as a stream, as it comes and with its checksums mended, each read whole and passed over.
pub fn package_stream(bytes: &[u8]) {
    for bytes in [bytes, &with_checksums(bytes)] {
        assert_eq!(stream_holds(bytes, true), stream_holds(bytes, false));
    }
}

/// Reads to the end, or to the first error, which ends it.
fn stream_holds(bytes: &[u8], wanted: bool) -> Option<Blobs> {
    let mut stream = PackageStream::new("package", Cursor::new(bytes.to_vec()), &StreamOptions::default())
        .expect("because threads can be started");
    let (mut blobs, mut announced) = (Blobs::new(), false);
    loop {
        let step = match stream.step() {
            Ok(Some(step)) => step,
            Ok(None) => return Some(blobs),
            Err(error) => {
                can_be_told(&error);
                return None;
            }
        };
        match step {
            Step::Images(bundle) => {
                assert!(!announced, "one bundle after another");
                announced = true;
                assert!(bundle.images.is_empty());
                bundle_holds(&bundle);
            }
            Step::Blob(blob) => {
                assert!(announced, "no blob comes by itself");
                blobs.push((blob.id(), blob.entry()));
                if wanted {
                    is_as_long_as_stored(blob);
                }
            }
            Step::Bundle(bundle) => {
                announced = false;
                bundle_holds(&bundle);
            }
            Step::Broken(broken) => {
                announced = false;
                can_be_told(&broken.error);
            }
            Step::End(end) => {
                assert_eq!(end.packed, bytes.len() as u64);
                assert!(!announced, "what was begun is ended");
                let ids: BTreeSet<_> = blobs.iter().map(|(id, _)| id).collect();
                assert_eq!(ids.len(), blobs.len());
            }
        }
    }
}

fn bundle_holds(bundle: &Bundle) {
    if let Err(error) = bundle.chart() {
        can_be_told(&error);
    }
    if let Err(error) = bundle.hints() {
        can_be_told(&error);
    }
    bundle.images.iter().for_each(image_holds);
}

fn is_as_long_as_stored(blob: PassingBlob<'_>) {
    let (stored, encoding) = (blob.stored_size(), blob.encoding());
    let mut reader = blob.open();
    match (io::copy(&mut reader.by_ref(), &mut io::sink()), encoding) {
        (Ok(sent), Encoding::AsIs) => assert_eq!(sent, stored),
        (Ok(sent), Encoding::CompressToGzip) => assert!(sent <= stored + stored / 100 + 1024),
        (Err(error), _) => can_be_told(&error),
    }
}
