//! The password of a user: from a file, from standard input, or typed twice on the terminal.

use std::path::PathBuf;

use clap::Args;
use portolan_depot::accounts::{Password, UserName};
use portolan_registry::Stop;
use secrecy::{ExposeSecret, SecretString};

use crate::config::SecretSource;
use crate::failure::{Exit, Failure};
use crate::output::prompt::{Prompt, PromptError};

/// Where the password comes from; without any of these it is asked for.
#[derive(Debug, Clone, Args)]
pub(super) struct PasswordArgs {
    /// Take the password from this file in place of asking for it; - reads standard input to its end
    #[arg(long, value_name = "FILE")]
    password_file: Option<PathBuf>,
    /// Take the password from standard input in place of asking for it
    #[arg(long, conflicts_with = "password_file")]
    password_stdin: bool,
}

impl PasswordArgs {
    /// Reads it, or asks for it twice.
    pub(super) async fn read(&self, user: &UserName, stop: &Stop) -> Result<Password, Failure> {
        let text = match self.source() {
            Some(source) => source.read().map_err(|error| Failure::usage(&error))?,
            None => typed(user, stop).await?,
        };
        Password::new(text).map_err(|error| Failure::usage(&error))
    }

    fn source(&self) -> Option<SecretSource> {
        match self.password_stdin {
            true => Some(SecretSource::StandardInput),
            false => self.password_file.as_deref().map(SecretSource::of_argument),
        }
    }
}

async fn typed(user: &UserName, stop: &Stop) -> Result<SecretString, Failure> {
    let twice = async {
        let prompt = Prompt::open()?;
        let first = prompt.ask(&format!("Password for {user}: "), stop).await?;
        let second = prompt.ask("The same once more: ", stop).await?;
        Ok((first, second))
    };
    let (first, second) = twice.await.map_err(|error| unasked(&error))?;
    match first.expose_secret() == second.expose_secret() {
        true => Ok(first),
        false => Err(Failure { exit: Exit::Usage, ..Failure::failed("the two passwords differ") }),
    }
}

fn unasked(error: &PromptError) -> Failure {
    match error {
        PromptError::Interrupted => Failure::interrupted(),
        PromptError::NoTerminal => {
            Failure::usage(error).with_hint("give it with --password-stdin or --password-file FILE")
        }
        PromptError::Terminal { .. } | PromptError::NoText => Failure::usage(error),
    }
}
