//! Packing a chart so that the same files give the same bytes on every machine and at every time.
//!
//! `Chart.yaml` comes first, where readers look for it, then the files in byte order of their names;
//! mode 0644, no owner, no time; ustar headers, and a pax header before a name that ustar can't hold.
//! The gzip header carries no name, no time and no system. The compressor is one and its level fixed
//! (rules.md, "Same, other, kept"); a golden digest in the tests holds both.

use std::io::{self, Write};

use bytes::Bytes;
use flate2::{Compression, GzBuilder, write::GzEncoder};
use tar::{EntryType, Header};

/// The level that golden digests are pinned to.
const LEVEL: u32 = 6;
/// "Unknown", so that archives don't differ by the system they were packed on (RFC 1952, section 2.3.1).
const NO_SYSTEM: u8 = 255;
const BLOCK: usize = 512;

/// A `.tgz` of `files` under the folder `folder`.
///
/// # Errors
/// [`io::Error`] only where a name can't be written.
pub(crate) fn write<'a>(
    folder: &str,
    files: impl IntoIterator<Item = (&'a str, &'a Bytes)>,
) -> io::Result<Bytes> {
    let mut files: Vec<_> = files.into_iter().collect();
    files.sort_by_key(|(path, _)| (*path != "Chart.yaml", *path));
    let gzip = GzBuilder::new().mtime(0).operating_system(NO_SYSTEM);
    let mut encoder = gzip.write(Vec::new(), Compression::new(LEVEL));
    for (path, data) in files {
        write_file(&mut encoder, &format!("{folder}/{path}"), data)?;
    }
    encoder.write_all(&[0; 2 * BLOCK])?;
    Ok(encoder.finish()?.into())
}

fn write_file(out: &mut GzEncoder<Vec<u8>>, path: &str, data: &[u8]) -> io::Result<()> {
    let mut header = header(EntryType::Regular, data.len());
    if header.set_path(path).is_err() {
        let record = pax_record("path", path);
        let mut extended = self::header(EntryType::XHeader, record.len());
        extended.set_path("PaxHeaders/long-name")?;
        write_entry(out, &mut extended, record.as_bytes())?;
        header.set_path("long-name")?;
    }
    write_entry(out, &mut header, data)
}

fn header(kind: EntryType, size: usize) -> Header {
    let mut header = Header::new_ustar();
    header.set_entry_type(kind);
    header.set_mode(0o644);
    header.set_uid(0);
    header.set_gid(0);
    header.set_mtime(0);
    header.set_size(size as u64);
    header
}

fn write_entry(out: &mut GzEncoder<Vec<u8>>, header: &mut Header, data: &[u8]) -> io::Result<()> {
    header.set_cksum();
    out.write_all(header.as_bytes())?;
    out.write_all(data)?;
    let padding = data.len().next_multiple_of(BLOCK) - data.len();
    out.write_all(&[0; BLOCK][..padding])
}

/// `LENGTH KEY=VALUE\n`, the length counting itself (POSIX pax, "Extended Header").
fn pax_record(key: &str, value: &str) -> String {
    let rest = key.len() + value.len() + 3;
    let mut length = rest + 1;
    while length != rest + length.to_string().len() {
        length = rest + length.to_string().len();
    }
    format!("{length} {key}={value}\n")
}
