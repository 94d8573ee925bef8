//! Every Helm that is supported: chart repositories, and charts in the registry with their
//! provenance.

use std::fs;
use std::process::Command;

use portolan_testkit::charts::Chart;
use portolan_testkit::helm::Helm;
use portolan_testkit::signing::Key;
use reqwest::StatusCode;
use serde_json::{Value, json};
use tempfile::TempDir;

use super::{Door, NAME, PASSWORD, run};

pub(super) fn helm(helm: &Helm, folder: &TempDir, arguments: &[&str]) -> Command {
    let mut command = helm.command();
    command.args(arguments).current_dir(folder.path());
    command
}

/// 3.10 has no such option and takes plain HTTP on loopback; 4 wants to be told.
pub(super) fn plain(helm: &Helm) -> &'static [&'static str] {
    if helm.name.starts_with("helm-3.10") { &[] } else { &["--plain-http"] }
}

#[tokio::test]
async fn helm_reads_the_chart_repository() {
    for door in Door::all().await {
        for version in ["1.0.0", "1.1.0+2"] {
            let post = door.site.ask("POST /api/p/charts").user(NAME, PASSWORD);
            post.body(Chart::new("demo", version).archive()).send().await.expect(StatusCode::CREATED);
        }
        for program in Helm::all() {
            let folder = tempfile::tempdir().expect("a folder");
            let with = |arguments: &[&str]| helm(&program, &folder, arguments);
            let mut add = with(&["repo", "add", "depot", &format!("http://{}/p", door.host())]);
            door.sign_in(&mut add, &["--username", NAME, "--password", PASSWORD]);
            run(add).await;
            let found = run(with(&["search", "repo", "--versions", "depot/demo"])).await;
            assert!(found.contains("1.0.0") && found.contains("1.1.0+2"), "{}: {found}", program.name);
            run(with(&["pull", "depot/demo", "--version", "1.1.0+2"])).await;
            let pulled = fs::read(folder.path().join("demo-1.1.0+2.tgz")).expect("pulled");
            assert_eq!(pulled, Chart::new("demo", "1.1.0+2").archive(), "{}", program.name);
        }
    }
}

#[tokio::test]
async fn helm_pushes_and_pulls_charts_with_their_provenance() {
    let Some(key) = Key::new() else { return };
    let source = tempfile::tempdir().expect("a folder");
    let signed = key.package(&Chart::new("demo", "1.1.0+2"), source.path());
    let archive = signed.archive.to_str().expect("text");
    for door in Door::all().await {
        for (number, program) in Helm::all().into_iter().enumerate() {
            let folder = tempfile::tempdir().expect("a folder");
            let with = |arguments: &[&str]| helm(&program, &folder, arguments);
            let remote = |arguments: &[&str]| {
                let mut command = with(arguments);
                command.args(plain(&program));
                command
            };
            if door.closed {
                let login = ["registry", "login", &door.host(), "--username", NAME, "--password", PASSWORD];
                let mut command = with(&login);
                command.args(if plain(&program).is_empty() { &["--insecure"] } else { plain(&program) });
                run(command).await;
            }
            let charts = format!("oci://{}", door.named(&format!("p{number}/charts")));
            run(remote(&["push", archive, &charts])).await;
            run(remote(&["pull", &format!("{charts}/demo"), "--version", "1.1.0+2", "--prov"])).await;
            let pulled = folder.path().join("demo-1.1.0+2.tgz");
            assert_eq!(
                fs::read(&pulled).expect("pulled"),
                fs::read(archive).expect("signed"),
                "{}",
                program.name
            );
            key.verify(&program, &pulled);
            let manifest = door.get(&format!("/v2/p{number}/charts/demo/manifests/1.1.0_2")).await;
            let manifest: Value = manifest.expect(StatusCode::OK).json();
            let types: Vec<_> = manifest["layers"]
                .as_array()
                .expect("layers")
                .iter()
                .map(|layer| &layer["mediaType"])
                .collect();
            assert!(
                types.contains(&&json!("application/vnd.cncf.helm.chart.provenance.v1.prov")),
                "{types:?}"
            );
        }
    }
}
