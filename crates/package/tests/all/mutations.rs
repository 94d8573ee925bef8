//! Packages with bytes changed at random, the same in every run: whatever comes, it is opened or refused, and
//! nothing panics, hangs or takes memory by what a header says.

use portolan_package::{Bundle, Image as Opened};
use portolan_testkit::bundles::module_tar;
use portolan_testkit::docker_archive::{SHAPES, docker_archive};
use portolan_testkit::images::Image;
use portolan_testkit::random::Random;
use tar::Header;

use crate::stream::support as stream;
use crate::support::{Folder, bundle, known_digest, names};

const ROUNDS: usize = 150;

/// A few bytes changed, or a piece taken out.
fn mutate(bytes: &[u8], random: &mut Random) -> Vec<u8> {
    let mut bytes = bytes.to_vec();
    let mut below = |limit: usize| (random.next_u64() % limit as u64) as usize;
    for _ in 0..=below(4) {
        // Headers and lists are what is read, so most changes go to where blocks begin.
        let block = below(bytes.len() / 512) * 512;
        let at = block + below(512);
        bytes[at] = below(256) as u8;
        // A header with its checksum mended gets further than a broken one.
        if below(2) == 0 {
            let mut header = Header::from_byte_slice(&bytes[block..block + 512]).clone();
            header.set_cksum();
            bytes[block..block + 512].copy_from_slice(header.as_bytes());
        }
    }
    if below(4) == 0 {
        let from = below(bytes.len());
        bytes.drain(from..(from + below(2000)).min(bytes.len()));
    }
    bytes
}

/// Opens the package and uses what was found; as a stream it is the same, where nothing was broken.
fn exercise(folder: &Folder, bytes: &[u8]) {
    let path = folder.file("package.tar", bytes);
    let (seen, error) = stream::read(stream::stream(std::io::Cursor::new(bytes.to_vec())));
    let Ok(package) = portolan_package::open(&path) else { return };
    if error.is_none() && seen.broken.is_empty() && package.broken.is_empty() {
        let shown = path.display().to_string();
        assert_eq!(outline(&seen.bundles, stream::NAME), outline(&package.bundles, &shown));
    }
    for bundle in &package.bundles {
        let _ = bundle.chart();
        let _ = bundle.hints();
        for layer in
            bundle.images.iter().flat_map(|image| image.content.sources()).flat_map(|source| &source.layers)
        {
            let _ = std::io::copy(&mut layer.blob.open().unwrap(), &mut std::io::sink());
        }
    }
}

/// What bundles there are, with their images, whatever their layers hold.
fn outline(bundles: &[Bundle], package: &str) -> Vec<String> {
    let images = |bundle: &Bundle| -> Vec<_> {
        let image = |image: &Opened| {
            (names(image), image.content.sources().iter().map(known_digest).collect::<Vec<_>>())
        };
        bundle.images.iter().map(image).collect()
    };
    let outline = |bundle: &Bundle| format!("{} {:?} {:?}", bundle.origin, bundle.folder, images(bundle));
    let mut all: Vec<_> = bundles.iter().map(|bundle| outline(bundle).replace(package, "")).collect();
    all.sort();
    all
}

#[test]
fn nothing_panics() {
    let images = [Image::random("a.example.com/a:1", 1), Image::random("a.example.com/b:1", 2)];
    let mut packages: Vec<_> = SHAPES.iter().map(|shape| docker_archive(*shape, &images)).collect();
    packages.push(module_tar("m", &[("a.bundle.tar".to_owned(), bundle("a", &images).tar())]));
    let folder = Folder::new();
    let mut random = Random::new(42);
    for package in &packages {
        for _ in 0..ROUNDS {
            exercise(&folder, &mutate(package, &mut random));
        }
    }
}
