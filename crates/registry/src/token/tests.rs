//! Tests of tokens and their cache.

use std::sync::atomic::{AtomicU32, Ordering};

use super::*;
use crate::scope::Access;

fn scope(repository: &str, access: Access) -> Scope {
    Scope::new(&repository.parse().unwrap(), access)
}

/// The time of every answer here.
const DATE_TEXT: &str = "Sun, 06 Nov 1994 08:49:37 GMT";

#[tokio::test(start_paused = true)]
async fn answers_of_token_servers() {
    #[track_caller]
    fn check(body: &str, expected: Option<(&str, u64)>) {
        let now = Instant::now();
        let headers = HeaderMap::from_iter([(DATE, DATE_TEXT.parse().unwrap())]);
        let token = Token::parse(body.as_bytes(), answered_at(&headers), now);
        let seen = token.as_ref().map(|t| (t.header.to_str().unwrap(), (t.expires - now).as_secs()));
        assert_eq!(seen, expected, "{body}");
    }
    check(r#"{"token":"t","expires_in":300}"#, Some(("Bearer t", 270)));
    check(r#"{"access_token":"a","expires_in":100,"issued_at":"x"}"#, Some(("Bearer a", 80)));
    check(r#"{"token":"t","access_token":"a"}"#, Some(("Bearer t", 48)));
    check(r#"{"token":"","access_token":"a"}"#, Some(("Bearer a", 48)));
    check(r#"{"token":"","access_token":null}"#, None);
    check(r#"{"token":"two\nlines"}"#, None);
    check(r#"{"token":7}"#, None);
    check("{}", None);
    check("[]", None);
    check("nothing", None);
}

#[tokio::test(start_paused = true)]
async fn lives_of_tokens() {
    #[track_caller]
    fn check(rest: &str, answered: Option<&str>, expected: u64) {
        let now = Instant::now();
        let answered = answered.map(|text| httpdate::parse_http_date(text).unwrap());
        let body = format!(r#"{{"token":"t",{rest}}}"#);
        let token = Token::parse(body.as_bytes(), answered, now).unwrap();
        assert_eq!((token.expires - now).as_secs(), expected, "{rest}");
    }
    let day = LONGEST_LIFE.as_secs() - 30;
    check(r#""expires_in":0"#, None, 48);
    check(r#""expires_in":-1"#, None, 48);
    check(r#""expires_in":null"#, None, 48);
    check(r#""expires_in":"soon""#, None, 48);
    check(r#""expires_in":"300""#, None, 270);
    check(r#""expires_in":10"#, None, 8);
    check(r#""expires_in":99.5"#, None, 79);
    check(r#""expires_in":18446744073709551615"#, None, day);
    check(r#""expires_in":1e300"#, None, day);
    let issued = |time: &str| format!(r#""expires_in":300,"issued_at":"{time}""#);
    let now = Some(DATE_TEXT);
    check(&issued("1994-11-06T08:49:37Z"), now, 270);
    check(&issued("1994-11-06T08:47:57Z"), now, 170);
    check(&issued("1994-11-06T16:47:57.5+08:00"), now, 170);
    check(&issued("1994-11-06T08:44:47Z"), now, 8);
    check(&issued("1994-11-06T08:00:00Z"), now, 270);
    check(&issued("0001-01-01T00:00:00Z"), now, 270);
    check(&issued("1994-11-06T09:00:00Z"), now, 270);
    // Without the server's own time, its distance from this machine's clock is unknown.
    check(&issued("1994-11-06T08:00:00Z"), None, 270);
}

fn token(text: &str) -> Token {
    Token::parse(format!(r#"{{"token":"{text}"}}"#).as_bytes(), None, Instant::now()).unwrap()
}

#[test]
fn secrets_stay_hidden() {
    let token = Token::parse(br#"{"token":"s3cret"}"#, None, Instant::now()).unwrap();
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
        cache.get::<(), _>(scopes, async move |_| {
            tokio::time::sleep(Duration::from_millis(10)).await;
            Ok(token(&asked.fetch_add(1, Ordering::Relaxed).to_string()))
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

    cache.forget(&pull, &first, None).await;
    assert_eq!(header(get(&pull).await), renewed);
    cache.forget(&pull, &renewed, None).await;
    assert_ne!(header(get(&pull).await), renewed);
}

#[test]
fn scopes_that_cover_others() {
    assert!(covers("repository:a/b:pull,push", "repository:a/b:push,pull"));
    assert!(covers("repository:a/b:pull,push", "repository:a/b:push"));
    assert!(!covers("repository:a/b:pull", "repository:a/b:pull,push"));
    assert!(!covers("repository:a/b:pull", "repository:a/c:pull"));
    assert!(covers("odd", "odd") && !covers("odd", "repository:a/b:pull"));
}

#[tokio::test]
async fn what_a_refusal_demands_is_asked_for_too() {
    let cache = TokenCache::default();
    let needed = [scope("a/b", Access::Pull)];
    let ask = async || {
        let mut asked = Vec::new();
        let told = &mut asked;
        let fetch = async |scopes| {
            *told = scopes;
            Ok::<_, ()>(token("t"))
        };
        let token = cache.get(&needed, fetch).await.unwrap();
        (asked, token.header)
    };
    let (asked, header) = ask().await;
    assert_eq!(asked, ["repository:a/b:pull"]);
    for covered in ["repository:a/b:pull", ""] {
        cache.forget(&needed, &header, Some(covered)).await;
        assert_eq!(ask().await.0, ["repository:a/b:pull"]);
    }
    cache.forget(&needed, &header, Some("registry:catalog:* repository:a/b:pull")).await;
    assert_eq!(ask().await.0, ["repository:a/b:pull", "registry:catalog:*"]);
    cache.forget(&needed, &header, Some(&"x".repeat(LONGEST_DEMAND + 1))).await;
    assert_eq!(ask().await.0, ["repository:a/b:pull", "registry:catalog:*"]);
}
