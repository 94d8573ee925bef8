//! Every route, asked by every role with every state of the credentials. What the roles may is
//! written down here once more, so that this table and the rule can disagree.

use portolan_depot::accounts::{NewAccount, Password};
use portolan_depot::{
    AccessOptions, ChartDepth, Depot, Grant, Options, Projects, Reach, Role, TokenLife, Visibility,
};
use portolan_oci::Digest;
use reqwest::StatusCode;
use tempfile::TempDir;

use crate::site::{Answer, Ask, Site};

const PASSWORD: &str = "s3cret";

/// The users, by what they were granted: `*` is everything, `p` the project in question, `q` another.
const USERS: [&str; 10] = ["none", "R*", "W*", "A*", "Rp", "Wp", "Ap", "Rq", "Wq", "Aq"];

/// What a row of the table is about: nobody first, then the users, `+` for those who may.
struct Row {
    cells: &'static str,
    /// What tokens do there.
    tokens: Tokens,
    /// `METHOD PATH`; `$D` is a digest, `$I` an upload session.
    lines: &'static [&'static str],
}

/// What tokens do for a row.
#[derive(Clone, Copy, PartialEq, Eq)]
enum Tokens {
    /// They are refused.
    Refused,
    /// They count as far as they permit it.
    Narrow,
    /// Any one is enough.
    Suffice,
}

const KNOWN: &str = "- + +++ +++ +++";
const LISTS: &str = "- + +++ +++ +++";
const OPEN: &str = "+ + +++ +++ +++";
const READ: &str = "- - +++ +++ ---";
const WRITE: &str = "- - -++ -++ ---";
const DELETE: &str = "- - --+ --+ ---";
const READ_ALL: &str = "- - +++ --- ---";
const WRITE_ALL: &str = "- - -++ --- ---";
const DELETE_ALL: &str = "- - --+ --- ---";

/// Where projects are made, and charts are theirs.
const OF_PROJECTS: &[Row] = &[
    Row {
        cells: KNOWN,
        tokens: Tokens::Suffice,
        lines: &["GET /v2/", "HEAD /v2/", "GET /v2/nonsense", "PUT /v2/_catalog"],
    },
    Row { cells: LISTS, tokens: Tokens::Narrow, lines: &["GET /v2/_catalog", "GET /v2/_catalog?n=1&last=a"] },
    Row {
        cells: READ,
        tokens: Tokens::Narrow,
        lines: &[
            "GET /v2/p/a/blobs/$D",
            "HEAD /v2/p/a/blobs/$D",
            "GET /v2/p/a/manifests/x",
            "HEAD /v2/p/a/manifests/$D",
            "GET /v2/p/a/tags/list",
            "GET /v2/p/a/referrers/$D",
        ],
    },
    Row {
        cells: WRITE,
        tokens: Tokens::Narrow,
        lines: &[
            "POST /v2/p/a/blobs/uploads/",
            "POST /v2/p/a/blobs/uploads/?digest=$D",
            "POST /v2/p/a/blobs/uploads/?mount=$D&from=q/a",
            "POST /v2/p/a/blobs/uploads/?mount=$D",
            "GET /v2/p/a/blobs/uploads/$I",
            "PATCH /v2/p/a/blobs/uploads/$I",
            "PUT /v2/p/a/blobs/uploads/$I?digest=$D",
            "DELETE /v2/p/a/blobs/uploads/$I",
            "PUT /v2/p/a/manifests/x",
            "PUT /v2/p/a/manifests/$D?tag=y",
        ],
    },
    Row {
        cells: DELETE,
        tokens: Tokens::Narrow,
        lines: &["DELETE /v2/p/a/blobs/$D", "DELETE /v2/p/a/manifests/x", "DELETE /v2/p/a/manifests/$D"],
    },
    Row {
        cells: OPEN,
        tokens: Tokens::Narrow,
        lines: &["GET /v2/open/a/blobs/$D", "GET /v2/open/a/manifests/x", "GET /v2/open/a/tags/list"],
    },
    Row {
        cells: OPEN,
        tokens: Tokens::Refused,
        lines: &["GET /open/index.yaml", "GET /api/open/charts", "GET /api/v2.0/projects/open"],
    },
    Row {
        cells: WRITE_ALL,
        tokens: Tokens::Narrow,
        lines: &["POST /v2/open/a/blobs/uploads/", "PUT /v2/open/a/manifests/x"],
    },
    Row { cells: DELETE_ALL, tokens: Tokens::Narrow, lines: &["DELETE /v2/open/a/manifests/x"] },
    Row {
        cells: READ,
        tokens: Tokens::Refused,
        lines: &[
            "GET /p/index.yaml",
            "GET /p/charts/a-1.tgz",
            "GET /p/charts/a-1.tgz.prov",
            "GET /api/p/charts",
            "HEAD /api/p/charts/a",
            "GET /api/p/charts/a/1",
            "GET /chartrepo/p/index.yaml",
            "GET /chartrepo/p/charts/a-1.tgz",
            "GET /api/chartrepo/p/charts",
            "GET /api/chartrepo/p/charts/a",
            "GET /api/chartrepo/p/charts/a/1",
            "GET /api/v2.0/projects/p",
        ],
    },
    Row {
        cells: WRITE,
        tokens: Tokens::Refused,
        lines: &[
            "POST /api/p/charts",
            "POST /api/p/charts?force",
            "POST /api/p/prov",
            "POST /api/chartrepo/p/charts",
            "POST /api/chartrepo/p/prov",
        ],
    },
    Row {
        cells: DELETE,
        tokens: Tokens::Refused,
        lines: &[
            "DELETE /api/p/charts/a/1",
            "DELETE /api/chartrepo/p/charts/a/1",
            "DELETE /api/chartrepo/p/charts/a",
        ],
    },
    Row {
        cells: KNOWN,
        tokens: Tokens::Refused,
        lines: &[
            "HEAD /api/v2.0/projects?project_name=p",
            "GET /api/v2.0/systeminfo",
            "GET /api/v2.0/users/current",
            "GET /api/chartrepo/health",
            "GET /nonsense",
            "GET /p/nonsense",
            "PUT /api/v2.0/projects",
        ],
    },
    Row { cells: LISTS, tokens: Tokens::Refused, lines: &["GET /"] },
    Row { cells: OPEN, tokens: Tokens::Refused, lines: &["GET /api/v2.0/projects"] },
    Row { cells: WRITE_ALL, tokens: Tokens::Refused, lines: &["POST /api/v2.0/projects"] },
    Row { cells: READ_ALL, tokens: Tokens::Refused, lines: &["GET /metrics"] },
];

/// Where charts lie at the root.
const OF_THE_ROOT: &[Row] = &[
    Row {
        cells: READ_ALL,
        tokens: Tokens::Refused,
        lines: &[
            "GET /index.yaml",
            "GET /charts/a-1.tgz",
            "GET /charts/a-1.tgz.prov",
            "GET /api/charts",
            "GET /api/charts/a",
            "GET /api/charts/a/1",
        ],
    },
    Row {
        cells: WRITE_ALL,
        tokens: Tokens::Refused,
        lines: &["POST /api/charts", "POST /api/charts?force", "POST /api/prov"],
    },
    Row { cells: DELETE_ALL, tokens: Tokens::Refused, lines: &["DELETE /api/charts/a/1"] },
    Row { cells: READ, tokens: Tokens::Narrow, lines: &["GET /v2/p/a/manifests/x"] },
    Row { cells: WRITE, tokens: Tokens::Narrow, lines: &["PUT /v2/p/a/manifests/x"] },
    Row { cells: DELETE, tokens: Tokens::Narrow, lines: &["DELETE /v2/p/a/manifests/x"] },
];

/// What is open with whatever credentials.
const ALWAYS: [&str; 5] =
    ["GET /health", "HEAD /health", "GET /ready", "GET /api/v2.0/ping", "HEAD /api/v2.0/ping"];

/// A depot with all the users, and the projects `p` and `q`, private, and `open`, which is public.
async fn site(options: Options, reach: Reach) -> Site {
    let data = tempfile::tempdir().expect("a folder");
    let data = tokio::task::spawn_blocking(move || prepared(data)).await.expect("prepared");
    Site::reached(data, options, reach).await
}

fn prepared(data: TempDir) -> TempDir {
    let depot = Depot::open(data.path(), Options::default()).expect("a depot");
    for user in USERS {
        let role = match &user[..1] {
            "R" => Some(Role::Reader),
            "W" => Some(Role::Writer),
            "A" => Some(Role::Admin),
            _ => None,
        };
        let grants = role.map(|role| Grant { role, domain: user[1..].parse().expect("a domain") });
        let password = Password::new(PASSWORD.into()).expect("a password");
        let name = name_of(user).parse().expect("a name");
        let new = NewAccount { name, password, grants: grants.into_iter().collect() };
        depot.accounts().add(&new).expect("made");
    }
    for (name, visibility) in
        [("p", Visibility::Private), ("q", Visibility::Private), ("open", Visibility::Public)]
    {
        depot.store().metadata.create_project(&name.parse().expect("a name"), visibility).expect("made");
    }
    data
}

fn name_of(user: &str) -> String {
    user.replace('*', "-all")
}

fn enforced() -> Options {
    Options { projects: Projects::Enforced, ..Options::default() }
}

/// The line with its placeholders filled in; no such upload was ever begun.
fn filled(line: &str) -> String {
    line.replace("$D", &Digest::sha256(b"").to_string()).replace("$I", &"0".repeat(32))
}

/// A token for `user`, or for nobody, that permits `scopes` as far as that user may.
async fn token(site: &Site, user: Option<&str>, scopes: &[&str]) -> String {
    let query: Vec<String> = scopes.iter().map(|scope| format!("scope={scope}")).collect();
    let ask = site.ask(&format!("GET /v2/_token?service=portolan-depot&{}", query.join("&")));
    let ask = match user {
        Some(user) => ask.user(&name_of(user), PASSWORD),
        None => ask,
    };
    let answer = ask.send().await.expect(StatusCode::OK);
    answer.json()["token"].as_str().expect("a token").to_owned()
}

fn bearer(ask: Ask, token: &str) -> Ask {
    ask.header("Authorization", &format!("Bearer {token}"))
}

/// What a request should come to.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Outcome {
    /// Whatever the handler says.
    Answered,
    /// 401 with a challenge; for the registry one with these words.
    SignIn(&'static str),
    /// 403.
    Denied,
}

#[track_caller]
fn check(answer: &Answer, expected: Outcome, what: &str) {
    let registry = what.contains(" /v2/");
    match (answer.status, expected) {
        (StatusCode::UNAUTHORIZED, Outcome::SignIn(words)) => {
            let challenge = answer.header("www-authenticate");
            let scheme = if registry { "Bearer realm=\"http://127.0.0.1:" } else { "Basic realm=" };
            assert!(challenge.starts_with(scheme), "{what}: {challenge}");
            assert!(!registry || challenge.contains(words), "{what}: {challenge}");
            assert!(challenge.contains("error=") == (registry && !words.is_empty()), "{what}: {challenge}");
        }
        (StatusCode::FORBIDDEN, Outcome::Denied) => {}
        (StatusCode::UNAUTHORIZED | StatusCode::FORBIDDEN, _) | (_, Outcome::SignIn(_) | Outcome::Denied) => {
            panic!(
                "{what}: {} in place of {expected:?}: {}",
                answer.status,
                String::from_utf8_lossy(&answer.body)
            )
        }
        (status, Outcome::Answered) => assert!(!status.is_server_error(), "{what}: {status}"),
    }
}

/// Scopes that permit everything that any row needs.
const WIDE: [&str; 3] = ["repository:p/a:*", "repository:open/a:*", "registry:catalog:*"];

/// Scopes that permit nothing that any row needs.
const NARROW: [&str; 3] = ["repository:p/b:*", "repository:q/a:pull", "repository:openn/a:*"];

/// Checks each line of each row for one asker. `may` picks the asker's cell.
async fn check_rows(
    site: &Site,
    rows: &[Row],
    who: &str,
    sign: impl Fn(Ask) -> Ask,
    expected: impl Fn(&Row, bool) -> Outcome,
    column: usize,
) {
    for row in rows {
        let cells: Vec<char> = row.cells.chars().filter(|cell| *cell != ' ').collect();
        assert_eq!(cells.len(), USERS.len() + 1);
        for line in row.lines {
            let answer = sign(site.ask(&filled(line))).send().await;
            check(&answer, expected(row, cells[column] == '+'), &format!("{line} as {who}"));
        }
    }
}

/// What comes of a token that counts for nothing.
fn invalid(row: &Row, _: bool) -> Outcome {
    match row.tokens {
        Tokens::Refused => Outcome::SignIn(""),
        Tokens::Narrow | Tokens::Suffice => Outcome::SignIn("error=\"invalid_token\""),
    }
}

/// Who doesn't sign in, or fails to.
async fn check_strangers(site: &Site, rows: &[Row], expired: &str) {
    let closed = |_: &Row, may: bool| if may { Outcome::Answered } else { Outcome::SignIn("") };
    check_rows(site, rows, "nobody", |ask| ask, closed, 0).await;
    let failed = |_: &Row, _: bool| Outcome::SignIn("");
    for (name, password) in
        [("nobody", PASSWORD), ("A-all", "wrong"), ("A-all", ""), ("a-all", PASSWORD), ("", "")]
    {
        check_rows(site, rows, &format!("{name}:{password}"), |ask| ask.user(name, password), failed, 0)
            .await;
    }
    for header in
        ["Basic", "Bearer", "Basic !", "Basic QQ==", "Digest x", "x", "Basic QS1hbGw6czNjcmV0eA==,Bearer x"]
    {
        let sign = |ask: Ask| ask.header("Authorization", header);
        check_rows(site, rows, header, sign, failed, 0).await;
    }
    let twice = |ask: Ask| ask.user("A-all", PASSWORD).user("A-all", PASSWORD);
    check_rows(site, rows, "two headers", twice, failed, 0).await;
    let good = token(site, Some("A*"), &WIDE).await;
    let (said, mark) = good.split_once('.').expect("two parts");
    let other = token(site, Some("Rp"), &WIDE).await;
    let swapped = format!("{said}.{}", other.split_once('.').expect("two parts").1);
    for bad in
        [expired, "x", "x.y", said, &format!("{said}."), &format!("{good}x"), &swapped, &format!(".{mark}")]
    {
        check_rows(site, rows, &format!("forged {bad}"), |ask| bearer(ask, bad), invalid, 0).await;
    }
    // A token of nobody is one: it is known, and may what nobody may.
    let anonymous = token(site, None, &WIDE).await;
    let of_nobody = |row: &Row, may: bool| match (row.tokens, may) {
        (Tokens::Refused, _) => Outcome::SignIn(""),
        (Tokens::Suffice, _) | (Tokens::Narrow, true) => Outcome::Answered,
        (Tokens::Narrow, false) => Outcome::SignIn("error=\"insufficient_scope\""),
    };
    check_rows(site, rows, "a token of nobody", |ask| bearer(ask, &anonymous), of_nobody, 0).await;
}

async fn check_users(site: &Site, rows: &[Row]) {
    for (number, user) in USERS.iter().enumerate() {
        let column = number + 1;
        let by_password = |_: &Row, may: bool| if may { Outcome::Answered } else { Outcome::Denied };
        let sign = |ask: Ask| ask.user(&name_of(user), PASSWORD);
        check_rows(site, rows, user, sign, by_password, column).await;
        let by_token = |row: &Row, may: bool| match row.tokens {
            Tokens::Refused => Outcome::SignIn(""),
            Tokens::Narrow | Tokens::Suffice => by_password(row, may),
        };
        let wide = token(site, Some(user), &WIDE).await;
        check_rows(site, rows, &format!("{user}, token"), |ask| bearer(ask, &wide), by_token, column).await;
        let narrowed = |row: &Row, may: bool| match (row.tokens, may) {
            (Tokens::Narrow, true) => Outcome::SignIn("error=\"insufficient_scope\""),
            _ => by_token(row, may),
        };
        for scopes in [&NARROW[..], &[]] {
            let narrow = token(site, Some(user), scopes).await;
            let who = format!("{user}, token for {scopes:?}");
            check_rows(site, rows, &who, |ask| bearer(ask, &narrow), narrowed, column).await;
        }
    }
}

/// A token that this depot made and that has ended. A depot that makes such alone is not told apart
/// from another: what counts is that the one asked refuses it.
async fn expired(options: &Options) -> (Site, String) {
    let access = AccessOptions { token_life: TokenLife(std::time::Duration::ZERO), ..options.access.clone() };
    let site = site(Options { access, ..options.clone() }, Reach::Network).await;
    let token = token(&site, Some("A*"), &WIDE).await;
    (site, token)
}

async fn check_all(options: Options, rows: &[Row]) {
    let (ended, token) = expired(&options).await;
    check_rows(&ended, rows, "an expired token", |ask| bearer(ask, &token), invalid, 0).await;
    for reach in [Reach::Network, Reach::Loopback] {
        let site = site(options.clone(), reach).await;
        check_strangers(&site, rows, &token).await;
        check_users(&site, rows).await;
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn every_route_of_projects_by_every_role_and_credential() {
    check_all(enforced(), OF_PROJECTS).await;
}

#[tokio::test(flavor = "multi_thread")]
async fn every_route_of_the_root_by_every_role_and_credential() {
    check_all(Options { chart_depth: ChartDepth::Root, ..Options::default() }, OF_THE_ROOT).await;
}

#[tokio::test]
async fn what_is_open_is_open_with_whatever_credentials() {
    let site = site(enforced(), Reach::Network).await;
    for line in ALWAYS {
        site.ask(line).send().await.expect(StatusCode::OK);
        site.ask(line).user("A-all", "wrong").send().await.expect(StatusCode::OK);
        site.ask(line).header("Authorization", "nonsense").send().await.expect(StatusCode::OK);
        bearer(site.ask(line), "x.y").send().await.expect(StatusCode::OK);
    }
}

#[tokio::test]
async fn without_accounts_everybody_on_this_machine_may_everything() {
    for (options, rows) in [
        (enforced(), OF_PROJECTS),
        (Options { chart_depth: ChartDepth::Root, ..Options::default() }, OF_THE_ROOT),
    ] {
        let site = Site::with(options).await;
        for name in ["p", "q", "open"] {
            let body = format!(r#"{{"project_name":"{name}"}}"#);
            site.ask("POST /api/v2.0/projects").body(body).send().await;
        }
        // Harbor's question of who asks has no answer where nobody is anybody.
        let asked = |line: &&&str| !line.ends_with("/users/current");
        for line in rows.iter().flat_map(|row| row.lines).filter(asked) {
            let answers = [
                site.ask(&filled(line)).send().await,
                site.ask(&filled(line)).user("ann", "whatever").send().await,
                bearer(site.ask(&filled(line)), "x.y").send().await,
            ];
            for answer in answers {
                check(&answer, Outcome::Answered, line);
            }
        }
    }
}
