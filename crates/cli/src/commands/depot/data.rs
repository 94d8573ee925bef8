//! The data directory that a command is about.

use std::path::PathBuf;

use clap::Args;

use crate::config::Environment;
use crate::failure::{Exit, Failure};

/// The variable that stands for `--data`.
const VARIABLE: &str = "PORTOLAN_DATA";

/// Which depot it is.
#[derive(Debug, Clone, Args)]
pub(crate) struct DataArgs {
    /// Directory that the depot keeps everything in [default: that of the variable PORTOLAN_DATA]
    #[arg(long, value_name = "DIR")]
    data: Option<PathBuf>,
}

impl DataArgs {
    /// The directory that the flag or the variable names.
    pub(crate) fn directory(&self, environment: &Environment) -> Result<PathBuf, Failure> {
        let named = self.data.clone().or_else(|| environment.get(VARIABLE).map(PathBuf::from));
        named.ok_or_else(|| {
            let message = format!("which depot? Neither --data nor the variable {VARIABLE} is set");
            Failure { exit: Exit::Usage, ..Failure::failed(message) }
        })
    }
}
