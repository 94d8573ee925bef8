//! The program `portolan` as a library, so that its tests can reach it.
//!
//! ```text
//! arguments ─┐
//! environment├─▶ config ─▶ Settings ─▶ commands ─▶ transfer ─▶ events, plan, report ─▶ output
//! file ──────┘
//! ```
//!
//! There is no logic here beyond that: commands are arguments, one call, and rendering. Everything that is
//! printed is printed by [`output`], every failure passes [`failure`], and only `main` ends the process, but for a
//! second Ctrl-C, which waits for nothing.

pub mod args;
pub mod commands;
pub mod config;
pub mod failure;
pub mod output;

use std::ffi::OsString;
use std::process::ExitCode;

use args::Invocation;
use config::Environment;
use output::Console;

/// Runs the program: parses `arguments` (the program's own name first), does what they ask, and reports.
///
/// Returns the exit code of design.md, decision 7: 0 done, 1 failed, 2 usage or configuration, 3 done in part.
pub fn run(arguments: impl IntoIterator<Item = OsString>, environment: &Environment) -> ExitCode {
    let arguments: Vec<OsString> = arguments.into_iter().collect();
    let console = Console::of_process(environment, args::log_format(&arguments));
    let invocation = match args::parse(arguments) {
        Ok(invocation) => invocation,
        Err(error) => return console.usage(&error),
    };
    match dispatch(invocation, environment, &console) {
        Ok(code) => code.into(),
        Err(failure) => console.failure(&failure),
    }
}

fn dispatch(
    invocation: Invocation,
    environment: &Environment,
    console: &Console,
) -> Result<failure::Exit, failure::Failure> {
    output::logging::start(invocation.verbosity, console);
    match invocation.command {
        args::Command::Sync(sync) => commands::sync::run(&sync, environment, console),
        args::Command::Inspect(inspect) => commands::inspect::run(&inspect, environment, console),
        args::Command::ImportAddon(import) => commands::import_addon::run(&import, environment, console),
        args::Command::ClusterCreate(create) => commands::cluster_create::run(&create, environment, console),
        args::Command::Load(load) => commands::load::run(&load, environment, console),
        args::Command::Merge(merge) => commands::merge::run(&merge, environment, console),
        args::Command::Advisories(asked) => commands::advisories::run(&asked, environment, console),
        args::Command::Serve(serve) => commands::serve::run(&serve, environment, console),
        args::Command::Depot(depot) => commands::depot::run(&depot, environment, console),
        args::Command::Releases(releases) => {
            commands::release::releases::run(&releases, environment, console)
        }
        args::Command::History(history) => commands::release::history::run(&history, environment, console),
        args::Command::Upgrade(upgrade) => commands::release::upgrade::run(&upgrade, environment, console),
        args::Command::Rollback(rollback) => {
            commands::release::rollback::run(&rollback, environment, console)
        }
        args::Command::Backup(backup) => commands::release::backup::run(&backup, environment, console),
        args::Command::Recover(recover) => commands::release::recover::run(&recover, environment, console),
        args::Command::Runs(runs) => commands::release::runs::run(&runs, environment, console),
        args::Command::Restore(restore) => commands::release::restore::run(&restore, environment, console),
        args::Command::Quickstart(quickstart) => commands::quickstart::run(&quickstart, console),
        args::Command::Completions(completions) => {
            Ok(commands::completions::run(&completions, &args::description(), console))
        }
        args::Command::Man(man) => commands::man::run(&man, args::description(), console),
        args::Command::Generate(_) => Err(failure::Failure::later("the command `generate`")),
        args::Command::Version => {
            console.result(concat!("portolan ", env!("CARGO_PKG_VERSION")));
            Ok(failure::Exit::Done)
        }
    }
}
