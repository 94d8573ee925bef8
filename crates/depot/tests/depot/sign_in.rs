//! Tokens, password files, and what users are shown and told, over HTTP.

use std::fs;
use std::time::Duration;

use portolan_depot::accounts::{NewAccount, Password};
use portolan_depot::{
    AccessOptions, Account, AnonymousPull, Challenge, Depot, Grant, Mode, Options, ProjectMakers, Projects,
    Reach, Role,
};
use portolan_oci::Digest;
use portolan_testkit::components;
use reqwest::StatusCode;
use serde_json::{Value, json};

use crate::site::{Answer, Site};

fn guarded() -> Options {
    Options { account: Some(Account::new("admin", "s3cret".into())), ..Options::default() }
}

fn with(access: AccessOptions) -> Options {
    Options { access, ..guarded() }
}

/// A depot with `admin`, and users that were granted roles in projects: `NAME`, `ROLE@DOMAIN`.
async fn site(options: Options, users: &'static [(&str, &[&str])]) -> Site {
    let data = tempfile::tempdir().expect("a folder");
    let path = data.path().to_owned();
    let made = tokio::task::spawn_blocking(move || {
        let depot = Depot::open(&path, Options::default()).expect("a depot");
        for (name, grants) in users {
            let grants = grants.iter().map(|text| grant(text)).collect();
            let password = Password::new(format!("{name}'s").into()).expect("a password");
            let new = NewAccount { name: name.parse().expect("a name"), password, grants };
            depot.accounts().add(&new).expect("made");
        }
    });
    made.await.expect("made");
    Site::reached(data, options, Reach::Network).await
}

fn grant(text: &str) -> Grant {
    let (role, domain) = text.split_once('@').expect("ROLE@DOMAIN");
    Grant { role: role.parse().expect("a role"), domain: domain.parse().expect("a domain") }
}

async fn get_as(site: &Site, user: &str, path: &str) -> Answer {
    site.ask(&format!("GET {path}")).user(user, &format!("{user}'s")).send().await
}

/// Makes the projects `p` and `q`, which are private, and `open`, which is public.
async fn make_projects(site: &Site) {
    for (name, public) in [("p", "false"), ("q", "false"), ("open", "true")] {
        let body = json!({"project_name": name, "metadata": {"public": public}}).to_string();
        let ask = site.ask("POST /api/v2.0/projects").user("admin", "s3cret").body(body);
        ask.send().await.expect(StatusCode::CREATED);
    }
}

/// What a token for these scopes says that it permits.
async fn granted(site: &Site, user: &str, query: &str) -> String {
    let answer = get_as(site, user, &format!("/v2/_token?{query}")).await.expect(StatusCode::OK);
    answer.json()["scope"].as_str().expect("a text").to_owned()
}

#[tokio::test]
async fn a_token_is_handed_out_as_clients_expect_it() {
    let site = Site::with(guarded()).await;
    let path = "/v2/_token?account=admin&client_id=docker&offline_token=true&service=portolan-depot";
    let answer = site.ask(&format!("GET {path}")).user("admin", "s3cret").send().await;
    let answer = answer.expect(StatusCode::OK);
    assert_eq!(answer.header("cache-control"), "no-store");
    let body = answer.json();
    assert_eq!(body["token"], body["access_token"]);
    assert_eq!((&body["expires_in"], &body["token_type"]), (&json!(900), &json!("Bearer")));
    let issued = body["issued_at"].as_str().expect("a time");
    assert!(issued.len() == "2026-01-01T00:00:00Z".len() && issued.ends_with('Z'), "{issued}");
    // What would outlast a password is not handed out.
    assert_eq!(body.get("refresh_token"), None);
    let token = format!("Bearer {}", body["token"].as_str().expect("a token"));
    site.ask("GET /v2/").header("Authorization", &token).send().await.expect(StatusCode::OK);
    // Of a token none is made.
    let again = site.ask("GET /v2/_token").header("Authorization", &token).send().await;
    assert_eq!(again.header("www-authenticate"), "Basic realm=\"Portolan depot\"");
    again.refused(StatusCode::UNAUTHORIZED, "UNAUTHORIZED");
}

#[tokio::test]
async fn a_token_permits_what_was_asked_and_its_user_may() {
    let site = site(guarded(), &[("ann", &["reader@*", "writer@p", "admin@q"]), ("bob", &[])]).await;
    let check = async |user: &str, query: &str, expected: &str| {
        assert_eq!(granted(&site, user, query).await, expected, "{user} {query}");
    };
    check("ann", "", "").await;
    check("ann", "scope=repository:p/a:pull,push,delete", "repository:p/a:pull,push").await;
    check("ann", "scope=repository:q/a:*", "repository:q/a:pull,push,delete").await;
    check("ann", "scope=repository:q/a:pull", "repository:q/a:pull").await;
    check(
        "ann",
        "scope=repository:p/a:push&scope=repository:r/a:pull,push%20registry:catalog:*",
        "repository:p/a:push repository:r/a:pull registry:catalog:*",
    )
    .await;
    check("bob", "scope=repository:p/a:pull&scope=registry:catalog:*", "registry:catalog:*").await;
    check("bob", "scope=nonsense&scope=repository:../x:pull", "").await;
    site.ask("GET /v2/_token")
        .user("ann", "wrong")
        .send()
        .await
        .refused(StatusCode::UNAUTHORIZED, "UNAUTHORIZED");
}

#[tokio::test]
async fn a_form_gets_a_token_too() {
    let site = site(guarded(), &[("ann", &["writer@p"])]).await;
    let post = async |form: &str| site.ask("POST /v2/_token").body(form.to_owned()).send().await;
    let good = "grant_type=password&service=portolan-depot&client_id=x&scope=repository:p/a:pull,push&username=ann&password=ann%27s";
    let body = post(good).await.expect(StatusCode::OK).json();
    assert_eq!(body["scope"], json!("repository:p/a:pull,push"));
    let token = format!("Bearer {}", body["access_token"].as_str().expect("a token"));
    let push = site.ask("POST /v2/p/a/blobs/uploads/").header("Authorization", &token).send().await;
    push.expect(StatusCode::ACCEPTED);
    post(&good.replace("%27s", "")).await.refused(StatusCode::UNAUTHORIZED, "UNAUTHORIZED");
    post("grant_type=password").await.refused(StatusCode::UNAUTHORIZED, "UNAUTHORIZED");
    post("grant_type=refresh_token&refresh_token=x").await.refused(StatusCode::BAD_REQUEST, "BAD_REQUEST");
    post("").await.refused(StatusCode::BAD_REQUEST, "BAD_REQUEST");
    let long = format!("grant_type=password&username={}", "a".repeat(64 * 1024));
    post(&long).await.refused(StatusCode::PAYLOAD_TOO_LARGE, "SIZE_INVALID");
}

#[tokio::test]
async fn strangers_get_tokens_for_what_is_open() {
    let everything = AccessOptions { anonymous_pull: AnonymousPull::Everything, ..AccessOptions::default() };
    for (options, expected) in [(guarded(), ""), (with(everything), "repository:p/a:pull registry:catalog:*")]
    {
        let site = Site::reached(tempfile::tempdir().expect("a folder"), options, Reach::Network).await;
        let path = "/v2/_token?scope=repository:p/a:pull,push&scope=registry:catalog:*";
        let body = site.get(path).await.expect(StatusCode::OK).json();
        assert_eq!(body["scope"], json!(expected));
        let token = format!("Bearer {}", body["token"].as_str().expect("a token"));
        let asked = async |line: &str| site.ask(line).header("Authorization", &token).send().await.status;
        let open = if expected.is_empty() { StatusCode::UNAUTHORIZED } else { StatusCode::NOT_FOUND };
        assert_eq!(asked("GET /v2/p/a/manifests/x").await, open);
        assert_eq!(asked("POST /v2/p/a/blobs/uploads/").await, StatusCode::UNAUTHORIZED);
    }
}

#[tokio::test]
async fn what_may_be_pulled_by_everybody_may_be_pushed_by_nobody() {
    let access = AccessOptions { anonymous_pull: AnonymousPull::Everything, ..AccessOptions::default() };
    let site = Site::reached(tempfile::tempdir().expect("a folder"), with(access), Reach::Network).await;
    for line in
        ["GET /v2/p/a/manifests/x", "GET /v2/_catalog", "GET /p/index.yaml", "GET /api/p/charts", "GET /"]
    {
        let status = site.ask(line).send().await.status;
        assert!(matches!(status, StatusCode::OK | StatusCode::NOT_FOUND), "{line}: {status}");
    }
    // A client finds out here whether it may sign in.
    for line in [
        "GET /v2/",
        "POST /v2/p/a/blobs/uploads/",
        "PUT /v2/p/a/manifests/x",
        "DELETE /v2/p/a/manifests/x",
        "POST /api/p/charts",
        "GET /metrics",
    ] {
        site.ask(line).send().await.expect(StatusCode::UNAUTHORIZED);
    }
    // Who tries to sign in and fails is told so.
    site.ask("GET /v2/p/a/manifests/x").user("admin", "wrong").send().await.expect(StatusCode::UNAUTHORIZED);
}

#[tokio::test]
async fn a_mirror_that_nobody_writes_needs_no_account() {
    let access = AccessOptions { anonymous_pull: AnonymousPull::Everything, ..AccessOptions::default() };
    let options = Options { mode: Mode::ReadOnly, access, ..Options::default() };
    let site = Site::reached(tempfile::tempdir().expect("a folder"), options, Reach::Network).await;
    site.get("/v2/").await.expect(StatusCode::OK);
    site.get("/v2/_catalog").await.expect(StatusCode::OK);
    site.ask("POST /v2/p/a/blobs/uploads/").send().await.expect(StatusCode::UNAUTHORIZED);
}

#[tokio::test]
async fn the_address_in_a_challenge_is_the_one_that_was_used_or_set() {
    let realm = async |site: &Site, host: &str, proto: &str| {
        let ask = site.ask("GET /v2/p/a/tags/list").header("Host", host).header("X-Forwarded-Proto", proto);
        ask.send().await.header("www-authenticate").to_owned()
    };
    let rest = "/v2/_token\",service=\"portolan-depot\",scope=\"repository:p/a:pull\"";
    let site = Site::with(guarded()).await;
    assert_eq!(realm(&site, "depot.site", "http").await, format!("Bearer realm=\"http://depot.site{rest}"));
    assert_eq!(
        realm(&site, "depot.site:1", "https").await,
        format!("Bearer realm=\"https://depot.site:1{rest}")
    );
    assert_eq!(realm(&site, "a\"b", "https").await, "Basic realm=\"Portolan depot\"");
    let url = "https://registry.site".parse().expect("an address");
    let site = Site::with(with(AccessOptions { public_url: Some(url), ..AccessOptions::default() })).await;
    assert_eq!(
        realm(&site, "depot.site", "http").await,
        format!("Bearer realm=\"https://registry.site{rest}")
    );
    let access = AccessOptions { challenge: Challenge::Password, ..AccessOptions::default() };
    let site = Site::with(with(access)).await;
    assert_eq!(realm(&site, "depot.site", "http").await, "Basic realm=\"Portolan depot\"");
}

#[tokio::test]
async fn a_user_who_may_not_is_told_what() {
    let options = Options { projects: Projects::Enforced, ..guarded() };
    let site = site(options, &[("ann", &["reader@p"]), ("will", &["writer@*"])]).await;
    let told =
        async |line: &str| site.ask(line).user("ann", "ann's").send().await.expect(StatusCode::FORBIDDEN);
    let registry = |message: &str| json!({"errors": [{"code": "DENIED", "message": message}]});
    let check = async |line: &str, expected: Value| assert_eq!(told(line).await.json(), expected, "{line}");
    check("PUT /v2/p/a/manifests/x", registry("user ann may not add to or change what project p holds"))
        .await;
    check("DELETE /v2/p/a/manifests/x", registry("user ann may not delete what project p holds")).await;
    // Whether it is there is not told.
    check("GET /v2/q/a/manifests/x", registry("user ann may not read what project q holds")).await;
    check("POST /api/v2.0/projects", registry("user ann may not make projects")).await;
    check("POST /api/p/charts", json!({"error": "user ann may not add to or change what project p holds"}))
        .await;
    check("GET /metrics", json!({"error": "user ann may not see how the depot is doing"})).await;
    let make = async |name: &str, site: &Site| {
        let body = json!({"project_name": name}).to_string();
        site.ask("POST /api/v2.0/projects").user("will", "will's").body(body).send().await.status
    };
    assert_eq!(make("p", &site).await, StatusCode::CREATED);
    let site = site.restart_with(|options| options.access.project_makers = ProjectMakers::Admins).await;
    assert_eq!(make("q", &site).await, StatusCode::FORBIDDEN);
}

#[tokio::test]
async fn a_blob_is_mounted_from_where_one_may_read_alone() {
    let options = Options { projects: Projects::Enforced, ..guarded() };
    let site = site(
        options,
        &[("ann", &["writer@p"]), ("bob", &["writer@p", "reader@q"]), ("eve", &["writer@p", "reader@*"])],
    )
    .await;
    make_projects(&site).await;
    let push = async |repository: &str, content: &'static str| {
        let digest = Digest::sha256(content.as_bytes());
        let line = format!("POST /v2/{repository}/blobs/uploads/?digest={digest}");
        site.ask(&line).user("admin", "s3cret").body(content).send().await.expect(StatusCode::CREATED);
        digest
    };
    let (secret, free) = (push("q/a", "of q").await, push("open/a", "of all").await);
    let mount = async |user: &str, digest: &Digest, from: &str| {
        let line = format!("POST /v2/p/a/blobs/uploads/?mount={digest}{from}");
        let asked = site.ask(&line).user(user, &format!("{user}'s")).send().await;
        let blob = site.ask(&format!("HEAD /v2/p/a/blobs/{digest}")).user(user, &format!("{user}'s"));
        let is_there = blob.send().await.status == StatusCode::OK;
        assert_eq!(is_there, asked.status == StatusCode::CREATED, "{user} {line}");
        asked.status
    };
    assert_eq!(mount("ann", &secret, "&from=q/a").await, StatusCode::ACCEPTED);
    assert_eq!(mount("ann", &secret, "").await, StatusCode::ACCEPTED);
    assert_eq!(mount("bob", &secret, "").await, StatusCode::ACCEPTED);
    assert_eq!(mount("ann", &free, "&from=open/a").await, StatusCode::CREATED);
    assert_eq!(mount("bob", &secret, "&from=q/a").await, StatusCode::CREATED);
    let other = push("q/b", "of q too").await;
    assert_eq!(mount("eve", &other, "").await, StatusCode::CREATED);
}

#[tokio::test]
async fn lists_show_what_one_may_read() {
    let options = Options { projects: Projects::Enforced, ..guarded() };
    let site = site(options, &[("ann", &["reader@p"]), ("eve", &["reader@*"])]).await;
    make_projects(&site).await;
    for name in ["p", "q", "open"] {
        let index = json!({"schemaVersion": 2, "mediaType": "application/vnd.oci.image.index.v1+json", "manifests": []});
        let put = site.ask(&format!("PUT /v2/{name}/a/manifests/x")).user("admin", "s3cret");
        put.body(index.to_string()).send().await.expect(StatusCode::CREATED);
    }
    let check = async |user: &str, expected: &[&str]| {
        let repositories: Vec<String> = expected.iter().map(|name| format!("{name}/a")).collect();
        let catalog = get_as(&site, user, "/v2/_catalog").await.expect(StatusCode::OK).json();
        assert_eq!(catalog["repositories"], json!(repositories), "{user}");
        let projects = get_as(&site, user, "/api/v2.0/projects").await.expect(StatusCode::OK).json();
        let names: Vec<&str> =
            projects.as_array().expect("a list").iter().filter_map(|one| one["name"].as_str()).collect();
        assert_eq!(names, expected, "{user}");
        let page = get_as(&site, user, "/").await.expect(StatusCode::OK);
        for name in ["p/a", "q/a", "open/a"] {
            let is_shown = page.text().contains(name);
            assert_eq!(is_shown, repositories.iter().any(|shown| shown == name), "{user} {name}");
        }
    };
    check("ann", &["open", "p"]).await;
    check("eve", &["open", "p", "q"]).await;
    let public = site.get("/api/v2.0/projects").await.expect(StatusCode::OK).json();
    assert_eq!(public, json!([{"name": "open", "metadata": {"public": "true"}}]));
}

#[tokio::test]
async fn harbors_clients_learn_who_they_are() {
    let options = Options { projects: Projects::Enforced, ..guarded() };
    let site = site(options, &[("ann", &["admin@p"])]).await;
    let path = "/api/v2.0/users/current";
    let ann = get_as(&site, "ann", path).await.expect(StatusCode::OK).json();
    assert_eq!(ann, json!({"username": "ann", "sysadmin_flag": false}));
    let admin = site.ask(&format!("GET {path}")).user("admin", "s3cret").send().await.expect(StatusCode::OK);
    assert_eq!(admin.json(), json!({"username": "admin", "sysadmin_flag": true}));
    let info = get_as(&site, "ann", "/api/v2.0/systeminfo").await.expect(StatusCode::OK).json();
    assert_eq!(info, json!({"read_only": false}));
    let site = site.restart_with(|options| options.mode = Mode::ReadOnly).await;
    let info = get_as(&site, "ann", "/api/v2.0/systeminfo").await.expect(StatusCode::OK).json();
    assert_eq!(info, json!({"read_only": true}));
}

/// A file that Apache's own program wrote, and changes while the depot runs.
#[tokio::test]
async fn users_of_a_password_file_come_and_go_with_it() {
    let Some(program) = components::HTPASSWD.require() else { return };
    let folder = tempfile::tempdir().expect("a folder");
    let path = folder.path().join("htpasswd");
    let htpasswd = |flags: &str, name: &str| {
        let mut command = std::process::Command::new(&program);
        command.arg(flags).args(["-C", "5"]).arg(&path).args([name, &format!("{name}'s")]);
        portolan_testkit::process::run(&mut command);
    };
    htpasswd("-cbB", "ann");
    let access = AccessOptions { password_file: Some(path.clone()), ..AccessOptions::default() };
    let options = Options { access, ..Options::default() };
    let site = Site::reached(tempfile::tempdir().expect("a folder"), options, Reach::Network).await;
    let status =
        async |user: &str, line: &str| site.ask(line).user(user, &format!("{user}'s")).send().await.status;
    assert_eq!(status("ann", "POST /v2/p/a/blobs/uploads/").await, StatusCode::ACCEPTED);
    assert_eq!(status("ann", "DELETE /v2/p/a/manifests/x").await, StatusCode::FORBIDDEN);
    assert_eq!(status("bob", "GET /v2/").await, StatusCode::UNAUTHORIZED);
    htpasswd("-bB", "bob");
    until(async || status("bob", "GET /v2/").await == StatusCode::OK).await;
    fs::write(&path, "").expect("emptied");
    until(async || status("ann", "GET /v2/").await == StatusCode::UNAUTHORIZED).await;
    site.get("/v2/").await.expect(StatusCode::UNAUTHORIZED);
}

/// Asks until it is so; what a file holds is looked at once a second.
async fn until(is_so: impl AsyncFn() -> bool) {
    let asking = async {
        while !is_so().await {
            tokio::time::sleep(Duration::from_millis(50)).await;
        }
    };
    tokio::time::timeout(Duration::from_secs(60), asking).await.expect("it is so in time");
}

#[tokio::test]
async fn accounts_change_while_a_depot_serves() {
    let data = tempfile::tempdir().expect("a folder");
    let depot = Depot::open(data.path(), Options::default()).expect("a depot");
    let listener = tokio::net::TcpListener::bind("127.0.0.1:0").await.expect("a listener");
    let url = format!("http://{}", listener.local_addr().expect("an address"));
    let (stop, stopped) = tokio::sync::oneshot::channel::<()>();
    let serving = tokio::spawn(depot.clone().serve(listener, async move {
        let _ = stopped.await;
    }));
    let client = reqwest::Client::builder().no_proxy().build().expect("a client");
    let status = async |password: Option<&str>| {
        let request = client.get(format!("{url}/v2/"));
        let request = match password {
            Some(password) => request.basic_auth("ann", Some(password)),
            None => request,
        };
        request.send().await.expect("an answer").status().as_u16()
    };
    assert_eq!(status(None).await, 200);
    let change = async |work: fn(&Depot)| {
        let depot = depot.clone();
        tokio::task::spawn_blocking(move || work(&depot)).await.expect("done");
    };
    change(|depot| add(depot, "ann", "first")).await;
    assert_eq!((status(None).await, status(Some("first")).await), (401, 200));
    change(|depot| {
        let password = Password::new("second".into()).expect("a password");
        depot.accounts().set_password(&"ann".parse().expect("a name"), &password).expect("set");
    })
    .await;
    assert_eq!((status(Some("first")).await, status(Some("second")).await), (401, 200));
    change(|depot| {
        add(depot, "bob", "b");
        depot.accounts().remove(&"ann".parse().expect("a name")).expect("removed");
    })
    .await;
    assert_eq!((status(Some("second")).await, status(None).await), (401, 401));
    drop((depot, stop));
    serving.await.expect("a clean end").expect("a clean end");
}

fn add(depot: &Depot, name: &str, password: &str) {
    let password = Password::new(password.into()).expect("a password");
    let grants = vec![Grant::everywhere(Role::Reader)];
    depot
        .accounts()
        .add(&NewAccount { name: name.parse().expect("a name"), password, grants })
        .expect("made");
}
