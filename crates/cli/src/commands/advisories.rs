//! `portolan advisories`: known issues of upgrades, and what they come to for one.

mod check;
pub(super) mod files;
mod list;
mod packaged;
mod registry;
mod show;
mod test;

use clap::{Args, Subcommand, ValueEnum};
use portolan_release::advisories::Language;

use crate::config::Environment;
use crate::failure::{Exit, Failure};
use crate::output::{Console, Format};
use check::CheckArgs;
use files::SourceArgs;
use list::ListArgs;
use show::ShowArgs;
use test::TestArgs;

/// Shows known issues of upgrades, and checks values against them.
///
/// Advisories come with the program, lie in charts (portolan-advisories.yaml), and are read from files. One
/// that is read later takes the place of one of the same id: a chart's of the program's, a file's of both.
#[derive(Debug, Clone, Args)]
pub struct AdvisoriesArgs {
    #[command(subcommand)]
    command: AdvisoriesCommand,
}

/// What is done with advisories. Each is described at its arguments.
#[derive(Debug, Clone, Subcommand)]
enum AdvisoriesCommand {
    List(ListArgs),
    Show(ShowArgs),
    Check(Box<CheckArgs>),
    Test(TestArgs),
}

/// The language of texts.
#[derive(Debug, Clone, Copy, PartialEq, Eq, ValueEnum)]
enum Lang {
    /// English
    En,
    /// Chinese
    Zh,
}

/// The language of texts.
#[derive(Debug, Clone, Copy, Args)]
pub(super) struct LanguageArgs {
    /// Language of the texts [default: zh where the locale says so, else en]
    #[arg(long, value_name = "LANG", value_enum)]
    lang: Option<Lang>,
}

/// Whose advisories, and how they are shown.
#[derive(Debug, Clone, Args)]
struct CommonArgs {
    #[command(flatten)]
    sources: SourceArgs,
    #[command(flatten)]
    language: LanguageArgs,
    /// Form of the result on standard output
    #[arg(long, value_name = "FORM", value_enum, default_value_t)]
    output: Format,
}

impl CommonArgs {
    /// The language that was asked for, else that of the locale.
    fn language(&self, environment: &Environment) -> Language {
        self.language.of(environment)
    }
}

impl LanguageArgs {
    /// The language that was asked for, else that of the locale.
    pub(super) fn of(self, environment: &Environment) -> Language {
        let locale = environment.first(&["LC_ALL", "LC_MESSAGES", "LANG"]).unwrap_or_default();
        match self.lang {
            Some(Lang::Zh) => Language::Chinese,
            Some(Lang::En) => Language::English,
            None if locale.starts_with("zh") => Language::Chinese,
            None => Language::English,
        }
    }
}

/// Carries out the command.
///
/// # Errors
///
/// [`Failure`] of the command that was asked for.
pub fn run(
    arguments: &AdvisoriesArgs,
    environment: &Environment,
    console: &Console,
) -> Result<Exit, Failure> {
    match &arguments.command {
        AdvisoriesCommand::List(arguments) => list::run(arguments, environment, console),
        AdvisoriesCommand::Show(arguments) => show::run(arguments, environment, console),
        AdvisoriesCommand::Check(arguments) => check::run(arguments, environment, console),
        AdvisoriesCommand::Test(arguments) => test::run(arguments, console),
    }
}
