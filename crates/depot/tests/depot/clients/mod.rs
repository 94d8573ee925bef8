//! Real clients: skopeo and every Helm that is supported. Those that are missing are said aloud.

use std::path::Path;
use std::process::Command;

use portolan_testkit::charts::Chart;
use portolan_testkit::components;
use portolan_testkit::docker_archive::{Shape, docker_archive};
use portolan_testkit::helm::Helm;
use portolan_testkit::images::Image;
use portolan_testkit::process;
use reqwest::StatusCode;

use crate::site::Site;

/// Runs a program while the depot goes on serving.
async fn run(mut command: Command) -> String {
    let output =
        tokio::task::spawn_blocking(move || process::run(&mut command)).await.expect("the program's thread");
    String::from_utf8(output).expect("text")
}

fn skopeo(program: &Path, arguments: &[&str]) -> Command {
    let mut command = Command::new(program);
    command.args(arguments);
    command
}

#[tokio::test]
async fn skopeo_pushes_lists_and_pulls() {
    let Some(program) = components::SKOPEO.require() else { return };
    let site = Site::new().await;
    let folder = tempfile::tempdir().expect("a folder");
    let archive = folder.path().join("image.tar");
    std::fs::write(&archive, docker_archive(Shape::GoContainerRegistry, &[Image::random("x/y:1", 7)]))
        .expect("written");
    let source = format!("docker-archive:{}", archive.display());
    let target = format!("docker://{}/p/a:1", site.host());
    run(skopeo(&program, &["copy", "--quiet", "--dest-tls-verify=false", &source, &target])).await;
    let tags =
        run(skopeo(&program, &["list-tags", "--tls-verify=false", &format!("docker://{}/p/a", site.host())]))
            .await;
    assert!(tags.contains("\"1\""), "{tags}");
    let copy = format!("docker://{}/p/b:2", site.host());
    run(skopeo(
        &program,
        &["copy", "--quiet", "--src-tls-verify=false", "--dest-tls-verify=false", &target, &copy],
    ))
    .await;
    let out = format!("dir:{}", folder.path().join("out").display());
    run(skopeo(&program, &["copy", "--quiet", "--src-tls-verify=false", &copy, &out])).await;
    let manifests = [site.get("/v2/p/a/manifests/1").await.body, site.get("/v2/p/b/manifests/2").await.body];
    assert_eq!(manifests[0], manifests[1]);
    run(skopeo(&program, &["delete", "--tls-verify=false", &copy])).await;
    site.get("/v2/p/b/manifests/2").await.expect(StatusCode::NOT_FOUND);
}

#[tokio::test]
async fn helm_reads_the_chart_repository() {
    let site = Site::new().await;
    for version in ["1.0.0", "1.1.0+2"] {
        let chart = Chart::new("demo", version).archive();
        site.ask("POST /api/p/charts").body(chart).send().await.expect(StatusCode::CREATED);
    }
    for helm in Helm::all() {
        let folder = tempfile::tempdir().expect("a folder");
        let with = |arguments: &[&str]| {
            let mut command = helm.command();
            command.args(arguments).current_dir(folder.path());
            command
        };
        run(with(&["repo", "add", "depot", &format!("http://{}/p", site.host())])).await;
        let found = run(with(&["search", "repo", "--versions", "depot/demo"])).await;
        assert!(found.contains("1.0.0") && found.contains("1.1.0+2"), "{}: {found}", helm.name);
        run(with(&["pull", "depot/demo", "--version", "1.1.0+2"])).await;
        let pulled = std::fs::read(folder.path().join("demo-1.1.0+2.tgz")).expect("pulled");
        assert_eq!(pulled, Chart::new("demo", "1.1.0+2").archive(), "{}", helm.name);
    }
}

#[tokio::test]
async fn helm_pushes_and_pulls_oci_charts() {
    let site = Site::new().await;
    for (number, helm) in Helm::all().into_iter().enumerate() {
        let folder = tempfile::tempdir().expect("a folder");
        let chart = Chart::new("demo", "1.1.0+2");
        std::fs::write(folder.path().join("demo.tgz"), chart.archive()).expect("written");
        let registry = format!("oci://{}/p{number}/charts", site.host());
        // 3.10 has no such option and takes plain HTTP on loopback; 4 wants to be told.
        let plain: &[&str] = if helm.name.starts_with("helm-3.10") { &[] } else { &["--plain-http"] };
        let with = |arguments: &[&str]| {
            let mut command = helm.command();
            command.args(arguments).args(plain).current_dir(folder.path());
            command
        };
        run(with(&["push", "demo.tgz", &registry])).await;
        run(with(&["pull", &format!("{registry}/demo"), "--version", "1.1.0+2"])).await;
        let pulled = std::fs::read(folder.path().join("demo-1.1.0+2.tgz")).expect("pulled");
        assert_eq!(pulled, chart.archive(), "{}", helm.name);
        site.get(&format!("/v2/p{number}/charts/demo/manifests/1.1.0_2")).await.expect(StatusCode::OK);
    }
}
