//! `target.repo`: kind, place and login of the chart repository.

use std::path::PathBuf;

use portolan_chartrepo::Target as ChartTarget;
use serde_saphyr::Spanned;
use url::Url;

use super::super::ProblemKind;
use super::super::credentials::{self, GivenLogin};
use super::super::file::{Auth, Key, Repo, RepoKind, Target};
use super::super::problems::{Problems, line};
use super::super::settings::{ChartPlaces, ChartSettings, PushAddress, SchemeChoice};
use super::Context;
use super::repo::refuse_index_keys;

/// `target.repoName` where the file has none.
pub(in super::super) const DEFAULT_REPO_NAME: &str = "myrepo";

/// The name that READMEs are given for the repository.
pub(super) fn repository_name(target: &Target) -> String {
    target.repo_name.as_ref().map_or_else(|| DEFAULT_REPO_NAME.to_owned(), |name| name.value.clone())
}

/// `target.repo`; `None` where a problem was noted.
pub(super) fn resolve(repo: Key<Repo>, context: &mut Context<'_>) -> Option<ChartSettings> {
    let Some(repo) = repo else {
        context.problems.missing("target.repo", "it says where the charts go (kind, and url or path)");
        return None;
    };
    refuse_index_keys(&repo.value, &mut context.problems);
    let place = place(&repo, context);
    let login = login(repo.value, context);
    let (target, oci) = place?;
    Some(ChartSettings { places: ChartPlaces::One(target), oci, login })
}

fn login(repo: Repo, context: &mut Context<'_>) -> Option<portolan_registry::Credentials> {
    let auth = repo.auth.map_or_else(Auth::default, |auth| auth.value);
    let written = GivenLogin { username: auth.username.map(|name| name.value), password: auth.password };
    let flags = &context.overrides.logins.charts;
    credentials::login(&credentials::TARGET_REPO, flags, written, context.environment, &mut context.problems)
}

/// Kind and place, and for kind OCI the registry.
type Place = (ChartTarget, Option<PushAddress>);

fn place(repo: &Spanned<Repo>, context: &mut Context<'_>) -> Option<Place> {
    let Some(kind) = &repo.value.kind else {
        context.problems.missing("target.repo.kind", "one of CHARTMUSEUM, HARBOR, OCI, LOCAL");
        return None;
    };
    match kind.value {
        RepoKind::Local => local(&repo.value, &mut context.problems),
        RepoKind::Oci => oci(&repo.value, context),
        RepoKind::ChartMuseum => {
            web(&repo.value, context).map(|url| (ChartTarget::ChartMuseum { url }, None))
        }
        RepoKind::Harbor => web(&repo.value, context).map(|url| (ChartTarget::Harbor { url }, None)),
        RepoKind::Jfrog => refuse(kind, ProblemKind::Later, "target.repo.kind: JFROG", context),
        RepoKind::Helm => {
            let reason =
                "HELM repositories are read only; charts are written to CHARTMUSEUM, HARBOR, OCI or LOCAL";
            refuse(kind, ProblemKind::Invalid { reason: reason.to_owned() }, "target.repo.kind", context)
        }
    }
}

fn refuse(
    kind: &Spanned<RepoKind>,
    problem: ProblemKind,
    key: &str,
    context: &mut Context<'_>,
) -> Option<Place> {
    context.problems.add(key, line(kind), problem);
    None
}

fn local(repo: &Repo, problems: &mut Problems) -> Option<Place> {
    if let Some(url) = &repo.url {
        problems.invalid("target.repo.url", line(url), "a LOCAL repository has a `path` and no `url`");
    }
    let Some(path) = &repo.path else {
        problems.missing("target.repo.path", "a LOCAL repository is a directory");
        return None;
    };
    Some((ChartTarget::Local { path: PathBuf::from(&path.value) }, None))
}

/// The URL of a repository that is spoken to over HTTP.
fn web(repo: &Repo, context: &mut Context<'_>) -> Option<String> {
    let url = url_key(repo, &mut context.problems)?;
    let parsed = context.problems.accept("target.repo.url", line(url), Url::parse(&url.value))?;
    let reason = refusal(&parsed, &["http", "https"]);
    if let Some(reason) = reason {
        context.problems.invalid("target.repo.url", line(url), reason);
        return None;
    }
    Some(url.value.clone())
}

fn url_key<'a>(repo: &'a Repo, problems: &mut Problems) -> Option<&'a Spanned<String>> {
    if let Some(path) = &repo.path {
        problems.invalid(
            "target.repo.path",
            line(path),
            "only a LOCAL repository has a `path`; this kind has a `url`",
        );
    }
    if repo.url.is_none() {
        problems.missing("target.repo.url", "it says where the chart repository answers");
    }
    repo.url.as_ref()
}

/// Why a URL can't be one of a chart repository, whose scheme is one of these.
pub(in super::super) fn refusal(url: &Url, schemes: &[&str]) -> Option<String> {
    if !schemes.contains(&url.scheme()) {
        return Some(format!(
            "it begins with none of {}",
            schemes.iter().map(|scheme| format!("{scheme}://")).collect::<Vec<_>>().join(", ")
        ));
    }
    if url.host_str().is_none_or(str::is_empty) {
        return Some("it names no host".to_owned());
    }
    if !url.username().is_empty() || url.password().is_some() {
        return Some("user and password go to `auth`, not into the URL".to_owned());
    }
    None
}

/// `oci://HOST/PATH`; the same behind `http://` or `https://` says how the host is spoken to.
fn oci(repo: &Repo, context: &mut Context<'_>) -> Option<Place> {
    let url = url_key(repo, &mut context.problems)?;
    let parsed = context.problems.accept("target.repo.url", line(url), Url::parse(&url.value))?;
    if let Some(reason) = refusal(&parsed, &["oci", "http", "https"]) {
        context.problems.invalid("target.repo.url", line(url), reason);
        return None;
    }
    let host = host_with_port(&parsed);
    let host = context.problems.accept("target.repo.url", line(url), host.parse())?;
    let scheme = match parsed.scheme() {
        "http" => SchemeChoice::Http,
        "https" => SchemeChoice::Https,
        _ => context.hosts.scheme_of(&host, context.overrides.tls.trust),
    };
    Some((ChartTarget::Oci { url: url.value.clone() }, Some(PushAddress { host, scheme })))
}

/// Host and explicit port of a URL.
pub(in super::super) fn host_with_port(url: &Url) -> String {
    let host = url.host_str().unwrap_or_default();
    url.port().map_or_else(|| host.to_owned(), |port| format!("{host}:{port}"))
}
