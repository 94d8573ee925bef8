//! Bad archives are refused by name and within bounds; packing is pinned.

use std::io::{Read, Write};

use bytes::Bytes;
use flate2::{Compression, read::GzDecoder, write::GzEncoder};
use portolan_oci::Digest;
use tar::{EntryType, Header};

use super::*;

fn entry(kind: EntryType, path: &str, data: &[u8]) -> Vec<u8> {
    let mut header = Header::new_gnu();
    header.as_mut_bytes()[..path.len()].copy_from_slice(path.as_bytes());
    header.set_entry_type(kind);
    header.set_size(data.len() as u64);
    header.set_cksum();
    let padding = data.len().next_multiple_of(512) - data.len();
    [header.as_bytes().as_slice(), data, &vec![0; padding]].concat()
}

fn gzip(tar: &[u8]) -> Vec<u8> {
    let mut encoder = GzEncoder::new(Vec::new(), Compression::fast());
    encoder.write_all(tar).unwrap();
    encoder.finish().unwrap()
}

fn read_tar(tar: &[u8]) -> Result<Vec<(String, Vec<u8>)>, ArchiveError> {
    let files = read(gzip(tar).as_slice(), &mut Budget::of_chart())?;
    Ok(files.into_iter().map(|(path, data)| (path, data.to_vec())).collect())
}

fn error_of(tar: &[u8]) -> String {
    read_tar(tar).unwrap_err().to_string()
}

#[test]
fn the_top_folder_alone_is_stripped() {
    let check = |name: &str, expected: &str| {
        let files = read_tar(&entry(EntryType::Regular, name, b"x")).unwrap();
        assert_eq!(files, [(expected.to_owned(), b"x".to_vec())]);
    };
    check("nginx/Chart.yaml", "Chart.yaml");
    check("0-ad/charts/a/Chart.yaml", "charts/a/Chart.yaml");
    check("nginx\\templates\\a.yaml", "templates/a.yaml");
    check("nginx/a//./b", "a/b");
}

#[test]
fn names_that_lead_out_are_refused() {
    let check = |name: &str, fault: &str| {
        assert_eq!(error_of(&entry(EntryType::Regular, name, b"x")), format!("entry {name}: {fault}"));
    };
    check("/etc/passwd", "an absolute path");
    check("c:/x/y", "an absolute path");
    check("nginx//a", "an absolute path");
    check("nginx/../../etc/passwd", "a path with .. in it");
    check("../x", "a path with .. in it");
    check("Chart.yaml", "a file beside the chart's folder instead of in it");
    check(
        "./nginx/Chart.yaml",
        "a name that begins with ./ instead of the chart's folder; pack the chart with `helm package`",
    );
    check("nginx/a\u{7}b", "a name that is not printable text");
}

#[test]
fn one_chart_in_an_archive() {
    let two =
        [entry(EntryType::Regular, "a/Chart.yaml", b""), entry(EntryType::Regular, "b/Chart.yaml", b"")];
    assert_eq!(
        error_of(&two.concat()),
        "has the top folders a and b; a chart archive has one, that of its chart"
    );
}

#[test]
fn only_files_and_folders() {
    let check = |kind, name: &str| {
        let expected = format!("entry nginx/x: is a {name}; a chart archive holds only files and folders");
        assert_eq!(error_of(&entry(kind, "nginx/x", b"")), expected);
    };
    check(EntryType::Symlink, "symbolic link");
    check(EntryType::Link, "hard link");
    check(EntryType::Block, "device");
    check(EntryType::Fifo, "pipe");
    check(EntryType::GNUSparse, "sparse file");
    let ignored =
        [entry(EntryType::XGlobalHeader, "pax_global_header", b""), entry(EntryType::Directory, "n/", b"")];
    assert_eq!(read_tar(&ignored.concat()).unwrap(), []);
}

#[test]
fn long_names_of_both_kinds() {
    let long = format!("nginx/{}", "a/".repeat(120) + "b");
    let gnu = [
        entry(EntryType::GNULongName, "././@LongLink", format!("{long}\0").as_bytes()),
        entry(EntryType::Regular, "nginx/cut", b"x"),
        entry(EntryType::Regular, "nginx/next", b"y"),
    ];
    let record = format!("{} path={long}\n", long.len() + 10);
    let pax = [
        entry(EntryType::XHeader, "nginx/PaxHeaders", record.as_bytes()),
        entry(EntryType::Regular, "nginx/cut", b"x"),
        entry(EntryType::Regular, "nginx/next", b"y"),
    ];
    for entries in [gnu, pax] {
        let names: Vec<String> =
            read_tar(&entries.concat()).unwrap().into_iter().map(|(path, _)| path).collect();
        assert_eq!(names, [&long["nginx/".len()..], "next"]);
    }
    let sparse = entry(EntryType::XHeader, "nginx/PaxHeaders", b"22 GNU.sparse.major=1\n");
    assert_eq!(
        error_of(&sparse),
        "entry nginx/PaxHeaders: is a sparse file; a chart archive holds only files and folders"
    );
    let huge = entry(EntryType::XHeader, "nginx/PaxHeaders", &vec![b'x'; 100_000]);
    assert_eq!(
        error_of(&huge),
        "entry nginx/PaxHeaders: its extended header is damaged or longer than 64 KiB"
    );
}

#[test]
fn sizes_in_headers_are_not_believed() {
    let mut header = Header::new_gnu();
    header.set_path("nginx/big").unwrap();
    header.set_size(100 << 30);
    header.set_cksum();
    assert_eq!(
        error_of(header.as_bytes()),
        "entry nginx/big: larger than 5 MiB, which Helm refuses; take the file out of the chart"
    );
    header.set_size(4 << 20);
    header.set_cksum();
    assert_eq!(error_of(header.as_bytes()), "reading the gzip-compressed tar after 1 entries");
}

#[test]
fn a_bomb_is_cut_at_the_limit() {
    let file = entry(EntryType::Regular, "nginx/zeros", &vec![0; FILE_LIMIT as usize]);
    let mut encoder = GzEncoder::new(Vec::new(), Compression::new(9));
    (0..40).for_each(|_| encoder.write_all(&file).unwrap());
    let bomb = encoder.finish().unwrap();
    assert!(bomb.len() < 1 << 20);
    let error = read(bomb.as_slice(), &mut Budget::of_chart()).unwrap_err();
    assert!(matches!(error, ArchiveError::TooLarge), "{error}");
    // A folder's entry may say that it has contents; they are skipped, and count.
    let mut header = Header::new_gnu();
    header.set_path("nginx/").unwrap();
    header.set_entry_type(EntryType::Directory);
    header.set_size(50 << 30);
    header.set_cksum();
    let mut encoder = GzEncoder::new(Vec::new(), Compression::new(9));
    encoder.write_all(header.as_bytes()).unwrap();
    (0..110).for_each(|_| encoder.write_all(&vec![0; 1 << 20]).unwrap());
    let error = read(encoder.finish().unwrap().as_slice(), &mut Budget::of_chart()).unwrap_err();
    assert!(matches!(error, ArchiveError::TooLarge), "{error}");
}

#[test]
fn damage_is_an_error() {
    let tar = [entry(EntryType::Regular, "nginx/a", &[7; 5000]), vec![0; 1024]].concat();
    let archive = gzip(&tar);
    let mut wrong_checksum = archive.clone();
    let at = archive.len() - 8;
    wrong_checksum[at] ^= 1;
    for broken in
        [b"no gzip at all", &archive[..archive.len() / 2], &archive[..archive.len() - 4], &wrong_checksum]
    {
        let error = read(broken, &mut Budget::of_chart()).unwrap_err();
        assert!(matches!(error, ArchiveError::Read { .. }), "{error}");
    }
}

fn packed() -> Bytes {
    let long = format!("templates/{}.yaml", "long".repeat(60));
    let files = [
        (".helmignore", Bytes::from_static(b"*.swp\n")),
        (long.as_str(), Bytes::from_static(b"long\n")),
        ("values.yaml", Bytes::from(b"a: b\n".repeat(1000))),
        ("Chart.yaml", Bytes::from_static(b"name: x\nversion: 1.0.0\n")),
        ("templates/\u{e9}.yaml", Bytes::new()),
    ];
    write("x", files.iter().map(|(path, data)| (*path, data))).unwrap()
}

#[test]
fn packing_is_pinned() {
    assert_eq!(
        Digest::sha256(&packed()).to_string(),
        "sha256:336420b90cf5a9c5d809a413634f155a71b283b819fc27a272ed8a7d99483424",
        "the compressor or the layout changed: every packed chart gets another digest"
    );
}

#[test]
fn packed_charts_read_back() {
    let mut tar = Vec::new();
    GzDecoder::new(packed().as_ref()).read_to_end(&mut tar).unwrap();
    let mut archive = tar::Archive::new(tar.as_slice());
    let names: Vec<String> = archive
        .entries()
        .unwrap()
        .map(|entry| {
            let entry = entry.unwrap();
            let header = entry.header();
            assert_eq!(
                (header.mode().unwrap(), header.mtime().unwrap(), header.uid().unwrap()),
                (0o644, 0, 0)
            );
            entry.path().unwrap().to_str().unwrap().to_owned()
        })
        .collect();
    let long = format!("x/templates/{}.yaml", "long".repeat(60));
    assert_eq!(names, ["x/Chart.yaml", "x/.helmignore", &long, "x/templates/\u{e9}.yaml", "x/values.yaml"]);
    let files = read(packed().as_ref(), &mut Budget::of_chart()).unwrap();
    assert_eq!(files.len(), 5);
    assert_eq!(files[&long[2..]], "long\n");
    assert_eq!(&packed()[..10], [0x1f, 0x8b, 8, 0, 0, 0, 0, 0, 0, 255]);
}
