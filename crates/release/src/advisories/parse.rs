//! From the text of a file to its advisories, with errors that name the line and the field.

use portolan_chart::{Step, ValuePath, YamlError, YamlText};
use serde::{Deserialize as _, de::DeserializeOwned};
use serde_json::Value;
use serde_path_to_error::Segment;

use super::{
    facts::ClusterFacts,
    format::{ADVISORIES_VERSION, Advisory, AdvisoryFile, Choice, Mend},
    pattern::PathPattern,
};

/// The largest file that is read, in bytes; those that come with Portolan have a few thousand.
pub const FILE_LIMIT: usize = 1 << 20;

/// How many advisories a file may have.
const COUNT_LIMIT: usize = 1_000;

/// Why a file is no file of advisories.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum AdvisoryError {
    /// It is larger than any.
    #[error("{file}: has more than {FILE_LIMIT} bytes")]
    TooLarge {
        /// The file.
        file: String,
    },
    /// It is no YAML.
    #[error("{file}")]
    Yaml {
        /// The file.
        file: String,
        /// What is wrong with it, with the line.
        #[source]
        source: YamlError,
    },
    /// It is YAML of another kind.
    #[error("{file}: line {line}: {field}{reason}", field = prefix(.path))]
    Form {
        /// The file.
        file: String,
        /// The line, counted from 1.
        line: usize,
        /// The field; the root where the whole file is meant.
        path: ValuePath,
        /// What is wrong there.
        reason: String,
    },
    /// It is of another version of the format.
    #[error(
        "{file}: line {line}: advisoriesVersion is {found}, and this Portolan reads {ADVISORIES_VERSION}; use one that reads it, or the file in that version"
    )]
    FormatVersion {
        /// The file.
        file: String,
        /// The line, counted from 1.
        line: usize,
        /// What stands there.
        found: String,
    },
    /// It comes with a chart, and is about another.
    #[error(
        "{file}: the advisory {id} is about {module}, and comes with the chart {chart}, which may only advise on itself"
    )]
    ForeignModule {
        /// The file.
        file: String,
        /// The advisory.
        id: String,
        /// The module that it is about.
        module: String,
        /// The chart that it comes with.
        chart: String,
    },
}

fn prefix(path: &ValuePath) -> String {
    if path.steps().is_empty() { String::new() } else { format!("{path}: ") }
}

/// Reads a file; `file` is named in errors.
///
/// # Errors
/// [`AdvisoryError`], see there.
pub fn parse(file: &str, bytes: &[u8]) -> Result<Vec<Advisory>, AdvisoryError> {
    let (source, document) = Source::read(file, bytes)?;
    source.check_version(&document)?;
    let parsed: AdvisoryFile = source.typed(&document)?;
    source.check(&parsed.advisories)?;
    Ok(parsed.advisories)
}

impl ClusterFacts {
    /// Reads facts from a YAML file; `file` is named in errors.
    ///
    /// # Errors
    /// [`AdvisoryError`], see there.
    pub fn parse(file: &str, bytes: &[u8]) -> Result<Self, AdvisoryError> {
        let (source, document) = Source::read(file, bytes)?;
        source.typed(&document)
    }
}

struct Source<'a> {
    file: &'a str,
    text: YamlText,
}

impl<'a> Source<'a> {
    fn read(file: &'a str, bytes: &[u8]) -> Result<(Self, Value), AdvisoryError> {
        if bytes.len() > FILE_LIMIT {
            return Err(AdvisoryError::TooLarge { file: file.to_owned() });
        }
        let failed = |source| AdvisoryError::Yaml { file: file.to_owned(), source };
        let text = YamlText::parse(bytes).map_err(failed)?;
        let document = text.document().map_err(failed)?;
        Ok((Self { file, text }, document))
    }

    fn typed<T: DeserializeOwned>(&self, document: &Value) -> Result<T, AdvisoryError> {
        if let Some((key, line)) = self.text.repeated_key() {
            return Err(self.at_line(line, format!("the key {key:?} is there twice")));
        }
        serde_path_to_error::deserialize(document).map_err(|error| self.form(&error))
    }

    fn check_version(&self, document: &Value) -> Result<(), AdvisoryError> {
        let path = ValuePath::of_keys(["advisoriesVersion"]);
        let found = match path.get(document) {
            Some(version) if u32::deserialize(version).ok() == Some(ADVISORIES_VERSION) => return Ok(()),
            Some(version) => version.to_string(),
            None => {
                let reason =
                    format!("is no file of advisories: it has no advisoriesVersion: {ADVISORIES_VERSION}");
                return Err(self.at_line(1, reason));
            }
        };
        Err(AdvisoryError::FormatVersion {
            file: self.file.to_owned(),
            line: self.text.line_of(&path),
            found,
        })
    }

    fn form(&self, error: &serde_path_to_error::Error<serde_json::Error>) -> AdvisoryError {
        let step = |segment: &Segment| match segment {
            Segment::Seq { index } => Some(Step::Index(*index)),
            Segment::Map { key } | Segment::Enum { variant: key } => Some(Step::Key(key.clone())),
            Segment::Unknown => None,
        };
        let path: ValuePath = error.path().iter().map_while(step).collect();
        self.fault(path, error.inner().to_string())
    }

    fn fault(&self, path: ValuePath, reason: impl Into<String>) -> AdvisoryError {
        let line = self.text.line_of(&path);
        AdvisoryError::Form { file: self.file.to_owned(), line, path, reason: reason.into() }
    }

    fn at_line(&self, line: usize, reason: String) -> AdvisoryError {
        AdvisoryError::Form { file: self.file.to_owned(), line, path: ValuePath::root(), reason }
    }

    /// What the types can't hold.
    fn check(&self, advisories: &[Advisory]) -> Result<(), AdvisoryError> {
        let list = ValuePath::of_keys(["advisories"]);
        if advisories.len() > COUNT_LIMIT {
            return Err(self.fault(list, format!("more than {COUNT_LIMIT} advisories in one file")));
        }
        for (index, advisory) in advisories.iter().enumerate() {
            let path = list.index(index);
            if advisories[..index].iter().any(|other| other.id == advisory.id) {
                return Err(self.fault(path.key("id"), format!("{} is there twice", advisory.id)));
            }
            self.check_advisory(&path, advisory)?;
        }
        Ok(())
    }

    fn check_advisory(&self, path: &ValuePath, advisory: &Advisory) -> Result<(), AdvisoryError> {
        if !advisory.mend.is_empty() && !advisory.choices.is_empty() {
            return Err(self.fault(path.key("choices"), "stands beside mend, and only one of them can be"));
        }
        self.check_mends(&path.key("mend"), &advisory.mend)?;
        for (index, choice) in advisory.choices.iter().enumerate() {
            let path = path.key("choices").index(index);
            let is_same = |other: &Choice| other.id == choice.id;
            if advisory.choices[..index].iter().any(is_same) {
                return Err(self.fault(path.key("id"), format!("{} is there twice", choice.id)));
            }
            self.check_mends(&path.key("mend"), &choice.mend)?;
        }
        Ok(())
    }

    fn check_mends(&self, path: &ValuePath, mends: &[Mend]) -> Result<(), AdvisoryError> {
        for (index, mend) in mends.iter().enumerate() {
            self.check_mend(&path.index(index), mend)?;
        }
        Ok(())
    }

    fn check_mend(&self, path: &ValuePath, mend: &Mend) -> Result<(), AdvisoryError> {
        for (field, pattern) in single_paths(mend) {
            if pattern.as_path().is_none_or(|path| path.steps().is_empty()) {
                let path = field.iter().fold(path.clone(), |path, step| path.then(step.clone()));
                return Err(self.fault(path, "has to be one path, without *"));
            }
        }
        match mend {
            Mend::Move { from, to } if overlap(from, to) => {
                Err(self.fault(path.key("move").key("to"), "one of the paths lies within the other"))
            }
            Mend::Split(split) => match split.at.wanted(split.to.len()) {
                None => Ok(()),
                Some(wanted) => {
                    let reason = format!("has {} paths, and {wanted} are wanted", split.to.len());
                    Err(self.fault(path.key("split").key("to"), reason))
                }
            },
            _ => Ok(()),
        }
    }
}

/// Whether one path lies within the other: what is moved there would be moved again.
fn overlap(a: &PathPattern, b: &PathPattern) -> bool {
    let (Some(a), Some(b)) = (a.as_path(), b.as_path()) else { return false };
    a.steps().starts_with(b.steps()) || b.steps().starts_with(a.steps())
}

/// The paths of a mend that have to stand for one place alone, with the fields that they stand in.
fn single_paths(mend: &Mend) -> Vec<(Vec<Step>, &PathPattern)> {
    let field = |mend: &str, field: &str| [mend, field].map(|key| Step::Key(key.to_owned())).to_vec();
    match mend {
        Mend::Move { from, to } => vec![(field("move", "from"), from), (field("move", "to"), to)],
        Mend::Repository { registry, .. } => vec![(field("repository", "registry"), registry)],
        Mend::Set { path, .. } => vec![(field("set", "path"), path)],
        Mend::Default { path, .. } => vec![(field("default", "path"), path)],
        Mend::Split(split) => {
            let to = split.to.iter().enumerate().map(|(index, to)| {
                let mut steps = field("split", "to");
                steps.push(Step::Index(index));
                (steps, to)
            });
            std::iter::once((field("split", "from"), &split.from)).chain(to).collect()
        }
        _ => Vec::new(),
    }
}
