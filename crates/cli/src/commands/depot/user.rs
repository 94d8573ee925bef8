//! `portolan depot user`: who may sign in, and what they may do then.

mod password;

use clap::{Args, Subcommand, ValueEnum};
use portolan_depot::accounts::UserName;
use portolan_depot::control::{
    Absent, AddUser, Call, GrantRole, ListUsers, RemoveUser, RevokeRole, SetPassword, UserGrant,
};
use portolan_depot::{ProjectName, Role};
use portolan_registry::Stop;

use super::data::DataArgs;
use crate::config::Environment;
use crate::failure::{Exit, Failure};
use crate::output::{Console, Format, users};
use password::PasswordArgs;

/// Says who may sign in to a depot, and what they may do then.
///
/// While a server has the depot open it is told, and heeds the change at once; no restart is needed.
/// No password is an argument or a variable: it is asked for on the terminal, or read from a file.
#[derive(Debug, Clone, Args)]
pub(super) struct UserArgs {
    #[command(subcommand)]
    command: UserCommand,
}

/// What is done about users. Each is described at its arguments.
#[derive(Debug, Clone, Subcommand)]
enum UserCommand {
    Add(AddArgs),
    List(ListArgs),
    Password(SetPasswordArgs),
    Grant(GrantArgs),
    Revoke(RevokeArgs),
    Remove(RemoveArgs),
}

/// Makes a user.
#[derive(Debug, Clone, Args)]
#[command(after_help = ADD_EXAMPLES)]
struct AddArgs {
    /// Who signs in: letters, digits and . _ - @ + $
    name: UserName,
    /// What the user may do
    #[arg(long, value_name = "ROLE", value_enum)]
    role: RoleName,
    /// Only in this project; may be given several times [default: in all projects]
    #[arg(long = "project", value_name = "NAME")]
    projects: Vec<ProjectName>,
    #[command(flatten)]
    password: PasswordArgs,
    #[command(flatten)]
    data: DataArgs,
}

const ADD_EXAMPLES: &str = "\
Examples:
  portolan depot user add admin --role admin --data /var/lib/portolan
  pass show depot/ci | portolan depot user add ci --role writer --password-stdin --data /var/lib/portolan
  portolan depot user add ann --role writer --project team-a --project team-b --data /var/lib/portolan";

/// Lists the users and what they may do.
#[derive(Debug, Clone, Args)]
struct ListArgs {
    /// Form of the result on standard output
    #[arg(long, value_name = "FORM", value_enum, default_value_t)]
    output: Format,
    #[command(flatten)]
    data: DataArgs,
}

/// Gives a user another password.
#[derive(Debug, Clone, Args)]
struct SetPasswordArgs {
    /// Whose
    name: UserName,
    #[command(flatten)]
    password: PasswordArgs,
    #[command(flatten)]
    data: DataArgs,
}

/// Gives a user a role, in place of the one for the same project or for all.
#[derive(Debug, Clone, Args)]
struct GrantArgs {
    /// Who gets it
    name: UserName,
    /// What the user may do
    #[arg(long, value_name = "ROLE", value_enum)]
    role: RoleName,
    /// In this project [default: in all projects]
    #[arg(long, value_name = "NAME")]
    project: Option<ProjectName>,
    #[command(flatten)]
    data: DataArgs,
}

/// Takes a user's role away.
#[derive(Debug, Clone, Args)]
struct RevokeArgs {
    /// From whom
    name: UserName,
    /// The role in this project [default: the one in all projects]
    #[arg(long, value_name = "NAME")]
    project: Option<ProjectName>,
    #[command(flatten)]
    data: DataArgs,
}

/// Removes a user, whose tokens count for nothing from then on.
#[derive(Debug, Clone, Args)]
struct RemoveArgs {
    /// Who can't sign in any more
    name: UserName,
    #[command(flatten)]
    data: DataArgs,
}

/// What a user may do.
#[derive(Debug, Clone, Copy, PartialEq, Eq, ValueEnum)]
enum RoleName {
    /// Pull images and charts
    Reader,
    /// Push them too, and move tags
    Writer,
    /// Delete them and change projects too; in all projects: everything
    Admin,
}

impl From<RoleName> for Role {
    fn from(role: RoleName) -> Self {
        match role {
            RoleName::Reader => Self::Reader,
            RoleName::Writer => Self::Writer,
            RoleName::Admin => Self::Admin,
        }
    }
}

/// Carries out the command.
///
/// # Errors
///
/// [`Failure`] where the depot is out of reach, no password was given, or the change is refused.
pub(super) fn run(
    arguments: &UserArgs,
    environment: &Environment,
    console: &Console,
) -> Result<Exit, Failure> {
    let stop = Stop::default();
    let user = Users { environment, stop: &stop, console };
    super::asking(&stop, console, Failure::interrupted, user.carry_out(&arguments.command))
}

/// What every command about users works with.
struct Users<'a> {
    environment: &'a Environment,
    stop: &'a Stop,
    console: &'a Console,
}

impl Users<'_> {
    async fn carry_out(&self, command: &UserCommand) -> Result<Exit, Failure> {
        match command {
            UserCommand::Add(arguments) => self.add(arguments).await?,
            UserCommand::List(arguments) => self.list(arguments).await?,
            UserCommand::Password(arguments) => self.set_password(arguments).await?,
            UserCommand::Grant(arguments) => self.grant(arguments).await?,
            UserCommand::Revoke(arguments) => self.revoke(arguments).await?,
            UserCommand::Remove(arguments) => self.remove(arguments).await?,
        }
        Ok(Exit::Done)
    }

    async fn add(&self, arguments: &AddArgs) -> Result<(), Failure> {
        let name = arguments.name.clone();
        let password = arguments.password.read(&name, self.stop).await?;
        let call = AddUser { name, password, grants: arguments.grants() };
        // The first user is made before the depot is served where others can reach it.
        self.ask(&arguments.data, Absent::Create, call).await?;
        self.console.say(&format!("Added the user {}", arguments.name));
        Ok(())
    }

    async fn list(&self, arguments: &ListArgs) -> Result<(), Failure> {
        let found = self.ask(&arguments.data, Absent::Refuse, ListUsers {}).await?;
        match arguments.output {
            Format::Text => self.console.result(&users::table(&found, self.console.style())),
            Format::Json => self.console.json(&users::document(&found))?,
        }
        Ok(())
    }

    async fn set_password(&self, arguments: &SetPasswordArgs) -> Result<(), Failure> {
        let name = arguments.name.clone();
        let password = arguments.password.read(&name, self.stop).await?;
        self.ask(&arguments.data, Absent::Refuse, SetPassword { name, password }).await?;
        self.console.say(&format!("Changed the password of {}", arguments.name));
        Ok(())
    }

    async fn grant(&self, arguments: &GrantArgs) -> Result<(), Failure> {
        let grant = UserGrant { role: arguments.role.into(), project: arguments.project.clone() };
        let told = format!("{} is {} now", arguments.name, users::in_words(&grant));
        self.ask(&arguments.data, Absent::Refuse, GrantRole { name: arguments.name.clone(), grant }).await?;
        self.console.say(&told);
        Ok(())
    }

    async fn revoke(&self, arguments: &RevokeArgs) -> Result<(), Failure> {
        let call = RevokeRole { name: arguments.name.clone(), project: arguments.project.clone() };
        self.ask(&arguments.data, Absent::Refuse, call).await?;
        let place = users::place(arguments.project.as_ref());
        self.console.say(&format!("{} has no role {place} any more", arguments.name));
        Ok(())
    }

    async fn remove(&self, arguments: &RemoveArgs) -> Result<(), Failure> {
        let call = RemoveUser { name: arguments.name.clone() };
        self.ask(&arguments.data, Absent::Refuse, call).await?;
        self.console.say(&format!("Removed the user {}", arguments.name));
        Ok(())
    }

    async fn ask<C: Call>(&self, data: &DataArgs, absent: Absent, call: C) -> Result<C::Answer, Failure> {
        data.ask(self.environment, absent, call).await
    }
}

impl AddArgs {
    fn grants(&self) -> Vec<UserGrant> {
        let role = self.role.into();
        match self.projects.is_empty() {
            true => vec![UserGrant { role, project: None }],
            false => {
                let within = |project: &ProjectName| UserGrant { role, project: Some(project.clone()) };
                self.projects.iter().map(within).collect()
            }
        }
    }
}
