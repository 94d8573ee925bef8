//! Signing in by script: passwords, tokens and who sees them.

use std::sync::{
    Arc, Mutex,
    atomic::{AtomicU32, Ordering},
};

use portolan_oci::{Digest, Locator};
use portolan_registry::{Access, Credentials, Registry, RegistryError, RegistryOptions, Scheme, SignIn};

use crate::{
    peer::{Peer, Reply, Seen, answer, answer_with},
    support::{alice, client, options, repository},
};

/// `Basic` of alice and s3cret.
const ALICE: &str = "Basic YWxpY2U6czNjcmV0";

fn v1() -> Locator {
    Locator::Tag("v1".parse().unwrap())
}

fn registry(peer: &Peer, credentials: Option<Credentials>) -> Registry {
    client(Scheme::Http, &peer.host, credentials, &options())
}

fn refused(challenge: &str) -> Reply {
    answer_with(401, &[("www-authenticate", challenge)], "")
}

/// A registry with a token server in one peer. The token is its number and what it is for; `takes`
/// judges the token of each request.
async fn with_tokens(takes: impl Fn(&str, &Seen) -> bool + Send + Sync + 'static) -> Peer {
    let host = Arc::new(Mutex::new(String::new()));
    let count = AtomicU32::new(0);
    let own = Arc::clone(&host);
    let peer = Peer::start(move |seen| {
        if let Some(query) = seen.line.strip_prefix("GET /token?") {
            let number = count.fetch_add(1, Ordering::Relaxed);
            return answer_with(200, &[], &format!(r#"{{"token":"{number}?{query}","expires_in":300}}"#));
        }
        let token = seen.header("authorization").and_then(|text| text.strip_prefix("Bearer "));
        if token.is_some_and(|token| takes(token, seen)) {
            return answer_with(200, &[("docker-content-digest", &Digest::sha256(b"").to_string())], "");
        }
        refused(&format!(r#"Bearer realm="http://{}/token",service="reg""#, own.lock().unwrap()))
    })
    .await;
    host.lock().unwrap().clone_from(&peer.host);
    peer
}

#[tokio::test]
async fn a_password_is_sent_up_front_once_it_is_known_to_be_wanted() {
    let peer = Peer::start(|seen| match seen.header("authorization") {
        Some(ALICE) => answer_with(200, &[("docker-content-digest", &Digest::sha256(b"").to_string())], ""),
        // Among ways of signing in that nobody here knows.
        _ => answer_with(
            401,
            &[
                ("www-authenticate", "Negotiate, Digest realm=\"x, y\", nonce=\"a\\\"b\""),
                ("www-authenticate", "NTLM TlRMTVNTUAAC==, basic REALM = r"),
            ],
            "",
        ),
    })
    .await;
    let registry = registry(&peer, alice());
    registry.ping().await.unwrap();
    for _ in 0..3 {
        registry.head_manifest(&repository("a/b"), &v1()).await.unwrap();
    }
    let head = "HEAD /v2/a/b/manifests/v1";
    assert_eq!(peer.lines(), ["GET /v2/", "GET /v2/", head, head, head]);
    assert_eq!(peer.seen()[0].header("authorization"), None);
    assert_eq!(peer.seen()[0].header("user-agent"), Some(concat!("portolan/", env!("CARGO_PKG_VERSION"))));
}

#[tokio::test]
async fn refused_is_told_from_not_allowed() {
    let peer = Peer::start(|seen| match (seen.line.as_str(), seen.header("authorization")) {
        ("GET /v2/", Some(ALICE)) => answer(200),
        // Harbor answers so where the project is missing
        _ => refused("Basic realm=\"r\""),
    })
    .await;
    let good = registry(&peer, alice());
    good.ping().await.unwrap();
    let error = good.head_manifest(&repository("a/b"), &v1()).await.unwrap_err();
    let words =
        format!("ask for manifest a/b:v1 at {} (HEAD): project missing or no right to do this", peer.host);
    assert_eq!(error.to_string(), words);
    assert!(matches!(error, RegistryError::Denied { .. }));

    let error = registry(&peer, Some(Credentials::new("alice", "wrong".into()))).ping().await.unwrap_err();
    assert!(matches!(error, RegistryError::Unauthorized { reason: SignIn::Refused, .. }), "{error}");
    let error = registry(&peer, None).ping().await.unwrap_err();
    assert!(matches!(error, RegistryError::Unauthorized { reason: SignIn::Missing, .. }), "{error}");
}

#[tokio::test]
async fn one_token_for_each_repository() {
    let peer = with_tokens(|token, seen| match seen.line.strip_prefix("HEAD /v2/") {
        Some(rest) => {
            let name = rest.split("/manifests").next().unwrap().replace('/', "%2F");
            token.ends_with(&format!("service=reg&scope=repository%3A{name}%3Apull"))
        }
        None => token.ends_with("service=reg"),
    })
    .await;
    let registry = registry(&peer, alice());
    registry.ping().await.unwrap();
    let (ab, ac) = (repository("a/b"), repository("a/c"));
    let (locator, before) = (v1(), peer.lines().len());
    let (first, second, third) = tokio::join!(
        registry.head_manifest(&ab, &locator),
        registry.head_manifest(&ab, &locator),
        registry.head_manifest(&ac, &locator),
    );
    assert!(first.unwrap().is_some() && second.unwrap().is_some() && third.unwrap().is_some());
    let lines = peer.lines().split_off(before);
    assert_eq!(lines.len(), 5, "{lines:?}");
    assert_eq!(lines.iter().filter(|line| line.starts_with("GET /token")).count(), 2);
    for seen in peer.seen() {
        let expected = if seen.line.starts_with("GET /token") { Some(ALICE) } else { None };
        assert_eq!(seen.header("authorization").filter(|text| text.starts_with("Basic")), expected);
    }
}

#[tokio::test]
async fn where_pushing_is_usual_one_token_serves_both() {
    let peer = with_tokens(|token, seen| seen.line == "GET /v2/" || token.ends_with("pull%2Cpush")).await;
    let options = RegistryOptions { usual_access: Access::PullPush, ..options() };
    let registry = client(Scheme::Http, &peer.host, alice(), &options);
    registry.ping().await.unwrap();
    registry.head_manifest(&repository("a/b"), &v1()).await.unwrap();
    registry.blob_exists(&repository("a/b"), &Digest::sha256(b"")).await.unwrap();
    assert_eq!(peer.lines().iter().filter(|line| line.contains("scope=")).count(), 1);
}

#[tokio::test]
async fn a_token_that_ages_early_is_replaced() {
    // the first token for the repository (number 1) is refused at its second use
    let uses = AtomicU32::new(0);
    let peer =
        with_tokens(move |token, _| !token.starts_with("1?") || uses.fetch_add(1, Ordering::Relaxed) == 0)
            .await;
    let registry = registry(&peer, alice());
    registry.ping().await.unwrap();
    for _ in 0..3 {
        assert!(registry.head_manifest(&repository("a/b"), &v1()).await.unwrap().is_some());
    }
    let tokens = peer.lines().iter().filter(|line| line.starts_with("GET /token")).count();
    assert_eq!(tokens, 3);
}

#[tokio::test]
async fn a_right_that_is_missing_ends() {
    let peer = with_tokens(|_, seen| seen.line == "GET /v2/").await;
    let registry = registry(&peer, alice());
    registry.ping().await.unwrap();
    let error = registry.head_manifest(&repository("a/b"), &v1()).await.unwrap_err();
    assert!(matches!(error, RegistryError::Denied { .. }), "{error}");
    assert!(peer.lines().len() < 10, "{:?}", peer.lines());
}

#[tokio::test]
async fn another_scope_that_the_registry_names_is_asked_for_too() {
    let host = Arc::new(Mutex::new(String::new()));
    let own = Arc::clone(&host);
    let peer = Peer::start(move |seen| {
        if let Some(query) = seen.line.strip_prefix("GET /token?") {
            return answer_with(200, &[], &format!(r#"{{"token":"{query}"}}"#));
        }
        let named = "scope=repository%3Amirror%2Fa%2Fb%3Apull";
        match seen.header("authorization") {
            Some(token) if token.contains(named) => {
                answer_with(200, &[("docker-content-digest", &Digest::sha256(b"").to_string())], "")
            }
            _ => refused(&format!(
                r#"Bearer realm="http://{}/token",service=reg,scope="repository:mirror/a/b:pull",error="insufficient_scope""#,
                own.lock().unwrap()
            )),
        }
    })
    .await;
    host.lock().unwrap().clone_from(&peer.host);
    let registry = registry(&peer, alice());
    for _ in 0..2 {
        assert!(registry.head_manifest(&repository("a/b"), &v1()).await.unwrap().is_some());
    }
    let own = "service=reg&scope=repository%3Aa%2Fb%3Apull";
    let head = "HEAD /v2/a/b/manifests/v1".to_owned();
    let expected = [
        head.clone(),
        format!("GET /token?{own}"),
        head.clone(),
        format!("GET /token?{own}&scope=repository%3Amirror%2Fa%2Fb%3Apull"),
        head.clone(),
        head,
    ];
    assert_eq!(peer.lines(), expected);
}

#[tokio::test]
async fn wrong_passwords_at_the_token_server() {
    let peer = Arc::new(Mutex::new(String::new()));
    let own = Arc::clone(&peer);
    let server = Peer::start(move |seen| match seen.line.as_str() {
        line if line.starts_with("GET /token") => {
            answer_with(401, &[], r#"{"errors":[{"code":"UNAUTHORIZED"}]}"#)
        }
        _ => refused(&format!(r#"Bearer realm="http://{}/token""#, own.lock().unwrap())),
    })
    .await;
    peer.lock().unwrap().clone_from(&server.host);
    let error = registry(&server, alice()).ping().await.unwrap_err();
    let words = format!("get a token at {} (GET): user name or password refused (UNAUTHORIZED)", server.host);
    assert_eq!(error.to_string(), words);
    // Nobody in particular may still find repositories that all may read.
    registry(&server, None).ping().await.unwrap();
}

#[tokio::test]
async fn an_identity_token_is_exchanged_and_never_sent_as_a_password() {
    let host = Arc::new(Mutex::new(String::new()));
    let own = Arc::clone(&host);
    let peer = Peer::start(move |seen| match (seen.line.as_str(), seen.header("authorization")) {
        ("POST /token", None) => {
            let form = "grant_type=refresh_token&client_id=portolan&refresh_token=r%2Bt&service=reg";
            assert!(seen.body.starts_with(form.as_bytes()));
            answer_with(200, &[], r#"{"access_token":"good"}"#)
        }
        (_, Some("Bearer good")) => answer(200),
        _ => refused(&format!(r#"Bearer realm="http://{}/token",service=reg"#, own.lock().unwrap())),
    })
    .await;
    host.lock().unwrap().clone_from(&peer.host);
    let registry = registry(&peer, Some(Credentials::identity_token("r+t".into())));
    registry.ping().await.unwrap();
    registry.blob_exists(&repository("a/b"), &Digest::sha256(b"")).await.unwrap();
}

#[tokio::test]
async fn a_token_server_elsewhere_in_the_clear_gets_nothing() {
    let thief = Peer::start(|_| answer(200)).await;
    let realm = format!("http://localhost:{}/token", thief.host.rsplit(':').next().unwrap());
    let challenge = format!(r#"Bearer realm="{realm}?secret=1""#);
    let peer = Peer::start(move |_| refused(&challenge)).await;
    let error = registry(&peer, alice()).ping().await.unwrap_err();
    let words = format!(
        "ask for the registry's version at {} (GET): the registry names the token server {realm}, \
         which is another host, in the clear; if it is meant, name it with --token-server or in \
         target.containers.tokenServers",
        peer.host
    );
    assert_eq!(error.to_string(), words);
    assert!(thief.seen().is_empty());
}

#[tokio::test]
async fn a_redirect_of_harbors_interface_gets_no_password() {
    let thief = Peer::start(|_| answer(200)).await;
    let to = format!("http://{}/projects", thief.host);
    let peer = Peer::start(move |seen| match seen.header("authorization") {
        Some(ALICE) => answer_with(307, &[("location", &to)], ""),
        _ => answer(401),
    })
    .await;
    assert!(registry(&peer, alice()).project_exists("team").await.unwrap());
    assert_eq!(thief.lines(), ["HEAD /projects"]);
    assert_eq!(thief.seen()[0].header("authorization"), None);
}

#[tokio::test]
async fn tokens_have_limits() {
    let host = Arc::new(Mutex::new(String::new()));
    let own = Arc::clone(&host);
    let peer = Peer::start(move |seen| match seen.line.as_str() {
        line if line.starts_with("GET /token") => {
            answer_with(200, &[], &format!(r#"{{"token":"{}"}}"#, "x".repeat(70_000)))
        }
        _ => refused(&format!(r#"Bearer realm="http://{}/token""#, own.lock().unwrap())),
    })
    .await;
    host.lock().unwrap().clone_from(&peer.host);
    let error = registry(&peer, alice()).ping().await.unwrap_err();
    assert!(matches!(error, RegistryError::TooLarge { limit: 65_536, .. }), "{error}");
}
