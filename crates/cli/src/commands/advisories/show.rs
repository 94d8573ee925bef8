//! `portolan advisories show`

use clap::Args;
use portolan_release::advisories::AdvisoryId;

use super::CommonArgs;
use crate::config::{Environment, nearest};
use crate::failure::{Exit, Failure};
use crate::output::{Console, Format, advisories};

/// Shows one advisory: what happens, when it is looked for, and how it is mended.
#[derive(Debug, Clone, Args)]
#[command(after_help = EXAMPLES)]
pub(super) struct ShowArgs {
    /// Which
    id: AdvisoryId,
    #[command(flatten)]
    common: CommonArgs,
}

const EXAMPLES: &str = "\
Examples:
  portolan advisories show kpanda-gpu-mig
  portolan advisories show kpanda-gpu-mig --lang zh
  portolan advisories show kpanda-gpu-mig --output json";

/// Shows it.
///
/// # Errors
///
/// [`Failure`] where there is none of that id, or a file of advisories can't be used.
pub(super) fn run(
    arguments: &ShowArgs,
    environment: &Environment,
    console: &Console,
) -> Result<Exit, Failure> {
    let all = arguments.common.sources.advisories(None)?;
    let Some(found) = all.get(&arguments.id) else {
        let near = nearest(arguments.id.as_str(), all.iter().map(|sourced| sourced.advisory.id.as_str()));
        let failure = Failure::failed(format!("there is no advisory {}", arguments.id));
        let hint = near.map(|near| format!("did you mean {near}?"));
        let hint = hint.unwrap_or_else(|| "portolan advisories list names them all".to_owned());
        return Err(Failure { exit: Exit::Usage, ..failure }.with_hint(hint));
    };
    let language = arguments.common.language(environment);
    match arguments.common.output {
        Format::Text => console.result(&advisories::whole(found, language, console.style())),
        Format::Json => console.json(&advisories::document(&[found]))?,
    }
    Ok(Exit::Done)
}
