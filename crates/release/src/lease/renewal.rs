//! A lease that is ours: renewed for as long as its run lives, and removed at its end.

use std::sync::Arc;
use std::time::{Duration, Instant};

use serde_json::Value;
use tokio::sync::Mutex;
use tokio::task::JoinHandle;

use super::record::Record;
use super::{LeaseError, PAUSE, printed, read};
use crate::cluster::{Cluster, ClusterError, LEASE};
use crate::helm::HelmRelease;

/// How often it is renewed; somebody who lives is noticed within this time.
const RENEWAL: Duration = Duration::from_secs(4);
/// How long a server that is out of reach at the very end is asked again to remove one.
const PATIENCE: Duration = Duration::from_secs(5);

/// A lease that is being renewed.
pub(crate) struct Held {
    shared: Arc<Shared>,
    /// Whose it was, where it was taken over.
    pub(super) before: Option<String>,
    renewal: JoinHandle<()>,
}

struct Shared {
    cluster: Cluster,
    release: HelmRelease,
    state: Mutex<State>,
}

struct State {
    record: Record,
    /// What became of it, once it is not ours any more.
    lost: Option<String>,
}

impl Held {
    pub(super) fn renewing(
        cluster: &Cluster,
        release: &HelmRelease,
        record: Record,
        before: Option<String>,
    ) -> Self {
        let state = Mutex::new(State { record, lost: None });
        let shared = Arc::new(Shared { cluster: cluster.clone(), release: release.clone(), state });
        let own = Arc::clone(&shared);
        let renewal = tokio::spawn(async move {
            loop {
                tokio::time::sleep(RENEWAL).await;
                // A server that is out of reach is asked again; whoever works asks before each step.
                if let Err(LeaseError::Lost { .. }) = own.renew().await {
                    return;
                }
            }
        });
        Self { shared, before, renewal }
    }

    /// What it is of.
    pub(super) fn release(&self) -> &HelmRelease {
        &self.shared.release
    }

    /// Renews it now.
    pub(super) async fn renew(&self) -> Result<(), LeaseError> {
        self.shared.renew().await
    }

    /// Removes it; a server that is out of reach is asked again for a while.
    pub(super) async fn remove(self) -> Result<(), ClusterError> {
        self.renewal.abort();
        self.shared.remove_patiently().await
    }
}

impl Drop for Held {
    fn drop(&mut self) {
        self.renewal.abort();
    }
}

impl Shared {
    async fn renew(&self) -> Result<(), LeaseError> {
        let mut state = self.state.lock().await;
        if let Some(how) = &state.lost {
            return Err(self.lost(how));
        }
        let namespace = Some(self.release.namespace.as_str());
        let renewed = state.record.renewed();
        let found = match self.cluster.replace(&LEASE.into(), namespace, renewed.object()).await {
            Ok(object) => Some(Record::of(object)),
            Err(error) if error.is_not_found() => None,
            Err(error) if error.reason() == Some("Conflict") => read(&self.cluster, &self.release).await?,
            Err(error) => return Err(error.into()),
        };
        let how = match found {
            Some(record) if record.holder() == state.record.holder() => {
                state.record = record;
                return Ok(());
            }
            Some(record) => format!("taken over by {}", printed(record.holder())),
            None => "removed".to_owned(),
        };
        Err(self.lost(state.lost.insert(how)))
    }

    async fn remove_patiently(&self) -> Result<(), ClusterError> {
        let began = Instant::now();
        loop {
            match self.remove().await {
                Err(error) if error.may_pass() && began.elapsed() < PATIENCE => {
                    tokio::time::sleep(PAUSE).await;
                }
                removed => return removed,
            }
        }
    }

    async fn remove(&self) -> Result<(), ClusterError> {
        let state = self.state.lock().await;
        if state.lost.is_some() {
            return Ok(());
        }
        let namespace = Some(self.release.namespace.as_str());
        let remove = async |object: &Value| self.cluster.remove(&LEASE.into(), namespace, object).await;
        match remove(state.record.object()).await {
            // A renewal that was given up on may have been carried out all the same.
            Err(error) if error.reason() == Some("Conflict") => {
                match read(&self.cluster, &self.release).await? {
                    Some(found) if found.holder() == state.record.holder() => remove(found.object()).await,
                    _ => Ok(()),
                }
            }
            removed => removed,
        }
    }

    fn lost(&self, how: &str) -> LeaseError {
        LeaseError::Lost { release: self.release.name.to_string(), how: how.to_owned() }
    }
}
