//! Type `builtin`: a registry and a ChartMuseum on the bootstrap node, as the installer sets them up.

use portolan_oci::RegistryHost;
use portolan_registry::Credentials;
use url::Host;

use super::super::credentials::{self, GivenLogin};
use super::super::resolve::{self, Context};
use super::super::settings::{
    ChartPlaces, ChartSettings, FirstUse, MuseumAddress, PushAddress, SchemeChoice, Trust,
};
use super::ClusterNode;
use super::bootstrap::{self, Bootstrap};
use super::destination::{Destination, given};
use super::file::{ImagesAndCharts, Spec};

/// The user and password that the installer gives both servers. They are in its public documentation.
const USERNAME: &str = "rootuser";
const PASSWORD: &str = "rootpass123";

/// The port that `https://` needs not name.
const HTTPS_PORT: u16 = 443;

/// What the section stands in.
pub(super) struct Surroundings<'a> {
    pub(super) spec: &'a Spec,
    pub(super) nodes: &'a [ClusterNode],
}

/// Registry and chart repository of the bootstrap node; `None` where a problem was noted.
pub(super) fn resolve(
    file: &Surroundings<'_>,
    section: &ImagesAndCharts,
    context: &mut Context<'_>,
) -> Option<Destination> {
    let bootstrap = bootstrap::resolve(file.spec, file.nodes, &mut context.problems, &mut context.notes);
    let (images, charts) = logins(section, context);
    let Bootstrap { host, registry_port, charts_port } = bootstrap?;
    let address = registry(registry_host(&host, registry_port, context)?, context);
    let museum = museum(registry_host(&host, charts_port, context)?, context);
    let prefix = portolan_chart::PrefixRegistry { host: address.host.clone(), path: None };
    let places = ChartPlaces::Museum(MuseumAddress::Host(museum));
    let charts = ChartSettings { places, oci: None, login: charts };
    Some(Destination { address, prefix, login: images, charts, first_use: first_use(context) })
}

/// The host as image references and URLs have it.
fn registry_host(host: &Host<String>, port: u16, context: &mut Context<'_>) -> Option<RegistryHost> {
    let text = if port == HTTPS_PORT { host.to_string() } else { format!("{host}:{port}") };
    context.problems.accept("spec.bootstrapNode", None, text.parse())
}

/// It speaks TLS, also on this machine, unless the configuration names it otherwise.
fn registry(host: RegistryHost, context: &Context<'_>) -> PushAddress {
    let unsaid = match context.overrides.tls.trust {
        Trust::AcceptAny => SchemeChoice::Either,
        Trust::Verify => SchemeChoice::Https,
    };
    let scheme = context.hosts.said_of(&host).unwrap_or(unsaid);
    PushAddress { host, scheme }
}

/// It speaks either; a login goes in the clear to this machine alone, unless that is asked for.
fn museum(host: RegistryHost, context: &Context<'_>) -> PushAddress {
    let unsaid = match context.overrides.tls.trust {
        Trust::Verify if !host.is_loopback() => SchemeChoice::Https,
        Trust::AcceptAny | Trust::Verify => SchemeChoice::Either,
    };
    let scheme = context.hosts.said_of(&host).unwrap_or(unsaid);
    PushAddress { host, scheme }
}

/// Flags and variables, else the keys that are meant for the external ones, else the installer's own.
fn logins(
    section: &ImagesAndCharts,
    context: &mut Context<'_>,
) -> (Option<Credentials>, Option<Credentials>) {
    let or_usual = |login: GivenLogin| match (&login.username, &login.password) {
        (None, None) => GivenLogin { username: Some(USERNAME.to_owned()), password: Some(PASSWORD.into()) },
        _ => login,
    };
    let images =
        or_usual(given(&section.external_image_repo_username, section.external_image_repo_password.as_ref()));
    let charts =
        or_usual(given(&section.external_chart_repo_username, section.external_chart_repo_password.as_ref()));
    let (flags, environment) = (&context.overrides.logins, context.environment);
    let problems = &mut context.problems;
    let images =
        credentials::login(&credentials::CLUSTER_IMAGES, &flags.registry, images, environment, problems);
    let charts =
        credentials::login(&credentials::CLUSTER_CHARTS, &flags.charts, charts, environment, problems);
    (images, charts)
}

/// The installer makes the certificate itself, so nobody known vouches for it.
fn first_use(context: &Context<'_>) -> FirstUse {
    FirstUse::Ask { known: resolve::accepted_certificates(context.environment) }
}
