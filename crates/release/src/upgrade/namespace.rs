//! The namespace of a release that is to be installed: made first, where there is none, as Helm's `--create-namespace`
//! makes it. It is made by itself and not by Helm, so that the run can keep others out before Helm is called.

mod way_back;

use std::collections::BTreeSet;

use portolan_chart::RenderedObject;
use serde_json::json;

use super::error::UpgradeError;
use crate::cluster::{Cluster, ClusterError, NAMESPACE};
use crate::event::Step;
use crate::names::Namespace;
use crate::run::Run;
pub(super) use way_back::take_back;

/// Whether there is none of that name. Where the right to ask lacks, there is taken to be one.
pub(super) async fn lacks(cluster: &Cluster, name: &Namespace) -> Result<bool, ClusterError> {
    match cluster.get(&NAMESPACE.into(), None, name.as_str()).await {
        Err(ClusterError::Forbidden { .. }) => Ok(false),
        found => Ok(found?.is_none()),
    }
}

/// The namespaces that are there only once the upgrade has begun: the release's own, and those that the chart makes.
pub(super) fn to_come(release: &str, makes_namespace: bool, objects: &[RenderedObject]) -> BTreeSet<String> {
    let made = objects.iter().map(|object| &object.name);
    let made = made.filter(|name| name.kind == "Namespace" && name.api_version == "v1");
    let own = makes_namespace.then(|| release.to_owned());
    made.map(|name| name.name.clone()).chain(own).collect()
}

/// Makes it, as a step of the run. One that somebody else has made meanwhile is as good.
pub(super) async fn make(cluster: &Cluster, name: &Namespace, run: &Run<'_>) -> Result<(), UpgradeError> {
    let name = name.as_str();
    // The label is Helm's.
    let object = json!({
        "apiVersion": "v1",
        "kind": "Namespace",
        "metadata": {"name": name, "labels": {"name": name}},
    });
    let making = async {
        match cluster.create(&NAMESPACE.into(), None, &object).await {
            Err(error) if error.reason() == Some("AlreadyExists") => Ok(format!("{name} is there")),
            made => Ok::<_, UpgradeError>(made.map(|_| name.to_owned())?),
        }
    };
    run.step(Step::Namespace, making, String::clone).await.map(drop)
}
