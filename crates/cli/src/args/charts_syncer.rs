//! charts-syncer's command line, for a link of that name.
//!
//! It differs from Portolan's in that configuration, `--dry-run` and `--insecure` may stand before the command,
//! and in the log flags of Go's klog: `-v` takes a number, and where logs go can be said.

use std::ffi::OsString;

use clap::{Parser, Subcommand};

use super::{Command, IgnoredArgs, Invocation, LogArgs, Verbosity};
use crate::commands::sync::{CommonArgs, SyncArgs, SyncFlags};

/// Synchronizes charts and their images; this is Portolan, called as charts-syncer.
#[derive(Debug, Parser)]
#[command(name = "charts-syncer", version, max_term_width = 110)]
struct ChartsSyncer {
    #[command(flatten)]
    common: CommonArgs,
    /// How much is logged, a number as in klog
    #[arg(
        short = 'v',
        long = "v",
        global = true,
        value_name = "LEVEL",
        default_value_t = 0,
        hide_default_value = true
    )]
    level: u8,
    #[command(flatten)]
    log: LogArgs,
    /// Taken and without effect: logs always go to standard error
    #[arg(long, global = true, hide = true, num_args = 0..=1, require_equals = true, default_missing_value = "true")]
    logtostderr: Option<bool>,
    /// Taken and without effect: logs always go to standard error
    #[arg(long, global = true, hide = true, num_args = 0..=1, require_equals = true, default_missing_value = "true")]
    alsologtostderr: Option<bool>,
    #[command(subcommand)]
    command: SyncerCommand,
}

#[derive(Debug, Subcommand)]
enum SyncerCommand {
    /// Synchronize charts and their images as the configuration says
    Sync(SyncFlags),
    /// Write configurations from a manifest (comes with a later version)
    #[command(hide = true, disable_help_flag = true)]
    Generate(IgnoredArgs),
    /// Print the version
    Version,
}

pub(super) fn parse(arguments: Vec<OsString>) -> Result<Invocation, clap::Error> {
    let ChartsSyncer { common, level, command, .. } = ChartsSyncer::try_parse_from(arguments)?;
    let command = match command {
        SyncerCommand::Sync(flags) => Command::Sync(SyncArgs { common, flags }),
        SyncerCommand::Generate(rest) => Command::Generate(rest),
        SyncerCommand::Version => Command::Version,
    };
    Ok(Invocation { command, verbosity: verbosity(level) })
}

/// klog's levels begin to speak of requests at 4 and of bodies at 8.
fn verbosity(level: u8) -> Verbosity {
    Verbosity(match level {
        0 => 0,
        1..=3 => 1,
        4..=7 => 2,
        _ => 3,
    })
}
