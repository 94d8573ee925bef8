//! `portolan advisories test`

use std::path::PathBuf;

use clap::Args;
use portolan_release::advisories::Advisories;

use super::files;
use crate::failure::{Exit, Failure};
use crate::output::{Console, Format, advisories};

/// Runs the cases that lie beside advisories: whether each applies and mends as its case says.
///
/// Each case is mended twice, which has to come to the same.
#[derive(Debug, Clone, Args)]
#[command(after_help = EXAMPLES)]
pub(super) struct TestArgs {
    /// Files of advisories, or folders of such files [default: those that come with the program]
    #[arg(value_name = "PATH")]
    paths: Vec<PathBuf>,
    /// Form of the result on standard output
    #[arg(long, value_name = "FORM", value_enum, default_value_t)]
    output: Format,
}

const EXAMPLES: &str = "\
Examples:
  portolan advisories test
  portolan advisories test our-advisories.yaml

Exit codes: 0 all cases hold, 1 some do not, 2 a file of advisories is none.";

/// Runs the cases and shows what came of them.
///
/// # Errors
///
/// [`Failure`] where a file of advisories can't be used.
pub(super) fn run(arguments: &TestArgs, console: &Console) -> Result<Exit, Failure> {
    let mut tested = if arguments.paths.is_empty() { Advisories::shipped() } else { Advisories::default() };
    for path in &arguments.paths {
        files::add(&mut tested, path)?;
    }
    let results = tested.test();
    match arguments.output {
        Format::Text => console.result(&advisories::results(&results, console.style())),
        Format::Json => console.json(&advisories::results_document(&results))?,
    }
    let all_hold = results.iter().all(|result| result.failures.is_empty());
    Ok(if all_hold { Exit::Done } else { Exit::Failed })
}
