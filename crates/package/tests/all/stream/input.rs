//! What lies around the package: compression of every kind, pipes, checksums, padding and garbage.

use std::io::{self, Cursor, Read, Write as _};
use std::process::{Command, Stdio};

use super::support::{NAME, Seen, error, error_text, read, stream, whole};
use crate::support::{Folder, bundle, text};
use portolan_oci::{Algorithm, Hasher};
use portolan_package::source::ReadError;
use portolan_package::stream::{PackageStream, StreamError, StreamFault, StreamOptions};
use portolan_testkit::images::{Image, Layer};
use portolan_testkit::random;
use portolan_testkit::tarball::{Tarball, gzip};

fn package() -> Vec<u8> {
    bundle("app", &[Image::random("registry.example.com/team/app:1.0", 1)]).tar()
}

/// The bundle is there, with nothing said of it.
#[track_caller]
fn assert_whole(seen: &Seen) {
    assert_eq!((seen.bundles.len(), seen.broken.len()), (1, 0), "{seen:?}");
    assert_eq!(seen.blobs.len(), 2);
}

/// The fault that a stream ends with.
#[track_caller]
fn fault(bytes: &[u8]) -> StreamFault {
    match error(bytes) {
        StreamError::Read(ReadError::Stream { fault, .. }) => fault,
        other => panic!("{other}"),
    }
}

#[test]
fn members_and_frames_one_after_another() {
    let tar = package();
    let halves = tar.split_at(tar.len() / 3);
    assert_whole(&whole(&[gzip(halves.0), gzip(halves.1)].concat()));
    assert_whole(&whole(&[gzip(b""), gzip(&tar), gzip(b"")].concat()));
    let frame = |bytes: &[u8]| zstd::encode_all(bytes, 1).unwrap();
    let skipped = [0x50, 0x2a, 0x4d, 0x18, 3, 0, 0, 0, 1, 2, 3];
    assert_whole(&whole(&[&frame(halves.0)[..], &frame(halves.1)].concat()));
    assert_whole(&whole(&[&skipped[..], &frame(&tar), &skipped].concat()));
}

#[test]
fn padding_is_silent_and_garbage_is_told() {
    let tar = package();
    for packed in [gzip(&tar), zstd::encode_all(&tar[..], 1).unwrap()] {
        let with = |tail: &[u8]| whole(&[&packed[..], tail].concat());
        let padded = with(&[0; 3000]);
        assert_whole(&padded);
        assert_eq!(padded.notes(), [""; 0]);
        assert_eq!(padded.end.as_ref().unwrap().packed, packed.len() as u64 + 3000);
        for (tail, count) in [(&b"garbage"[..], 7), (b"\0\0\x1f\x8b\x08", 5), (b"\x1f", 1)] {
            let garbage = with(tail);
            assert_whole(&garbage);
            assert_eq!(garbage.notes(), [format!("{NAME}: {count} bytes of trailing garbage are ignored")]);
        }
    }
}

#[test]
fn what_follows_the_end_mark() {
    let two = [package(), package()].concat();
    let seen = whole(&two);
    assert_whole(&seen);
    assert_eq!(seen.notes(), [format!("{NAME}: what lies behind the end mark of the tar is ignored")]);
    let end = seen.end.as_ref().unwrap();
    assert_eq!((end.packed, end.unpacked), (two.len() as u64, two.len() as u64));
    let padded = whole(&[&package()[..], &[0; 20 * 512]].concat());
    assert_eq!(padded.notes(), [""; 0]);
}

#[test]
fn the_checksum_is_that_of_the_file() {
    let folder = Folder::new();
    let bytes = [gzip(&package()), b"garbage".to_vec()].concat();
    let path = folder.file("package.tar.gz", &bytes);
    for algorithm in [Algorithm::Sha256, Algorithm::Sha512] {
        let options = StreamOptions { checksum: Some(algorithm) };
        let (seen, error) = read(PackageStream::open(&path, &options).unwrap());
        assert!(error.is_none(), "{error:?}");
        let mut hasher = Hasher::new(algorithm);
        hasher.update(&bytes);
        assert_eq!(seen.end.unwrap().checksum, Some(hasher.finish()));
    }
    assert_eq!(whole(&bytes).end.unwrap().checksum, None);
}

#[test]
fn nothing_at_all_and_other_things() {
    let text = error_text;
    assert_eq!(text(b""), "package: header at offset 0: this is no tar archive");
    assert_eq!(text(b"text"), "package: header at offset 0: this is no tar archive");
    assert_eq!(text(&gzip(b"text")), "package: header at offset 0: this is no tar archive");
    let empty = "package: holds no chart bundle, no archive of images and no chart";
    assert_eq!(text(&Tarball::new().finish()), empty);
    let logs = Tarball::new().file("log", b"1").file("old.tar", &Tarball::new().file("x", b"").finish());
    let note = "package: old.tar: holds neither charts nor images and is left out";
    assert_eq!(text(&gzip(&logs.finish())), format!("{empty}; {note}"));
    let xz = [&[0xfd, b'7', b'z', b'X', b'Z', 0][..], &[0; 600]].concat();
    assert!(matches!(fault(&xz), StreamFault::Foreign { compression: "xz" }));
}

#[test]
fn a_compressed_package_inside_another() {
    let tar = package();
    let outer = Tarball::new()
        .file("addon.tar.gz", &gzip(&tar))
        .file("addon.tar.zst", &zstd::encode_all(&tar[..], 1).unwrap())
        .file("b.bundle.tar", &tar);
    let seen = whole(&gzip(&outer.finish()));
    assert_eq!(seen.bundles.len(), 1);
    let told: Vec<_> = seen.broken.iter().map(|broken| broken.error.to_string()).collect();
    let text = |file: &str, format: &str| {
        format!(
            "package: {file}: is a compressed package ({format}) inside another one, which is not read: unpack \
             the outer one and give this one by itself"
        )
    };
    assert_eq!(told, [text("addon.tar.gz", "gzip"), text("addon.tar.zst", "zstd")]);
}

/// A Zstandard frame whose header asks for a window of that size, and one raw block (RFC 8878, 3.1.1).
fn with_window(exponent: u8, content: &[u8]) -> Vec<u8> {
    let block = (u32::try_from(content.len()).unwrap() << 3 | 1).to_le_bytes();
    [&[0x28, 0xb5, 0x2f, 0xfd, 0x00, exponent << 3][..], &block[..3], content].concat()
}

#[test]
fn windows_beyond_64_mib_are_refused() {
    let tar = package();
    assert!(tar.len() < 128 << 10, "one block is enough");
    assert_whole(&whole(&with_window(16, &tar)));
    assert!(matches!(fault(&with_window(17, &tar)), StreamFault::Window { limit: 0x0400_0000 }));
    assert!(matches!(fault(&with_window(31, &tar)), StreamFault::Window { .. }));
}

#[test]
fn bombs_take_time_but_no_memory() {
    let zeros = vec![0; 1 << 20];
    let mut encoder = flate2::write::GzEncoder::new(Vec::new(), flate2::Compression::best());
    encoder.write_all(&package()).unwrap();
    for _ in 0..256 {
        encoder.write_all(&zeros).unwrap();
    }
    let seen = whole(&encoder.finish().unwrap());
    assert_whole(&seen);
    assert!(seen.end.unwrap().unpacked > 256 << 20);
}

/// Gives a few bytes at a time, as a slow pipe does.
struct Dribble<R>(R, usize);

impl<R: Read> Read for Dribble<R> {
    fn read(&mut self, buffer: &mut [u8]) -> io::Result<usize> {
        self.1 = self.1 % 7 + 1;
        if self.1 == 3 {
            return Err(io::ErrorKind::Interrupted.into());
        }
        let count = buffer.len().min(self.1);
        self.0.read(&mut buffer[..count])
    }
}

#[test]
fn a_pipe_that_gives_little_at_a_time() {
    let (seen, error) = read(stream(Dribble(Cursor::new(gzip(&package())), 0)));
    assert!(error.is_none(), "{error:?}");
    assert_whole(&seen);
}

#[test]
fn the_writers_of_debian() {
    let image = Image::new(
        "registry.example.com/team/large:1.0",
        &"linux/amd64".parse().unwrap(),
        vec![Layer::random(1, 3 << 20), Layer::random(2, 100)],
    );
    let tar = bundle("app", std::slice::from_ref(&image)).tar();
    for (program, arguments) in
        [("gzip", &["-9"][..]), ("pigz", &["-p2", "-i"]), ("zstd", &["-q", "-T2"]), ("bzip2", &[])]
    {
        let Some(packed) = by_program(program, arguments, &tar) else { continue };
        if program == "bzip2" {
            assert!(matches!(fault(&packed), StreamFault::Foreign { compression: "bzip2" }));
            continue;
        }
        let seen = whole(&packed);
        assert_whole(&seen);
        let digests: Vec<_> = seen.blobs.values().map(|blob| blob.sent.digest.clone()).collect();
        assert_eq!(digests, image.layers.iter().map(Layer::digest).collect::<Vec<_>>(), "{program}");
    }
}

/// What the program makes of the bytes; nothing where it isn't there.
fn by_program(program: &str, arguments: &[&str], bytes: &[u8]) -> Option<Vec<u8>> {
    let folder = Folder::new();
    let file = folder.file("package.tar", bytes);
    let command = Command::new(program).args(arguments).arg("-c").arg(file).stdin(Stdio::null()).output();
    let Ok(output) = command else {
        portolan_testkit::components::skip(&format!("{program} is not installed"));
        return None;
    };
    assert!(output.status.success(), "{program}: {}", String::from_utf8_lossy(&output.stderr));
    Some(output.stdout)
}

#[test]
fn how_far_it_was_read_is_known() {
    let bytes = gzip(&package());
    let mut package = stream(Cursor::new(bytes.clone()));
    while package.step().unwrap().is_some() {}
    assert_eq!(package.read_by_now(), bytes.len() as u64);
    assert!(package.step().unwrap().is_none(), "nothing follows the end");
}

#[test]
fn a_stream_can_be_left_at_any_step() {
    let many: Vec<_> = (0..20).map(|seed| Layer::random(seed, 1 << 20)).collect();
    let image = Image::new("a.example.com/a:1", &"linux/amd64".parse().unwrap(), many);
    let tar = bundle("app", &[image]).tar();
    for steps in 0..4 {
        let mut package = stream(Cursor::new(tar.clone()));
        for _ in 0..steps {
            package.step().unwrap();
        }
    }
}

#[test]
fn what_the_system_says_is_told() {
    struct Failing(usize);
    impl Read for Failing {
        fn read(&mut self, buffer: &mut [u8]) -> io::Result<usize> {
            if self.0 == 0 {
                return Err(io::Error::other("the disk was pulled out"));
            }
            let count = buffer.len().min(self.0);
            buffer[..count].copy_from_slice(&package()[..count]);
            self.0 -= count;
            Ok(count)
        }
    }
    let (seen, error) = read(stream(Failing(2000)));
    assert_eq!(seen.steps, "");
    let text = text(&error.unwrap());
    assert!(text.contains("byte 2000 of the package") && text.contains("the disk was pulled out"), "{text}");
}

#[test]
fn random_bytes_of_no_kind() {
    for seed in 0..20 {
        drop(error(&random::bytes(seed, 3000)));
    }
}
