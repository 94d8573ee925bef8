//! `portolan depot gc`: removes what nothing reaches any more.

use std::time::Duration;

use clap::Args;
use portolan_depot::control::{Absent, Collect};
use portolan_registry::Stop;

use super::data::DataArgs;
use crate::config::Environment;
use crate::failure::{Exit, Failure};
use crate::output::{Console, Format, collected};

/// Removes what no tag and no referrer reaches any more, and gives its room back.
///
/// Deleting a tag or a manifest, or moving a tag, leaves content behind that nobody can reach by a name. Here
/// it goes: manifests, blobs that no manifest names, contents that no repository and no chart has. What arrived or
/// was asked for within the grace time stays, because a push that is under way counts on it. So this may run while
/// the depot is served, as often as one likes.
#[derive(Debug, Clone, Args)]
#[command(after_help = EXAMPLES)]
pub(super) struct GcArgs {
    /// How long what nobody reaches is kept after it was last pushed, mounted or asked for; a day at most
    #[arg(long, value_name = "TIME", value_parser = grace, default_value = "1h")]
    grace: Duration,
    /// Only count what would be removed
    #[arg(long)]
    dry_run: bool,
    /// Form of the result on standard output
    #[arg(long, value_name = "FORM", value_enum, default_value_t)]
    output: Format,
    #[command(flatten)]
    data: DataArgs,
}

const EXAMPLES: &str = "\
Examples:
  portolan depot gc --data /var/lib/portolan --dry-run
  portolan depot gc --data /var/lib/portolan
  portolan depot gc --data /var/lib/portolan --grace 10m --output json";

/// What was asked for is remembered for so long.
const LONGEST: Duration = portolan_depot::store::LONGEST_GRACE;

fn grace(text: &str) -> Result<Duration, String> {
    match humantime::parse_duration(text) {
        Ok(time) if time <= LONGEST => Ok(time),
        _ => Err("a time up to a day is expected, as in 1h, 10m or 0s".to_owned()),
    }
}

/// Carries out the command.
///
/// # Errors
///
/// [`Failure`] where the depot is out of reach, or its store fails.
pub(super) fn run(arguments: &GcArgs, environment: &Environment, console: &Console) -> Result<Exit, Failure> {
    let stop = Stop::default();
    super::asking(&stop, console, Failure::interrupted, collect(arguments, environment, console))
}

async fn collect(arguments: &GcArgs, environment: &Environment, console: &Console) -> Result<Exit, Failure> {
    let call = Collect { grace_seconds: arguments.grace.as_secs(), dry_run: arguments.dry_run };
    let found = arguments.data.ask(environment, Absent::Refuse, call).await?;
    match arguments.output {
        Format::Text => console.result(&collected::text(&found, arguments.dry_run)),
        Format::Json => console.json(&collected::document(&found, arguments.dry_run))?,
    }
    Ok(if found.stopped { Exit::InPart } else { Exit::Done })
}
