//! The external chart repository of a cluster.

use portolan_chartrepo::Target;
use portolan_registry::Credentials;
use serde_saphyr::Spanned;
use url::Url;

use super::super::ProblemKind;
use super::super::credentials;
use super::super::problems::line;
use super::super::resolve::Context;
use super::super::resolve::charts::{host_with_port, refusal};
use super::super::settings::{ChartPlaces, ChartSettings, MuseumAddress, PushAddress, SchemeChoice};
use super::destination::given;
use super::file::{ImagesAndCharts, value};

const TYPE: &str = "spec.imagesAndCharts.externalChartRepoType";
const REPO: &str = "spec.imagesAndCharts.externalChartRepo";

/// What is written there; `None` where a problem was noted.
pub(super) fn external(section: &ImagesAndCharts, context: &mut Context<'_>) -> Option<ChartSettings> {
    let login = login(section, context);
    let kind = value(&section.external_chart_repo_type);
    if kind.is_none() {
        context.problems.missing(TYPE, "one of chartmuseum, harbor, oci");
    }
    let repo = value(&section.external_chart_repo);
    if repo.is_none() {
        context.problems.missing(REPO, "it says where the charts go, as in https://charts.example.com");
    }
    let (places, oci) = places(kind?, repo, context)?;
    Some(ChartSettings { places, oci, login })
}

fn login(section: &ImagesAndCharts, context: &mut Context<'_>) -> Option<Credentials> {
    let written = given(&section.external_chart_repo_username, section.external_chart_repo_password.as_ref());
    let flags = &context.overrides.logins.charts;
    credentials::login(
        &credentials::CLUSTER_CHARTS,
        flags,
        written,
        context.environment,
        &mut context.problems,
    )
}

/// The places, and for charts in a registry which one.
type Places = (ChartPlaces, Option<PushAddress>);

fn places(
    kind: &Spanned<String>,
    repo: Option<&Spanned<String>>,
    context: &mut Context<'_>,
) -> Option<Places> {
    let places: fn(&Url, &mut Context<'_>) -> Result<Places, String> = match kind.value.as_str() {
        "chartmuseum" => museum,
        "harbor" => harbor,
        "oci" => oci,
        "jfrog" => {
            context.problems.add(&format!("{TYPE}: jfrog"), line(kind), ProblemKind::Later);
            return None;
        }
        other => {
            let reason = format!("{other:?} is none of chartmuseum, harbor, oci, jfrog");
            context.problems.invalid(TYPE, line(kind), reason);
            return None;
        }
    };
    let repo = repo?;
    let schemes: &[&str] = if kind.value == "oci" { &["oci", "http", "https"] } else { &["http", "https"] };
    let url = context.problems.accept(REPO, line(repo), url(&repo.value, schemes))?;
    let places = places(&url, context);
    context.problems.accept(REPO, line(repo), places)
}

fn url(text: &str, schemes: &[&str]) -> Result<Url, String> {
    let url = Url::parse(text.trim()).map_err(|error| format!("{error}"))?;
    match refusal(&url, schemes) {
        Some(reason) => Err(reason),
        None if url.query().is_some() || url.fragment().is_some() => {
            Err("a query or fragment is of no use in it".to_owned())
        }
        None => Ok(url),
    }
}

fn museum(url: &Url, _: &mut Context<'_>) -> Result<Places, String> {
    Ok((ChartPlaces::Museum(MuseumAddress::Url(trimmed(url))), None))
}

/// The project is named by the path, also without the `chartrepo` that Harbor puts before it; else by the
/// folder of each chart.
fn harbor(url: &Url, _: &mut Context<'_>) -> Result<Places, String> {
    let root = root(url);
    let places = match segments(url)[..] {
        [] | ["chartrepo"] => ChartPlaces::HarborProjects { url: root },
        [project] | ["chartrepo", project] => {
            ChartPlaces::One(Target::Harbor { url: format!("{root}/chartrepo/{project}") })
        }
        _ => {
            let expected = format!("{root} or {root}/chartrepo/PROJECT");
            return Err(format!("it is no chart repository of a Harbor: {expected} is expected"));
        }
    };
    Ok((places, None))
}

/// The path stands before the charts' names; where there is none, the folder of each chart does.
fn oci(url: &Url, context: &mut Context<'_>) -> Result<Places, String> {
    let host = host_with_port(url).parse().map_err(|error| format!("{error}"))?;
    let scheme = match url.scheme() {
        "http" => SchemeChoice::Http,
        "https" => SchemeChoice::Https,
        _ => context.hosts.scheme_of(&host, context.overrides.tls.trust),
    };
    let places = match segments(url)[..] {
        [] => ChartPlaces::OciProjects { url: root(url) },
        _ => ChartPlaces::One(Target::Oci { url: trimmed(url) }),
    };
    Ok((places, Some(PushAddress { host, scheme })))
}

fn segments(url: &Url) -> Vec<&str> {
    url.path().split('/').filter(|segment| !segment.is_empty()).collect()
}

fn trimmed(url: &Url) -> String {
    url.as_str().trim_end_matches('/').to_owned()
}

/// Scheme and host alone.
fn root(url: &Url) -> String {
    format!("{}://{}", url.scheme(), host_with_port(url))
}
