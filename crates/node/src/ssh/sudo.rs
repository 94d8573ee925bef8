//! Commands as root, where the user who signed in is another.
//!
//! The password reaches `sudo` through the command's standard input, which carries the data too. So it is
//! given only once `sudo` asks for it, by a prompt that nothing else prints, and data follow only after
//! that: a `sudo` that asks for nothing gets no password line, and no password line gets into the data.
//! `sudo -S` reads its line byte by byte and leaves the rest to the command.

use std::time::Duration;

use bytes::Bytes;
use secrecy::{ExposeSecret, SecretString};
use tokio::time::timeout;

use super::error::SshError;
use super::exec::{Ended, Running};
use super::session::Session;
use super::shell::command_line;

/// What `sudo` prints when it wants the password. A word of nobody else's.
const PROMPT: &str = "portolan-wants-the-password-of-sudo:";

/// How long `sudo` may take until it asks. One that asks for nothing would be waited for without end by a
/// command that waits for data.
const PATIENCE: Duration = Duration::from_secs(20);

/// As whom commands run on a node.
#[derive(Clone, Debug)]
pub enum Rank {
    /// As the user who signed in.
    Own,
    /// As root, by a `sudo` that asks for nothing.
    Sudo,
    /// As root, by a `sudo` that asks for this password.
    SudoWithPassword(SecretString),
}

impl Rank {
    /// The command line for these words.
    pub(crate) fn line(&self, words: &[&str]) -> String {
        let before: &[&str] = match self {
            Self::Own => &[],
            Self::Sudo => &["sudo", "-n", "--"],
            // -k: a password that was typed a minute ago is asked for again, so that it is always asked for.
            Self::SudoWithPassword(_) => &["sudo", "-k", "-S", "-p", PROMPT, "--"],
        };
        command_line(before.iter().chain(words).copied())
    }

    /// Starts a command that takes data as its standard input.
    ///
    /// # Errors
    /// [`SshError`]; [`SshError::Sudo`] where `sudo` ended without asking for the password.
    pub async fn start(&self, session: &Session, words: &[&str]) -> Result<Running, SshError> {
        let mut running = session.start(&self.line(words)).await?;
        let Self::SudoWithPassword(password) = self else { return Ok(running) };
        let asks = timeout(PATIENCE, running.says(PROMPT)).await.unwrap_or(false);
        if asks && running.send(answer(password)).await {
            return Ok(running);
        }
        Err(refused(session, &running.ended().await?))
    }

    /// Runs a command without data. Where `sudo` refused, its messages say so.
    ///
    /// # Errors
    /// As [`Rank::start`].
    pub async fn run(&self, session: &Session, words: &[&str]) -> Result<Ended, SshError> {
        Ok(without_prompt(self.start(session, words).await?.ended().await?))
    }
}

/// The line that `sudo` waits for.
fn answer(password: &SecretString) -> Bytes {
    Bytes::from(format!("{}\n", password.expose_secret()))
}

fn refused(session: &Session, ended: &Ended) -> SshError {
    SshError::Sudo {
        endpoint: session.endpoint().clone(),
        user: session.user().to_owned(),
        said: without_prompt(ended.clone()).reason(),
    }
}

/// What the command said, without what `sudo` asked.
fn without_prompt(mut ended: Ended) -> Ended {
    ended.messages = ended.messages.replace(PROMPT, "");
    ended
}
