//! What Helm would make of a release, rendered as it would render it for this cluster.
//!
//! Helm asks the cluster while it renders: for its version, for the kinds that it knows, and for what templates
//! look up. It then also looks every object's kind up, and fails where a chart has objects of a kind whose
//! definition comes with the same chart. There it is rendered once more without the cluster, with version and
//! kinds given as flags.

use super::call::Call;
use super::error::HelmError;
use super::release::{HelmRelease, Upgrade};
use super::{Helm, flags};
use crate::cluster::{Cluster, ClusterError};

/// What Helm says of a kind that the cluster doesn't know.
const UNKNOWN_KIND: [&str; 2] = ["no matches for kind", "resource mapping not found"];
/// What a reader should know of a chart that was rendered without the cluster.
const NOTE: &str = "the chart has objects of kinds that its own definitions bring, so it was rendered without the \
                    cluster: what its templates look up there was empty";

impl Helm {
    /// What an upgrade would make of the release, as YAML documents: hooks and the definitions of `crds/`
    /// included, each document with the file that it comes from. Nothing is written. A note comes with it where
    /// the cluster could not be asked.
    ///
    /// # Errors
    /// [`HelmError`] where the chart can't be rendered.
    pub async fn render(
        &self,
        release: &HelmRelease,
        upgrade: &Upgrade,
        cluster: &Cluster,
    ) -> Result<(String, Option<String>), HelmError> {
        let asking = self.template(release, upgrade).with(flags::render_with_cluster(&self.version));
        let error = match asking.run().await {
            Ok(output) => return Ok((output.text()?, None)),
            Err(error) => error,
        };
        let is_unknown = error.said().is_some_and(|said| UNKNOWN_KIND.iter().any(|word| said.contains(word)));
        let Some(given) = (if is_unknown { capabilities(cluster).await.ok() } else { None }) else {
            return Err(error);
        };
        let alone = self.template(release, upgrade).with(given).run().await?;
        Ok((alone.text()?, Some(NOTE.to_owned())))
    }

    fn template(&self, release: &HelmRelease, upgrade: &Upgrade) -> Call {
        let HelmRelease { name, namespace } = release;
        let doing = format!("rendering {} for {name}", upgrade.chart.display());
        let call = self.on_cluster(doing, &["template", name.as_str()]).with([&upgrade.chart]);
        let call = call.with(["--namespace", namespace.as_str(), "--include-crds"]);
        let call = call.with((!upgrade.installs).then_some("--is-upgrade"));
        call.with(["--values", "-"]).input(upgrade.values.clone())
    }
}

/// The cluster's version and kinds, as flags.
async fn capabilities(cluster: &Cluster) -> Result<Vec<String>, ClusterError> {
    let mut flags = vec!["--kube-version".to_owned(), cluster.version().await?];
    for kind in cluster.all_kinds().await? {
        flags.extend(["--api-versions".to_owned(), kind]);
    }
    Ok(flags)
}
