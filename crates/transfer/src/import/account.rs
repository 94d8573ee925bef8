//! What became of every bundle of a stream, put together to one report in the package's order.

use std::{
    collections::{BTreeMap, HashMap},
    sync::Arc,
};

use portolan_chartrepo::ChartRepository;
use portolan_oci::{Digest, Platform, Reference, Repository};
use portolan_package::Bundle;

use super::{Again, Import, PassingPackage, ledger::Key};
use crate::{
    event::{Event, Observer},
    execute::finish_charts,
    planning::absent,
    report::{BrokenBundle, ChartOutcome, ChartResult, ImageOutcome, ImageResult, Report, Totals},
    wanted::{Wanted, WantedChart},
};

/// A chart, and the repository that it went to.
type Charted = (Arc<dyn ChartRepository>, ChartResult);

/// What became of one bundle.
#[derive(Default)]
pub(super) struct Part {
    ordinal: usize,
    /// Names and versions of its charts, chosen or not left to do.
    chart_names: Vec<(String, String)>,
    /// Targets of its images and charts, by which an earlier run's report knows them.
    targets: Vec<String>,
    pub(super) images: Vec<ImageResult>,
    pub(super) charts: Vec<Charted>,
    pub(super) broken: Vec<BrokenBundle>,
    pub(super) notes: Vec<String>,
    pub(super) totals: Totals,
    /// Blobs that another pass is to bring, and a repository that wants each.
    pub(super) again: BTreeMap<Key, Repository>,
    /// Whether another pass is wanted for its chart alone.
    put_off: bool,
}

impl Part {
    pub(super) fn new(ordinal: usize, wanted: &Wanted) -> Self {
        let images = wanted.images.iter().map(|image| image.target.to_string());
        let charts = wanted.charts.iter().map(WantedChart::target);
        Self {
            ordinal,
            chart_names: wanted.chart_names(),
            targets: images.chain(charts).collect(),
            notes: wanted.notes.clone(),
            ..Self::default()
        }
    }

    /// Counts a blob of so many bytes that was sent for one of its images.
    pub(super) fn count(&mut self, image: usize, bytes: u64) {
        self.images[image].bytes_sent += bytes;
        self.totals.bytes_sent += bytes;
        self.totals.blobs_uploaded += 1;
    }

    fn is_final(&self) -> bool {
        self.again.is_empty() && !self.put_off
    }

    /// What both passes together came to: what the first one brought stays brought.
    fn and(mut self, later: Self) -> Self {
        let mut first: HashMap<_, ImageResult> =
            self.images.drain(..).map(|image| (place(&image), image)).collect();
        let images = later.images.into_iter().map(|second| match first.remove(&place(&second)) {
            Some(first) if first.action.is_there() => first,
            Some(first) => ImageResult { bytes_sent: first.bytes_sent + second.bytes_sent, ..second },
            None => second,
        });
        let mut charts: HashMap<String, Charted> =
            self.charts.drain(..).map(|chart| (chart.1.target.clone(), chart)).collect();
        let later_charts = later.charts.into_iter().map(|second| match charts.remove(&second.1.target) {
            Some(first) if first.1.action.is_there() => first,
            _ => second,
        });
        Self {
            images: images.collect(),
            charts: later_charts.collect(),
            totals: self.totals.and(later.totals),
            ..later
        }
    }
}

/// All bundles of a run.
#[derive(Default)]
pub(super) struct Account {
    parts: BTreeMap<usize, Part>,
    broken: Vec<BrokenBundle>,
    notes: Vec<String>,
}

impl Account {
    /// Takes what became of a bundle, and tells it where that is certain.
    pub(super) fn enter(&mut self, part: Part, observer: &dyn Observer) {
        let ordinal = part.ordinal;
        let part = match self.parts.remove(&ordinal) {
            Some(earlier) => earlier.and(part),
            None => part,
        };
        if part.is_final() {
            tell(&part, observer);
        }
        self.parts.insert(ordinal, part);
    }

    /// Whether nothing is known of any bundle.
    pub(super) fn is_empty(&self) -> bool {
        self.parts.is_empty()
    }

    /// Takes a bundle that can't be read.
    pub(super) fn broken(&mut self, ordinal: usize, line: BrokenBundle) {
        self.parts.insert(ordinal, Part { ordinal, broken: vec![line], ..Part::default() });
    }

    /// Leaves a bundle for another pass, since no room is left for its chart as long as nothing may be written.
    pub(super) fn put_off(&mut self, ordinal: usize, bundle: &Bundle, package: &PassingPackage) {
        if package.can_be_read_again() {
            self.parts.insert(ordinal, Part { ordinal, put_off: true, ..Part::default() });
            return;
        }
        let error = "its chart would have to wait for the package's checksum, and more charts wait than may be held in memory: give the package as a file, or run again without the checksum".to_owned();
        self.broken(ordinal, BrokenBundle { source: bundle.origin.to_string(), error });
    }

    pub(super) fn note(&mut self, note: String) {
        self.notes.push(note);
    }

    pub(super) fn notes(&mut self, notes: &[String]) {
        for note in notes {
            if !self.notes.contains(note) {
                self.notes.push(note.clone());
            }
        }
    }

    /// What comes later in the package was not read.
    pub(super) fn end_early(&mut self, package: &str, error: String) {
        self.broken.push(BrokenBundle { source: package.to_owned(), error });
    }

    /// The bundles that another pass is to bring, each with the blobs that it lacks.
    pub(super) fn left_for_another_pass(&self) -> Again {
        let left = self.parts.values().filter(|part| !part.is_final());
        left.map(|part| (part.ordinal, part.again.clone())).collect()
    }
}

fn tell(part: &Part, observer: &dyn Observer) {
    for result in part.images.iter().filter(|image| image.action != ImageOutcome::Interrupted) {
        observer.event(Event::ImageFinished { result });
    }
    for (_, result) in part.charts.iter().filter(|(_, chart)| chart.action != ChartOutcome::Interrupted) {
        observer.event(Event::ChartFinished { result });
    }
}

impl Import<'_> {
    /// The report of the run, once every bundle was dealt with; chart repositories are ended first.
    pub(super) async fn report(&self, approved: Option<&Digest>) -> Report {
        let Account { parts, broken, mut notes } = std::mem::take(&mut *self.account());
        let mut report = Report { plan_digest: approved.cloned(), ..Report::new() };
        let (mut charts, mut names, mut targets) = (Vec::new(), Vec::new(), Vec::new());
        for part in parts.into_values() {
            if !part.is_final() {
                tell(&part, self.observer);
            }
            add_images(&mut report.images, part.images);
            charts.extend(part.charts);
            names.extend(part.chart_names);
            targets.extend(part.targets);
            report.broken.extend(part.broken);
            report.notes.extend(part.notes);
            report.totals = report.totals.and(part.totals);
        }
        finish_charts(charts.iter_mut().map(|(repository, result)| (&*repository, result))).await;
        report.charts = charts.into_iter().map(|(_, result)| result).collect();
        if broken.is_empty() {
            report.broken.extend(absent::charts(&self.target.charts, &self.options.selection, &names));
        }
        report.broken.extend(broken);
        notes.extend(self.options.only.as_ref().and_then(|left| left.unknown_note(&targets)));
        report.notes.extend(notes);
        report.notes.extend(self.closed.lines());
        report.lasting(self.started.elapsed())
    }
}

/// What an image is known by in a run: a target has one for each platform at the most.
fn place(image: &ImageResult) -> (Reference, Vec<Platform>) {
    (image.target.clone(), image.platforms.clone())
}

/// Adds images; where a bundle before brought one of them, the better of both lines stays.
fn add_images(all: &mut Vec<ImageResult>, images: Vec<ImageResult>) {
    for image in images {
        match all.iter_mut().find(|it| it.target == image.target && it.platforms == image.platforms) {
            None => all.push(image),
            Some(earlier) if earlier.action.is_there() || !image.action.is_there() => {
                earlier.bytes_sent += image.bytes_sent;
            }
            Some(earlier) => {
                let bytes_sent = earlier.bytes_sent + image.bytes_sent;
                *earlier = ImageResult { bytes_sent, ..image };
            }
        }
    }
}
