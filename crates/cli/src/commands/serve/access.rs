//! Who may do what, as the flags of `serve` say.

use std::path::PathBuf;
use std::time::Duration;

use clap::{Args, ValueEnum};
use portolan_depot::{AccessOptions, AnonymousPull, Challenge, ProjectMakers, PublicUrl, TokenLife};

use super::args::time;

/// Accounts, and what is open without one. Users of the depot's own are made by `portolan depot user`.
#[derive(Debug, Clone, Args)]
#[command(next_help_heading = "Signing in")]
pub(super) struct AccessArgs {
    /// Let everybody pull everything without signing in
    #[arg(long)]
    pub(super) anonymous_pull: bool,
    /// Take users from this file too, as `htpasswd -B` writes it: writers of everything; read again when it changes
    #[arg(long, value_name = "FILE")]
    htpasswd: Option<PathBuf>,
    /// Who may make projects
    #[arg(long, value_name = "WHO", value_enum, default_value_t = Makers::Writers, requires = "projects")]
    project_makers: Makers,
    /// What clients are told to sign in with; both are taken in any case
    #[arg(long, value_name = "WHAT", value_enum, default_value_t = SignIn::Token)]
    sign_in: SignIn,
    /// How long a token of the registry's counts
    #[arg(long, value_name = "TIME", value_parser = time, default_value = "15m")]
    token_life: Duration,
    /// Where clients find the depot, http[s]://HOST[:PORT], where a proxy before it changes that
    #[arg(long, value_name = "URL")]
    public_url: Option<PublicUrl>,
}

/// Who may make projects.
#[derive(Debug, Clone, Copy, PartialEq, Eq, ValueEnum)]
enum Makers {
    /// Whoever may write everywhere
    Writers,
    /// Admins of everything alone
    Admins,
}

/// What clients are told to sign in with.
#[derive(Debug, Clone, Copy, PartialEq, Eq, ValueEnum)]
enum SignIn {
    /// A token, which the depot gives for the password; without a login, one for what is public
    Token,
    /// The password, with every request
    Password,
}

impl AccessArgs {
    /// What the depot is told.
    pub(super) fn options(&self) -> AccessOptions {
        AccessOptions {
            anonymous_pull: match self.anonymous_pull {
                true => AnonymousPull::Everything,
                false => AnonymousPull::PublicProjects,
            },
            project_makers: match self.project_makers {
                Makers::Writers => ProjectMakers::Writers,
                Makers::Admins => ProjectMakers::Admins,
            },
            password_file: self.htpasswd.clone(),
            challenge: match self.sign_in {
                SignIn::Token => Challenge::Token,
                SignIn::Password => Challenge::Password,
            },
            public_url: self.public_url.clone(),
            token_life: TokenLife(self.token_life),
        }
    }
}
