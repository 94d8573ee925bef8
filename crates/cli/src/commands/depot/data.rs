//! The data directory that a command is about, and the way to its depot.

use std::io;
use std::path::PathBuf;

use clap::Args;
use portolan_depot::control::{Absent, Call, Control, ControlError};

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

    /// Asks the depot in that directory one thing, and passes over what it tells on the way.
    pub(super) async fn ask<C: Call>(
        &self,
        environment: &Environment,
        absent: Absent,
        call: C,
    ) -> Result<C::Answer, Failure> {
        let control = self.control(environment, absent).await?;
        control.ask(call, drop).await.map_err(|error| refused(&error))
    }

    /// The depot in that directory: its server where one runs, else the depot itself.
    pub(super) async fn control(
        &self,
        environment: &Environment,
        absent: Absent,
    ) -> Result<Control, Failure> {
        let directory = self.directory(environment)?;
        Control::open(&directory, absent).await.map_err(|error| refused(&error))
    }
}

/// A failure on the way to a depot, or in it.
pub(super) fn refused(error: &ControlError) -> Failure {
    let failure = Failure::of(error);
    match error {
        ControlError::Absent { .. } => Failure { exit: Exit::Usage, ..failure },
        ControlError::Owner { owner, .. } => {
            let hint = format!("run it as that user: sudo -u '#{owner}' portolan …");
            Failure { exit: Exit::Usage, ..failure.with_hint(hint) }
        }
        ControlError::Connect { source, .. } if source.kind() == io::ErrorKind::PermissionDenied => {
            failure.with_hint("run it as the user that the server runs as")
        }
        _ => failure,
    }
}
