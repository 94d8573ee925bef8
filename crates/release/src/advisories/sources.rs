//! Where advisories come from: the program, a chart or package, a directory that the user names. A later
//! source takes the place of an earlier one's advisory of the same id.

use std::fmt;

use portolan_chart::Chart;
use serde::Serialize;

use super::{
    format::Advisory,
    id::AdvisoryId,
    parse::{AdvisoryError, parse},
};

/// What a chart calls its file of advisories; it lies in the top folder.
pub const CHART_FILE: &str = "portolan-advisories.yaml";

/// The files that come with the program: name and content.
const SHIPPED: &[(&str, &str)] = &[("kpanda.yaml", include_str!("shipped/kpanda.yaml"))];

/// Where an advisory comes from, from the weakest up.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord, Serialize)]
#[serde(rename_all = "kebab-case", tag = "from", content = "name")]
pub enum Source {
    /// The program.
    Program,
    /// A chart, or the package that it came in.
    Chart(String),
    /// A file that the user named.
    File(String),
}

impl fmt::Display for Source {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Program => f.write_str("portolan"),
            Self::Chart(name) => write!(f, "chart {name}"),
            Self::File(name) => f.write_str(name),
        }
    }
}

/// An advisory, and where it comes from.
#[derive(Clone, Debug, PartialEq, Serialize)]
pub struct Sourced {
    /// The advisory.
    pub advisory: Advisory,
    /// Where it comes from.
    pub source: Source,
}

/// All advisories, one for each id.
#[derive(Clone, Debug, Default)]
pub struct Advisories(Vec<Sourced>);

impl Advisories {
    /// Those that come with the program.
    #[must_use]
    pub fn shipped() -> Self {
        let mut advisories = Self::default();
        for (name, text) in SHIPPED {
            let parsed = parse(name, text.as_bytes())
                .expect("because a test reads the files that come with the program");
            advisories.add(parsed, &Source::Program);
        }
        advisories
    }

    /// Adds those of a file that the user named.
    ///
    /// # Errors
    /// [`AdvisoryError`], see there.
    pub fn add_file(&mut self, file: &str, bytes: &[u8]) -> Result<(), AdvisoryError> {
        self.add(parse(file, bytes)?, &Source::File(file.to_owned()));
        Ok(())
    }

    /// Adds those that lie in a chart, about itself.
    ///
    /// # Errors
    /// [`AdvisoryError`], see there.
    pub fn add_chart(&mut self, chart: &Chart) -> Result<(), AdvisoryError> {
        let Some(file) = chart.file(CHART_FILE) else { return Ok(()) };
        let name = format!("{}: {CHART_FILE}", chart.origin());
        let advisories = parse(&name, &file.data)?;
        if let Some(foreign) = advisories.iter().find(|advisory| advisory.module != chart.name()) {
            return Err(AdvisoryError::ForeignModule {
                file: name,
                id: foreign.id.to_string(),
                module: foreign.module.clone(),
                chart: chart.name().to_owned(),
            });
        }
        self.add(advisories, &Source::Chart(format!("{} {}", chart.name(), chart.version())));
        Ok(())
    }

    fn add(&mut self, advisories: Vec<Advisory>, source: &Source) {
        for advisory in advisories {
            let sourced = Sourced { advisory, source: source.clone() };
            match self.0.iter_mut().find(|other| other.advisory.id == sourced.advisory.id) {
                Some(other) if other.source > sourced.source => {}
                Some(other) => *other = sourced,
                None => self.0.push(sourced),
            }
        }
    }

    pub(super) fn of(advisories: Vec<Sourced>) -> Self {
        Self(advisories)
    }

    /// In the order that they are held against an upgrade.
    pub fn iter(&self) -> std::slice::Iter<'_, Sourced> {
        self.0.iter()
    }

    /// One by its id.
    #[must_use]
    pub fn get(&self, id: &AdvisoryId) -> Option<&Sourced> {
        self.0.iter().find(|sourced| sourced.advisory.id == *id)
    }
}

impl<'a> IntoIterator for &'a Advisories {
    type Item = &'a Sourced;
    type IntoIter = std::slice::Iter<'a, Sourced>;

    fn into_iter(self) -> Self::IntoIter {
        self.iter()
    }
}
