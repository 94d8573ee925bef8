//! The command line: of `portolan` itself, and of the programs in whose name it can be called.
//!
//! | called as | understood as |
//! | --- | --- |
//! | `portolan` | commands and flags of its own |
//! | `charts-syncer` | charts-syncer's command line as it stands, Go's log flags included |
//! | `dce5-installer` | the commands of dce5-installer that carry packages, as they stand |

mod charts_syncer;
mod dce5_installer;
pub(crate) mod rate;

use std::ffi::OsString;
use std::path::Path;

use clap::{Args, CommandFactory, Parser, Subcommand};

use crate::commands::advisories::AdvisoriesArgs;
use crate::commands::cluster_create::ClusterCreateArgs;
use crate::commands::completions::CompletionsArgs;
use crate::commands::depot::DepotArgs;
use crate::commands::import_addon::ImportAddonArgs;
use crate::commands::inspect::InspectArgs;
use crate::commands::load::LoadArgs;
use crate::commands::man::ManArgs;
use crate::commands::merge::MergeArgs;
use crate::commands::quickstart::QuickstartArgs;
use crate::commands::release::{
    backup::BackupArgs, history::HistoryArgs, recover::RecoverArgs, releases::ReleasesArgs,
    restore::RestoreArgs, rollback::RollbackArgs, runs::RunsArgs, upgrade::UpgradeArgs,
};
use crate::commands::serve::ServeArgs;
use crate::commands::sync::SyncArgs;
use crate::output::LogFormat;

/// What the program was asked for.
#[derive(Debug)]
pub struct Invocation {
    /// The command with its own arguments.
    pub command: Command,
    /// How much is logged.
    pub verbosity: Verbosity,
}

/// How much is logged: 0 warnings, 1 what is done, 2 requests, 3 everything.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Default)]
pub struct Verbosity(pub u8);

/// The commands. Those that have arguments are described there.
#[derive(Debug, Subcommand)]
#[expect(missing_docs, reason = "clap takes a variant's text for the help, which stands at the arguments")]
pub enum Command {
    Sync(SyncArgs),
    Inspect(InspectArgs),
    ImportAddon(ImportAddonArgs),
    ClusterCreate(ClusterCreateArgs),
    Load(LoadArgs),
    Merge(MergeArgs),
    Advisories(AdvisoriesArgs),
    Serve(ServeArgs),
    Depot(DepotArgs),
    Releases(ReleasesArgs),
    History(HistoryArgs),
    Upgrade(Box<UpgradeArgs>),
    Rollback(Box<RollbackArgs>),
    Backup(BackupArgs),
    Restore(RestoreArgs),
    Recover(RecoverArgs),
    Runs(RunsArgs),
    Quickstart(QuickstartArgs),
    Completions(CompletionsArgs),
    Man(ManArgs),
    /// Write configurations from a manifest (comes with a later version)
    #[command(hide = true, disable_help_flag = true)]
    Generate(IgnoredArgs),
    /// Print the version
    #[command(hide = true)]
    Version,
}

/// Arguments of a command that does not exist yet: taken, so that the message is about the command.
#[derive(Debug, Args)]
pub struct IgnoredArgs {
    #[arg(trailing_var_arg = true, allow_hyphen_values = true, hide = true)]
    rest: Vec<OsString>,
}

/// Carries Helm applications, charts and every image they need, into sites without internet access.
#[derive(Debug, Parser)]
#[command(name = "portolan", version, max_term_width = 110, after_help = EXAMPLES)]
struct Portolan {
    /// Say more: -v what is done, -vv requests, -vvv everything
    #[arg(short, long, global = true, action = clap::ArgAction::Count)]
    verbose: u8,
    #[command(flatten)]
    log: LogArgs,
    #[command(subcommand)]
    command: Command,
}

/// How it is told what happens on the way.
#[derive(Debug, Clone, Copy, Default, Args)]
struct LogArgs {
    // `log_format` finds it before the rest is parsed, so that what is wrong there is told in that form too.
    /// Form of everything on standard error
    #[arg(long, value_name = "FORM", value_enum, default_value_t, global = true)]
    log_format: LogFormat,
}

const EXAMPLES: &str = "\
Examples:
  portolan quickstart                                see it work, without any configuration
  portolan sync --config load-image.yaml --dry-run   see what would be done
  portolan sync --config load-image.yaml             do it
  portolan inspect oci://10.16.10.111/team/web:1.2   see its platforms, and whether all of it is there
  portolan import-addon -c clusterConfig.yaml --addon-path=PACKAGE
  portolan load kpanda.tar --registry 10.16.10.111   load images straight onto this node
  portolan serve --data /var/lib/portolan            be the registry and chart repository

Exit codes: 0 done, 1 failed, 2 usage or configuration, 3 done in part or interrupted (the report
says what is left), 130 and 143 ended at once by a second signal.";

/// Why no command was found in the arguments.
#[derive(Debug, thiserror::Error)]
pub enum UsageError {
    /// Unknown or missing arguments; also help and version, which were asked for.
    #[error(transparent)]
    Clap(#[from] clap::Error),
}

/// Parses a command line whose first element is the name the program was called by.
///
/// # Errors
///
/// [`UsageError`]; help and version are among them, as clap has it.
pub fn parse(arguments: impl IntoIterator<Item = OsString>) -> Result<Invocation, UsageError> {
    let arguments: Vec<OsString> = arguments.into_iter().collect();
    match called_as(&arguments) {
        Some("charts-syncer") => Ok(charts_syncer::parse(arguments)?),
        Some("dce5-installer") => Ok(dce5_installer::parse(in_one_word(arguments))?),
        _ => {
            let Portolan { verbose, command, .. } = Portolan::try_parse_from(in_one_word(arguments))?;
            let verbosity = verbosity_of(verbose, &command);
            Ok(Invocation { command, verbosity })
        }
    }
}

/// The number of `-v`, unless the command's own flag for debugging asks for more.
fn verbosity_of(verbose: u8, command: &Command) -> Verbosity {
    let debug = match command {
        Command::ImportAddon(import) => import.debug(),
        Command::ClusterCreate(create) => create.debug(),
        _ => false,
    };
    Verbosity(if debug { verbose.max(DEBUG) } else { verbose })
}

/// What `-d` of the installer's commands comes to: requests are logged too.
const DEBUG: u8 = 2;

/// An older page of the installer's documentation writes `import -addon` for `import-addon`.
fn in_one_word(mut arguments: Vec<OsString>) -> Vec<OsString> {
    let pair = arguments.windows(2).position(|pair| pair[0] == "import" && pair[1] == "-addon");
    if let Some(at) = pair {
        arguments.splice(at..at + 2, [OsString::from("import-addon")]);
    }
    arguments
}

/// The description of every command and argument of `portolan`.
#[must_use]
pub fn description() -> clap::Command {
    Portolan::command()
}

/// The form of standard error that a command line asks for, whatever else is wrong with it.
#[must_use]
pub fn log_format(arguments: &[OsString]) -> LogFormat {
    let json = arguments.windows(2).any(|pair| pair[0] == "--log-format" && pair[1] == "json")
        || arguments.iter().any(|argument| argument == "--log-format=json");
    if json { LogFormat::Json } else { LogFormat::Text }
}

/// The last part of the path that the program was called by, without `.exe`.
fn called_as(arguments: &[OsString]) -> Option<&str> {
    Path::new(arguments.first()?).file_stem()?.to_str()
}

#[cfg(test)]
mod tests;
