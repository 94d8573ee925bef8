//! Upload sessions over the life of a server: taken up at its start, swept while it runs, parked
//! at its end. None of it keeps a server from running: a client can always start an upload anew.

use std::sync::Arc;
use std::time::Duration;

use tokio::time::sleep;

use super::LAST_WORDS;
use crate::http::{App, chain, with_store};
use crate::store::{SESSION_EXPIRY, StoreError};

/// How often sessions that nobody touches are looked for.
const ROUND: Duration = Duration::from_mins(10);

/// Goes on with the sessions that the server before this one parked.
pub(super) async fn take_up(app: &Arc<App>) {
    tell("taken up", with_store(app, |store| store.uploads.take_up()).await);
}

/// Gives up sessions that nobody touches any more. Never ends.
pub(super) async fn sweep(app: &Arc<App>) {
    loop {
        sleep(ROUND).await;
        tell("given up", with_store(app, |store| Ok(store.uploads.sweep(SESSION_EXPIRY))).await);
    }
}

/// Leaves the sessions to the next server.
pub(super) async fn park(app: &Arc<App>) {
    tell("parked", with_store(app, |store| store.uploads.park(LAST_WORDS)).await);
}

fn tell(what: &'static str, done: Result<usize, StoreError>) {
    match done {
        Ok(0) => {}
        Ok(count) => tracing::info!(count, what, "upload sessions"),
        Err(error) => tracing::error!(error = %chain(&error), what, "upload sessions could not be kept"),
    }
}
