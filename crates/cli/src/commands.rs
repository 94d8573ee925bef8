//! The commands, a file each: arguments, calls into the libraries, rendering.

mod addon;
pub mod advisories;
pub mod cluster_create;
pub mod completions;
pub mod connect;
pub mod depot;
pub mod import_addon;
pub mod inspect;
mod interruption;
pub mod load;
pub mod man;
pub mod merge;
pub mod quickstart;
mod registry_flags;
pub mod release;
pub mod serve;
pub mod sync;
mod transfer;

use portolan_registry::Stop;

use crate::failure::Failure;
use crate::output::Console;
use interruption::Interrupted;

/// Does a command's work on a runtime of its own. Ctrl-C and SIGTERM request `stop`.
fn carry_out<T>(
    what: Interrupted,
    stop: &Stop,
    console: &Console,
    work: impl Future<Output = Result<T, Failure>>,
) -> Result<T, Failure> {
    let runtime = tokio::runtime::Builder::new_multi_thread().enable_all().build();
    let runtime = runtime.map_err(|error| Failure::of(&error))?;
    let done = runtime.block_on(async {
        interruption::heed(what, stop, console)?;
        work.await
    });
    // A package that is still being opened when the run is interrupted keeps nobody waiting.
    runtime.shutdown_background();
    done
}
