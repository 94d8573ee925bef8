//! `spec.imagesAndCharts`: the registry and the chart repository of a cluster.

use portolan_chart::PrefixRegistry;
use portolan_registry::Credentials;
use secrecy::{ExposeSecret, SecretString};
use serde_saphyr::Spanned;

use super::super::credentials::{self, GivenLogin};
use super::super::file::Key;
use super::super::hosts::{split_scheme, without_login};
use super::super::problems::line;
use super::super::resolve::Context;
use super::super::settings::{ChartSettings, FirstUse, PushAddress, SchemeChoice};
use super::file::{ImagesAndCharts, value};
use super::{builtin, charts};

/// Where images and charts of an import go.
pub(super) struct Destination {
    pub(super) address: PushAddress,
    /// What charts name: the registry, with a path where the configuration has one.
    pub(super) prefix: PrefixRegistry,
    pub(super) login: Option<Credentials>,
    pub(super) charts: ChartSettings,
    pub(super) first_use: FirstUse,
}

/// What `type` says.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Kind {
    Builtin,
    External,
}

const TYPE: &str = "spec.imagesAndCharts.type";
const IMAGES: &str = "spec.imagesAndCharts.externalImageRepo";

/// The destination; `None` where a problem was noted.
pub(super) fn resolve(file: &builtin::Surroundings<'_>, context: &mut Context<'_>) -> Option<Destination> {
    let none = ImagesAndCharts::default();
    let section = file.spec.images_and_charts.as_ref().unwrap_or(&none);
    match kind(&section.kind, context)? {
        Kind::Builtin => builtin::resolve(file, section, context),
        Kind::External => external(section, context),
    }
}

fn kind(key: &Key<String>, context: &mut Context<'_>) -> Option<Kind> {
    let Some(kind) = value(key) else {
        let note = "no `spec.imagesAndCharts.type` is there, so `builtin` is taken: the registry and the chart repository on the bootstrap node";
        context.notes.push(note.to_owned());
        return Some(Kind::Builtin);
    };
    match kind.value.as_str() {
        "builtin" => Some(Kind::Builtin),
        "external" => Some(Kind::External),
        "official-service" => {
            let reason = "with `official-service` the cluster takes images and charts from their maker's servers, where nothing can be imported: `builtin` or `external` is expected";
            context.problems.invalid(TYPE, line(kind), reason);
            None
        }
        other => {
            let reason = format!("{other:?} is none of builtin, external, official-service");
            context.problems.invalid(TYPE, line(kind), reason);
            None
        }
    }
}

/// Problems of images and charts are noted both.
fn external(section: &ImagesAndCharts, context: &mut Context<'_>) -> Option<Destination> {
    let images = images(section, context);
    let login = images_login(section, context);
    let charts = charts::external(section, context);
    let (address, prefix) = images?;
    Some(Destination { address, prefix, login, charts: charts?, first_use: FirstUse::Refuse })
}

fn images(section: &ImagesAndCharts, context: &mut Context<'_>) -> Option<(PushAddress, PrefixRegistry)> {
    let Some(repo) = value(&section.external_image_repo) else {
        context
            .problems
            .missing(IMAGES, "it says which registry the images go to, as in https://10.6.135.222");
        return None;
    };
    let (scheme, prefix) = context.problems.accept(IMAGES, line(repo), parse(repo))?;
    let scheme = scheme.unwrap_or_else(|| context.hosts.scheme_of(&prefix.host, context.overrides.tls.trust));
    Some((PushAddress { host: prefix.host.clone(), scheme }, prefix))
}

/// `http(s)://HOST[:PORT][/PATH]`, or the same without a scheme.
fn parse(repo: &Spanned<String>) -> Result<(Option<SchemeChoice>, PrefixRegistry), String> {
    let (scheme, rest) = split_scheme(without_login(repo.value.trim())?)?;
    let prefix = rest.trim_end_matches('/').parse().map_err(|error| format!("{error}"))?;
    Ok((scheme, prefix))
}

fn images_login(section: &ImagesAndCharts, context: &mut Context<'_>) -> Option<Credentials> {
    let written = given(&section.external_image_repo_username, section.external_image_repo_password.as_ref());
    let flags = &context.overrides.logins.registry;
    credentials::login(
        &credentials::CLUSTER_IMAGES,
        flags,
        written,
        context.environment,
        &mut context.problems,
    )
}

/// A login as the file has it, where empty texts stand for nothing.
pub(super) fn given(username: &Key<String>, password: Option<&SecretString>) -> GivenLogin {
    GivenLogin {
        username: value(username).map(|name| name.value.clone()),
        password: password.filter(|password| !password.expose_secret().is_empty()).cloned(),
    }
}
