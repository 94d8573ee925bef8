//! `portolan depot project`: what projects hold, what they may, and who may read them.

use clap::{Args, Subcommand, ValueEnum};
use portolan_depot::ProjectName;
use portolan_depot::control::{Absent, ListProjects, Quota, SetProject};
use portolan_registry::Stop;

use super::data::DataArgs;
use crate::args::rate::size;
use crate::config::Environment;
use crate::failure::{Exit, Failure};
use crate::output::{Console, Format, projects};

/// Says what a depot's projects hold and may hold.
///
/// A project is the first path element of a repository, and a chart repository. While a server has the depot
/// open it is told, and heeds the change from the next request on.
#[derive(Debug, Clone, Args)]
pub(super) struct ProjectArgs {
    #[command(subcommand)]
    command: ProjectCommand,
}

/// What is done about projects. Each is described at its arguments.
#[derive(Debug, Clone, Subcommand)]
enum ProjectCommand {
    List(ListArgs),
    Set(SetArgs),
}

/// Lists the projects: what they hold, what they may, and which are public.
#[derive(Debug, Clone, Args)]
struct ListArgs {
    /// Form of the result on standard output
    #[arg(long, value_name = "FORM", value_enum, default_value_t)]
    output: Format,
    #[command(flatten)]
    data: DataArgs,
}

/// Changes a project, and makes it where there is none.
#[derive(Debug, Clone, Args)]
#[command(after_help = EXAMPLES)]
#[group(id = "change", required = true, multiple = true, args = ["quota", "visibility"])]
struct SetArgs {
    /// Which
    name: ProjectName,
    /// How much it may hold, every content counted once: 50GiB, or none for any amount
    #[arg(long, value_name = "SIZE", value_parser = quota)]
    quota: Option<Quota>,
    /// Who may pull from it
    #[arg(long, value_name = "WHO", value_enum)]
    visibility: Option<Reading>,
    #[command(flatten)]
    data: DataArgs,
}

const EXAMPLES: &str = "\
Examples:
  portolan depot project set team-a --quota 50GiB --data /var/lib/portolan
  portolan depot project set library --visibility public --quota none --data /var/lib/portolan";

/// Who may pull from a project.
#[derive(Debug, Clone, Copy, PartialEq, Eq, ValueEnum)]
enum Reading {
    /// Everybody, without signing in
    Public,
    /// Users with a role in it
    Private,
}

fn quota(text: &str) -> Result<Quota, String> {
    match text {
        "none" => Ok(Quota::Unlimited),
        text => size(text).map(Quota::Bytes),
    }
}

/// Carries out the command.
///
/// # Errors
///
/// [`Failure`] where the depot is out of reach, or its store fails.
pub(super) fn run(
    arguments: &ProjectArgs,
    environment: &Environment,
    console: &Console,
) -> Result<Exit, Failure> {
    let stop = Stop::default();
    let work = carry_out(&arguments.command, environment, console);
    super::asking(&stop, console, Failure::interrupted, work)
}

async fn carry_out(
    command: &ProjectCommand,
    environment: &Environment,
    console: &Console,
) -> Result<Exit, Failure> {
    match command {
        ProjectCommand::List(arguments) => {
            let found = arguments.data.ask(environment, Absent::Refuse, ListProjects {}).await?;
            match arguments.output {
                Format::Text => console.result(&projects::table(&found, console.style())),
                Format::Json => console.json(&projects::document(&found))?,
            }
        }
        ProjectCommand::Set(arguments) => {
            arguments.data.ask(environment, Absent::Refuse, arguments.call()).await?;
            console.say(&format!("Changed the project {}", arguments.name));
        }
    }
    Ok(Exit::Done)
}

impl SetArgs {
    fn call(&self) -> SetProject {
        let public = self.visibility.map(|reading| reading == Reading::Public);
        SetProject { name: self.name.clone(), quota: self.quota, public }
    }
}
