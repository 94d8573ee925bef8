//! Asking on the terminal, never by way of standard input, which may be something else. Secrets are typed
//! without an echo.

use std::fs::File;
use std::io::{self, Read, Write};
use std::sync::Arc;

use portolan_registry::Stop;
use rustix::termios::{LocalModes, OptionalActions, Termios, tcgetattr, tcsetattr};
use secrecy::SecretString;

/// The terminal of this process, whatever its standard streams are.
const TERMINAL: &str = "/dev/tty";

/// The longest line that is taken, in bytes; terminals themselves take no more.
const LIMIT: usize = 4096;

/// Why no secret was typed.
#[derive(Debug, thiserror::Error)]
pub(crate) enum PromptError {
    /// Nobody can be asked.
    #[error("there is no terminal to ask for the password on")]
    NoTerminal,
    /// The terminal failed.
    #[error("cannot read from the terminal")]
    Terminal {
        #[from]
        source: io::Error,
    },
    /// It cannot be a secret.
    #[error("what was typed is no text (UTF-8), or longer than {LIMIT} bytes")]
    NoText,
    /// Ctrl-C.
    #[error("interrupted")]
    Interrupted,
}

/// A terminal that somebody is asked on, for as long as this lives.
pub(crate) struct Prompt {
    terminal: Arc<File>,
    before: Termios,
}

impl Prompt {
    /// Takes the terminal for a secret: nothing of what is typed is shown.
    pub(crate) fn open() -> Result<Self, PromptError> {
        Self::with(|modes| {
            modes.remove(LocalModes::ECHO);
            // The line's end is shown, so that what is said next stands on a line of its own.
            modes.insert(LocalModes::ECHONL);
        })
    }

    /// Takes the terminal for an answer that everybody may see.
    pub(crate) fn open_shown() -> Result<Self, PromptError> {
        Self::with(|modes| modes.insert(LocalModes::ECHO))
    }

    fn with(change: impl FnOnce(&mut LocalModes)) -> Result<Self, PromptError> {
        let opened = File::options().read(true).write(true).open(TERMINAL);
        let terminal = opened.map_err(|_| PromptError::NoTerminal)?;
        let before = tcgetattr(&terminal).map_err(io::Error::from)?;
        let mut asking = before.clone();
        change(&mut asking.local_modes);
        asking.local_modes.insert(LocalModes::ICANON);
        tcsetattr(&terminal, OptionalActions::Flush, &asking).map_err(io::Error::from)?;
        Ok(Self { terminal: Arc::new(terminal), before })
    }

    /// Asks, and gives the line that was typed, without its end. A `stop` ends the waiting.
    pub(crate) async fn ask(&self, question: &str, stop: &Stop) -> Result<SecretString, PromptError> {
        (&*self.terminal).write_all(question.as_bytes())?;
        let terminal = Arc::clone(&self.terminal);
        let typed = tokio::task::spawn_blocking(move || line(&*terminal));
        tokio::select! {
            biased;
            () = stop.requested() => Err(PromptError::Interrupted),
            typed = typed => typed.map_err(|_| PromptError::Interrupted)?,
        }
    }
}

impl Drop for Prompt {
    fn drop(&mut self) {
        // A terminal that went away has nothing to be put back.
        let _ = tcsetattr(&*self.terminal, OptionalActions::Now, &self.before);
    }
}

/// One line, byte by byte: what is typed ahead belongs to whoever reads next.
fn line(mut terminal: impl Read) -> Result<SecretString, PromptError> {
    let (mut line, mut byte) = (Vec::with_capacity(LIMIT), [0]);
    while terminal.read(&mut byte)? == 1 && byte[0] != b'\n' {
        if line.len() == LIMIT {
            return Err(PromptError::NoText);
        }
        line.push(byte[0]);
    }
    let text = String::from_utf8(line).map_err(|_| PromptError::NoText)?;
    Ok(text.into())
}

#[cfg(test)]
mod tests {
    use secrecy::ExposeSecret;

    use super::*;

    #[test]
    fn lines_that_are_typed() {
        let check = |typed: &[u8], expected: Option<&str>| {
            let line = line(typed);
            assert_eq!(line.as_ref().ok().map(ExposeSecret::expose_secret), expected, "{typed:?}");
        };
        check(b"s3cret\nmore", Some("s3cret"));
        check(b" a b \n", Some(" a b "));
        check(b"", Some(""));
        check(b"half", Some("half"));
        check(b"\xff\n", None);
        check(&[b'x'; LIMIT], Some(&"x".repeat(LIMIT)));
        check(&[b'x'; LIMIT + 1], None);
    }
}
