//! One chart of a package, rewritten as a sync rewrites it, for whoever installs it right from there. Nothing is
//! pushed, and no server is asked.

use std::collections::BTreeSet;
use std::error::Error;
use std::path::Path;

use portolan_chart::{Chart, ChartVersion, Edit, hint_images};
use portolan_chartrepo::PackedChart;
use portolan_oci::Reference;
use portolan_package::{
    Bundle, PackageError,
    stream::{PackageStream, Step, StreamError, StreamOptions},
};

use super::{
    bundle::{PrepareError, digest_in, hints_of, pending},
    lost,
    packing::{Packing, Subject, pack},
};
use crate::options::{ImagePolicy, SyncOptions};

/// Which chart is picked.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum ChartName {
    /// The one of this name.
    Called(String),
    /// The one of this name; where there is none, the only one.
    CalledOrOnly(String),
}

/// A chart as a sync would upload it.
#[derive(Debug)]
pub struct PickedChart {
    /// File and entry that it comes from.
    pub source: String,
    /// The chart, relocated and packed.
    pub chart: PackedChart,
    /// What relocation changed in it.
    pub edits: Vec<Edit>,
    /// What a reader should know though nothing is wrong.
    pub notes: Vec<String>,
}

/// Why no chart could be picked.
#[derive(Debug, thiserror::Error)]
pub enum PickError {
    /// The package can't be opened, or is none.
    #[error(transparent)]
    Package(#[from] PackageError),
    /// The package can't be read as it goes by.
    #[error(transparent)]
    Stream(#[from] StreamError),
    /// The run was interrupted.
    #[error("interrupted while the package was read")]
    Interrupted,
    /// The package holds other charts.
    #[error("{package} holds no chart {chart}; it holds {}{}", listed(.present), unreadable(.broken))]
    NoChart {
        /// The package.
        package: String,
        /// What was asked for.
        chart: String,
        /// Name and version of each that it holds.
        present: Vec<String>,
        /// Bundles that can't be read, with what is wrong.
        broken: Vec<String>,
    },
    /// The package holds other versions of the chart.
    #[error("{package} holds no {chart} {version}; it holds {}", listed(.present))]
    NoVersion {
        /// The package.
        package: String,
        /// The chart.
        chart: String,
        /// What was asked for, or `of a stable version`.
        version: String,
        /// The versions that it holds.
        present: Vec<String>,
    },
    /// Two charts of one name and version.
    #[error(
        "{chart} is two different charts, in {first} and in {second}: name one bundle instead of the package"
    )]
    Ambiguous {
        /// Name and version.
        chart: String,
        /// Where the first one is.
        first: String,
        /// Where the second one is.
        second: String,
    },
    /// The chart is to name an image by a digest that is known only once its layers were compressed.
    #[error(
        "{bundle}: the chart names {image} by its digest, which is known only once the image was sent: sync the package, and take the chart from the repository"
    )]
    Unpinned {
        /// The bundle.
        bundle: String,
        /// The image.
        image: Box<Reference>,
    },
    /// The chart can't be rewritten.
    #[error("{bundle}")]
    Chart {
        /// The bundle.
        bundle: String,
        /// What is wrong.
        #[source]
        source: Box<dyn Error + Send + Sync>,
    },
}

fn listed(names: &[String]) -> String {
    if names.is_empty() { "none".to_owned() } else { names.join(", ") }
}

fn unreadable(broken: &[String]) -> String {
    match broken.is_empty() {
        true => String::new(),
        false => format!(", and what can't be read: {}", broken.join("; ")),
    }
}

/// Picks a chart of the package at `path` and rewrites it by the rules of `options`: the version that is asked for,
/// else the newest stable one. Blocks; a compressed package is read to its end.
///
/// # Errors
/// [`PickError`], see there.
pub fn pick_chart(
    path: &Path,
    name: &ChartName,
    version: Option<&ChartVersion>,
    options: &SyncOptions,
) -> Result<PickedChart, PickError> {
    let found = match portolan_package::open(path) {
        Ok(package) => {
            let mut found = Found::new(path, name);
            found.broken = package.broken.iter().map(told).collect();
            package.bundles.into_iter().for_each(|bundle| found.take(bundle));
            found
        }
        Err(PackageError::Compressed { .. }) => passing(path, name, options)?,
        Err(error) => return Err(error.into()),
    };
    let (bundle, chart) = found.choose(version)?;
    let failed =
        |error: PrepareError| PickError::Chart { bundle: bundle.origin.to_string(), source: Box::new(error) };
    let hints = hints_of(&bundle, &chart).map_err(failed)?;
    let named = hint_images(&chart, &hints, &options.rules);
    let named = named.map_err(|source| failed(PrepareError::Relocate { source }))?;
    let policy = ImagePolicy::Relocate.max(options.images);
    if let Some(image) = pending(&bundle, &named).filter(|_| policy != ImagePolicy::Leave) {
        return Err(PickError::Unpinned {
            bundle: bundle.origin.to_string(),
            image: Box::new(image.clone()),
        });
    }
    let known = |reference: &Reference| digest_in(&bundle, reference);
    let subject = Subject { bundle: &bundle, chart: &chart, hints: &hints, policy };
    let Packing { chart, edits, notes } = pack(options, subject, &known).map_err(failed)?;
    Ok(PickedChart { source: bundle.origin.to_string(), chart, edits, notes })
}

/// Reads a compressed package to its end, and keeps of its bundles those that may be meant.
fn passing(path: &Path, name: &ChartName, options: &SyncOptions) -> Result<Found, PickError> {
    let mut found = Found::new(path, name);
    let mut stream = PackageStream::open(path, &StreamOptions::default())?;
    while let Some(step) = stream.step()? {
        if options.stop.is_requested() {
            return Err(PickError::Interrupted);
        }
        match step {
            Step::Bundle(bundle) => found.take(bundle),
            Step::Broken(broken) => found.broken.push(told(&broken)),
            Step::Images(_) | Step::Blob(_) | Step::End(_) => {}
        }
    }
    Ok(found)
}

fn told(broken: &portolan_package::Broken) -> String {
    let line = lost(&broken.origin, &broken.error);
    format!("{}: {}", line.source, line.error)
}

/// The charts of a package.
struct Found {
    package: String,
    wanted: String,
    takes_the_only_one: bool,
    /// Those that may be meant.
    charts: Vec<(Bundle, Chart)>,
    /// Name and version of all others.
    others: BTreeSet<String>,
    broken: Vec<String>,
}

impl Found {
    fn new(path: &Path, name: &ChartName) -> Self {
        let (wanted, takes_the_only_one) = match name {
            ChartName::Called(name) => (name.clone(), false),
            ChartName::CalledOrOnly(name) => (name.clone(), true),
        };
        let package = path.display().to_string();
        Self {
            package,
            wanted,
            takes_the_only_one,
            charts: Vec::new(),
            others: BTreeSet::new(),
            broken: Vec::new(),
        }
    }

    fn take(&mut self, bundle: Bundle) {
        match bundle.chart() {
            Ok(Some(chart)) if self.takes_the_only_one || chart.name() == self.wanted => {
                self.charts.push((bundle, chart));
            }
            Ok(Some(chart)) => drop(self.others.insert(format!("{} {}", chart.name(), chart.version()))),
            Ok(None) => {}
            Err(error) => {
                let line = lost(&bundle.origin, &error);
                self.broken.push(format!("{}: {}", line.source, line.error));
            }
        }
    }

    /// The chart that is meant, and its bundle.
    fn choose(mut self, version: Option<&ChartVersion>) -> Result<(Bundle, Chart), PickError> {
        self.narrow();
        if self.charts.is_empty() {
            let Self { package, wanted, others, broken, .. } = self;
            return Err(PickError::NoChart {
                package,
                chart: wanted,
                present: others.into_iter().collect(),
                broken,
            });
        }
        let chosen = self.version(version)?;
        let mut same = self.charts.into_iter().filter(|(_, chart)| *chart.version() == chosen);
        let first = same.next().expect("because its version was chosen");
        match same.find(|(_, other)| !other.same_content(&first.1)) {
            None => Ok(first),
            Some((second, _)) => Err(PickError::Ambiguous {
                chart: format!("{} {chosen}", first.1.name()),
                first: first.0.origin.to_string(),
                second: second.origin.to_string(),
            }),
        }
    }

    /// Leaves the charts of one name: that which is wanted, else the only one.
    fn narrow(&mut self) {
        let names: BTreeSet<&str> = self.charts.iter().map(|(_, chart)| chart.name()).collect();
        if names.len() == 1 && self.takes_the_only_one {
            return;
        }
        let wanted = self.wanted.clone();
        let (charts, others): (Vec<_>, Vec<_>) =
            std::mem::take(&mut self.charts).into_iter().partition(|(_, chart)| chart.name() == wanted);
        self.others.extend(others.iter().map(|(_, chart)| format!("{} {}", chart.name(), chart.version())));
        self.charts = charts;
    }

    fn version(&self, wanted: Option<&ChartVersion>) -> Result<ChartVersion, PickError> {
        let mut present: Vec<&ChartVersion> = self.charts.iter().map(|(_, chart)| chart.version()).collect();
        present.sort();
        let found = match wanted {
            // `v0.21.0` and `0.21.0` are one version for Helm.
            Some(wanted) => present.iter().rev().find(|version| version.semantic() == wanted.semantic()),
            None => present.iter().rev().find(|version| version.semantic().pre.is_empty()),
        };
        found.map(|found| (*found).clone()).ok_or_else(|| PickError::NoVersion {
            package: self.package.clone(),
            chart: self.charts[0].1.name().to_owned(),
            version: wanted.map_or_else(|| "of a stable version".to_owned(), ToString::to_string),
            present: present.iter().map(ToString::to_string).collect(),
        })
    }
}
