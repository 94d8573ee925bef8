//! Looking at objects while somebody else waits for them: what is said of them is still there when that one has
//! given up, and taken them away.

use std::sync::{Mutex, PoisonError};
use std::time::Duration;

use portolan_chart::{ObjectName, RenderedObject};

use serde::{Deserialize, Serialize};

use super::restarts::Restarts;
use super::{Looked, Unready, in_namespace, look, reasons, tell};
use crate::cluster::Cluster;
use crate::event::Observer;
use crate::helm::HelmRelease;
use crate::readiness::Readiness;
use crate::releases::is_being_upgraded;

/// How long until the first look: most upgrades need none.
const FIRST: Duration = Duration::from_secs(2);
/// How long between two looks.
const PAUSE: Duration = Duration::from_secs(4);

/// An object that is looked at.
#[derive(Clone, Debug, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub(crate) struct Watched {
    #[serde(with = "Named")]
    name: ObjectName,
    /// A hook is there for a while only.
    is_hook: bool,
}

/// The shape of a name in the file of a run.
#[derive(Serialize, Deserialize)]
#[serde(remote = "ObjectName", rename_all = "camelCase")]
pub(crate) struct Named {
    api_version: String,
    kind: String,
    namespace: String,
    name: String,
}

impl From<RenderedObject> for Watched {
    fn from(object: RenderedObject) -> Self {
        Self { name: object.name, is_hook: object.hook.is_some() }
    }
}

/// Looks until it is dropped, tells how many are ready, and keeps in `last` why the others are not: of the new version,
/// not of what becomes of it once Helm has given it up.
pub(crate) async fn watch(
    cluster: &Cluster,
    watched: &[Watched],
    release: &HelmRelease,
    observer: &dyn Observer,
    last: &Mutex<Vec<Unready>>,
) {
    let names: Vec<ObjectName> =
        watched.iter().map(|one| in_namespace(one.name.clone(), release.namespace.as_str())).collect();
    let (mut told, mut pause) = (None, FIRST);
    let begun = Restarts::now(cluster, &names).await;
    let (mut seen, mut before) = (begun.clone(), Vec::<Unready>::new());
    loop {
        tokio::time::sleep(pause).await;
        pause = PAUSE;
        // Whoever waits will say that the server is out of reach.
        let Ok(looked) = look(cluster, &names).await else { continue };
        let there =
            looked.into_iter().zip(watched).filter(|(looked, one)| looked.object.is_some() || !one.is_hook);
        let mut there: Vec<Looked> = there.map(|(looked, _)| looked).collect();
        tell(&there, &mut told, observer);
        for one in there.iter_mut().filter(|one| before.iter().any(|before| before.object == one.name)) {
            still_unready(cluster, one, &seen).await;
        }
        let unready = reasons::of(cluster, there, &begun).await.unready;
        if !unready.is_empty() {
            seen = Restarts::now(cluster, &names).await;
        }
        before.clone_from(&unready);
        // Asked last, so that it was so all the while.
        if is_being_upgraded(cluster, release).await.unwrap_or(false) {
            *last.lock().unwrap_or_else(PoisonError::into_inner) = unready;
        }
    }
}

/// An object that was not ready at the look before is ready by now, and a container of it was started again in between:
/// that one may be up for a moment only, so that it counts as it did.
async fn still_unready(cluster: &Cluster, looked: &mut Looked, seen: &Restarts) {
    if looked.is_ready() && reasons::pods_of(cluster, looked).await.iter().any(|pod| seen.is_any_again(pod)) {
        looked.readiness = Readiness::InProgress("a container of it was just started again".to_owned());
    }
}
