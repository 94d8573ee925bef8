//! What a package holds, as a reader wants to know before a trip.

use std::{
    collections::{BTreeSet, HashMap},
    io::Read,
    path::Path,
};

use portolan_chart::{Chart, Rules, hint_images};
use portolan_oci::Platform;
use portolan_package::{
    Bundle, Image, Package, PackageError,
    stream::{PackageStream, Step, StreamError, StreamOptions},
};

use super::document::{ChartSummary, InspectedBundle, InspectedImage, InspectedPackage, PackageForm};
use crate::{
    blobs::BlobKey,
    content::{Identity, platforms, stored_bytes},
    failure::one_line,
    report::BrokenBundle,
    wanted::{find, hints_of, lost},
};

/// Why a package can't be looked at.
#[derive(Debug, thiserror::Error)]
pub enum InspectError {
    /// It can't be opened, or is none.
    #[error(transparent)]
    Package(#[from] PackageError),
    /// It can't be read as a stream.
    #[error(transparent)]
    Stream(#[from] StreamError),
}

/// Looks into the package at `path`: by its headers where that can be done, else once from front to back.
/// Blocks.
///
/// # Errors
/// [`InspectError`] where nothing in it can be read. What is wrong further inside is told by
/// [`InspectedPackage::broken`].
pub fn inspect_package(path: &Path) -> Result<InspectedPackage, InspectError> {
    match portolan_package::open(path) {
        Ok(package) => Ok(of_package(&package)),
        Err(PackageError::Compressed { .. }) => {
            let stream = PackageStream::open(path, &StreamOptions::default())?;
            of_stream(&path.display().to_string(), stream)
        }
        Err(error) => Err(error.into()),
    }
}

/// Looks into a package that comes through a pipe; `name` stands for it in messages. Blocks.
///
/// # Errors
/// As [`inspect_package`].
pub fn inspect_stream(
    name: &str,
    input: impl Read + Send + 'static,
) -> Result<InspectedPackage, InspectError> {
    let stream = PackageStream::new(name, input, &StreamOptions::default())?;
    of_stream(name, stream)
}

fn of_package(package: &Package) -> InspectedPackage {
    let form = if package.path.is_dir() { PackageForm::Folder } else { PackageForm::File };
    let mut look = Look::new(&package.path, form);
    package.bundles.iter().for_each(|bundle| look.add(bundle));
    let broken = package.broken.iter().map(|broken| lost(&broken.origin, &broken.error));
    look.broken.extend(broken);
    look.finish(package.notes.clone())
}

fn of_stream(name: &str, mut stream: PackageStream) -> Result<InspectedPackage, InspectError> {
    let mut look = Look::new(Path::new(name), PackageForm::Stream);
    loop {
        match stream.step() {
            Ok(Some(Step::Bundle(bundle))) => look.add(&bundle),
            Ok(Some(Step::Broken(broken))) => look.broken.push(lost(&broken.origin, &broken.error)),
            Ok(Some(Step::End(end))) => return Ok(look.finish(end.notes)),
            Ok(Some(Step::Images(_) | Step::Blob(_))) => {}
            Ok(None) => return Ok(look.finish(Vec::new())),
            Err(error) if look.bundles.is_empty() => return Err(error.into()),
            Err(error) => {
                look.broken.push(BrokenBundle { source: name.to_owned(), error: one_line(&error) });
                return Ok(look.finish(Vec::new()));
            }
        }
    }
}

/// A package that is being looked into.
struct Look {
    /// For the names of what lies in it.
    package: Package,
    form: PackageForm,
    bundles: Vec<InspectedBundle>,
    broken: Vec<BrokenBundle>,
    platforms: BTreeSet<Platform>,
    sizes: HashMap<BlobKey, u64>,
}

impl Look {
    fn new(path: &Path, form: PackageForm) -> Self {
        Self {
            package: Package { path: path.to_owned(), ..Package::default() },
            form,
            bundles: Vec::new(),
            broken: Vec::new(),
            platforms: BTreeSet::new(),
            sizes: HashMap::new(),
        }
    }

    fn add(&mut self, bundle: &Bundle) {
        for image in &bundle.images {
            self.platforms.extend(platforms(image));
            self.weigh(image);
        }
        let mut inspected = inspected(bundle);
        inspected.source = self.package.within(&bundle.origin.to_string()).to_owned();
        self.bundles.push(inspected);
    }

    fn weigh(&mut self, image: &Image) {
        for source in image.content.sources() {
            let config = (BlobKey::Known(source.config_digest.clone()), source.config.len() as u64);
            let layers = source.layers.iter().map(|layer| (BlobKey::of(layer), layer.blob.stored_size()));
            self.sizes.extend(layers.chain([config]));
        }
    }

    fn finish(self, notes: Vec<String>) -> InspectedPackage {
        InspectedPackage {
            path: self.package.path.display().to_string(),
            form: self.form,
            bundles: self.bundles,
            broken: self.broken,
            platforms: self.platforms.into_iter().collect(),
            size: self.sizes.values().sum(),
            notes,
        }
    }
}

fn inspected(bundle: &Bundle) -> InspectedBundle {
    let images = bundle.images.iter().map(|image| InspectedImage {
        names: image.names.clone(),
        digest: Identity::of(image).digest().cloned(),
        platforms: platforms(image),
        size: stored_bytes(image),
    });
    let mut inspected = InspectedBundle {
        source: String::new(),
        folder: bundle.folder.clone(),
        chart: None,
        hints: 0,
        images: images.collect(),
        problems: Vec::new(),
        remarks: Vec::new(),
    };
    match bundle.chart() {
        Ok(Some(chart)) => inspected.take_chart(bundle, &chart),
        Ok(None) => {}
        Err(error) => inspected.problems.push(one_line(&error)),
    }
    inspected
}

impl InspectedBundle {
    fn take_chart(&mut self, bundle: &Bundle, chart: &Chart) {
        self.chart = Some(ChartSummary {
            name: chart.name().to_owned(),
            version: chart.version().to_string(),
            app_version: chart.metadata().app_version().map(str::to_owned),
        });
        match chart.validate() {
            Ok(remarks) => self.remarks.extend(remarks),
            Err(error) => self.problems.push(format!("Helm would refuse the chart: {}", one_line(&error))),
        }
        self.take_hints(bundle, chart);
    }

    /// Compares what the hints name with what the bundle carries.
    fn take_hints(&mut self, bundle: &Bundle, chart: &Chart) {
        let hints = match hints_of(bundle, chart) {
            Ok(hints) => hints,
            Err(error) => return self.problems.push(one_line(&error)),
        };
        self.hints = hints.iter().count();
        let named = match hint_images(chart, &hints, &Rules::default()) {
            Ok(named) => named,
            Err(error) => return self.problems.push(one_line(&error)),
        };
        if bundle.images.is_empty() {
            return;
        }
        let mut hinted = Vec::new();
        for hint in &named {
            match find(bundle, &hint.source) {
                Some(image) => hinted.extend(&image.names),
                None => self.problems.push(format!(
                    "hint {:?} names the image {}, which the bundle does not carry",
                    hint.hint, hint.source
                )),
            }
        }
        let of_no_hint = bundle.images.iter().filter_map(|image| image.names.first());
        let of_no_hint = of_no_hint.filter(|name| !hinted.contains(name));
        let remark =
            |name| format!("no hint names the image {name}, so that the chart is not rewritten for it");
        self.remarks.extend(of_no_hint.map(remark));
    }
}
