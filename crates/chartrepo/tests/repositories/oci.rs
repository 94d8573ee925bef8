//! Kind `OCI` against real registries, read by Helm itself.

use std::fs;

use crate::support::*;
use portolan_chartrepo::{ChartRepoError, ChartRepository, Published, Target};
use portolan_registry::Scheme;
use portolan_testkit::{
    docker_registry::{Access, DockerRegistry, Options, Program},
    helm::Helm,
};

fn charts(registry: &DockerRegistry, path: &str) -> Box<dyn ChartRepository> {
    open(&Target::Oci { url: format!("{}{path}", registry.url()) }, None)
}

/// Requests of one test, uploads' sessions and digests made short.
fn requests(registry: &DockerRegistry) -> Vec<String> {
    let short =
        |target: &str| target.split("sha256").next().unwrap().split("uploads").next().unwrap().to_owned();
    registry
        .requests()
        .iter()
        .map(|seen| format!("{} {} {}", seen.method, short(&seen.target), seen.status))
        .collect()
}

#[tokio::test]
async fn a_chart_is_pushed_found_and_fetched() {
    for program in [Program::Docker2, Program::Distribution3] {
        let Some(registry) = DockerRegistry::start(&Options { program, ..Options::default() }) else {
            continue;
        };
        let repository = charts(&registry, "/project/charts");
        let chart = packed("a", "1.0.0+2", "x").with_provenance("signed".into());
        assert_eq!(
            repository.target_of("a", chart.version()),
            format!("{}/project/charts/a:1.0.0_2", registry.host())
        );
        repository.check().await.unwrap();
        assert_eq!(repository.find("a", chart.version()).await.unwrap(), None);
        assert_eq!(repository.fetch("a", chart.version()).await.unwrap(), None);
        repository.push(&chart).await.unwrap();
        let found = repository.find("a", chart.version()).await.unwrap();
        assert_eq!(found, Some(Published { digest: Some(chart.digest().clone()) }));
        assert_eq!(repository.fetch("a", chart.version()).await.unwrap(), Some(chart.archive().clone()));
        repository.finish().await.unwrap();
    }
}

#[tokio::test]
async fn a_chart_that_is_there_stays() {
    let Some(registry) = DockerRegistry::start(&Options::default()) else { return };
    let repository = charts(&registry, "/p");
    let chart = packed("a", "1.0.0", "x");
    repository.push(&chart).await.unwrap();
    let before = requests(&registry).len();
    repository.push(&chart).await.unwrap();
    let error = repository.push(&packed("a", "1.0.0", "y")).await.unwrap_err();
    let target = format!("{}/p/a:1.0.0", registry.host());
    assert_eq!(told(&error), format!("{target} exists already with other content; it was left as it is"));
    let (found, blob) = ("GET /v2/p/a/manifests/1.0.0 200", "HEAD /v2/p/a/blobs/ 200");
    assert_eq!(requests(&registry)[before..], [found, blob, blob, found]);
    assert_eq!(repository.fetch("a", &version("1.0.0")).await.unwrap(), Some(chart.archive().clone()));
}

#[tokio::test]
async fn a_lost_archive_is_sent_again_behind_the_same_manifest() {
    let Some(registry) = DockerRegistry::start(&Options::default()) else { return };
    let repository = charts(&registry, "/p");
    let chart = packed("a", "1.0.0", "x");
    repository.push(&chart).await.unwrap();
    let hex = chart.digest().hex();
    let blob = registry.storage().join("docker/registry/v2/blobs/sha256").join(&hex[..2]).join(hex);
    fs::remove_file(blob.join("data")).unwrap();
    let error = repository.fetch("a", chart.version()).await.unwrap_err();
    assert!(error.is_of_the_archive(), "{error:?}");
    let before = requests(&registry).len();

    repository.push(&chart).await.unwrap();

    assert_eq!(repository.fetch("a", chart.version()).await.unwrap(), Some(chart.archive().clone()));
    let manifests = requests(&registry).split_off(before);
    assert!(!manifests.iter().any(|line| line.starts_with("PUT /v2/p/a/manifests")), "{manifests:?}");
}

#[tokio::test]
async fn the_manifest_is_the_same_in_every_run() {
    let manifest = |registry: &DockerRegistry| {
        let registry = portolan_registry::Registry::new(
            portolan_registry::Endpoint::new(Scheme::Http, registry.host()),
            None,
            &portolan_registry::RegistryOptions::default(),
        )
        .unwrap();
        async move {
            let tag = portolan_oci::Locator::Tag("0.1.0".parse().unwrap());
            registry.get_manifest(&"p/a".parse().unwrap(), &tag).await.unwrap().unwrap()
        }
    };
    let mut seen = Vec::new();
    for _ in 0..2 {
        let Some(registry) = DockerRegistry::start(&Options::default()) else { return };
        charts(&registry, "/p").push(&packed("a", "0.1.0", "x")).await.unwrap();
        seen.push(manifest(&registry).await);
    }
    assert_eq!(seen[0], seen[1]);
    let text = std::str::from_utf8(seen[0].bytes()).unwrap();
    assert!(text.starts_with(
        r#"{"schemaVersion":2,"mediaType":"application/vnd.oci.image.manifest.v1+json","config":{"mediaType":"application/vnd.cncf.helm.config.v1+json","#
    ));
    assert!(
        text.contains(r#""org.opencontainers.image.title":"a","org.opencontainers.image.version":"0.1.0""#),
        "{text}"
    );
    assert!(!text.contains("created"));
}

#[tokio::test]
async fn helm_pulls_what_was_pushed() {
    let Some(registry) = DockerRegistry::start(&Options::default()) else { return };
    let chart = packed("a", "1.0.0+2", "x");
    charts(&registry, "/p").push(&chart).await.unwrap();
    for helm in Helm::all() {
        let pulled = tempfile::tempdir().unwrap();
        let url = format!("oci://{}/p/a", registry.host());
        let plain: &[&str] = if helm.name.contains("3.10") { &[] } else { &["--plain-http"] };
        let archive = helm.pull(&url, "1.0.0+2", plain, pulled.path());
        assert_eq!(fs::read(&archive).unwrap(), *chart.archive(), "{}", helm.name);
        helm.lint(&archive);
    }
}

#[tokio::test]
async fn an_image_under_the_charts_name_is_left_alone() {
    let Some(registry) = DockerRegistry::start(&Options::default()) else { return };
    let Some(skopeo) = portolan_testkit::skopeo::Skopeo::new() else { return };
    let image = portolan_testkit::images::Image::random("x:1", 1);
    let temp = tempfile::tempdir().unwrap();
    let archive = temp.path().join("image.tar");
    let shape = portolan_testkit::docker_archive::Shape::GoContainerRegistry;
    fs::write(&archive, portolan_testkit::docker_archive::docker_archive(shape, &[image])).unwrap();
    skopeo.push(&format!("docker-archive:{}", archive.display()), &registry, "p/a:1.0.0");
    let repository = charts(&registry, "/p");
    let found = repository.find("a", &version("1.0.0")).await.unwrap();
    assert_eq!(found, Some(Published { digest: None }));
    let error = repository.push(&packed("a", "1.0.0", "x")).await.unwrap_err();
    assert!(matches!(error, ChartRepoError::Exists { .. }));
    let error = repository.fetch("a", &version("1.0.0")).await.unwrap_err();
    let expected = format!(
        "{}/p/a:1.0.0 is no Helm chart, but some other artifact; it was left as it is",
        registry.host()
    );
    assert_eq!(told(&error), expected);
}

#[tokio::test]
async fn a_wrong_password_is_found_by_the_check() {
    let access = Access::User { name: "ann".to_owned(), password: "s3cret".to_owned() };
    let Some(registry) = DockerRegistry::start(&Options { access, ..Options::default() }) else { return };
    let target = Target::Oci { url: format!("{}/p", registry.url()) };
    open(&target, credentials()).check().await.unwrap();
    open(&target, credentials()).push(&packed("a", "1.0.0", "x")).await.unwrap();
    let wrong = Some(portolan_registry::Credentials::new("ann", "other".to_owned().into()));
    let error = open(&target, wrong).check().await.unwrap_err();
    assert!(matches!(&error, ChartRepoError::Registry { .. }), "{}", told(&error));
    assert!(!told(&error).contains("other"));
}

#[tokio::test]
async fn names_that_registries_refuse() {
    let target = Target::Oci { url: "oci://registry.example.com/p".to_owned() };
    let repository = open(&target, None);
    assert_eq!(repository.location(), "OCI https://registry.example.com/p");
    let error = repository.find("Upper", &version("1.0.0")).await.unwrap_err();
    assert!(told(&error).starts_with("chart Upper-1.0.0 can't lie in a registry"), "{}", told(&error));
}
