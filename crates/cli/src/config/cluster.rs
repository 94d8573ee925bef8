//! The installer's `clusterConfig.yaml` (formats.md section 8): nodes, paths, and where images and charts go.
//!
//! It describes a whole cluster, most of which is no business of Portolan's. So keys that are not known here
//! are passed over, and only one that looks like a misspelt known one is told, as a note.
//!
//! ```text
//! file ──parse──▶ keys with lines ─┬─read──────────▶ ClusterConfig, or every problem at once
//!                                 └─load_import───▶ Settings of an import into its registry, or the same
//! ```

mod bootstrap;
mod builtin;
mod charts;
mod destination;
mod file;
mod import;
mod keys;
mod nodes;
mod packages;
mod versions;

use std::path::{Path, PathBuf};

use super::problems::Problems;
use super::{ConfigError, Environment, parse};
pub use import::{Carried, ImportRequest, load_import};
pub use nodes::{ClusterNode, NodeRole};

/// The parts of a `clusterConfig.yaml` that Portolan uses. It holds no secrets that its `Debug` would show.
#[derive(Debug, Clone)]
pub struct ClusterConfig {
    /// The file, for messages.
    pub file: PathBuf,
    /// `spec.clusterName`.
    pub name: Option<String>,
    /// Control-plane nodes and then workers, each in the file's order.
    pub nodes: Vec<ClusterNode>,
    /// The key that nodes are reached with (`spec.privateKeyPath`).
    pub private_key: Option<PathBuf>,
    /// The product's own package (`spec.fullPackagePath`).
    pub full_package: Option<PathBuf>,
    /// The add-on package (`spec.addonPackage.path` and its older spellings).
    pub addon_package: Option<PathBuf>,
    /// Keys that may be misspelt, and what else a user should know, as sentences.
    pub notes: Vec<String>,
}

impl ClusterConfig {
    /// Reads the file at `path`. A leading `~` in its paths is the home directory; relative ones count from
    /// the working directory.
    ///
    /// # Errors
    ///
    /// Every [`ConfigError`]; each means exit code 2.
    pub fn read(path: &Path, environment: &Environment) -> Result<Self, ConfigError> {
        let text = parse::text(path)?;
        let file = parse::parse(path, &text)?;
        let mut problems = Problems::default();
        let config = assemble(path, &text, &file, environment, &mut problems);
        problems.none_or_refused(path)?;
        Ok(config)
    }
}

/// What the file says; what is wrong with it goes to `problems`.
fn assemble(
    path: &Path,
    text: &str,
    file: &file::File,
    environment: &Environment,
    problems: &mut Problems,
) -> ClusterConfig {
    let mut notes = keys::misspelt(text);
    notes.extend(versions::check(file, problems));
    let spec = &file.spec;
    let set = |key: &super::file::Key<String>| packages::path(key, environment);
    ClusterConfig {
        file: path.to_owned(),
        name: file::value(&spec.cluster_name).map(|name| name.value.clone()),
        nodes: nodes::nodes(spec, problems),
        private_key: set(&spec.private_key_path),
        full_package: set(&spec.full_package_path),
        addon_package: packages::addon(file, environment, problems),
        notes,
    }
}

#[cfg(test)]
mod tests;
