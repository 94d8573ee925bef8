//! Paths of the chart repository: ChartMuseum's at the root and per project, and Harbor's
//! `/chartrepo/PROJECT` and `/api/chartrepo/PROJECT` (formats.md, section 6).

use axum::http::Method;

use super::query::Query;
use super::{ChartCall, HarborChartCall, ParseError, Request, only_get, reads};
use crate::names::{ChartStem, ProjectName, Tenant};
use crate::options::Existing;

/// Reads a path that is neither the registry's nor Harbor's projects'.
///
/// `charts` is no project's name, so `/api/charts/…` and `/charts/…` are always the root's.
pub(super) fn parse(method: &Method, segments: &[&str], query: &Query) -> Result<Request, ParseError> {
    match segments {
        ["api", "chartrepo", project, rest @ ..] => harbor(method, named(project)?, rest, query),
        ["api", "charts", ..] | ["api", "prov"] => api(method, Tenant::Root, &segments[1..], query),
        ["api", project, rest @ ..] => api(method, named(project)?, rest, query),
        ["chartrepo", project, rest @ ..] => files(method, named(project)?, rest),
        ["index.yaml"] | ["charts", _] => files(method, Tenant::Root, segments),
        [project, rest @ ..] => files(method, named(project)?, rest),
        [] => Err(ParseError::UnknownPath),
    }
}

/// What a client writes and asks: below `/api/`.
fn api(method: &Method, tenant: Tenant, rest: &[&str], query: &Query) -> Result<Request, ParseError> {
    let existing = if query.has("force") { Existing::Replace } else { Existing::Keep };
    let call = match (method, rest) {
        (&Method::POST, ["charts"]) => ChartCall::Upload(existing),
        (&Method::POST, ["prov"]) => ChartCall::UploadProvenance(existing),
        (&Method::DELETE, ["charts", name, version]) => {
            ChartCall::Delete((*name).to_owned(), (*version).to_owned())
        }
        (_, ["charts"]) if reads(method) => ChartCall::List(query.chart_page()?),
        (_, ["charts", name]) if reads(method) => ChartCall::Versions((*name).to_owned()),
        (_, ["charts", name, version]) if reads(method) => {
            ChartCall::Version((*name).to_owned(), (*version).to_owned())
        }
        _ => return Err(ParseError::UnknownPath),
    };
    Ok(Request::Charts(tenant, call))
}

/// What Harbor answers itself; uploads it hands on to its ChartMuseum.
fn harbor(method: &Method, tenant: Tenant, rest: &[&str], query: &Query) -> Result<Request, ParseError> {
    let call = match (method, rest) {
        (_, ["charts"]) if reads(method) => HarborChartCall::List,
        (_, ["charts", name]) if reads(method) => HarborChartCall::Versions((*name).to_owned()),
        (_, ["charts", name, version]) if reads(method) => {
            HarborChartCall::Version((*name).to_owned(), (*version).to_owned())
        }
        (&Method::DELETE, ["charts", name]) => HarborChartCall::DeleteChart((*name).to_owned()),
        (&Method::DELETE, ["charts", name, version]) => {
            HarborChartCall::DeleteVersion((*name).to_owned(), (*version).to_owned())
        }
        _ => return api(method, tenant, rest, query),
    };
    Ok(Request::Charts(tenant, ChartCall::Harbor(call)))
}

/// What Helm reads: the index and the files it names.
fn files(method: &Method, tenant: Tenant, rest: &[&str]) -> Result<Request, ParseError> {
    let call = match rest {
        ["index.yaml"] => ChartCall::Index,
        // A real ChartMuseum has no HEAD for chart files: 404 even where GET answers 200.
        ["charts", _] if method == Method::HEAD => return Err(ParseError::UnknownPath),
        ["charts", file] => download(file)?,
        _ => return Err(ParseError::UnknownPath),
    };
    only_get(method, Request::Charts(tenant, call))
}

fn download(file: &str) -> Result<ChartCall, ParseError> {
    let stem = |text: &str| text.parse::<ChartStem>().map_err(|_| ParseError::UnknownPath);
    if let Some(text) = file.strip_suffix(".tgz.prov") {
        return stem(text).map(ChartCall::Provenance);
    }
    let text = file.strip_suffix(".tgz").ok_or(ParseError::UnknownPath)?;
    stem(text).map(ChartCall::Download)
}

fn named(project: &str) -> Result<Tenant, ParseError> {
    project.parse::<ProjectName>().map(Tenant::Project).map_err(|_| ParseError::UnknownPath)
}
