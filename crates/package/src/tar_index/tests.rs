//! The index over archives made here, header by header.

use std::io::Write;

use tar::{Builder, EntryType, Header};
use tempfile::NamedTempFile;

use super::*;

/// The archive in a file, as a stretch of it.
fn stretch(bytes: &[u8]) -> (NamedTempFile, Stretch) {
    let mut file = NamedTempFile::new().unwrap();
    file.write_all(bytes).unwrap();
    let stretch = Stretch::of_file(file.path()).unwrap();
    (file, stretch)
}

fn index(bytes: &[u8]) -> Result<TarIndex, TarError> {
    TarIndex::read(&stretch(bytes).1.kept_open().unwrap())
}

fn fault(bytes: &[u8]) -> (Place, Fault) {
    match index(bytes) {
        Err(TarError::Faulty { place, fault, .. }) => (place, fault),
        other => panic!("a fault was expected: {other:?}"),
    }
}

fn entry(name: &str) -> Place {
    Place::Entry(name.to_owned())
}

/// One header with whatever the test says, and the data behind it.
fn raw(kind: EntryType, name: &[u8], size: u64, data: &[u8]) -> Vec<u8> {
    let mut header = Header::new_gnu();
    header.as_mut_bytes()[..name.len()].copy_from_slice(name);
    header.set_entry_type(kind);
    header.set_size(size);
    header.set_cksum();
    let mut bytes = header.as_bytes().to_vec();
    bytes.extend_from_slice(data);
    bytes.resize(bytes.len().next_multiple_of(BLOCK as usize), 0);
    bytes
}

fn file(name: &str, data: &[u8]) -> Vec<u8> {
    raw(EntryType::Regular, name.as_bytes(), data.len() as u64, data)
}

fn pax(records: &[u8]) -> Vec<u8> {
    raw(EntryType::XHeader, b"pax", records.len() as u64, records)
}

fn link(kind: EntryType, name: &str, target: &str) -> Vec<u8> {
    let mut header = Header::new_gnu();
    header.as_mut_bytes()[..name.len()].copy_from_slice(name.as_bytes());
    header.set_entry_type(kind);
    header.set_link_name_literal(target).unwrap();
    header.set_size(0);
    header.set_cksum();
    header.as_bytes().to_vec()
}

/// The entries, and the end mark behind them.
fn archive(entries: &[Vec<u8>]) -> Vec<u8> {
    let mut bytes = entries.concat();
    bytes.resize(bytes.len() + 1024, 0);
    bytes
}

fn content(index: &TarIndex, name: &str) -> Vec<u8> {
    index.file(name).unwrap_or_else(|| panic!("no file {name}")).read_small(1 << 20).unwrap().to_vec()
}

#[test]
fn files_are_found_where_they_lie() {
    let bytes = archive(&[file("./a", b"one"), file("b/c", &[7; 513]), file("empty", b"")]);
    let index = index(&bytes).unwrap();
    let names: Vec<_> = index.entries().map(|(name, _)| name.to_owned()).collect();
    assert_eq!(names, ["a", "b/c", "empty"]);
    assert_eq!(content(&index, "a"), b"one");
    assert_eq!(content(&index, "b/c"), [7; 513]);
    assert_eq!(content(&index, "empty"), b"");
    assert_eq!(index.file("b/c").unwrap().file_offset(), 1536);
}

#[test]
fn a_tar_in_a_tar_is_indexed_where_it_lies() {
    let inner = archive(&[file("x", b"deep")]);
    let outer = index(&archive(&[file("first", b"1"), file("inner.tar", &inner)])).unwrap();
    let inner = TarIndex::read(outer.file("inner.tar").unwrap()).unwrap();
    assert_eq!(content(&inner, "x"), b"deep");
    let shown = inner.file("x").unwrap().to_string();
    assert!(shown.ends_with(": inner.tar: x"), "{shown}");
}

#[test]
fn long_names_of_every_kind() {
    let long = format!("{}/{}", "d".repeat(150), "f".repeat(150));
    let mut gnu = Builder::new(Vec::new());
    let mut header = Header::new_gnu();
    header.set_size(3);
    gnu.append_data(&mut header, &long, &b"gnu"[..]).unwrap();
    assert_eq!(content(&index(&gnu.into_inner().unwrap()).unwrap(), &long), b"gnu");

    let record = |text: String| format!("{} {text}\n", text.len() + 5).into_bytes();
    let pax = archive(&[pax(&record(format!("path={long}"))), file("short", b"pax")]);
    assert_eq!(content(&index(&pax).unwrap(), &long), b"pax");

    let mut ustar = Header::new_ustar();
    let name = format!("{}/{}", "d".repeat(120), "f".repeat(80));
    ustar.set_path(&name).unwrap();
    ustar.set_size(0);
    ustar.set_cksum();
    assert!(index(&archive(&[ustar.as_bytes().to_vec()])).unwrap().file(&name).is_some());
}

#[test]
fn the_size_of_a_pax_header_wins() {
    let bytes =
        archive(&[pax(b"12 size=600\n"), raw(EntryType::Regular, b"a", 0, &[1; 600]), file("b", b"behind")]);
    let index = index(&bytes).unwrap();
    assert_eq!(content(&index, "a"), [1; 600]);
    assert_eq!(content(&index, "b"), b"behind");
}

#[test]
fn sizes_in_base_256_are_read() {
    let mut bytes = file("a", b"data");
    let mut header = Header::from_byte_slice(&bytes[..512]).clone();
    header.as_gnu_mut().unwrap().size = [0x80, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 4];
    header.set_cksum();
    bytes[..512].copy_from_slice(header.as_bytes());
    assert_eq!(content(&index(&archive(&[bytes])).unwrap(), "a"), b"data");
}

#[test]
fn links_inside_the_archive_are_followed() {
    let bytes = archive(&[
        file("a/layer.tar", b"layer"),
        link(EntryType::Symlink, "b/layer.tar", "../a/layer.tar"),
        link(EntryType::Link, "c/layer.tar", "b/layer.tar"),
        link(EntryType::Symlink, "circle", "circle"),
        link(EntryType::Symlink, "dangling", "nowhere"),
    ]);
    let index = index(&bytes).unwrap();
    assert_eq!(content(&index, "b/layer.tar"), b"layer");
    assert_eq!(content(&index, "c/layer.tar"), b"layer");
    assert!(index.file("circle").is_none());
    assert!(index.file("dangling").is_none());
}

#[test]
fn folders_and_comments_are_passed_over() {
    let comment = raw(EntryType::XGlobalHeader, b"pax_global_header", 16, b"16 comment=abcd\n");
    let index =
        index(&archive(&[comment, raw(EntryType::Directory, b"d/", 0, b""), file("d/a", b"1")])).unwrap();
    assert_eq!(content(&index, "d/a"), b"1");
    assert!(index.file("d").is_none());
}

#[test]
fn of_two_entries_the_last_counts() {
    let index = index(&archive(&[file("a", b"old"), file("a", b"new")])).unwrap();
    assert_eq!(content(&index, "a"), b"new");
}

#[test]
fn what_lies_about_its_size_is_refused() {
    let hundred_gib = 100 << 30;
    let huge = archive(&[file("first", b"1"), raw(EntryType::Regular, b"huge", hundred_gib, b"little")]);
    assert_eq!(fault(&huge), (entry("huge"), Fault::BeyondEnd { size: hundred_gib, left: 1536 }));

    let long_name = archive(&[raw(EntryType::GNULongName, b"././@LongLink", hundred_gib, b"name")]);
    let expected = Fault::ExtensionTooLarge { size: hundred_gib, limit: EXTENSION_LIMIT };
    assert_eq!(fault(&long_name), (Place::Header(0), expected));

    let pax = archive(&[pax(b"29 size=18446744073709551615\n"), file("a", b"1")]);
    assert_eq!(fault(&pax), (entry("a"), Fault::BeyondEnd { size: u64::MAX, left: 1536 }));
}

#[test]
fn what_was_cut_off_is_refused() {
    let whole = archive(&[file("a", &[1; 600]), file("b", &[2; 600])]);
    for length in [100, 511] {
        assert_eq!(fault(&whole[..length]), (Place::Header(0), Fault::NoTar), "{length} bytes");
    }
    assert_eq!(fault(&whole[..1000]), (entry("a"), Fault::BeyondEnd { size: 600, left: 488 }));
    // The data is there, its padding or the header behind it isn't.
    for length in [1200, 1536, 1600] {
        assert_eq!(fault(&whole[..length]), (Place::Header(1536), Fault::CutOff), "{length} bytes");
    }
    assert!(index(&whole[..whole.len() - 512]).is_ok(), "one block of the end mark is enough");
}

#[test]
fn what_is_corrupt_is_refused() {
    assert_eq!(fault(b"no tar"), (Place::Header(0), Fault::NoTar));
    assert_eq!(fault(&[b'x'; 2000]), (Place::Header(0), Fault::NoTar));
    let mut flipped = archive(&[file("a", b"1"), file("b", b"2")]);
    flipped[1024] ^= 1;
    assert_eq!(fault(&flipped), (Place::Header(1024), Fault::Checksum));
    let mut letters = file("a", b"1");
    letters[124..135].copy_from_slice(b"abcdefghijk");
    let mut header = Header::from_byte_slice(&letters[..512]).clone();
    header.set_cksum();
    assert_eq!(fault(&archive(&[header.as_bytes().to_vec()])), (entry("a"), Fault::SizeField));
}

#[test]
fn names_and_kinds_that_are_refused() {
    for (bytes, place, expected) in [
        (file("/etc/passwd", b""), "/etc/passwd", Fault::AbsoluteName),
        (file("../a", b""), "../a", Fault::NameGoesUp),
        (file("a/../../b", b""), "a/../../b", Fault::NameGoesUp),
        (
            link(EntryType::Symlink, "l", "/etc/passwd"),
            "l",
            Fault::LinkLeaves { target: "/etc/passwd".to_owned() },
        ),
        (
            link(EntryType::Symlink, "b/l", "../../x"),
            "b/l",
            Fault::LinkLeaves { target: "../../x".to_owned() },
        ),
        (link(EntryType::Link, "l", "../x"), "l", Fault::LinkLeaves { target: "../x".to_owned() }),
        (raw(EntryType::Char, b"null", 0, b""), "null", Fault::Device),
        (raw(EntryType::Block, b"sda", 0, b""), "sda", Fault::Device),
        (raw(EntryType::Fifo, b"pipe", 0, b""), "pipe", Fault::Device),
        (raw(EntryType::GNUSparse, b"sparse", 0, b""), "sparse", Fault::Sparse),
        (raw(EntryType::new(b'M'), b"rest", 0, b""), "rest", Fault::UnknownKind { flag: 'M' }),
        (file(".", b"data"), ".", Fault::NoName),
    ] {
        assert_eq!(fault(&archive(&[bytes])), (entry(place), expected));
    }
}

#[test]
fn sparse_files_of_pax_are_refused() {
    let bytes = archive(&[pax(b"22 GNU.sparse.major=1\n"), file("disk.img", b"map")]);
    assert_eq!(fault(&bytes), (entry("disk.img"), Fault::Sparse));
}

#[test]
fn headers_that_describe_nothing_are_refused() {
    assert_eq!(fault(&archive(&[pax(b"11 path=abc\n".as_slice())])).1, Fault::PaxRecord);
    assert_eq!(fault(&archive(&[pax(b"12 path=abc\n")])).1, Fault::Dangling);
    let global = raw(EntryType::XGlobalHeader, b"g", 12, b"12 path=abc\n");
    assert_eq!(fault(&archive(&[global, file("a", b"")])).1, Fault::PaxGlobal);
}

#[test]
fn the_message_names_file_and_entry() {
    let (file, stretch) = stretch(&archive(&[raw(EntryType::Regular, b"images.tar", 100 << 30, b"")]));
    let text = TarIndex::read(&stretch).unwrap_err().to_string();
    let path = file.path().display();
    assert_eq!(
        text,
        format!(
            "{path}: entry `images.tar`: has 107374182400 bytes by its header, but only 1024 are left in the archive: \
             it was cut off or is corrupt; copy it again"
        )
    );
}

#[test]
fn names_are_held_in_bounded_memory() {
    // More names than fit, each near the limit of one name.
    let name = |at: usize| format!("{at:08}/{}", "n".repeat(4000));
    let record = |text: String| format!("{} {text}\n", text.len() + 6).into_bytes();
    let entries: Vec<_> = (0..NAMES_LIMIT / 4000 + 1)
        .flat_map(|at| [pax(&record(format!("path={}", name(at)))), file("a", b"")])
        .collect();
    assert_eq!(fault(&archive(&entries)).1, Fault::TooMany);
}
