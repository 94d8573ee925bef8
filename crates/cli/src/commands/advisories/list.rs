//! `portolan advisories list`

use clap::Args;
use portolan_chart::ChartVersion;
use portolan_release::advisories::Sourced;

use super::CommonArgs;
use crate::config::Environment;
use crate::failure::{Exit, Failure};
use crate::output::{Console, Format, advisories};

/// Lists the advisories: what they are about, between which versions, and where they come from.
#[derive(Debug, Clone, Args)]
#[command(after_help = EXAMPLES)]
pub(super) struct ListArgs {
    /// Only those on this module: kpanda, kairship, kant
    #[arg(long, value_name = "NAME")]
    module: Option<String>,
    /// Only those that count for an upgrade from this version
    #[arg(long, value_name = "VERSION")]
    from: Option<ChartVersion>,
    /// Only those that count for an upgrade to this version
    #[arg(long, value_name = "VERSION")]
    to: Option<ChartVersion>,
    #[command(flatten)]
    common: CommonArgs,
}

const EXAMPLES: &str = "\
Examples:
  portolan advisories list
  portolan advisories list --module kpanda --from 0.24.0 --to 0.29.0 --lang zh
  portolan advisories list --advisories ./our-advisories --output json";

/// Shows them.
///
/// # Errors
///
/// [`Failure`] where a file of advisories can't be used.
pub(super) fn run(
    arguments: &ListArgs,
    environment: &Environment,
    console: &Console,
) -> Result<Exit, Failure> {
    let all = arguments.common.sources.advisories(None)?;
    let listed: Vec<&Sourced> = all.iter().filter(|sourced| arguments.takes(sourced)).collect();
    let language = arguments.common.language(environment);
    match arguments.common.output {
        Format::Text => console.result(&advisories::table(&listed, language, console.style())),
        Format::Json => console.json(&advisories::document(&listed))?,
    }
    Ok(Exit::Done)
}

impl ListArgs {
    fn takes(&self, Sourced { advisory, .. }: &Sourced) -> bool {
        self.module.as_ref().is_none_or(|module| *module == advisory.module)
            && self.from.as_ref().is_none_or(|from| advisory.from.holds(from))
            && self.to.as_ref().is_none_or(|to| advisory.to.holds(to))
    }
}
