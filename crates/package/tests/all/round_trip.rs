//! What the writer wrote, the reader reads.

use crate::support::{Folder, known_digest, names, only, open_bytes, send, single};
use bytes::Bytes;
use portolan_chart::ChartFile;
use portolan_oci::Digest;
use portolan_package::{BundleContent, BundleWriter, ImageToWrite, LayerToWrite, WriteError};
use portolan_testkit::charts::Chart;
use portolan_testkit::images::{Image, Layer};
use portolan_testkit::process;
use portolan_testkit::random::Random;

fn layer(layer: &Layer) -> LayerToWrite {
    let bytes = Bytes::from(layer.blob.clone());
    LayerToWrite {
        digest: layer.digest(),
        size: bytes.len() as u64,
        open: Box::new(move || Ok(Box::new(std::io::Cursor::new(bytes.clone())))),
    }
}

fn to_write(image: &Image) -> ImageToWrite {
    ImageToWrite {
        names: vec![image.name.parse().unwrap()],
        config: image.config.clone().into(),
        layers: image.layers.iter().map(layer).collect(),
    }
}

fn chart_files(chart: &Chart) -> Vec<ChartFile> {
    chart.files().into_iter().map(|(path, data)| ChartFile { path, data: data.into() }).collect()
}

fn chart() -> Chart {
    let long = format!("files/{}/{}", "d".repeat(90), "f".repeat(90));
    Chart::new("app", "1.2.3+build.4").image("app", "docker.io", "library/app", "1").file(&long, "long")
}

fn write(images: Option<&[ImageToWrite]>) -> Result<Vec<u8>, WriteError> {
    let chart = chart();
    let content = BundleContent { hints: chart.hints().as_bytes(), chart: &chart_files(&chart), images };
    BundleWriter::new(Vec::new()).write(&content)
}

/// Some images with layers of any size, of which some are shared.
fn random_images(seed: u64) -> Vec<Image> {
    let mut random = Random::new(seed);
    let mut below = |limit: u64| random.next_u64() % limit;
    let layers: Vec<_> = (0..4).map(|at| Layer::random(seed * 10 + at, below(3000) as usize)).collect();
    (0..below(4))
        .map(|at| {
            let layers = layers.iter().filter(|_| below(2) == 0).cloned().collect();
            Image::new(
                &format!("registry.example.com/team/app-{at}:1.0"),
                &"linux/amd64".parse().unwrap(),
                layers,
            )
        })
        .collect()
}

#[test]
fn what_was_written_is_read() {
    for seed in 0..40 {
        let images = random_images(seed);
        let to_write: Vec<_> = images.iter().map(to_write).collect();
        let (_folder, package) = open_bytes("app.bundle.tar", &write(Some(&to_write)).unwrap());
        let bundle = only(&package);
        let mut files: Vec<_> = bundle.chart().unwrap().unwrap().files().to_vec();
        files.sort_by(|a, b| a.path.cmp(&b.path));
        let mut expected = chart_files(&chart());
        expected.sort_by(|a, b| a.path.cmp(&b.path));
        assert_eq!(files, expected);
        assert_eq!(bundle.images.len(), images.len());
        for (found, image) in bundle.images.iter().zip(&images) {
            assert_eq!(names(found), [image.name.as_str()]);
            let source = single(found);
            assert_eq!(source.config, image.config);
            assert_eq!(known_digest(source), Some(send(source)));
            let layers: Vec<_> =
                source.layers.iter().map(|layer| layer.blob.digest().unwrap().clone()).collect();
            assert_eq!(layers, image.layers.iter().map(Layer::digest).collect::<Vec<_>>());
        }
    }
}

#[test]
fn the_same_content_gives_the_same_bytes() {
    let images: Vec<_> = random_images(3).iter().map(to_write).collect();
    assert_eq!(write(Some(&images)).unwrap(), write(Some(&images)).unwrap());
}

#[test]
fn a_shared_layer_is_written_once() {
    let images = [Image::random("a.example.com/a:1", 1), Image::random("a.example.com/b:1", 2)];
    let together = write(Some(&images.each_ref().map(to_write))).unwrap().len();
    let alone: usize = images.iter().map(|image| write(Some(&[to_write(image)])).unwrap().len()).sum();
    let bundle_and_end = write(Some(&[])).unwrap().len();
    assert!(together < alone - bundle_and_end, "{together} of {alone}");
}

#[test]
fn a_bundle_without_images() {
    let (_folder, package) = open_bytes("app.bundle.tar", &write(None).unwrap());
    assert!(only(&package).images.is_empty());
}

#[test]
fn gnu_tar_lists_what_was_written() {
    let images = random_images(2).iter().map(to_write).collect::<Vec<_>>();
    let folder = Folder::new();
    let path = folder.file("app.bundle.tar", &write(Some(&images)).unwrap());
    let mut tar = std::process::Command::new("tar");
    let listed = String::from_utf8(process::run(tar.arg("-tf").arg(path))).unwrap();
    let lines: Vec<_> = listed.lines().collect();
    assert_eq!((lines[0], lines[lines.len() - 1]), ("hints.yaml", "images.tar"));
    assert_eq!(lines.len(), chart_files(&chart()).len() + 2);
}

#[test]
fn layers_that_are_not_what_they_are_said_to_be() {
    let image = Image::random("a.example.com/a:1", 1);
    for (size, digest) in [(-1, None), (1, None), (0, Some(Digest::sha256(b"other")))] {
        let mut image = to_write(&image);
        image.layers[0].size = image.layers[0].size.checked_add_signed(size).unwrap();
        image.layers[0].digest = digest.unwrap_or_else(|| image.layers[0].digest.clone());
        let error = write(Some(&[image])).unwrap_err();
        assert!(matches!(error, WriteError::LayerContent { .. }), "{error}");
    }
}

#[test]
fn content_that_is_no_bundle() {
    let content = BundleContent { hints: b"", chart: &[], images: None };
    assert!(matches!(BundleWriter::new(Vec::new()).write(&content), Err(WriteError::NoChart)));
    let nameless = ImageToWrite { names: Vec::new(), ..to_write(&Image::random("a.example.com/a:1", 1)) };
    assert!(matches!(write(Some(&[nameless])), Err(WriteError::Nameless { .. })));
}
