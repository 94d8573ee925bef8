//! dce5-installer's command line, for a link of that name: the commands that carry packages.

use std::ffi::OsString;

use clap::{Parser, Subcommand};

use super::{Command, Invocation, LogArgs, verbosity_of};
use crate::commands::cluster_create::ClusterCreateArgs;
use crate::commands::import_addon::ImportAddonArgs;

/// Carries packages into a cluster's registry; this is Portolan, called as dce5-installer.
#[derive(Debug, Parser)]
#[command(name = "dce5-installer", version, max_term_width = 110)]
struct Installer {
    /// Say more: -v what is done, -vv requests, -vvv everything
    #[arg(short, long, global = true, action = clap::ArgAction::Count)]
    verbose: u8,
    #[command(flatten)]
    log: LogArgs,
    #[command(subcommand)]
    command: InstallerCommand,
}

#[derive(Debug, Subcommand)]
enum InstallerCommand {
    ImportAddon(ImportAddonArgs),
    ClusterCreate(ClusterCreateArgs),
    /// Print the version
    Version,
}

pub(super) fn parse(arguments: Vec<OsString>) -> Result<Invocation, clap::Error> {
    let Installer { verbose, command, .. } = Installer::try_parse_from(arguments)?;
    let command = match command {
        InstallerCommand::ImportAddon(import) => Command::ImportAddon(import),
        InstallerCommand::ClusterCreate(create) => Command::ClusterCreate(create),
        InstallerCommand::Version => Command::Version,
    };
    let verbosity = verbosity_of(verbose, &command);
    Ok(Invocation { command, verbosity })
}
