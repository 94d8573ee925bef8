//! A ChartMuseum behind a proxy that cuts, loses and exaggerates.

use portolan_chartrepo::{CHART_LIMIT, ChartRepoError, ChartRepository, RemoteError, Target};
use portolan_testkit::{
    faulty_proxy::{Action, Fault, FaultyProxy, Reply},
    tls::Certificates,
};

use crate::{depot::Depot, support::*};

const ARCHIVE: &str = "/addon/charts/a-1.0.0.tgz";
const ENTRY: &str = "/api/addon/charts/a/1.0.0";
const CHARTS: &str = "/api/addon/charts";

/// A depot that keeps one chart, with a proxy before it.
async fn proxied() -> (Depot, FaultyProxy, Box<dyn ChartRepository>) {
    let depot = Depot::start(portolan_depot::Options::default()).await;
    let proxy = FaultyProxy::before(&depot.address());
    let repository = museum(&proxy);
    repository.push(&packed("a", "1.0.0", "x")).await.unwrap();
    proxy.forget();
    (depot, proxy, repository)
}

fn museum(proxy: &FaultyProxy) -> Box<dyn ChartRepository> {
    open(&Target::ChartMuseum { url: format!("{}/addon", proxy.url()) }, credentials())
}

#[tokio::test]
async fn what_can_pass_is_asked_again() {
    let (_depot, proxy, repository) = proxied().await;
    let chart = packed("a", "1.0.0", "x");
    let failures = [
        Action::Answer(Reply::status(429).header("Retry-After", "0")),
        Action::Answer(Reply::status(502)),
        Action::LoseAnswer,
        Action::CutAnswer { after: 10 },
    ];
    for action in failures {
        proxy.heal();
        proxy.forget();
        proxy.add(Fault::to("GET", ARCHIVE, action.clone()).first(1));
        proxy.add(Fault::to("GET", ENTRY, action.clone()).first(1));
        let fetched = repository.fetch("a", chart.version()).await.unwrap();
        assert_eq!(fetched.as_ref(), Some(chart.archive()), "{action:?}");
        assert!(repository.find("a", chart.version()).await.unwrap().is_some());
        assert_eq!(proxy.seen().len(), 4, "{action:?}");
    }
}

#[tokio::test]
async fn a_lost_201_of_a_chart_is_asked_about() {
    let (_depot, proxy, repository) = proxied().await;
    proxy.add(Fault::to("POST", CHARTS, Action::LoseAnswer).first(1));
    repository.push(&packed("b", "1.0.0", "x")).await.unwrap();
    let seen: Vec<_> = proxy.seen().iter().map(|seen| (seen.line(), seen.status)).collect();
    let post = format!("POST {CHARTS}");
    let asked = "GET /api/addon/charts/b/1.0.0".to_owned();
    assert_eq!(seen, [(post.clone(), None), (post, Some(409)), (asked, Some(200))]);
}

#[tokio::test]
async fn bodies_without_end_are_cut() {
    let (_depot, proxy, repository) = proxied().await;
    let version = version("1.0.0");
    let chunked = Reply::status(200);
    let sized = Reply::status(200).header("Content-Length", "99999999999");
    for reply in [chunked, sized] {
        proxy.heal();
        proxy.add(Fault::to("GET", "*", Action::Endless(reply)));
        let fetched = repository.fetch("a", &version).await.map(drop);
        let found = repository.find("a", &version).await.map(drop);
        for (outcome, expected) in [(fetched, CHART_LIMIT), (found, 16 << 20)] {
            let error = outcome.unwrap_err();
            let ChartRepoError::Remote(RemoteError::TooLarge { limit, .. }) = error else {
                panic!("{}", told(&error))
            };
            assert_eq!(limit, expected);
        }
    }
    assert_eq!(proxy.seen().len(), 4);
    proxy.heal();
    proxy.add(Fault::to("GET", "*", Action::Endless(Reply::status(418))));
    let error = repository.find("a", &version).await.unwrap_err();
    assert!(told(&error).contains("the server answered 418: "), "{}", told(&error));
    // Of an index only the beginning is looked at.
    proxy.heal();
    let index = Reply::status(200).body("apiVersion: v1\nentries: {}\n");
    proxy.add(Fault::to("GET", "/addon/index.yaml", Action::Endless(index)));
    repository.check().await.unwrap();
}

#[tokio::test]
async fn credentials_follow_no_redirect_elsewhere_and_none_goes_to_http() {
    let (depot, proxy, repository) = proxied().await;
    let other = FaultyProxy::before(&depot.address());
    let away = format!("{}{ARCHIVE}", other.url().replace("127.0.0.1", "localhost"));
    proxy.add(Fault::to("GET", ARCHIVE, Action::Answer(Reply::redirect(&away))));
    assert!(repository.fetch("a", &version("1.0.0")).await.unwrap().is_some());
    assert!(proxy.seen().iter().all(|seen| seen.authorization));
    assert_eq!(other.seen().iter().map(|seen| seen.authorization).collect::<Vec<_>>(), [false]);

    let folder = tempfile::tempdir().unwrap();
    let certificates = Certificates::make(folder.path());
    let secure = FaultyProxy::with_tls(&depot.address(), &certificates);
    secure.add(Fault::to("GET", ARCHIVE, Action::Answer(Reply::redirect(&away))));
    let mut options = options();
    options.registry.http.ca_files = vec![certificates.ca];
    let target = Target::ChartMuseum { url: format!("{}/addon", secure.url()) };
    let repository = portolan_chartrepo::connect(&target, credentials(), &options).unwrap();
    let error = repository.fetch("a", &version("1.0.0")).await.unwrap_err();
    assert!(told(&error).contains("a redirect leads from https to http"), "{}", told(&error));
    assert_eq!((secure.seen().len(), other.seen().len()), (1, 1));
}

#[tokio::test]
async fn garbage_is_refused_at_once() {
    let (_depot, proxy, repository) = proxied().await;
    proxy.add(Fault::to("GET", "*", Action::Raw(b"SSH-2.0-OpenSSH_9.9\r\n".to_vec())));
    repository.find("a", &version("1.0.0")).await.unwrap_err();
    assert_eq!(proxy.seen().len(), 1);
}
