//! Bearer tokens against a real registry: asked for once, renewed when they run out, and what a token server
//! answers that has none.

use std::{
    io::{self, Read},
    sync::Arc,
    time::Duration,
};

use portolan_oci::Digest;
use portolan_registry::{BlobSource, Credentials, Registry, RegistryError, Scheme, SignIn};
use portolan_testkit::{
    docker_registry::{Access, DockerRegistry, Options},
    random::bytes,
    token_server::{Life, TokenServer},
};

use crate::support::{Memory, client, expected, memory, options, quiet, repository};

/// A user as Harbor names its robots.
const ROBOT: &str = "robot$ship+push";

fn with_tokens() -> Option<DockerRegistry> {
    let access = Access::Token { name: ROBOT.to_owned(), password: "s3cret".to_owned() };
    DockerRegistry::start(&Options { access, ..Options::default() })
}

fn registry(server: &DockerRegistry) -> Registry {
    let robot = Some(Credentials::new(ROBOT, "s3cret".into()));
    client(Scheme::Http, server.host().as_str(), robot, &options())
}

fn tokens(server: &DockerRegistry) -> &TokenServer {
    server.tokens().unwrap()
}

/// A blob whose first bytes come when the token that was handed out before has run out.
struct Slow(Memory);

/// Longer than the tokens below count.
const LONGER: Duration = Duration::from_millis(2100);

/// The registry takes such tokens for two seconds at most, though they say more.
const SHORT: Life = Life { real: Duration::from_secs(1), said: Some(300) };

/// A registry that was signed in to, and whose tokens run out soon from now on.
async fn with_short_tokens() -> Option<(DockerRegistry, Registry)> {
    let server = with_tokens()?;
    let registry = registry(&server);
    registry.ping().await.unwrap();
    tokens(&server).set_life(SHORT);
    Some((server, registry))
}

impl BlobSource for Slow {
    fn open(&self) -> io::Result<Box<dyn Read + Send>> {
        std::thread::sleep(LONGER);
        self.0.open()
    }

    fn describe(&self) -> String {
        self.0.describe()
    }
}

fn slow(bytes: &[u8]) -> Arc<dyn BlobSource> {
    Arc::new(Slow(Memory(bytes.to_vec())))
}

#[tokio::test]
async fn one_token_for_many_at_once() {
    let Some(server) = with_tokens() else { return };
    let registry = registry(&server);
    registry.ping().await.unwrap();
    let mut questions = tokio::task::JoinSet::new();
    for number in 0..20_u8 {
        let registry = registry.clone();
        questions.spawn(async move {
            registry.blob_exists(&repository("a/b"), &Digest::sha256(&[number])).await.unwrap()
        });
    }
    assert!(questions.join_all().await.iter().all(|found| !found));
    assert_eq!(tokens(&server).asked(), ["", "repository:a/b:pull"]);
}

#[tokio::test]
async fn a_token_that_runs_out_during_an_upload_is_renewed() {
    let Some((server, registry)) = with_short_tokens().await else { return };
    let (app, blob) = (repository("a/b"), bytes(1, 3_000_000));
    // The bytes go with the first token, and the request that completes the blob with the second.
    let sent = registry.upload_derived(&app, slow(&blob), &quiet).await.unwrap();
    assert_eq!(sent, expected(&blob));
    let push = "repository:a/b:pull,push";
    assert_eq!(tokens(&server).asked(), ["", push, push]);
    let statuses: Vec<_> = server.requests().iter().map(|seen| (seen.method.clone(), seen.status)).collect();
    let puts: Vec<_> = statuses.iter().filter(|(method, _)| method == "PUT").map(|put| put.1).collect();
    assert_eq!(puts, [401, 201]);
    assert_eq!(statuses.iter().filter(|(method, _)| method == "PATCH").count(), 1);
}

#[tokio::test]
async fn a_token_that_ran_out_before_an_upload_is_renewed() {
    let Some((server, registry)) = with_short_tokens().await else { return };
    let (app, blob) = (repository("a/b"), bytes(2, 3_000_000));
    // The one PUT of a known blob is let in when it begins, and outlives its token.
    registry.upload_blob(&app, &expected(b"x"), memory(b"x"), &quiet).await.unwrap();
    registry.upload_blob(&app, &expected(&blob), slow(&blob), &quiet).await.unwrap();
    assert_eq!(tokens(&server).asked().len(), 2);
    tokens(&server).set_life(Life::default());
    registry.upload_blob(&app, &expected(b"y"), memory(b"y"), &quiet).await.unwrap();
    assert_eq!(tokens(&server).asked().len(), 3);
    for blob in [b"x".as_slice(), &blob, b"y"] {
        assert!(registry.blob_exists(&app, &expected(blob).digest).await.unwrap());
    }
}

#[tokio::test]
async fn whatever_the_answer_says_of_its_life() {
    let Some(server) = with_tokens() else { return };
    for said in [None, Some(0), Some(u64::MAX)] {
        tokens(&server).set_life(Life { said, ..Life::default() });
        let registry = registry(&server);
        let before = tokens(&server).asked().len();
        for _ in 0..3 {
            registry.ping().await.unwrap();
        }
        assert_eq!(tokens(&server).asked().len(), before + 1, "{said:?}");
    }
}

#[tokio::test]
async fn what_passes_at_the_token_server_is_tried_again() {
    let Some(server) = with_tokens() else { return };
    let passing = [
        "HTTP/1.1 429 Too Many Requests\r\nRetry-After: 1\r\nConnection: close\r\n\r\n",
        "HTTP/1.1 500 Internal Server Error\r\nConnection: close\r\n\r\n",
        "HTTP/1.1 503 Service Unavailable\r\nConnection: close\r\n\r\n",
        // The connection ends without an answer.
        "",
    ];
    for answer in passing {
        let before = tokens(&server).asked().len();
        tokens(&server).refuse(answer);
        registry(&server).ping().await.unwrap();
        assert_eq!(tokens(&server).asked().len(), before + 2, "{answer:?}");
    }
}

#[tokio::test]
async fn what_stays_at_the_token_server_is_told_at_once() {
    let Some(server) = with_tokens() else { return };
    let check = async |answer: &str, expected: &str| {
        let before = tokens(&server).asked().len();
        tokens(&server).refuse(answer);
        let error = registry(&server).ping().await.unwrap_err();
        let at = tokens(&server).realm().replace("http://", "").replace("/token", "");
        assert_eq!(error.to_string(), format!("get a token at {at} (GET): {expected}"));
        assert_eq!(tokens(&server).asked().len(), before + 1);
        error
    };
    let refused = "HTTP/1.1 401 Unauthorized\r\nConnection: close\r\n\r\n";
    let error = check(refused, "user name or password refused").await;
    assert!(matches!(error, RegistryError::Unauthorized { reason: SignIn::Refused, .. }));
    let denied = "HTTP/1.1 403 Forbidden\r\nConnection: close\r\n\r\n{\"errors\":[{\"code\":\"DENIED\"}]}";
    check(denied, "project missing or no right to do this (DENIED)").await;
    let none = "the token server's answer holds no token";
    check("HTTP/1.1 200 OK\r\nConnection: close\r\n\r\n<html>sign in</html>", none).await;
    check("HTTP/1.1 200 OK\r\nConnection: close\r\n\r\n{\"token\":\"\"}", none).await;
    let endless = format!("HTTP/1.1 200 OK\r\nConnection: close\r\n\r\n{}", " ".repeat(1 << 20));
    check(&endless, "the answer is larger than 65536 bytes").await;
    let late = "HTTP/1.1 429 Too Many Requests\r\nRetry-After: 86400\r\nConnection: close\r\n\r\n";
    check(late, "the server answered 429 Too Many Requests").await;
}
