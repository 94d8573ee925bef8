//! What can be wrong with a `Chart.yaml`.

use crate::{version::VersionError, yaml::YamlError};

/// Why a `Chart.yaml` is none that Helm takes. The caller adds which file it is.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[non_exhaustive]
pub enum MetadataError {
    /// Not YAML.
    #[error(transparent)]
    Yaml(#[from] YamlError),
    /// The file is empty, a list or a text.
    #[error("line {line}: is no map of name, version and so on")]
    NoMap {
        /// Line of what stands there.
        line: usize,
    },
    /// A field is missing or empty.
    #[error("has no {field}; add it")]
    Missing {
        /// Name of the field.
        field: &'static str,
    },
    /// The name can't be a folder's name.
    #[error("line {line}: the name {name:?} can't name a folder; use letters, digits, - and .")]
    Name {
        /// Line of the field.
        line: usize,
        /// The name.
        name: String,
    },
    /// The version isn't one.
    #[error("line {line}")]
    Version {
        /// Line of the field.
        line: usize,
        /// What is wrong with it.
        #[source]
        source: VersionError,
    },
    /// Neither `v1` nor `v2`.
    #[error("line {line}: apiVersion {text:?} is not known; v1 and v2 are")]
    ApiVersion {
        /// Line of the field.
        line: usize,
        /// What stands there.
        text: String,
    },
    /// A field of another kind than Helm takes.
    #[error("line {line}: {field} has to be {wanted}")]
    Kind {
        /// Line of what stands there.
        line: usize,
        /// Path of the field: `maintainers[0].name`.
        field: String,
        /// What Helm takes there, with its article.
        wanted: &'static str,
    },
    /// A maintainer that is null.
    #[error("line {line}: {field} is empty, which Helm refuses; fill it or take it out")]
    EmptyEntry {
        /// Line of the entry.
        line: usize,
        /// Path of the entry: `maintainers[0]`.
        field: String,
    },
    /// Neither an application nor a library.
    #[error("line {line}: the type {text:?} is not known; application and library are")]
    Type {
        /// Line of the field.
        line: usize,
        /// What stands there.
        text: String,
    },
    /// `dependencies` is no list of maps with names.
    #[error("line {line}: dependencies is no list of entries with a name each")]
    Dependencies {
        /// Line of the fault.
        line: usize,
    },
    /// An alias that Helm doesn't take.
    #[error("line {line}: the alias {alias:?} of dependency {name} has to be of letters, digits, - and _")]
    Alias {
        /// Line of the alias.
        line: usize,
        /// Name of the dependency.
        name: String,
        /// The alias.
        alias: String,
    },
    /// Two dependencies whose values would stand in one place.
    #[error("line {line}: a dependency before this one is called {name} too; give one of them an alias")]
    SameDependency {
        /// Line of the second one.
        line: usize,
        /// Name or alias.
        name: String,
    },
}
