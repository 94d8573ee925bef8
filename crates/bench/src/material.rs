//! What is measured: a package of bundles, one chart each, whose images share some layers and have others
//! to themselves, all incompressible. [`Shape`] says how many of each.
//!
//! ```text
//! WORK/blobs/HEX               every blob once, what everything else is put together from
//! WORK/package/NAME.bundle.tar the package
//! ```

use std::fs::{self, File};
use std::io::{Seek, Write};
use std::path::{Path, PathBuf};

use portolan_oci::{Digest, Platform, SizedDigest, docker_manifest};
use portolan_testkit::charts::Chart;
use portolan_testkit::images::{self, Layer};
use portolan_testkit::tarball::header;

use crate::Outcome;
use crate::size::Size;

const TAR_BLOCK: u64 = 512;

/// Registry that the images come from, as the charts name it.
pub(crate) const SOURCE: &str = "registry.bench.example";
/// Tag of every image.
pub(crate) const TAG: &str = "1.0";

/// How much of what a package holds.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct Shape {
    /// Bundles, one chart each.
    charts: usize,
    /// Images of each chart.
    images: usize,
    /// Layers that all images have.
    shared: usize,
    /// Layers that each image has to itself.
    own: usize,
    /// Size of a layer in bytes.
    layer: usize,
    /// What the images run on.
    architecture: Architecture,
}

/// Whose images a package holds. Those of one have no blob in common with those of the other.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub(crate) enum Architecture {
    /// `amd64`
    #[default]
    Amd64,
    /// `arm64`
    Arm64,
}

impl Architecture {
    /// As configurations and file names have it.
    pub(crate) fn name(self) -> &'static str {
        match self {
            Self::Amd64 => "amd64",
            Self::Arm64 => "arm64",
        }
    }

    /// What the seeds of its layers begin at.
    fn first_seed(self) -> u64 {
        match self {
            Self::Amd64 => 0,
            Self::Arm64 => 1 << 32,
        }
    }
}

impl Shape {
    /// Three charts, twelve images of five layers, two of them in all images: fifty blobs, with layers of
    /// `size` in all.
    pub(crate) fn usual(size: Size) -> Outcome<Self> {
        let architecture = Architecture::default();
        let few = Self { charts: 3, images: 4, shared: 2, own: 3, layer: 0, architecture };
        Ok(Self { layer: usize::try_from(size.bytes())? / few.layers(), ..few })
    }

    /// Ten charts, 500 images of three small layers: what counts is the number of questions.
    pub(crate) fn many_images() -> Self {
        let architecture = Architecture::default();
        Self { charts: 10, images: 50, shared: 1, own: 2, layer: 1024, architecture }
    }

    /// Four charts, 200 images of 49 layers of 1 KiB, none of them shared: 10,000 blobs.
    pub(crate) fn small_blobs() -> Self {
        let architecture = Architecture::default();
        Self { charts: 4, images: 50, shared: 0, own: 49, layer: 1024, architecture }
    }

    /// The same for another architecture.
    pub(crate) fn on(self, architecture: Architecture) -> Self {
        Self { architecture, ..self }
    }

    /// Layers that differ.
    fn layers(self) -> usize {
        self.shared + self.charts * self.images * self.own
    }
}

/// A package on disk.
pub(crate) struct Package {
    /// The folder with the bundles.
    pub(crate) folder: PathBuf,
    /// Every image.
    pub(crate) images: Vec<PackedImage>,
    /// Every blob once, at its first place.
    pub(crate) blobs: Vec<Blob>,
    /// Size of the bundles together, in bytes.
    pub(crate) bytes: u64,
}

/// An image of the package.
pub(crate) struct PackedImage {
    /// `chart/image`.
    pub(crate) repository: String,
    /// The configuration's bytes.
    pub(crate) config: Vec<u8>,
    /// Lowest first.
    pub(crate) layers: Vec<PackedLayer>,
    /// The manifest under which a registry should have it.
    pub(crate) manifest: portolan_oci::Manifest,
}

impl PackedImage {
    /// The name in the archive.
    pub(crate) fn name(&self) -> String {
        format!("{SOURCE}/{}:{TAG}", self.repository)
    }
}

/// A compressed layer, in `blobs`.
#[derive(Clone)]
pub(crate) struct PackedLayer {
    /// Its digest and size, compressed.
    pub(crate) blob: SizedDigest,
    /// Where it lies.
    pub(crate) file: PathBuf,
    diff_id: Digest,
}

/// A stretch of a bundle.
pub(crate) struct Blob {
    /// Repository that it is first needed in.
    pub(crate) repository: String,
    /// Its digest.
    pub(crate) digest: Digest,
    /// The bundle.
    pub(crate) file: PathBuf,
    /// Where in the bundle it begins.
    pub(crate) offset: u64,
    /// In bytes.
    pub(crate) size: u64,
}

/// Makes a package of that shape in `work`.
pub(crate) fn make(work: &Path, shape: Shape) -> Outcome<Package> {
    let folder = work.join("package");
    fs::create_dir_all(&folder)?;
    fs::create_dir_all(work.join("blobs"))?;
    let seed = shape.architecture.first_seed();
    let mut layers = Layers { work: work.to_owned(), size: shape.layer, seed };
    let shared: Vec<_> = (0..shape.shared).map(|_| layers.next()).collect::<Outcome<_>>()?;
    let mut package = Package { folder, images: Vec::new(), blobs: Vec::new(), bytes: 0 };
    for chart in 1..=shape.charts {
        let name = format!("chart{chart}");
        let images = images_of(&name, shape, &shared, &mut layers)?;
        package.add_bundle(&name, images)?;
    }
    Ok(package)
}

struct Layers {
    work: PathBuf,
    size: usize,
    seed: u64,
}

impl Layers {
    fn next(&mut self) -> Outcome<PackedLayer> {
        self.seed += 1;
        let layer = Layer::random_as_built(self.seed, self.size);
        let digest = layer.digest();
        let file = self.work.join("blobs").join(digest.hex());
        fs::write(&file, &layer.blob)?;
        let blob = SizedDigest { size: layer.blob.len() as u64, digest };
        Ok(PackedLayer { blob, file, diff_id: layer.diff_id() })
    }
}

fn images_of(
    chart: &str,
    shape: Shape,
    shared: &[PackedLayer],
    layers: &mut Layers,
) -> Outcome<Vec<PackedImage>> {
    let image = |number| {
        let own = (0..shape.own).map(|_| layers.next()).collect::<Outcome<Vec<_>>>()?;
        Ok(image(&format!("{chart}/image{number}"), shape.architecture, [shared, &own].concat()))
    };
    (1..=shape.images).map(image).collect()
}

fn image(repository: &str, architecture: Architecture, layers: Vec<PackedLayer>) -> PackedImage {
    let diff_ids: Vec<_> = layers.iter().map(|layer| layer.diff_id.clone()).collect();
    let config = images::config(&Platform::new("linux", architecture.name()), &diff_ids, &[]);
    let sized = SizedDigest { size: config.len() as u64, digest: Digest::sha256(&config) };
    let blobs: Vec<_> = layers.iter().map(|layer| layer.blob.clone()).collect();
    let manifest = docker_manifest(&sized, &blobs);
    PackedImage { repository: repository.to_owned(), config, layers, manifest }
}

impl Package {
    fn add_bundle(&mut self, name: &str, images: Vec<PackedImage>) -> Outcome<()> {
        let mut chart = Chart::new(name, "1.0.0");
        for image in &images {
            let key = image.repository.replace('/', "_");
            chart = chart.image(&key, SOURCE, &image.repository, TAG);
        }
        let path = self.folder.join(format!("{name}_1.0.0.bundle.tar"));
        let archive = self.folder.join(".images.tar");
        let inner = write_archive(&archive, &images)?;
        let start = write_bundle(&path, &chart, &archive)?;
        fs::remove_file(archive)?;
        self.bytes += fs::metadata(&path)?.len();
        for mut blob in inner {
            blob.offset += start;
            blob.file.clone_from(&path);
            if !self.blobs.iter().any(|known| known.digest == blob.digest) {
                self.blobs.push(blob);
            }
        }
        self.images.extend(images);
        Ok(())
    }
}

/// Writes a docker archive as go-containerregistry does and gives its blobs, with offsets in it.
pub(crate) fn write_archive(path: &Path, images: &[PackedImage]) -> Outcome<Vec<Blob>> {
    let mut tar = Tar::create(path)?;
    let mut blobs: Vec<Blob> = Vec::new();
    let mut manifest = Vec::new();
    for image in images {
        let digest = Digest::sha256(&image.config);
        let offset = tar.bytes(&digest.to_string(), &image.config)?;
        let blob = |digest: &Digest, offset, size| Blob {
            repository: image.repository.clone(),
            digest: digest.clone(),
            file: PathBuf::new(),
            offset,
            size,
        };
        blobs.push(blob(&digest, offset, image.config.len() as u64));
        for layer in &image.layers {
            if !blobs.iter().any(|known| known.digest == layer.blob.digest) {
                let offset = tar.file(&layer_name(layer), &layer.file)?;
                blobs.push(blob(&layer.blob.digest, offset, layer.blob.size));
            }
        }
        let names: Vec<_> = image.layers.iter().map(layer_name).collect();
        manifest.push(
            serde_json::json!({"Config": digest.to_string(), "RepoTags": [image.name()], "Layers": names}),
        );
    }
    tar.bytes("manifest.json", &serde_json::to_vec(&manifest)?)?;
    tar.finish()?;
    Ok(blobs)
}

fn layer_name(layer: &PackedLayer) -> String {
    format!("{}.tar.gz", layer.blob.digest.hex())
}

/// Writes a bundle and gives the offset of `images.tar` in it.
fn write_bundle(path: &Path, chart: &Chart, images: &Path) -> Outcome<u64> {
    let mut tar = Tar::create(path)?;
    tar.bytes("hints.yaml", chart.hints().as_bytes())?;
    for (name, data) in chart.files() {
        tar.bytes(&format!("original-chart/{name}"), &data)?;
    }
    let start = tar.file("images.tar", images)?;
    tar.finish()?;
    Ok(start)
}

/// A tar on disk that tells where each entry's data begin.
struct Tar(tar::Builder<File>);

impl Tar {
    fn create(path: &Path) -> Outcome<Self> {
        Ok(Self(tar::Builder::new(File::create(path)?)))
    }

    fn bytes(&mut self, name: &str, data: &[u8]) -> Outcome<u64> {
        self.0.append_data(&mut header(data.len() as u64), name, data)?;
        self.began(data.len() as u64)
    }

    fn file(&mut self, name: &str, path: &Path) -> Outcome<u64> {
        let file = File::open(path)?;
        let size = file.metadata()?.len();
        self.0.append_data(&mut header(size), name, file)?;
        self.began(size)
    }

    /// Where the data began that were written just now and filled up to whole blocks.
    fn began(&mut self, size: u64) -> Outcome<u64> {
        Ok(self.0.get_mut().stream_position()? - size.next_multiple_of(TAR_BLOCK))
    }

    fn finish(self) -> Outcome<()> {
        Ok(self.0.into_inner()?.flush()?)
    }
}
