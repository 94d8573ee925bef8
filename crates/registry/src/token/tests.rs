//! Tests of tokens, their cache and the trust in token servers.

use std::sync::atomic::{AtomicU32, Ordering};

use super::*;
use crate::scope::Access;

fn scope(repository: &str, access: Access) -> Scope {
    Scope::new(&repository.parse().unwrap(), access)
}

#[tokio::test(start_paused = true)]
async fn answers_of_token_servers() {
    #[track_caller]
    fn check(body: &str, expected: Option<(&str, u64)>) {
        let now = Instant::now();
        let token = Token::parse(body.as_bytes(), now);
        let seen = token.as_ref().map(|t| (t.header.to_str().unwrap(), (t.expires - now).as_secs()));
        assert_eq!(seen, expected, "{body}");
    }
    check(r#"{"token":"t","expires_in":300}"#, Some(("Bearer t", 270)));
    check(r#"{"access_token":"a","expires_in":100,"issued_at":"x"}"#, Some(("Bearer a", 80)));
    check(r#"{"token":"t","access_token":"a"}"#, Some(("Bearer t", 48)));
    check(r#"{"token":"t","expires_in":0}"#, Some(("Bearer t", 0)));
    check(r#"{"token":"","access_token":null}"#, None);
    check(r#"{"token":"two\nlines"}"#, None);
    check("{}", None);
    check("nothing", None);
}

#[test]
fn secrets_stay_hidden() {
    let token = Token::parse(br#"{"token":"s3cret"}"#, Instant::now()).unwrap();
    assert!(!format!("{token:?}").contains("s3cret"));
}

#[tokio::test(start_paused = true)]
async fn one_request_per_scopes_until_the_token_ages() {
    let cache = TokenCache::default();
    let asked = AtomicU32::new(0);
    let pull = [scope("a/b", Access::Pull)];
    let push = [scope("a/b", Access::PullPush)];
    let get = |scopes| {
        let asked = &asked;
        cache.get::<()>(scopes, async move {
            tokio::time::sleep(Duration::from_millis(10)).await;
            let count = asked.fetch_add(1, Ordering::Relaxed);
            Ok(Token::parse(format!(r#"{{"token":"t{count}"}}"#).as_bytes(), Instant::now()).unwrap())
        })
    };
    let (first, second, third) = tokio::join!(get(&pull), get(&pull), get(&push));
    let header = |token: Result<Token, ()>| token.unwrap().header;
    let first = header(first);
    assert_eq!(first, header(second));
    assert_ne!(first, header(third));
    assert_eq!(asked.load(Ordering::Relaxed), 2);

    tokio::time::advance(Duration::from_secs(47)).await;
    assert_eq!(header(get(&pull).await), first);
    tokio::time::advance(Duration::from_secs(1)).await;
    let renewed = header(get(&pull).await);
    assert_ne!(renewed, first);

    cache.forget(&pull, &first).await;
    assert_eq!(header(get(&pull).await), renewed);
    cache.forget(&pull, &renewed).await;
    assert_ne!(header(get(&pull).await), renewed);
}

#[test]
fn urls_of_requests() {
    #[track_caller]
    fn check(realm: &str, service: Option<&str>, scopes: &[Scope], expected: &str) {
        assert_eq!(token_url(&Url::parse(realm).unwrap(), service, scopes).as_str(), expected);
    }
    check("https://a/t", None, &[], "https://a/t");
    check(
        "https://a/t?x=1",
        Some("harbor registry"),
        &[scope("a/b", Access::PullPush), scope("c", Access::Pull)],
        "https://a/t?x=1&service=harbor+registry&scope=repository%3Aa%2Fb%3Apull%2Cpush&scope=repository%3Ac%3Apull",
    );
}
