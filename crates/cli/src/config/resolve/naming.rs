//! What a configuration says of names alone: for commands that ask no server.

use std::path::{Path, PathBuf};

use portolan_chart::Rules;
use portolan_transfer::{ImagePolicy, Selection};

use super::super::parse;
use super::{ConfigError, Context, Environment, Overrides, Problems, images, named_hosts, selection};

/// How images are named, and which charts' images are taken.
#[derive(Debug)]
pub struct Naming {
    /// Where relocation puts images.
    pub rules: Rules,
    /// Which charts.
    pub selection: Selection,
    /// Where the bundles lie, where the file says so.
    pub bundles: Option<PathBuf>,
}

/// Reads the keys of `path` that say how images are named; those of servers need not be there.
///
/// # Errors
///
/// Every [`ConfigError`]; each means exit code 2.
pub fn naming(path: &Path, environment: &Environment) -> Result<Naming, ConfigError> {
    let file = parse::read(path)?;
    let overrides = Overrides::default();
    let mut context = Context {
        overrides: &overrides,
        environment,
        hosts: named_hosts(&file),
        problems: Problems::default(),
        notes: Vec::new(),
    };
    let selection = selection::resolve(&file, &mut context);
    let policy = images::policy(file.relocate_container_images.as_ref(), &overrides);
    let rules = match (policy, &file.target) {
        (ImagePolicy::Leave, _) | (_, None) => Rules::default(),
        (_, Some(target)) => images::rules(target, &mut context.problems),
    };
    let bundles = file.source.and_then(|source| source.intermediate_bundles_path);
    let problems = context.problems.into_vec();
    match selection {
        Some(selection) if problems.is_empty() => {
            Ok(Naming { rules, selection, bundles: bundles.map(|path| PathBuf::from(path.value)) })
        }
        _ => Err(ConfigError::Refused { file: path.to_owned(), problems }),
    }
}
