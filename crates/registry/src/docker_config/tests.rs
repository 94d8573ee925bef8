//! Tests of Docker's configuration, with helpers that are shell scripts.

use std::{fs, os::unix::fs::PermissionsExt as _};

use super::*;

/// `user:password`, or what went wrong.
async fn look_up(json: &str, host: &str, search_path: &OsStr) -> Result<Option<String>, String> {
    let config = DockerConfig::parse(Path::new("config.json"), json.as_bytes()).map_err(|e| e.to_string())?;
    match config.credentials(&host.parse().unwrap(), search_path).await {
        Ok(found) => Ok(found.map(|c| format!("{} {}", c.username, c.password.expose_secret()))),
        Err(error) => Err(std::error::Error::source(&error)
            .map_or_else(|| error.to_string(), |source| format!("{error}: {source}"))),
    }
}

#[tokio::test]
async fn entries_of_the_file() {
    async fn check(json: &str, host: &str, expected: Option<&str>) {
        let found = look_up(json, host, OsStr::new("")).await;
        assert_eq!(found, Ok(expected.map(str::to_owned)), "{json} {host}");
    }
    // alice:s3:cret
    let auth = r#"{"auths":{"KEY":{"auth":"YWxpY2U6czM6Y3JldA=="}}}"#;
    let with = |key: &str| auth.replace("KEY", key);
    check(&with("r.example:5000"), "r.example:5000", Some("alice s3:cret")).await;
    check(&with("https://r.example:5000/v2/"), "r.example:5000", Some("alice s3:cret")).await;
    check(&with("r.example"), "r.example:5000", None).await;
    check(&with("http://R.example"), "r.example", Some("alice s3:cret")).await;
    check(&with("r.example/team"), "r.example", Some("alice s3:cret")).await;
    check(&with("s.example/r.example"), "r.example", None).await;
    // ann:a and bob:b
    let paths = r#"{"auths":{"r/a":{"auth":"YW5uOmE="},"https://r/v1/":{"auth":"Ym9iOmI="}}}"#;
    check(paths, "r", Some("bob b")).await;
    check(&with("https://index.docker.io/v1/"), "docker.io", Some("alice s3:cret")).await;
    check(r#"{"auths":{"r":{"auth":"YTpi"}}}"#, "r", Some("a b")).await;
    check(r#"{"auths":{"r":{"auth":"YTpiAAA="}}}"#, "r", Some("a b")).await;
    check(r#"{"auths":{"r":{"auth":"","identitytoken":"t"}}}"#, "r", Some("<token> t")).await;
    check(r#"{"auths":{"r":{"username":"a","password":"b"}}}"#, "r", Some("a b")).await;
    check(r#"{"auths":{"r":{}}}"#, "r", None).await;
    check(r#"{"auths":{"r":null}}"#, "r", None).await;
    check(r#"{"auths":null,"credHelpers":null,"credsStore":null}"#, "r", None).await;
    check(r#"{"HttpHeaders":{},"credsStore":""}"#, "r", None).await;
    // robot$ship+push:p$x
    check(r#"{"auths":{"r":{"auth":"cm9ib3Qkc2hpcCtwdXNoOnAkeA=="}}}"#, "r", Some("robot$ship+push p$x"))
        .await;
    check(r#"{"auths":{"r":{"username":"robot$a","password":"$1"}}}"#, "r", Some("robot$a $1")).await;
}

#[tokio::test]
async fn what_is_wrong_is_said_without_secrets() {
    async fn check(json: &str, expected: &str) {
        assert_eq!(look_up(json, "r", OsStr::new("")).await, Err(expected.to_owned()), "{json}");
    }
    check("{\n\"auths\": 3}", "Docker's configuration config.json is wrong in line 2").await;
    let entry = "the credentials for r in config.json are not base64 of user:password; log in again";
    check(r#"{"auths":{"r":{"auth":"s3cret!"}}}"#, entry).await;
    check(r#"{"auths":{"r":{"auth":"bm9jb2xvbg=="}}}"#, entry).await;
    let missing = "cannot get credentials for r, as config.json asks for: the program docker-credential-none \
                   is not on the search path; install it, or log in without it";
    check(r#"{"credsStore":"none"}"#, missing).await;
    let name =
        "cannot get credentials for r, as config.json asks for: \"../x\" is no name of a credential helper";
    check(r#"{"credsStore":"../x"}"#, name).await;
}

#[tokio::test]
async fn helpers() {
    let folder = tempfile::tempdir().unwrap();
    let write = |name: &str, script: &str| {
        let path = folder.path().join(format!("docker-credential-{name}"));
        fs::write(&path, format!("#!/bin/sh\n{script}\n")).unwrap();
        fs::set_permissions(&path, fs::Permissions::from_mode(0o755)).unwrap();
    };
    write(
        "echo",
        r#"read server; printf '{"ServerURL":"%s","Username":"u","Secret":"for %s"}' "$1" "$server""#,
    );
    write("token", r#"cat >/dev/null; printf '{"Username":"<token>","Secret":"t"}'"#);
    write("empty", "echo credentials not found in native keychain; exit 1");
    write("broken", "echo s3cret; exit 3");
    write("odd", "echo s3cret");
    let search = folder.path().as_os_str();
    let check = async |json: &str, host: &str, expected: Result<Option<&str>, &str>| {
        let found = look_up(json, host, search).await;
        let shown = found.map_err(|text| text.replace(&folder.path().display().to_string(), "DIR"));
        assert_eq!(shown, expected.map(|t| t.map(str::to_owned)).map_err(str::to_owned), "{json} {host}");
    };
    check(r#"{"credsStore":"echo"}"#, "r:5000", Ok(Some("u for r:5000"))).await;
    check(r#"{"credsStore":"echo"}"#, "docker.io", Ok(Some("u for https://index.docker.io/v1/"))).await;
    check(r#"{"credsStore":"token"}"#, "r", Ok(Some("<token> t"))).await;
    check(r#"{"credHelpers":{"https://r:5000/v2/":"echo"}}"#, "r:5000", Ok(Some("u for r:5000"))).await;
    check(r#"{"credsStore":"empty"}"#, "r", Ok(None)).await;
    let both = r#"{"credsStore":"empty","credHelpers":{"r":"echo"},"auths":{"r":{"auth":"YTpi"},"s":{"auth":"YTpi"},"t":{}}}"#;
    check(both, "r", Ok(Some("u for r"))).await;
    check(both, "s", Ok(Some("a b"))).await;
    check(both, "t", Ok(None)).await;
    let asked = "cannot get credentials for r, as config.json asks for: DIR/docker-credential-";
    check(r#"{"credsStore":"broken"}"#, "r", Err(&format!("{asked}broken failed with exit status: 3"))).await;
    check(r#"{"credsStore":"odd"}"#, "r", Err(&format!("{asked}odd gave no answer of a credential helper")))
        .await;
}
