//! Checks a gzip stream whose own digest is unknown: it passes unchanged and is inflated on the side, for
//! the layer's diff ID.

use std::io::{self, Read};

use flate2::write::MultiGzDecoder;
use portolan_oci::Hasher;

use crate::encode::DiffId;

/// Hashes what is written to it.
struct Sink(Hasher);

impl io::Write for Sink {
    fn write(&mut self, bytes: &[u8]) -> io::Result<usize> {
        self.0.update(bytes);
        Ok(bytes.len())
    }

    fn flush(&mut self) -> io::Result<()> {
        Ok(())
    }
}

/// Gives the bytes of a gzip stream as they are; an error in place of the end where the inflated bytes are
/// not the expected layer.
///
/// The inflated bytes go into the hash in small pieces and nowhere else, so a stream that inflates a
/// thousandfold costs time but no memory.
pub(crate) struct InflateCheck<R> {
    input: R,
    entry: String,
    diff_id: DiffId,
    /// Nothing once the end was checked.
    decoder: Option<MultiGzDecoder<Sink>>,
}

impl<R: Read> InflateCheck<R> {
    /// `entry` names the layer in errors; `diff_id` is the digest of the uncompressed bytes.
    pub(crate) fn new(input: R, entry: String, diff_id: DiffId) -> Self {
        let sink = Sink(diff_id.hasher());
        Self { input, entry, diff_id, decoder: Some(MultiGzDecoder::new(sink)) }
    }

    fn pass(&mut self, bytes: &[u8]) -> io::Result<()> {
        let Some(decoder) = &mut self.decoder else { return Ok(()) };
        io::Write::write_all(decoder, bytes).map_err(|error| self.corrupt(&error))
    }

    fn end(&mut self) -> io::Result<()> {
        let Some(decoder) = self.decoder.take() else { return Ok(()) };
        let sink = decoder.finish().map_err(|error| self.corrupt(&error))?;
        self.diff_id.settle(&self.entry, sink.0.finish())
    }

    fn corrupt(&self, error: &io::Error) -> io::Error {
        let text = format!("{}: the gzip stream of the layer is corrupt: {error}", self.entry);
        io::Error::new(io::ErrorKind::InvalidData, text)
    }
}

impl<R: Read> Read for InflateCheck<R> {
    fn read(&mut self, buffer: &mut [u8]) -> io::Result<usize> {
        if buffer.is_empty() {
            return Ok(0);
        }
        let count = self.input.read(buffer)?;
        match count {
            0 => self.end()?,
            _ => self.pass(&buffer[..count])?,
        }
        Ok(count)
    }
}

#[cfg(test)]
mod tests {
    use std::io::Write;

    use flate2::Compression;
    use flate2::write::GzEncoder;
    use portolan_oci::Digest;

    use super::*;

    fn gzip(bytes: &[u8]) -> Vec<u8> {
        let mut encoder = GzEncoder::new(Vec::new(), Compression::fast());
        encoder.write_all(bytes).unwrap();
        encoder.finish().unwrap()
    }

    fn read(stream: &[u8], expected: &Digest) -> io::Result<Vec<u8>> {
        let mut output = Vec::new();
        InflateCheck::new(stream, "a.tar: layer".to_owned(), DiffId::Stated(expected.clone()))
            .read_to_end(&mut output)?;
        Ok(output)
    }

    #[test]
    fn the_expected_layer_passes_unchanged() {
        let layer = b"layer".repeat(100_000);
        let stream = gzip(&layer);
        assert_eq!(read(&stream, &Digest::sha256(&layer)).unwrap(), stream);
    }

    #[test]
    fn another_layer_ends_with_an_error_that_names_it() {
        let error = read(&gzip(b"other"), &Digest::sha256(b"layer")).unwrap_err().to_string();
        assert!(error.starts_with("a.tar: layer: the uncompressed layer has the digest sha256:"), "{error}");
    }

    #[test]
    fn a_stream_that_is_cut_off_is_an_error() {
        let layer = b"layer".repeat(100_000);
        let stream = gzip(&layer);
        assert!(read(&stream[..stream.len() - 9], &Digest::sha256(&layer)).is_err());
    }
}
