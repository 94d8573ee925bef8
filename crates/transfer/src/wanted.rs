//! What a package asks for: every image under its target name, every chart relocated and packed.
//!
//! Nothing is asked of any server here, so the same package and options always give the same answer.

mod alone;
mod bundle;
mod collision;
mod contents;
mod images;
mod packing;
mod picked;

use std::{
    collections::{BTreeMap, HashMap},
    error::Error,
    sync::Arc,
};

use portolan_chart::{ChartVersion, Edit};
use portolan_chartrepo::{ChartRepository, PackedChart};
use portolan_oci::{Digest, Reference};
use portolan_package::{Image, Origin};

pub(crate) use bundle::{Inputs, PrepareError, find, foretold, hints_of, repack};
use bundle::{Prepared, prepare};
pub use images::{ImageChoice, NamedImage, PackageImages, package_images};
pub use picked::{ChartName, PickError, PickedChart, pick_chart};

use crate::{content::Identity, failure::one_line, report::BrokenBundle};

/// Packed charts that wait in memory together, in bytes; those beyond are made again from the package.
const PACKED_LIMIT: usize = 32 * 1024 * 1024;

/// All images and charts of a package, and the bundles that had to be left out.
#[derive(Debug, Default)]
pub(crate) struct Wanted {
    /// By index in the package: what each bundle that takes part is known by.
    pub(crate) contents: BTreeMap<usize, Digest>,
    pub(crate) images: Vec<WantedImage>,
    pub(crate) charts: Vec<WantedChart>,
    pub(crate) broken: Vec<BrokenBundle>,
    pub(crate) notes: Vec<String>,
}

/// An image and one name that it is to have in the registry.
#[derive(Clone, Debug)]
pub(crate) struct WantedImage {
    /// Index of its bundle in the package; of the first one, where several bring it.
    pub(crate) bundle: usize,
    pub(crate) source: Reference,
    pub(crate) target: Reference,
    pub(crate) content: Arc<Image>,
}

/// A chart, ready to be asked about.
#[derive(Clone, Debug)]
pub(crate) struct WantedChart {
    /// Index of its bundle in the package.
    pub(crate) bundle: usize,
    pub(crate) source: String,
    pub(crate) name: String,
    pub(crate) version: ChartVersion,
    /// Where it goes.
    pub(crate) repository: Arc<dyn ChartRepository>,
    pub(crate) edits: Vec<Edit>,
    /// Targets of the images that must be there first.
    pub(crate) images: Vec<Reference>,
    /// Whether a chart before it goes to the same place and may be another one.
    pub(crate) repeats: bool,
    pub(crate) state: ChartState,
}

/// How far a chart is before anything was sent.
#[derive(Clone, Debug)]
pub(crate) enum ChartState {
    /// Relocated and packed.
    Packed(PackedForm),
    /// It pins an image whose digest is derived while its layers pass.
    AwaitsDigests {
        /// What stands for it until then.
        provisional: Digest,
    },
}

/// A relocated chart in the form that is uploaded.
#[derive(Clone, Debug)]
pub(crate) struct PackedForm {
    /// Of the archive.
    pub(crate) digest: Digest,
    /// Whether a provenance file goes along.
    pub(crate) signed: bool,
    /// The chart with its archive, unless too many of them wait already.
    pub(crate) chart: Option<Arc<PackedChart>>,
}

impl PackedForm {
    pub(crate) fn of(chart: &Arc<PackedChart>) -> Self {
        let (digest, signed) = (chart.digest().clone(), chart.provenance().is_some());
        Self { digest, signed, chart: Some(Arc::clone(chart)) }
    }
}

/// Reads every bundle of `package` and works out what is to go where. Where the run is interrupted
/// meanwhile, the rest of the bundles is left unread.
pub(crate) fn wanted(inputs: &Inputs<'_>) -> Wanted {
    let package = inputs.package;
    let mut gathering = Gathering::default();
    gathering.note(package.notes.clone());
    package.broken.iter().for_each(|broken| gathering.lose(lost(&broken.origin, &broken.error)));
    for index in 0..package.bundles.len() {
        if inputs.options.stop.is_requested() {
            break;
        }
        gathering.take(inputs, index, index);
    }
    gathering.finish()
}

/// What bundles ask for, one after the other.
pub(crate) struct Gathering {
    prepared: Vec<Prepared>,
    wanted: Wanted,
    /// Bytes that packed charts may still have.
    room: usize,
}

impl Default for Gathering {
    fn default() -> Self {
        Self { prepared: Vec::new(), wanted: Wanted::default(), room: PACKED_LIMIT }
    }
}

impl Gathering {
    /// Works out the bundle that has the number `at` in the package of `inputs`, and `index` in all.
    pub(crate) fn take(&mut self, inputs: &Inputs<'_>, at: usize, index: usize) {
        match prepare(inputs, at) {
            Ok(Some(mut bundle)) => {
                bundle.number(index);
                bundle.chart.iter_mut().for_each(|chart| chart.keep_within(&mut self.room));
                self.prepared.push(bundle);
            }
            Ok(None) => {}
            Err(error) => self.lose(lost(&inputs.package.bundles[at].origin, &error)),
        }
    }

    /// Adds a bundle that can't be read.
    pub(crate) fn lose(&mut self, line: BrokenBundle) {
        self.wanted.broken.push(line);
    }

    pub(crate) fn note(&mut self, notes: Vec<String>) {
        self.wanted.notes.extend(notes);
    }

    /// All of them together.
    pub(crate) fn finish(self) -> Wanted {
        let Self { mut prepared, mut wanted, .. } = self;
        collision::take_out(&mut prepared, &mut wanted.broken);
        gather(prepared, &mut wanted);
        wanted
    }
}

impl Wanted {
    /// Names and versions of the charts.
    pub(crate) fn chart_names(&self) -> Vec<(String, String)> {
        self.charts.iter().map(|chart| (chart.name.clone(), chart.version.to_string())).collect()
    }
}

/// The line of a bundle that can't be read or planned. Its origin is not said twice.
pub(crate) fn lost(origin: &Origin, error: &dyn Error) -> BrokenBundle {
    let source = origin.to_string();
    let error = one_line(error).replacen(&format!("{source}: "), "", 1);
    BrokenBundle { source, error }
}

/// Joins the bundles: each content of an image's target once, in the order of the package.
fn gather(prepared: Vec<Prepared>, wanted: &mut Wanted) {
    let mut known: HashMap<Reference, Vec<Identity>> = HashMap::new();
    let mut charts = KnownCharts::default();
    for bundle in prepared {
        wanted.contents.insert(bundle.index, bundle.contents);
        for image in bundle.images {
            let (identity, known) =
                (Identity::of(&image.content), known.entry(image.target.clone()).or_default());
            if !known.contains(&identity) {
                known.push(identity);
                wanted.images.push(image);
            }
        }
        if let Some(chart) = bundle.chart {
            charts.take(chart, &mut wanted.charts);
        }
        wanted.notes.extend(bundle.notes);
    }
}

/// Where the charts that were taken stand in their list, by what they are known by in a repository.
#[derive(Default)]
struct KnownCharts(HashMap<String, usize>);

impl KnownCharts {
    /// Adds a chart. One that is there already, as packages of several platforms bring it, only waits for
    /// these images too; one that may be another is compared once the first was uploaded.
    fn take(&mut self, mut chart: WantedChart, charts: &mut Vec<WantedChart>) {
        let first = *self.0.entry(chart.target()).or_insert(charts.len());
        match charts.get_mut(first) {
            None => charts.push(chart),
            Some(first) if first.is_surely(&chart) => first.wait_for(chart.images),
            Some(_) => {
                chart.repeats = true;
                charts.push(chart);
            }
        }
    }
}

impl WantedChart {
    /// Whether both are the same archive, as far as that is known by now.
    fn is_surely(&self, other: &Self) -> bool {
        match (&self.state, &other.state) {
            (ChartState::Packed(ours), ChartState::Packed(theirs)) => {
                ours.digest == theirs.digest && ours.signed == theirs.signed
            }
            _ => false,
        }
    }

    fn wait_for(&mut self, images: Vec<Reference>) {
        for image in images {
            if !self.images.contains(&image) {
                self.images.push(image);
            }
        }
    }

    /// Where it goes, for plan and report.
    pub(crate) fn target(&self) -> String {
        self.repository.target_of(&self.name, &self.version)
    }

    /// Gives the archive up where no room is left for it, else takes the room.
    fn keep_within(&mut self, room: &mut usize) {
        let ChartState::Packed(form) = &mut self.state else { return };
        match form.chart.as_ref().map(|chart| chart.archive().len()) {
            Some(size) if size <= *room => *room -= size,
            _ => form.chart = None,
        }
    }
}
