//! Where the configuration file is: the one that `--config` names, else `charts-syncer.yaml` in the
//! working directory or in the home directory (formats.md section 5).

use std::path::{Path, PathBuf};

use super::{ConfigError, Environment};

/// The name looked for where none is given.
pub const DEFAULT_NAME: &str = "charts-syncer.yaml";

/// The file to read.
///
/// # Errors
///
/// [`ConfigError::NotFound`] where none was named and neither directory has one. A named file is not looked at here.
pub fn find(named: Option<&Path>, environment: &Environment) -> Result<PathBuf, ConfigError> {
    if let Some(named) = named {
        return Ok(named.to_owned());
    }
    let looked_in = directories(environment);
    let found = looked_in.iter().map(|directory| in_directory(directory)).find(|file| file.is_file());
    found.ok_or(ConfigError::NotFound { looked_in })
}

fn directories(environment: &Environment) -> Vec<PathBuf> {
    [Some(PathBuf::from(".")), environment.home().map(PathBuf::from)].into_iter().flatten().collect()
}

/// Without the leading `./`, which errors would carry along otherwise.
fn in_directory(directory: &Path) -> PathBuf {
    if directory == Path::new(".") { PathBuf::from(DEFAULT_NAME) } else { directory.join(DEFAULT_NAME) }
}
