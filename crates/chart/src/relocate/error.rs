//! Why a chart can't be relocated.

use portolan_oci::ReferenceError;

use crate::{
    chart::ChartError,
    hints::{Hint, Hints},
    rules::TargetError,
    values::PathError,
    yaml::{EditError, YamlError},
};

/// Why a chart can't be relocated. Hints are named by file, line and text.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum RelocateError {
    /// A sub-chart can't be read or packed.
    #[error("opening the sub-charts")]
    Chart {
        /// Which, and why.
        #[source]
        source: Box<ChartError>,
    },
    /// A values file can't be read.
    #[error("reading {file}")]
    Values {
        /// The file in the chart.
        file: String,
        /// What is wrong with it.
        #[source]
        source: YamlError,
    },
    /// A hint's path gives no value.
    #[error("image hint {hint}: {path} {fault}; correct the hint or add the value")]
    Path {
        /// The hint.
        hint: String,
        /// The path in it, `.image.tag`.
        path: String,
        /// What it gives instead.
        fault: PathError,
    },
    /// A hint's path gives an empty text where one is needed.
    #[error("image hint {hint}: {path} is empty; set it, or name the image in another way")]
    Empty {
        /// The hint.
        hint: String,
        /// The path in it.
        path: String,
    },
    /// What a hint gives is no image reference.
    #[error("image hint {hint}")]
    Reference {
        /// The hint.
        hint: String,
        /// What is wrong with what it gives.
        #[source]
        source: ReferenceError,
    },
    /// The rules make a name that no registry takes.
    #[error(transparent)]
    Target(#[from] TargetError),
    /// Two hints write different values to one place.
    #[error(
        "image hints {first} and {second} both write the value of {key}, as {first_value} and as {second_value}; give each its own key"
    )]
    Conflict {
        /// The hint that comes first.
        first: String,
        /// The other one.
        second: String,
        /// The path of the value in its file.
        key: String,
        /// What the first writes.
        first_value: String,
        /// What the other writes.
        second_value: String,
    },
    /// A file can't be edited.
    #[error("editing {file}")]
    Edit {
        /// The file in the chart.
        file: String,
        /// Why.
        #[source]
        source: EditError,
    },
    /// After the edits a hint names another image than it should: text of the template stands in the way.
    #[error(
        "image hint {hint}: would name {found} instead of {expected}; registry and repository must be values, not text of the hint"
    )]
    Fixed {
        /// The hint.
        hint: String,
        /// What it names after the edits.
        found: String,
        /// What it should name.
        expected: String,
    },
}

impl RelocateError {
    pub(crate) fn chart(source: ChartError) -> Self {
        Self::Chart { source: Box::new(source) }
    }

    pub(crate) fn values((file, source): (String, YamlError)) -> Self {
        Self::Values { file, source }
    }
}

/// How errors name a hint.
pub(super) fn place(hints: &Hints, hint: &Hint) -> String {
    format!("{:?} ({}, line {})", hint.text(), hints.origin(), hint.line())
}
