//! The same layer gives the same gzip stream, whoever reads it how.

use flate2::read::GzDecoder;

use super::*;

const WORDS: [&[u8]; 8] = [b"load", b"store", b"add", b"call", b"ret", b"jump", b"mov", b"cmp"];

/// A layer of about a megabyte that compresses as code does, from a fixed recipe.
fn layer() -> Vec<u8> {
    let mut state = 0x2545_f491_u32;
    let mut bytes = Vec::new();
    while bytes.len() < 1_000_000 {
        state ^= state << 13;
        state ^= state >> 17;
        state ^= state << 5;
        bytes.extend_from_slice(WORDS[(state >> 8) as usize % WORDS.len()]);
        bytes.extend_from_slice(&state.to_le_bytes()[..(state >> 30) as usize]);
    }
    bytes
}

fn reader<'a>(layer: &'a [u8], diff_id: &Digest) -> GzipReader<&'a [u8]> {
    GzipReader::new(layer, "images.tar: layer.tar".to_owned(), DiffId::Stated(diff_id.clone()))
}

fn compress(layer: &[u8]) -> Vec<u8> {
    let mut stream = Vec::new();
    reader(layer, &Digest::sha256(layer)).read_to_end(&mut stream).unwrap();
    stream
}

/// These digests are part of the format: a layer that was compressed and pushed yesterday has them in its
/// registry.
#[test]
fn golden_digests() {
    let digests =
        [Vec::new(), vec![0; 1024], layer()].map(|layer| Digest::sha256(&compress(&layer)).to_string());
    assert_eq!(
        digests,
        [
            "sha256:ac73670af3abed54ac6fb4695131f4099be9fbe39d6076c5d0264a6bbdae9d83",
            "sha256:8564620f1ca97e2d67cda7086a6271585fd2eef5a44e617537e7c36ee7da3ead",
            "sha256:d6aa5df033d3ef934519b227b83ff58d83966dd4ab04665e84781420ab6ed811",
        ]
    );
}

#[test]
fn it_inflates_to_the_layer() {
    for size in [0, 1, CHUNK - 1, CHUNK, CHUNK + 1, 3 * CHUNK] {
        let layer = &layer()[..size];
        let mut inflated = Vec::new();
        GzDecoder::new(&compress(layer)[..]).read_to_end(&mut inflated).unwrap();
        assert_eq!(inflated, layer, "{size} bytes");
    }
}

/// Gives one byte or a few at a time.
struct Dribble<R>(R);

impl<R: Read> Read for Dribble<R> {
    fn read(&mut self, buffer: &mut [u8]) -> io::Result<usize> {
        let count = buffer.len().min(4099);
        self.0.read(&mut buffer[..count])
    }
}

#[test]
fn how_it_is_read_changes_nothing() {
    let layer = layer();
    let mut slow = Vec::new();
    let input = Dribble(&layer[..]);
    Dribble(GzipReader::new(input, String::new(), DiffId::Stated(Digest::sha256(&layer))))
        .read_to_end(&mut slow)
        .unwrap();
    assert!(slow == compress(&layer), "the streams differ");
}

#[test]
fn another_layer_ends_with_an_error_that_names_both_digests() {
    let error = reader(b"other", &Digest::sha256(b"layer")).read_to_end(&mut Vec::new()).unwrap_err();
    let text = error.to_string();
    assert_eq!(error.kind(), io::ErrorKind::InvalidData);
    assert!(text.starts_with("images.tar: layer.tar: "), "{text}");
    for digest in [Digest::sha256(b"other"), Digest::sha256(b"layer")] {
        assert!(text.contains(&digest.to_string()), "{text}");
    }
}
