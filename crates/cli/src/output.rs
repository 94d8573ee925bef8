//! Everything that is printed, and nothing else.
//!
//! Results go to standard output: the plan of `--dry-run`, the summary, JSON. All that is said on the way goes
//! to standard error: as text, or with `--log-format json` as one object a line. The renderers are pure functions
//! of a plan, a report or an event.

pub mod advisories;
pub mod changed;
pub mod check;
pub mod collected;
pub mod group;
pub mod inspection;
pub mod load;
pub mod logging;
pub mod merging;
pub mod plan;
mod printable;
pub mod progress;
pub mod projects;
pub(crate) mod prompt;
mod record;
pub mod recovery;
pub mod releases;
pub mod runs;
mod serving;
pub(crate) mod sites;
pub mod steps;
pub mod style;
pub mod summary;
mod table;
pub mod unready;
pub mod upgrade;
pub mod users;

use std::io::{self, IsTerminal, Write};
use std::process::ExitCode;

use clap::ValueEnum;
use indicatif::MultiProgress;
use portolan_depot::Listening;
use portolan_registry::Stop;
use portolan_transfer::Observer;
use secrecy::ExposeSecret;
use serde::Serialize;

use crate::args::UsageError;
use crate::config::Environment;
use crate::failure::{Exit, Failure};
use printable::printable;
use prompt::{Prompt, PromptError};
use record::Record;
pub use serving::{Anonymous, Serving};
use style::Style;

/// The form of results.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, ValueEnum)]
pub enum Format {
    /// Tables for people
    #[default]
    Text,
    /// The report alone, as JSON on standard output; all else goes to standard error
    Json,
}

/// The form of everything on standard error.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, ValueEnum)]
pub enum LogFormat {
    /// Bars and lines for people
    #[default]
    Text,
    /// One JSON object a line: events, log lines, notes and the error
    Json,
}

/// How what is said on the way is shown.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Manner {
    /// Bars that move, and lines above them.
    Bars,
    /// Lines, a few a minute.
    Lines,
    /// JSON lines.
    Records,
}

/// The two output streams, and what they can show. Clones share the place where bars are drawn.
#[derive(Debug, Clone)]
pub struct Console {
    out: Style,
    err: Style,
    manner: Manner,
    screen: MultiProgress,
}

impl Console {
    /// The streams of this process: colours on terminals alone and never with `NO_COLOR`, bars on terminals alone,
    /// neither on standard error where programs read it.
    #[must_use]
    pub fn of_process(environment: &Environment, log_format: LogFormat) -> Self {
        let dumb = environment.get("TERM") == Some("dumb");
        let plain = dumb || environment.get("NO_COLOR").is_some();
        let style = |is_shown: bool| if is_shown && !plain { Style::Coloured } else { Style::Plain };
        let manner = match (log_format, io::stderr().is_terminal() && !dumb) {
            (LogFormat::Json, _) => Manner::Records,
            (LogFormat::Text, true) => Manner::Bars,
            (LogFormat::Text, false) => Manner::Lines,
        };
        Self {
            out: style(io::stdout().is_terminal()),
            err: style(io::stderr().is_terminal() && log_format == LogFormat::Text),
            manner,
            screen: MultiProgress::new(),
        }
    }

    /// What standard output can show.
    #[must_use]
    pub fn style(&self) -> Style {
        self.out
    }

    /// What standard error can show.
    #[must_use]
    pub fn error_style(&self) -> Style {
        self.err
    }

    /// The form of standard error.
    #[must_use]
    pub fn log_format(&self) -> LogFormat {
        match self.manner {
            Manner::Bars | Manner::Lines => LogFormat::Text,
            Manner::Records => LogFormat::Json,
        }
    }

    /// A renderer for the events of a run.
    #[must_use]
    pub fn progress(&self) -> Box<dyn Observer> {
        match self.manner {
            Manner::Bars => Box::new(progress::Bars::new(self.err, self.screen.clone())),
            Manner::Lines => Box::new(progress::Lines::new(self.err)),
            Manner::Records => Box::new(progress::Records::new()),
        }
    }

    /// A renderer for the events of a load.
    #[must_use]
    pub fn load_progress(&self) -> Box<dyn portolan_node::Observer> {
        Box::new(progress::Nodes::new(match self.manner {
            Manner::Bars => progress::NodesShown::Bars(self.screen.clone(), self.err),
            Manner::Lines => progress::NodesShown::Lines(self.err),
            Manner::Records => progress::NodesShown::Records,
        }))
    }

    /// A renderer of the steps of a run on a release.
    #[must_use]
    pub fn steps(&self) -> Box<dyn portolan_release::Observer> {
        match self.manner {
            Manner::Bars | Manner::Lines => Box::new(steps::Lines::new(self.err)),
            Manner::Records => Box::new(steps::Records),
        }
    }

    /// A renderer of how far a depot is read.
    #[must_use]
    pub fn reading(&self) -> progress::Reading {
        let manner = match self.manner {
            Manner::Bars => progress::Shown::Bar(self.screen.clone()),
            Manner::Lines => progress::Shown::Lines,
            Manner::Records => progress::Shown::Nothing,
        };
        progress::Reading::new(manner)
    }

    /// Prints a result to standard output.
    pub fn result(&self, text: &str) {
        self.screen.suspend(|| write_all(&mut io::stdout().lock(), &printable(text)));
    }

    /// Prints a result as JSON to standard output.
    ///
    /// # Errors
    ///
    /// Where the value has no JSON form, which a report always has.
    pub fn json(&self, value: &impl Serialize) -> Result<(), Failure> {
        let text = serde_json::to_string_pretty(value).map_err(|error| Failure::of(&error))?;
        self.screen.suspend(|| write_all(&mut io::stdout().lock(), &text));
        Ok(())
    }

    /// Says something on the way, to standard error.
    pub fn say(&self, text: &str) {
        let message = text.trim();
        if !message.is_empty() || self.log_format() == LogFormat::Text {
            self.tell(&Record::Message { message }, text);
        }
    }

    /// Says something to standard error, in the one form or the other.
    fn tell(&self, record: &Record<'_>, text: &str) {
        match self.log_format() {
            LogFormat::Json => record.write(),
            LogFormat::Text => self.screen.suspend(|| write_all(&mut io::stderr().lock(), &printable(text))),
        }
    }

    /// The place on standard error where bars are drawn, and have to give way to lines.
    #[must_use]
    pub fn screen(&self) -> &MultiProgress {
        &self.screen
    }

    /// Asks at the terminal, where only `y` and `yes` are a yes. Nothing where there is none, or where programs
    /// read standard error.
    ///
    /// # Errors
    ///
    /// [`Failure`] where the terminal fails, or the run is interrupted meanwhile.
    pub async fn confirm(&self, question: &str, stop: &Stop) -> Result<Option<bool>, Failure> {
        if self.log_format() == LogFormat::Json || !io::stderr().is_terminal() {
            return Ok(None);
        }
        let answer = match Prompt::open_shown() {
            Ok(prompt) => prompt.ask(question, stop).await,
            Err(error) => Err(error),
        };
        match answer {
            Ok(answer) => Ok(Some(matches!(answer.expose_secret().trim(), "y" | "Y" | "yes"))),
            Err(PromptError::NoTerminal) => Ok(None),
            Err(PromptError::Interrupted) => Err(Failure::interrupted()),
            Err(error) => Err(Failure::of(&error)),
        }
    }

    /// Says something that a user should know though nothing is wrong.
    pub fn note(&self, text: &str) {
        self.tell(&Record::Note { message: text }, &format!("{} {text}", self.err.dim("note:")));
    }

    /// Says where a server can be reached, and how a client tells it from another one.
    pub fn listening(&self, listening: &Listening) {
        let url = listening.url();
        let fingerprint = listening.fingerprint.as_deref();
        let mut text = format!("Listening on {url}");
        if let Some(fingerprint) = fingerprint {
            text += &format!(", SHA-256 fingerprint {fingerprint}");
        }
        self.tell(&Record::Listening { url: &url, fingerprint }, &text);
    }

    /// Says what is served, and to whom.
    pub fn serving(&self, serving: &Serving<'_>) {
        self.tell(&Record::Serving(serving), &serving.to_string());
    }

    /// Says that the run was interrupted and how it ends.
    pub fn interrupted(&self, text: &str) {
        self.tell(&Record::Interrupted { message: text }, &self.err.warn(text));
    }

    /// Prints why the command line cannot be used, or the help that was asked for.
    #[must_use]
    pub fn usage(&self, error: &UsageError) -> ExitCode {
        match error {
            UsageError::Clap(error) if error.use_stderr() && self.log_format() == LogFormat::Text => {
                // A closed stream leaves nobody to tell.
                let _ = error.print();
                Exit::Usage.into()
            }
            UsageError::Clap(error) if !error.use_stderr() => {
                let _ = error.print();
                Exit::Done.into()
            }
            other => self.failure(&Failure::from(other)),
        }
    }

    /// Prints why a command failed.
    #[must_use]
    pub fn failure(&self, failure: &Failure) -> ExitCode {
        self.tell(&Record::error(failure), &failure_text(failure, self.err));
        failure.exit.into()
    }
}

/// A closed pipe or a full disk under standard output leaves nobody to tell, so errors are let go.
fn write_all(stream: &mut impl Write, text: &str) {
    let _ = writeln!(stream, "{}", text.trim_end_matches('\n')).and_then(|()| stream.flush());
}

/// `error:`, its parts, `caused by:` and `hint:`, a line each.
#[must_use]
pub fn failure_text(failure: &Failure, style: Style) -> String {
    let mut lines = vec![format!("{} {}", style.bad("error:"), failure.message)];
    lines.extend(failure.parts.iter().map(|part| format!("  - {part}")));
    lines.extend(failure.causes.iter().map(|cause| format!("{} {cause}", style.bad("caused by:"))));
    lines.extend(failure.hint.iter().map(|hint| format!("{} {hint}", style.good("hint:"))));
    lines.join("\n")
}

#[cfg(test)]
mod tests;
