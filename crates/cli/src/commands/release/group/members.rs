//! Which releases of the cluster a file's components are.

use portolan_chart::ChartVersion;
use portolan_release::group::{self, Installed, LeftOut, Selection, WhyLeftOut};
use portolan_release::upgrade::Prepared;
use portolan_release::{Cluster, Namespace, releases};

use crate::commands::release::access::releases_failed;
use crate::config::Component;
use crate::failure::{Exit, Failure};

/// Selects those that are enabled, installed, and of an older version than the file wants. `taken_for` has what is
/// there, and gives what it is taken for.
pub(super) async fn select(
    cluster: &Cluster,
    components: &[&Component],
    namespace: Option<&Namespace>,
    taken_for: impl FnOnce(Vec<Installed>) -> Vec<Installed>,
) -> Result<Selection, Failure> {
    let wanted = wanted(components)?;
    let there = releases(cluster, namespace).await.map_err(|error| releases_failed(&error))?;
    let installed = taken_for(there.iter().filter_map(Installed::of).collect());
    group::select(&wanted, &installed).map_err(|problems| {
        let message = "it is not clear which releases the components are";
        let parts = problems.iter().map(ToString::to_string).collect();
        let failure = Failure { exit: Exit::Usage, parts, ..Failure::failed(message) };
        failure
            .with_hint("name them in the file: releases: {COMPONENT: {release: NAME, namespace: NAMESPACE}}")
    })
}

/// The components as they are looked for; those whose version is no chart's are told at once.
fn wanted(components: &[&Component]) -> Result<Vec<group::Component>, Failure> {
    let mut parts = Vec::new();
    let wanted = components.iter().map(|component| {
        let version = component.version.as_deref().map(str::parse::<ChartVersion>).transpose();
        if let (Err(error), true) = (&version, component.enabled) {
            parts.push(format!("{}: {error}", component.name));
        }
        let place = component.place.clone();
        group::Component {
            name: component.name.clone(),
            is_enabled: component.enabled,
            version: version.ok().flatten(),
            chart: place.chart,
            release: place.release,
            namespace: place.namespace,
        }
    });
    let wanted = wanted.collect();
    match parts.is_empty() {
        true => Ok(wanted),
        false => {
            let message = "versions of the file are none of charts";
            let failure = Failure { exit: Exit::Usage, parts, ..Failure::failed(message) };
            Err(failure.with_hint("helmVersion is the version of a component's chart"))
        }
    }
}

/// A member that is of the newest version already.
pub(super) fn present(component: &Component, prepared: &Prepared) -> LeftOut {
    let why = WhyLeftOut::Present(prepared.version().to_string());
    LeftOut { component: component.name.clone(), why }
}

/// What went wrong, with whom.
pub(super) fn of_member(component: &Component, failure: Failure) -> Failure {
    let message = format!("{}: {}", component.name, failure.message);
    Failure { message, ..failure }
}
