//! Kind `HARBOR` against a scripted server that answers as formats.md, section 6, has it.

use crate::support::*;
use portolan_chartrepo::{ChartRepoError, Published, Target};

const INDEX: &str = "apiVersion: v1\nentries: {}\n";
const PROJECT: &str = "HEAD /api/v2.0/projects?project_name=p";

fn target(peer: &Peer) -> Target {
    Target::Harbor { url: peer.url("/chartrepo/p") }
}

fn unauthorized() -> Reply {
    reply(401, r#"{"errors":[{"code":"UNAUTHORIZED","message":"unauthorized"}]}"#)
}

#[tokio::test]
async fn asks_before_it_sends() {
    let chart = packed("a", "1.0.0", "x");
    let peer = Peer::start(|seen| match seen.line.as_str() {
        "GET /api/chartrepo/p/charts/a/1.0.0" => {
            reply(404, r#"{"error":"no chart version found for a-1.0.0"}"#)
        }
        "POST /api/chartrepo/p/charts" => reply(201, r#"{"saved":true}"#),
        other => panic!("{other}"),
    });
    open(&target(&peer), credentials()).push(&chart).await.unwrap();
    assert_eq!(peer.lines(), ["GET /api/chartrepo/p/charts/a/1.0.0", "POST /api/chartrepo/p/charts"]);
    assert!(holds(&peer.seen()[1].body, chart.archive()));
}

#[tokio::test]
async fn a_chart_that_is_there_is_not_sent() {
    let chart = packed("a", "1.0.0", "x");
    let own = chart.digest().hex().to_owned();
    let peer = Peer::start(move |seen| match seen.line.as_str() {
        "GET /api/chartrepo/p/charts/a/1.0.0" => {
            reply(200, format!(r#"{{"metadata":{{"digest":"{own}"}}}}"#))
        }
        "GET /api/chartrepo/p/charts/a/2.0.0" => reply(200, format!(r#"{{"digest":"{own}"}}"#)),
        other => panic!("{other}"),
    });
    let repository = open(&target(&peer), None);
    repository.push(&chart).await.unwrap();
    let error = repository.push(&packed("a", "2.0.0", "x")).await.unwrap_err();
    assert!(matches!(error, ChartRepoError::Exists { .. }));
    let found = repository.find("a", &version("1.0.0")).await.unwrap();
    assert_eq!(found, Some(Published { digest: Some(chart.digest().clone()) }));
}

#[tokio::test]
async fn a_fine_project_passes_the_check() {
    let peer = Peer::start(|seen| match seen.line.as_str() {
        "GET /chartrepo/p/index.yaml" => reply(200, INDEX),
        "POST /api/chartrepo/p/charts" => reply(400, r#"{"error":"gzip: invalid header"}"#),
        other => panic!("{other}"),
    });
    open(&target(&peer), credentials()).check().await.unwrap();
}

/// The error of a check where the chart paths answer `charts` and the project is there or not.
async fn check_error(charts: Reply, project: u16) -> (String, Option<String>) {
    let peer =
        Peer::start(move |seen| if seen.line == PROJECT { reply(project, "") } else { charts.clone() });
    let error = open(&target(&peer), credentials()).check().await.unwrap_err();
    (told(&error).replace(&peer.host, "H"), error.missing_project().map(str::to_owned))
}

#[tokio::test]
async fn a_harbor_without_chart_repositories_is_named() {
    let expected = "http://H/chartrepo/p: this Harbor has no chart repositories, which Harbor dropped with 2.8; \
                    set target.repo.kind: OCI and target.repo.url: http://H/p";
    let not_found = reply(404, r#"{"errors":[{"code":"NOT_FOUND","message":"not found"}]}"#);
    assert_eq!(check_error(not_found, 200).await, (expected.to_owned(), None));
    let portal = page(200, "<!doctype html><title>Harbor</title>");
    assert_eq!(check_error(portal, 200).await, (expected.to_owned(), None));
}

#[tokio::test]
async fn a_missing_project_is_named() {
    let expected = "http://H/chartrepo/p: project p isn't there, or this user has no right to it; create it or check \
                    target.repo.auth (a Harbor of 2.8 or newer needs target.repo.kind: OCI)";
    let missing = || (expected.to_owned(), Some("p".to_owned()));
    assert_eq!(check_error(unauthorized(), 404).await, missing());
    assert_eq!(check_error(reply(404, "{}"), 404).await, missing());
}

#[tokio::test]
async fn a_harbor_without_chart_repositories_is_known_without_its_project() {
    let expected = "http://H/chartrepo/p: this Harbor has no chart repositories, which Harbor dropped with 2.8; \
                    set target.repo.kind: OCI and target.repo.url: http://H/p";
    // Of the project: not there, or not told to this robot account.
    for project in [404, 403] {
        let peer = Peer::start(move |seen| match seen.line.as_str() {
            PROJECT => reply(project, ""),
            "GET /api/v2.0/ping" => reply(200, "Pong"),
            _ => reply(404, r#"{"errors":[{"code":"NOT_FOUND","message":"not found"}]}"#),
        });
        let error = open(&target(&peer), credentials()).check().await.unwrap_err();
        assert_eq!(told(&error).replace(&peer.host, "H"), expected);
        assert_eq!(error.missing_project(), None, "a project would not help");
    }
}

#[tokio::test]
async fn a_missing_project_of_an_older_harbor_is_named() {
    let peer = Peer::start(|seen| match seen.line.as_str() {
        "GET /api/v2.0/ping" => reply(200, "Pong"),
        // Its own path is there, though not for everybody.
        "GET /api/chartrepo/health" => unauthorized(),
        _ => reply(404, "{}"),
    });
    let error = open(&target(&peer), credentials()).check().await.unwrap_err();
    assert_eq!(error.missing_project(), Some("p"), "{}", told(&error));
}

#[tokio::test]
async fn the_read_only_mode_is_no_question_of_rights() {
    let peer = Peer::start(|seen| match seen.line.as_str() {
        "GET /chartrepo/p/index.yaml" => reply(200, INDEX),
        "POST /api/chartrepo/p/charts" => reply(
            403,
            r#"{"errors":[{"code":"DENIED","message":"The system is in read only mode. Any modification is prohibited."}]}"#,
        ),
        other => panic!("{other}"),
    });
    let error = open(&target(&peer), credentials()).check().await.unwrap_err();
    let expected = "http://H/api/chartrepo/p/charts: the Harbor is in read-only mode and takes nothing; \
                    have its administrator end that mode, and run again";
    assert_eq!(told(&error).replace(&peer.host, "H"), expected);
}

#[tokio::test]
async fn a_provenance_file_goes_in_the_form() {
    let chart = packed("a", "1.0.0", "x").with_provenance("signed".into());
    let peer = Peer::start(|seen| match seen.line.as_str() {
        "POST /api/chartrepo/p/charts" => reply(201, r#"{"saved":true}"#),
        "GET /chartrepo/p/charts/a-1.0.0.tgz.prov" => reply(200, "signed"),
        _ => reply(404, "{}"),
    });
    let repository = open(&target(&peer), credentials());
    repository.push(&chart).await.unwrap();
    let body = &peer.seen()[1].body;
    assert!(holds(body, b"name=\"prov\"; filename=\"a-1.0.0.tgz.prov\"") && holds(body, b"signed"));
    let provenance = repository.fetch_provenance("a", &version("1.0.0")).await.unwrap();
    assert_eq!(provenance.unwrap(), "signed");
}

#[tokio::test]
async fn a_wrong_password_is_told_from_a_missing_project() {
    let expected = "http://H/api/chartrepo/p/charts: the chart repository refuses the user name or password; check \
                    target.repo.auth, or TARGET_REPO_AUTH_USERNAME and TARGET_REPO_AUTH_PASSWORD";
    assert_eq!(check_error(unauthorized(), 200).await, (expected.to_owned(), None));
    assert_eq!(check_error(unauthorized(), 401).await, (expected.to_owned(), None));
}

#[test]
fn the_url_has_to_name_a_project() {
    for url in ["http://h/p", "http://h/chartrepo", "http://h/chartrepo/p/q", "http://h"] {
        let target = Target::Harbor { url: url.to_owned() };
        let error = portolan_chartrepo::connect(&target, None, &options()).unwrap_err();
        let expected = format!(
            "target.repo.url: {url:?} is no chart repository of a Harbor, as in https://HOST/chartrepo/PROJECT"
        );
        assert_eq!(told(&error), expected);
    }
}
