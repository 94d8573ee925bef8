//! Custom resource definitions, which Helm installs once and never upgrades: applied on the server's side, in
//! the chart's order, and waited for.

use std::time::{Duration, Instant};

use portolan_registry::Stop;
use serde_json::Value;

use crate::cluster::{ApplyMode, CRD, Cluster, ClusterError, FIELD_MANAGER};
use crate::readiness::{Readiness, readiness};
use crate::recover::holds;

/// How long a definition may take until it is established.
const PATIENCE: Duration = Duration::from_secs(60);
const PAUSE: Duration = Duration::from_millis(200);

/// Whose fields are taken over (rules.md, "Upgrades"): whoever upgraded by hand did so with one of these.
const TAKEN_OVER: [&str; 3] = ["kubectl", "helm", FIELD_MANAGER];

/// Why a definition could not be applied.
#[derive(Debug, thiserror::Error)]
pub enum DefinitionsError {
    /// The server refused it, or doesn't answer.
    #[error("the definition {name}")]
    Refused {
        /// Its name.
        name: String,
        /// What the server says.
        #[source]
        source: ClusterError,
    },
    /// Somebody else keeps its fields.
    #[error("the definition {name} is kept by {}, whose fields are not taken over", .managers.join(" and "))]
    Kept {
        /// Its name.
        name: String,
        /// The other managers.
        managers: Vec<String>,
    },
    /// Somebody wants the run to end; what was begun is applied.
    #[error("interrupted")]
    Interrupted,
    /// It does not become established.
    #[error("the definition {name} is not established: {why}")]
    NotEstablished {
        /// Its name.
        name: String,
        /// What it says.
        why: String,
    },
}

/// A definition as the cluster has it; `None` where it has none.
pub(super) async fn live(cluster: &Cluster, definition: &Value) -> Result<Option<Value>, ClusterError> {
    cluster.get(&CRD.into(), None, name(definition)).await
}

/// Applies one definition, or tries out whether it could be. Gives what the server makes of it.
pub(crate) async fn apply(
    cluster: &Cluster,
    definition: &Value,
    dry_run: bool,
) -> Result<Value, DefinitionsError> {
    let mut mode = ApplyMode { manager: FIELD_MANAGER, takes_over: false, dry_run };
    let refused = |source| DefinitionsError::Refused { name: name(definition).to_owned(), source };
    let first = cluster.apply(&CRD.into(), None, definition, &mode).await;
    let error = match first {
        Ok(applied) => return Ok(applied),
        Err(error) if error.reason() == Some("Conflict") => error,
        Err(error) => return Err(refused(error)),
    };
    let managers = managers(&error.to_string());
    let others: Vec<String> = managers.into_iter().filter(|manager| !is_taken_over(manager)).collect();
    if !others.is_empty() {
        return Err(DefinitionsError::Kept { name: name(definition).to_owned(), managers: others });
    }
    mode.takes_over = true;
    cluster.apply(&CRD.into(), None, definition, &mode).await.map_err(refused)
}

/// Applies all definitions, each established before the next; those that stand already are left alone where the run
/// `goes_on`. `applied` gets the names of those that stand, also where a later one can't be. Once `stop` is requested,
/// no other is begun.
pub(super) async fn apply_all(
    cluster: &Cluster,
    definitions: &[Value],
    goes_on: bool,
    stop: &Stop,
    applied: &mut Vec<String>,
) -> Result<(), DefinitionsError> {
    for definition in definitions {
        if stop.is_requested() {
            return Err(DefinitionsError::Interrupted);
        }
        if !(goes_on && stands(cluster, definition).await?) {
            apply(cluster, definition, false).await?;
        }
        applied.push(name(definition).to_owned());
        tokio::select! {
            // It becomes so by itself.
            () = stop.requested() => return Err(DefinitionsError::Interrupted),
            established = establish(cluster, definition) => established?,
        }
    }
    if !definitions.is_empty() {
        cluster.forget_kinds().await;
    }
    Ok(())
}

/// Whether the cluster has it as it is wanted.
async fn stands(cluster: &Cluster, definition: &Value) -> Result<bool, DefinitionsError> {
    let refused = |source| DefinitionsError::Refused { name: name(definition).to_owned(), source };
    let found = live(cluster, definition).await.map_err(refused)?;
    Ok(found.is_some_and(|found| holds(&found, definition)))
}

async fn establish(cluster: &Cluster, definition: &Value) -> Result<(), DefinitionsError> {
    let name = name(definition).to_owned();
    let deadline = Instant::now() + PATIENCE;
    loop {
        let why = match live(cluster, definition).await {
            Ok(Some(found)) => match readiness(&found) {
                Readiness::Ready => return Ok(()),
                Readiness::Failed(why) => return Err(DefinitionsError::NotEstablished { name, why }),
                Readiness::InProgress(why) => why,
                Readiness::Terminating => "it is being deleted".to_owned(),
            },
            Ok(None) => "it is gone".to_owned(),
            Err(error) if error.may_pass() => error.to_string(),
            Err(source) => return Err(DefinitionsError::Refused { name, source }),
        };
        if Instant::now() > deadline {
            return Err(DefinitionsError::NotEstablished { name, why });
        }
        tokio::time::sleep(PAUSE).await;
    }
}

/// Name of a definition.
pub(crate) fn name(definition: &Value) -> &str {
    definition.pointer("/metadata/name").and_then(Value::as_str).unwrap_or_default()
}

/// The managers that a conflict names: `conflict with "kubectl-client-side-apply" using …`.
pub(super) fn managers(conflict: &str) -> Vec<String> {
    let named = conflict.split(" with \"").skip(1).filter_map(|rest| rest.split('"').next());
    let mut managers: Vec<String> = named.map(str::to_owned).collect();
    managers.sort();
    managers.dedup();
    managers
}

fn is_taken_over(manager: &str) -> bool {
    TAKEN_OVER.iter().any(|ours| manager == *ours || manager.starts_with(&format!("{ours}-")))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn managers_of_a_conflict() {
        let one = "Apply failed with 1 conflict: conflict with \"kubectl-client-side-apply\" using apiextensions.k8s.io/v1: .spec.versions";
        assert_eq!(managers(one), ["kubectl-client-side-apply"]);
        let two = "Apply failed with 2 conflicts: conflicts with \"helm\" using a/v1:\n- .spec.a\nconflicts with \"argo\" using a/v1:\n- .spec.b";
        assert_eq!(managers(two), ["argo", "helm"]);
        let kept: Vec<bool> =
            ["kubectl", "kubectl-edit", "helm", "helmsman", "argo"].map(is_taken_over).into();
        assert_eq!(kept, [true, true, true, false, false]);
    }
}
