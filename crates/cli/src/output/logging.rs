//! Log lines of the libraries, to standard error: `-v` and more.

mod records;

use std::io::{self, Write};

use indicatif::MultiProgress;
use tracing::level_filters::LevelFilter;
use tracing_subscriber::filter::Targets;
use tracing_subscriber::layer::SubscriberExt;
use tracing_subscriber::util::SubscriberInitExt;

use super::style::Style;
use super::{Console, LogFormat};
use crate::args::Verbosity;
use records::Records;

/// Starts logging. Portolan's own crates speak at the level asked for, all others only of warnings.
pub fn start(verbosity: Verbosity, console: &Console) {
    let screen = console.screen().clone();
    let writer = move || AboveBars { screen: screen.clone() };
    let lines = tracing_subscriber::fmt::layer().with_writer(writer);
    let registry = tracing_subscriber::registry().with(targets(verbosity));
    // A second start, as tests make one, leaves the first in place.
    let _ = match console.log_format() {
        LogFormat::Json => registry.with(lines.event_format(Records)).try_init(),
        LogFormat::Text => {
            let colours = console.error_style() == Style::Coloured;
            registry.with(lines.with_ansi(colours).without_time()).try_init()
        }
    };
}

/// Standard error, with the bars out of the way while a line is written.
struct AboveBars {
    screen: MultiProgress,
}

impl Write for AboveBars {
    fn write(&mut self, line: &[u8]) -> io::Result<usize> {
        self.screen.suspend(|| io::stderr().lock().write(line))
    }

    fn flush(&mut self) -> io::Result<()> {
        io::stderr().lock().flush()
    }
}

fn targets(verbosity: Verbosity) -> Targets {
    let level = level(verbosity);
    // Before it is known whether a certificate was named or accepted, and told as an error where it was not.
    let verifier = if level > LevelFilter::INFO { LevelFilter::WARN } else { LevelFilter::OFF };
    Targets::new()
        .with_default(LevelFilter::WARN)
        .with_target("rustls_platform_verifier", verifier)
        .with_target("portolan", level)
}

fn level(verbosity: Verbosity) -> LevelFilter {
    match verbosity.0 {
        0 => LevelFilter::WARN,
        1 => LevelFilter::INFO,
        2 => LevelFilter::DEBUG,
        _ => LevelFilter::TRACE,
    }
}
