//! `portolan man`: manual pages.

use std::fs;
use std::io;
use std::path::{Path, PathBuf};

use clap::Args;
use clap_mangen::Man;

use crate::failure::{Exit, Failure};
use crate::output::Console;

/// Prints the manual page of portolan, or writes a page for each command into a directory.
#[derive(Debug, Clone, Args)]
#[command(after_help = EXAMPLES)]
pub struct ManArgs {
    /// Write portolan.1 and a page for each command into this directory, which is made where it is missing
    #[arg(long, value_name = "DIR")]
    output_dir: Option<PathBuf>,
}

const EXAMPLES: &str = "\
Examples:
  portolan man | man -l -
  portolan man --output-dir /usr/local/share/man/man1";

/// Why the pages could not be written.
#[derive(Debug, thiserror::Error)]
#[error("cannot write manual pages to {}", directory.display())]
struct ManError {
    directory: PathBuf,
    source: io::Error,
}

/// Carries out the command for `program`, whose arguments are all described there.
///
/// # Errors
///
/// [`Failure`] where the directory or a page cannot be written.
pub fn run(arguments: &ManArgs, program: clap::Command, console: &Console) -> Result<Exit, Failure> {
    match &arguments.output_dir {
        Some(directory) => write(program, directory)
            .map_err(|source| Failure::of(&ManError { directory: directory.clone(), source }))?,
        None => console.result(&page(program)),
    }
    Ok(Exit::Done)
}

fn write(program: clap::Command, directory: &Path) -> io::Result<()> {
    fs::create_dir_all(directory)?;
    clap_mangen::generate_to(program, directory)
}

fn page(program: clap::Command) -> String {
    let mut page = Vec::new();
    // As in the pages of a directory: what `help` says stands in the pages themselves.
    Man::new(program.disable_help_subcommand(true))
        .render(&mut page)
        .expect("because writing to memory does not fail");
    String::from_utf8_lossy(&page).into_owned()
}
