//! Credentials through a proxy that leads elsewhere, forgets tokens and breaks the token server: who sees
//! them, and how often they are asked for.

use std::time::Duration;

use Kind::{BlobGet, BlobHead, ManifestHead, ManifestPut, UploadBegin, UploadEnd};
use portolan_oci::Digest;
use portolan_registry::{HttpOptions, Registry, RegistryError, RegistryOptions, Scheme};
use portolan_testkit::{
    docker_registry::{Access, DockerRegistry, Options},
    faulty_proxy::{Action, Fault, FaultyProxy, Kind, Reply},
    random::bytes,
    tls::Certificates,
};

use crate::support::{
    alice, client, expected, memory, options, proxied_as, quiet, repository, send_config, small_manifest, tag,
};

fn with_password() -> Options {
    Options { access: Access::User { name: "alice".into(), password: "s3cret".into() }, ..Options::default() }
}

fn with_tokens() -> Options {
    Options {
        access: Access::Token { name: "alice".into(), password: "s3cret".into() },
        ..Options::default()
    }
}

fn signed_in(proxy: &FaultyProxy) -> Registry {
    client(Scheme::Http, proxy.host().as_str(), alice(), &options())
}

/// A server that takes everything and holds every blob to be `{}`.
fn elsewhere(upstream: &DockerRegistry) -> FaultyProxy {
    let proxy = FaultyProxy::before(upstream.host().as_str());
    proxy.add(Fault::to("PUT", "*", Action::Answer(Reply::status(201))));
    proxy.add(Fault::to("*", "*", Action::Answer(Reply::status(200).body("{}"))));
    proxy
}

/// The address of a proxy by another name than the registry has.
fn by_other_name(proxy: &FaultyProxy) -> String {
    proxy.url().replace("127.0.0.1", "localhost")
}

/// What another server got to see: whether there were credentials, by request.
fn credentials_at(proxy: &FaultyProxy) -> Vec<bool> {
    proxy.seen().iter().map(|seen| seen.authorization).collect()
}

#[tokio::test]
async fn a_read_that_is_led_elsewhere_leaves_its_credentials_behind() {
    let Some((server, proxy)) = proxied_as(&with_password()) else { return };
    let registry = signed_in(&proxy);
    registry.ping().await.unwrap();
    let other = elsewhere(&server);
    let secret = by_other_name(&other).replace("//", "//bob:secret@");
    for address in [by_other_name(&other), other.url(), secret] {
        proxy.heal();
        proxy.forget();
        proxy.add(Fault::of(BlobGet, Action::Answer(Reply::redirect(&format!("{address}/blob")))));
        let blob = registry.get_blob(&repository("a/b"), &Digest::sha256(b"{}"), 10).await.unwrap();
        assert_eq!(blob, "{}");
        assert!(proxy.seen()[0].authorization);
    }
    assert_eq!(credentials_at(&other), [false; 3]);
}

#[tokio::test]
async fn an_upload_session_elsewhere_gets_the_blob_and_no_credentials() {
    let Some((server, proxy)) = proxied_as(&with_password()) else { return };
    let registry = signed_in(&proxy);
    let other = elsewhere(&server);
    let blob = bytes(1, 100_000);
    for user in ["", "bob:secret@"] {
        let value = by_other_name(&other).replace("//", &format!("//{user}")) + "/session?state=1#end";
        proxy.heal();
        proxy.add(Fault::of(UploadBegin, Action::SetHeader { name: "Location", value }));
        registry.upload_blob(&repository("a/b"), &expected(&blob), memory(&blob), &quiet).await.unwrap();
    }
    assert_eq!(credentials_at(&other), [false; 2]);
    let put = other.seen().pop().unwrap();
    assert_eq!((put.path(), put.body), ("/session", 100_000));
    assert_eq!(proxy.count(UploadEnd), 0);
}

#[tokio::test]
async fn nothing_goes_from_https_to_http() {
    let Some(server) = DockerRegistry::start(&with_password()) else { return };
    let folder = tempfile::tempdir().unwrap();
    let certificates = Certificates::make(folder.path());
    let proxy = FaultyProxy::with_tls(server.host().as_str(), &certificates);
    let base = options();
    let http = HttpOptions { ca_files: vec![certificates.ca.clone()], ..base.http.clone() };
    let options = RegistryOptions { http, ..base };
    let registry = client(Scheme::Https, proxy.host().as_str(), alice(), &options);
    let (app, blob) = (repository("a/b"), bytes(1, 100_000));
    // The registry takes itself for one in the clear and names its sessions so; they stay on this host.
    registry.upload_blob(&app, &expected(&blob), memory(&blob), &quiet).await.unwrap();
    let put = proxy.seen().pop().unwrap();
    assert_eq!((put.kind(), put.status, put.authorization), (UploadEnd, Some(201), true));

    let other = elsewhere(&server);
    let address = by_other_name(&other);
    proxy.add(Fault::of(BlobGet, Action::Answer(Reply::redirect(&format!("{address}/blob")))));
    let error = registry.get_blob(&app, &Digest::sha256(b"{}"), 10).await.unwrap_err().to_string();
    assert!(error.ends_with("(GET): a redirect leads from https to http"), "{error}");
    let value = format!("{address}/session");
    proxy.add(Fault::of(UploadBegin, Action::SetHeader { name: "Location", value }));
    let upload = registry.upload_blob(&app, &expected(b"x"), memory(b"x"), &quiet).await;
    let error = upload.unwrap_err().to_string();
    assert!(error.ends_with("(POST): the upload session is on another host, in the clear"), "{error}");
    assert_eq!(other.connections(), 0);
}

/// Where a registry sends for its tokens.
async fn challenge(server: &DockerRegistry) -> String {
    let answer = reqwest::Client::builder().no_proxy().build().unwrap().get(format!("{}/v2/", server.url()));
    let answer = answer.send().await.unwrap();
    answer.headers()["www-authenticate"].to_str().unwrap().to_owned()
}

/// A registry with a token server, each with a proxy before it.
async fn with_token_proxy() -> Option<(DockerRegistry, FaultyProxy, FaultyProxy)> {
    let (server, proxy) = proxied_as(&with_tokens())?;
    let told = challenge(&server).await;
    let realm = told.split('"').nth(1).unwrap();
    let host = realm.strip_prefix("http://").unwrap().split('/').next().unwrap();
    let tokens = FaultyProxy::before(host);
    let value = told.replace(host, tokens.host().as_str());
    proxy.add(Fault::to("*", "*", Action::SetHeader { name: "WWW-Authenticate", value }));
    Some((server, proxy, tokens))
}

#[tokio::test]
async fn one_challenge_and_one_token_for_each_scope() {
    let Some((_server, proxy, tokens)) = with_token_proxy().await else { return };
    let options = RegistryOptions { usual_access: portolan_registry::Access::PullPush, ..options() };
    let registry = client(Scheme::Http, proxy.host().as_str(), alice(), &options);
    registry.ping().await.unwrap();
    for name in ["a/b", "a/c"] {
        let repository = repository(name);
        assert_eq!(registry.head_manifest(&repository, &tag("v1")).await.unwrap(), None);
        send_config(&registry, &repository).await;
        registry.put_manifest(&repository, &tag("v1"), &small_manifest()).await.unwrap();
    }
    let refused = proxy.seen().iter().filter(|seen| seen.status == Some(401)).count();
    assert_eq!(refused, 1);
    let asked: Vec<_> = tokens.seen().into_iter().map(|seen| (seen.target, seen.authorization)).collect();
    let scoped =
        |name: &str| format!("/token?service=registry.test&scope=repository%3Aa%2F{name}%3Apull%2Cpush");
    let expected = ["/token?service=registry.test".to_owned(), scoped("b"), scoped("c")];
    assert_eq!(asked, expected.map(|target| (target, true)));
}

#[tokio::test]
async fn a_token_server_that_fails_for_a_while_is_asked_again() {
    let Some((_server, proxy, tokens)) = with_token_proxy().await else { return };
    let failures = [
        Action::Answer(Reply::status(429)),
        Action::Answer(Reply::status(503)),
        Action::LoseAnswer,
        Action::CutAnswer { after: 10 },
    ];
    for action in failures {
        tokens.heal();
        tokens.forget();
        tokens.add(Fault::to("GET", "/token", action.clone()).first(1));
        signed_in(&proxy).ping().await.unwrap();
        assert_eq!(tokens.seen().len(), 2, "{action:?}");
    }
    tokens.heal();
    tokens.forget();
    tokens.add(Fault::to("GET", "/token", Action::Answer(Reply::error(403, "DENIED"))));
    signed_in(&proxy).ping().await.unwrap_err();
    assert_eq!(tokens.seen().len(), 1);
}

#[tokio::test]
async fn a_token_that_expires_on_the_way_is_replaced() {
    let Some((server, proxy)) = proxied_as(&with_tokens()) else { return };
    let expired = Reply::error(401, "UNAUTHORIZED").header("WWW-Authenticate", &challenge(&server).await);
    let registry = signed_in(&proxy);
    let app = repository("a/b");
    send_config(&registry, &app).await;
    for kind in [UploadBegin, UploadEnd, BlobHead, ManifestPut, ManifestHead] {
        proxy.add(Fault::of(kind, Action::Answer(expired.clone())).first(1));
    }
    proxy.forget();
    let blob = bytes(1, 100_000);
    registry.upload_blob(&app, &expected(&blob), memory(&blob), &quiet).await.unwrap();
    assert!(registry.blob_exists(&app, &expected(&blob).digest).await.unwrap());
    registry.put_manifest(&app, &tag("v1"), &small_manifest()).await.unwrap();
    assert!(registry.head_manifest(&app, &tag("v1")).await.unwrap().is_some());
    let statuses = |kind| {
        let seen = proxy.seen().into_iter().filter(move |seen| seen.kind() == kind);
        seen.map(|seen| seen.status.unwrap()).collect::<Vec<_>>()
    };
    // One for the session that was refused, one for the upload that was, one that went well.
    assert_eq!(statuses(UploadBegin), [401, 202, 202]);
    assert_eq!(statuses(UploadEnd), [401, 201]);
    assert_eq!(statuses(BlobHead), [401, 200]);
    assert_eq!(statuses(ManifestPut), [401, 201]);
    assert_eq!(statuses(ManifestHead), [401, 200]);
}

#[tokio::test]
async fn harbors_own_interface_is_asked_again_too() {
    let Some((_server, proxy)) = proxied_as(&with_password()) else { return };
    let paths = [
        ("GET", "/api/v2.0/ping", Reply::status(200).body("Pong")),
        ("HEAD", "/api/v2.0/projects", Reply::status(200)),
        ("POST", "/api/v2.0/projects", Reply::status(201)),
    ];
    for (method, path, good) in paths {
        proxy.add(Fault::to(method, path, Action::Answer(Reply::status(503))).first(1));
        proxy.add(Fault::to(method, path, Action::LoseAnswer).nth(2));
        proxy.add(Fault::to(method, path, Action::Answer(good)));
    }
    let registry = signed_in(&proxy);
    assert!(registry.is_harbor().await.unwrap());
    assert!(registry.project_exists("p").await.unwrap());
    let created = registry.create_project("p", portolan_registry::Visibility::Private).await.unwrap();
    assert_eq!(created, portolan_registry::ProjectCreation::Created);
    assert_eq!(proxy.seen().len(), 9);
}

/// A password that is refused is not offered again and again, which would lock accounts.
#[tokio::test]
async fn a_refused_password_is_offered_once() {
    let Some((_server, proxy)) = proxied_as(&with_password()) else { return };
    let wrong = Some(portolan_registry::Credentials::new("alice", "wrong".into()));
    let registry = client(Scheme::Http, proxy.host().as_str(), wrong, &options());
    let error = tokio::time::timeout(Duration::from_secs(60), registry.ping()).await.unwrap().unwrap_err();
    assert!(matches!(error, RegistryError::Unauthorized { .. }), "{error}");
    assert_eq!(credentials_at(&proxy), [false, true]);
}
