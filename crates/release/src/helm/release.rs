//! What Helm does with a release: its values, its rendering, its upgrade and its way back.

use std::ffi::OsString;
use std::path::PathBuf;
use std::time::Duration;

use portolan_registry::Stop;
use serde::{Deserialize, Serialize};

use super::call::{Call, Input, Output};
use super::error::HelmError;
use super::{Helm, flags};
use crate::names::{Namespace, ReleaseName, Revision};
use crate::stored::StoredRelease;

/// A release as Helm's commands name it.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct HelmRelease {
    /// Its name.
    pub name: ReleaseName,
    /// Where it is.
    pub namespace: Namespace,
}

impl HelmRelease {
    /// Names the release that was read from the cluster.
    pub(crate) fn of(release: &StoredRelease) -> Self {
        let named = "because the cluster has a release of that name";
        Self { name: release.name.parse().expect(named), namespace: release.namespace.parse().expect(named) }
    }
}

/// What an upgrade is done with.
#[derive(Clone, Debug)]
pub struct Upgrade {
    /// Whether there is no release yet.
    pub installs: bool,
    /// A chart's folder or archive.
    pub chart: PathBuf,
    /// All overrides, as YAML. Nothing of the release's former ones is added to them.
    pub values: Input,
    /// How long its resources may take until they are ready.
    pub timeout: Duration,
    /// Whether a failure takes the release back to the revision before.
    pub end: UpgradeEnd,
}

/// How an upgrade that fails is to end.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum UpgradeEnd {
    /// At the revision before it.
    #[default]
    RolledBack,
    /// As it is, for somebody to look at.
    AsItIs,
}

/// What Helm prints of a release with `--output json`; all else in it is left alone.
#[derive(Debug, Deserialize)]
struct Printed {
    version: u32,
}

impl Helm {
    /// `helm get values`: the user's own overrides as YAML, `null` where there are none.
    ///
    /// # Errors
    /// [`HelmError`] where Helm fails.
    pub async fn overrides(&self, release: &HelmRelease) -> Result<Vec<u8>, HelmError> {
        Ok(self.get(release, &["values", "--output", "yaml"]).await?.bytes)
    }

    /// `helm get values --all`: everything that the templates see, as YAML.
    ///
    /// # Errors
    /// [`HelmError`] where Helm fails.
    pub async fn all_values(&self, release: &HelmRelease) -> Result<Vec<u8>, HelmError> {
        Ok(self.get(release, &["values", "--all", "--output", "yaml"]).await?.bytes)
    }

    async fn get(&self, release: &HelmRelease, what: &[&str]) -> Result<Output, HelmError> {
        let HelmRelease { name, namespace } = release;
        let doing = format!("reading the values of {name} in {namespace}");
        let call = self.on_cluster(doing, &["get"]).with(what);
        call.with(["--namespace", namespace.as_str(), name.as_str()]).run().await
    }

    /// Upgrades, and waits until all is ready. Once `stop` is requested, Helm is asked to stop, and what it does then
    /// is waited for: it marks the release failed, and takes it back where it was told to.
    ///
    /// Gives the revision that stands afterwards.
    ///
    /// # Errors
    /// [`HelmError`] in Helm's words. With [`UpgradeEnd::RolledBack`] the release is back at the revision before
    /// then, unless its words say otherwise.
    pub async fn upgrade(
        &self,
        release: &HelmRelease,
        upgrade: &Upgrade,
        stop: &Stop,
    ) -> Result<Revision, HelmError> {
        let HelmRelease { name, namespace } = release;
        let doing = format!("upgrading {name} in {namespace}");
        let call = self.changing(release, doing.clone(), &["upgrade", name.as_str()])?.with([&upgrade.chart]);
        let call = call.with(["--namespace", namespace.as_str()]).with(self.upgrade_flags(upgrade));
        let printed: Printed = call.input(upgrade.values.clone()).until(stop).run().await?.json()?;
        revision(printed.version, doing)
    }

    fn upgrade_flags(&self, upgrade: &Upgrade) -> Vec<OsString> {
        let mut flags: Vec<OsString> =
            ["--values", "-", "--reset-values", "--wait", "--wait-for-jobs", "--output", "json", "--timeout"]
                .map(OsString::from)
                .into();
        flags.push(seconds(upgrade.timeout).into());
        if upgrade.installs {
            flags.push("--install".into());
        }
        if upgrade.end == UpgradeEnd::RolledBack {
            flags.push(flags::roll_back_on_failure(self.version.line()).into());
        }
        flags
    }

    /// Takes the release back to a revision, and waits until all is ready.
    ///
    /// # Errors
    /// [`HelmError`] in Helm's words.
    pub async fn roll_back(
        &self,
        release: &HelmRelease,
        revision: Revision,
        timeout: Duration,
    ) -> Result<(), HelmError> {
        let call = self.rolling_back(release, revision, timeout)?;
        call.with(["--wait", "--wait-for-jobs"]).run().await.map(drop)
    }

    /// The same for a revision that only stands on the way to another one: it need not become ready. `timeout` is what
    /// each of its hooks may take.
    ///
    /// # Errors
    /// [`HelmError`] in Helm's words.
    pub(crate) async fn pass_through(
        &self,
        release: &HelmRelease,
        revision: Revision,
        timeout: Duration,
    ) -> Result<(), HelmError> {
        self.rolling_back(release, revision, timeout)?.run().await.map(drop)
    }

    fn rolling_back(
        &self,
        release: &HelmRelease,
        revision: Revision,
        timeout: Duration,
    ) -> Result<Call, HelmError> {
        let HelmRelease { name, namespace } = release;
        let doing = format!("rolling {name} in {namespace} back to revision {revision}");
        let call = self.changing(release, doing, &["rollback", name.as_str(), &revision.to_string()])?;
        Ok(call.with(["--namespace", namespace.as_str(), "--timeout", &seconds(timeout)]))
    }
}

impl Helm {
    /// Takes a release away, with all that it made, and waits until it is gone.
    ///
    /// # Errors
    /// [`HelmError`] in Helm's words.
    pub async fn uninstall(&self, release: &HelmRelease, timeout: Duration) -> Result<(), HelmError> {
        let HelmRelease { name, namespace } = release;
        let call = self.changing(
            release,
            format!("taking {name} in {namespace} away"),
            &["uninstall", name.as_str()],
        )?;
        let call = call.with(["--namespace", namespace.as_str(), "--wait", "--timeout", &seconds(timeout)]);
        call.run().await.map(drop)
    }
}

fn revision(number: u32, doing: String) -> Result<Revision, HelmError> {
    Revision::new(number)
        .ok_or_else(|| HelmError::Json { doing, source: serde::de::Error::custom("revision 0") })
}

/// A time as Go reads it.
fn seconds(time: Duration) -> String {
    format!("{}s", time.as_secs().max(1))
}
