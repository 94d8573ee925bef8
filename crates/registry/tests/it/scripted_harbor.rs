//! A Harbor's manners by script: projects that a robot can't see, and refusals that no right would mend.

use std::sync::{Arc, Mutex};

use portolan_oci::{Locator, Manifest};
use portolan_registry::{HarborRefusal, ProjectView, QuotaFigures, Registry, RegistryError, Scheme};

use crate::{
    peer::{Peer, Reply, Seen, answer, answer_with},
    support::{alice, client, expected, memory, options, quiet, repository},
};

const DENIED: &str = r#"{"errors":[{"code":"FORBIDDEN","message":"forbidden"}]}"#;
const QUOTA: &str = r#"{"errors":[{"code":"DENIED","message":"adding 2.1 MiB of storage resource, which when updated to current usage of 8.3 MiB will exceed the configured upper limit of 8.0 MiB."}]}"#;
const IMMUTABLE: &str = r#"{"errors":[{"code":"PRECONDITION","message":"Failed to process request due to 'p/app:v1' configured as immutable."}]}"#;
const READ_ONLY: &str = r#"{"errors":[{"code":"DENIED","message":"The system is in read only mode. Any modification is prohibited."}]}"#;

fn registry(peer: &Peer) -> Registry {
    client(Scheme::Http, &peer.host, alice(), &options())
}

/// A peer that asks for a password and then answers by `script`.
async fn harbor(script: impl Fn(&Seen) -> Reply + Send + Sync + 'static) -> Peer {
    Peer::start(move |seen| match seen.header("authorization") {
        None => answer_with(401, &[("www-authenticate", "Basic realm=\"harbor\"")], ""),
        Some(_) => script(seen),
    })
    .await
}

#[tokio::test]
async fn a_robot_sees_a_project_by_its_repositories() {
    let peer = harbor(|seen| match seen.line.as_str() {
        "HEAD /api/v2.0/projects?project_name=old" => answer(200),
        "HEAD /api/v2.0/projects?project_name=new" => answer(404),
        line if line.starts_with("HEAD /api/v2.0/projects?") => answer_with(403, &[], DENIED),
        "HEAD /v2/mine/app/manifests/latest" => answer(404),
        "HEAD /v2/full/app/manifests/latest" => answer_with(
            200,
            &[(
                "docker-content-digest",
                "sha256:e3b0c44298fc1c149afbf4c8996fb92427ae41e4649b934ca495991b7852b855",
            )],
            "",
        ),
        // What isn't there, and what is somebody else's, looks the same.
        _ => answer(401),
    })
    .await;
    let registry = registry(&peer);
    for (path, view) in [
        ("old/app", ProjectView::There),
        ("new/app", ProjectView::Missing),
        ("mine/app", ProjectView::There),
        ("full/app", ProjectView::There),
        ("other/app", ProjectView::Hidden),
    ] {
        assert_eq!(registry.view_project(&repository(path)).await.unwrap(), view, "{path}");
    }
}

#[tokio::test]
async fn the_read_only_mode_is_asked_for() {
    for (reply, read_only) in [
        (r#"{"harbor_version":"v2.9.0","read_only":true}"#, true),
        (r#"{"read_only":false}"#, false),
        (r#"{"auth_mode":"db_auth"}"#, false),
        ("<html>", false),
    ] {
        let peer = harbor(move |seen| match seen.line.as_str() {
            "GET /api/v2.0/systeminfo" => answer_with(200, &[], reply),
            _ => answer(404),
        })
        .await;
        assert_eq!(registry(&peer).is_read_only().await, read_only, "{reply}");
    }
    assert!(!registry(&harbor(|_| answer(500)).await).is_read_only().await);
}

/// Harbor hands out tokens for images alone; two headers are read differently by every server and proxy.
#[tokio::test]
async fn its_own_interface_gets_the_password_alone_where_images_take_tokens() {
    let host = Arc::new(Mutex::new(String::new()));
    let own = Arc::clone(&host);
    let peer = Peer::start(move |seen| match (seen.line.as_str(), seen.header("authorization")) {
        ("GET /token?service=reg", Some(_)) => answer_with(200, &[], r#"{"token":"good"}"#),
        ("HEAD /api/v2.0/projects?project_name=p", Some("Basic YWxpY2U6czNjcmV0")) => answer(200),
        ("GET /v2/", Some("Bearer good")) => answer(200),
        _ => {
            let challenge = format!(r#"Bearer realm="http://{}/token",service=reg"#, own.lock().unwrap());
            answer_with(401, &[("www-authenticate", &challenge)], "")
        }
    })
    .await;
    host.lock().unwrap().clone_from(&peer.host);
    let registry = registry(&peer);
    registry.ping().await.unwrap();
    assert!(registry.project_exists("p").await.unwrap());
    // What is refused there is not asked for again: there is nothing to learn.
    let before = peer.lines().len();
    registry.project_exists("q").await.unwrap_err();
    assert_eq!(peer.lines().len(), before + 1);
}

/// What pushing a manifest and a blob ends with where the server answers both so, and that neither is
/// tried again.
async fn refusal_of(status: u16, body: &'static str) -> [Option<HarborRefusal>; 2] {
    let peer = harbor(move |seen| match seen.line.as_str() {
        line if line.starts_with("POST ") => {
            answer_with(202, &[("location", "/v2/p/app/blobs/uploads/1")], "")
        }
        line if line.starts_with("PUT ") => answer_with(status, &[], body),
        _ => answer(200),
    })
    .await;
    let registry = registry(&peer);
    registry.ping().await.unwrap();
    let before = peer.lines().len();
    let manifest = r#"{"schemaVersion":2,"mediaType":"application/vnd.oci.image.manifest.v1+json","config":{"mediaType":"application/vnd.oci.image.config.v1+json","digest":"sha256:44136fa355b3678a1146ad16f7e8649e94fb4fc21fe77e8310c060f61caaff8a","size":2},"layers":[]}"#;
    let manifest = Manifest::parse(manifest.into(), None).unwrap();
    let tag = Locator::Tag("v1".parse().unwrap());
    let of_manifest = registry.put_manifest(&repository("p/app"), &tag, &manifest).await.unwrap_err();
    let sent = registry.upload_blob(&repository("p/app"), &expected(b"blob"), memory(b"blob"), &quiet).await;
    let puts = peer.lines().split_off(before).into_iter().filter(|line| line.starts_with("PUT ")).count();
    assert_eq!(puts, 2, "{:?}", peer.lines());
    [of_manifest, sent.unwrap_err()].map(|error: RegistryError| error.harbor_refusal())
}

#[tokio::test]
async fn refusals_that_no_right_would_mend() {
    let quota = HarborRefusal::Quota(QuotaFigures {
        needed: Some("8.3 MiB".to_owned()),
        limit: Some("8.0 MiB".to_owned()),
    });
    for status in [403, 412] {
        assert_eq!(refusal_of(status, QUOTA).await, [Some(quota.clone()), Some(quota.clone())]);
    }
    let [of_manifest, _] = refusal_of(412, IMMUTABLE).await;
    assert_eq!(of_manifest, Some(HarborRefusal::ImmutableTag));
    let read_only = Some(HarborRefusal::ReadOnly);
    assert_eq!(refusal_of(403, READ_ONLY).await, [read_only.clone(), read_only]);
    assert_eq!(refusal_of(403, DENIED).await, [None, None]);
}
