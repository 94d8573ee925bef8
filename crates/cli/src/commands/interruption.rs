//! Ctrl-C and SIGTERM: the first one asks the run to begin nothing new, the second one ends the program.

use std::process;

use portolan_registry::Stop;

use crate::failure::Failure;
use crate::output::Console;

/// What a signal interrupts, which decides what is said at the first one, at once: what is in flight may take
/// its time.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Interrupted {
    /// Work that ends by itself.
    Run,
    /// A change of a cluster, of which half is worse than either whole.
    Change,
    /// A server, which ends in no other way.
    Server,
}

impl Interrupted {
    fn ending(self) -> &'static str {
        match self {
            Self::Run => {
                "Interrupted: the run ends after what is in flight; another Ctrl-C or SIGTERM ends it at once"
            }
            Self::Change => {
                "Interrupted: nothing more is begun on the cluster, and what was begun is brought to an end; another Ctrl-C or SIGTERM ends it at once, and leaves the release as it is then"
            }
            Self::Server => {
                "Stopping: requests in flight are finished; another Ctrl-C or SIGTERM ends it at once"
            }
        }
    }
}

/// A signal that asks the program to end.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Signal {
    Interrupt,
    #[cfg(unix)]
    Terminate,
}

impl Signal {
    /// The exit code by which shells know it: 128 and its number.
    fn code(self) -> i32 {
        match self {
            Self::Interrupt => 130,
            #[cfg(unix)]
            Self::Terminate => 143,
        }
    }
}

/// Heeds the signals from now on, on the runtime that this is called on. The first one requests `stop`.
///
/// # Errors
///
/// [`Failure`] where the system lets nobody listen to signals.
pub(super) fn heed(what: Interrupted, stop: &Stop, console: &Console) -> Result<(), Failure> {
    let mut signals = Signals::new().map_err(|error| Failure::of(&error))?;
    let (stop, console) = (stop.clone(), console.clone());
    tokio::spawn(async move {
        signals.next().await;
        // Standard error may be a pipe that nobody empties: then the second signal still counts.
        let said = tokio::task::spawn_blocking(move || console.interrupted(what.ending()));
        tokio::select! {
            _ = said => stop.request(),
            second = signals.next() => end_at_once(second),
        }
        end_at_once(signals.next().await);
    });
    Ok(())
}

#[expect(clippy::exit, reason = "whoever asks twice waits for nothing, not even for the work to notice")]
fn end_at_once(signal: Signal) {
    process::exit(signal.code());
}

/// The signals that arrive from the time this is made.
#[cfg(unix)]
struct Signals {
    interrupts: tokio::signal::unix::Signal,
    terminations: tokio::signal::unix::Signal,
}

#[cfg(unix)]
impl Signals {
    fn new() -> std::io::Result<Self> {
        use tokio::signal::unix::{SignalKind, signal};
        let interrupts = signal(SignalKind::interrupt())?;
        Ok(Self { interrupts, terminations: signal(SignalKind::terminate())? })
    }

    async fn next(&mut self) -> Signal {
        tokio::select! {
            _ = self.interrupts.recv() => Signal::Interrupt,
            _ = self.terminations.recv() => Signal::Terminate,
        }
    }
}

/// The signals that arrive from the time this is made.
#[cfg(windows)]
struct Signals {
    interrupts: tokio::signal::windows::CtrlC,
}

#[cfg(windows)]
impl Signals {
    fn new() -> std::io::Result<Self> {
        Ok(Self { interrupts: tokio::signal::windows::ctrl_c()? })
    }

    async fn next(&mut self) -> Signal {
        self.interrupts.recv().await;
        Signal::Interrupt
    }
}
