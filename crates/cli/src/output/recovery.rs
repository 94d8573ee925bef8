//! A release that is stuck, and what became of it.

use portolan_release::{Holding, ObjectHolding, RecoverPlan, Recovered, ReleaseName, Status};
use serde::Serialize;

use super::style::Style;
use super::unready;

/// Version of the document's shape; raised when a member changes its meaning or goes away.
const RECOVERY_VERSION: u32 = 1;

/// What `--dry-run --output json` prints.
#[derive(Debug, Serialize)]
#[serde(rename_all = "camelCase")]
pub struct Recovery<'a> {
    recovery_version: u32,
    release: &'a str,
    namespace: &'a str,
    revision: u32,
    status: Status,
    since: &'a str,
    #[serde(skip_serializing_if = "Option::is_none")]
    holder: Option<&'a str>,
    objects: &'a [ObjectHolding],
    #[serde(skip_serializing_if = "Option::is_none")]
    to: Option<u32>,
}

/// The document of `--output json`.
#[must_use]
pub fn document(plan: &RecoverPlan) -> Recovery<'_> {
    Recovery {
        recovery_version: RECOVERY_VERSION,
        release: &plan.now.name,
        namespace: &plan.now.namespace,
        revision: plan.now.version,
        status: plan.now.info.status,
        since: &plan.now.info.last_deployed,
        holder: plan.holder.as_deref(),
        objects: &plan.objects,
        to: plan.to.as_ref().map(|to| to.version),
    }
}

/// What was broken off, what the objects hold, and where the release would go.
#[must_use]
pub fn plan(plan: &RecoverPlan, style: Style) -> String {
    let RecoverPlan { now, to, goes_on, holder, objects, .. } = plan;
    let chart = &now.chart.metadata;
    let head = format!(
        "{} in {} is {} at revision {} ({} {}) since {}",
        now.name,
        now.namespace,
        now.info.status,
        now.version,
        chart.name,
        chart.version,
        now.info.last_deployed
    );
    let mut lines = vec![style.bold(head)];
    lines.extend(holder.iter().map(|holder| format!("  its lease is of {holder}")));
    if *goes_on {
        lines.push("  a recovery that was broken off stands there, on its way".to_owned());
    }
    lines.extend(objects.iter().map(|one| object(one, style)));
    lines.push(match to {
        Some(to) if to.version == now.version => "on to that revision".to_owned(),
        Some(to) => {
            let chart = &to.chart.metadata;
            format!("back to revision {} ({} {})", to.version, chart.name, chart.version)
        }
        None => "there is no good revision before it: the release is taken away".to_owned(),
    });
    lines.join("\n")
}

fn object(one: &ObjectHolding, style: Style) -> String {
    let words = match one.holding {
        Holding::Same => style.dim("holds what both say"),
        Holding::Old => style.warn("holds the old"),
        Holding::New => style.warn("holds the new"),
        Holding::Neither => style.warn("holds neither the old nor the new as it is written"),
        Holding::Lacks => style.bad("is gone"),
        Holding::NotYet => style.warn("is not made yet"),
    };
    format!("  {} {words}", one.object)
}

/// What stands now.
#[must_use]
pub fn recovered(recovered: &Recovered, release: &ReleaseName, style: Style) -> String {
    let Recovered { from, was, to, version, revision, verified, lease_left } = recovered;
    let before = match was {
        Some(was) => format!("{from} was {was}"),
        None => "an earlier recovery had brought it there".to_owned(),
    };
    let mut lines = vec![match (to, version, revision, was) {
        (Some(to), Some(version), Some(revision), _) => {
            format!("revision {revision} stands, which is revision {to} again (version {version}); {before}")
        }
        (.., Some(was)) => format!("{release} was {was} and never good: it is taken away"),
        (.., None) => format!("there is no release {release} any more: an earlier recovery took it away"),
    }];
    lines.extend(lease_left.iter().map(|lease| format!("  {lease}")));
    if let Some(verified) = verified {
        lines.extend(unready::lines(&verified.unready, style));
    }
    lines.join("\n")
}
