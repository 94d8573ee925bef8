//! Objects as charts render them, and what is found in them.

use super::*;

/// `path evidence reference` of every image in the one object of `yaml`.
fn found(yaml: &str) -> Vec<String> {
    let rendered = rendered_objects(yaml);
    assert_eq!(rendered.faults, vec![], "{yaml}");
    let lines = |object: &RenderedObject| {
        let line = |image: &FoundImage| format!("{} {} {}", image.path, image.evidence, image.reference);
        images_of(&object.object).images.iter().map(line).collect::<Vec<_>>()
    };
    rendered.objects.iter().flat_map(lines).collect()
}

#[track_caller]
fn check(yaml: &str, expected: &[&str]) {
    assert_eq!(found(yaml), expected, "{yaml}");
}

#[test]
fn containers_of_every_kind() {
    let pod = "
      containers: [{name: a, image: q.io/a:1}]
      initContainers: [{name: b, image: q.io/b:1}]
      ephemeralContainers: [{name: c, image: q.io/c:1}]
      volumes: [{name: v, image: {reference: q.io/v:1, pullPolicy: Always}}]
";
    let expect = |prefix: &str| {
        vec![
            format!("{prefix}.containers[0].image container q.io/a:1"),
            format!("{prefix}.initContainers[0].image container q.io/b:1"),
            format!("{prefix}.ephemeralContainers[0].image container q.io/c:1"),
            format!("{prefix}.volumes[0].image.reference volume q.io/v:1"),
        ]
    };
    assert_eq!(found(&format!("kind: Pod\nspec:{pod}")), expect("spec"));
    for kind in ["Deployment", "StatefulSet", "DaemonSet", "ReplicaSet", "ReplicationController", "Job"] {
        let yaml = format!("kind: {kind}\nspec:\n  template:\n    spec:{pod}");
        assert_eq!(found(&yaml), expect("spec.template.spec"), "{kind}");
    }
    let job = format!("kind: CronJob\nspec:\n jobTemplate:\n  spec:\n   template:\n    spec:{pod}");
    assert_eq!(found(&job), expect("spec.jobTemplate.spec.template.spec"));
    let template = format!("kind: PodTemplate\ntemplate:\n  spec:{pod}");
    assert_eq!(found(&template), expect("template.spec"));
}

#[test]
fn custom_resources() {
    check(
        "kind: Prometheus\nspec: {image: q.io/p:v1, version: v1, thanos: {baseImage: q.io/t, tag: v2}}",
        &["spec.image field q.io/p:v1", "spec.thanos.baseImage field q.io/t"],
    );
    check(
        "kind: ClusterPolicy\nspec: {driver: {repository: nvcr.io/nvidia, image: driver, version: '550.1'}}",
        &["spec.driver.image field nvcr.io/nvidia/driver:550.1"],
    );
    check(
        "kind: X\nspec: {image: {registry: r.io, repository: a/b, tag: v1, pullPolicy: Always}, replicas: 2}",
        &["spec.image.repository field r.io/a/b:v1"],
    );
    check(
        "kind: X\nspec: {images: [q.io/a:1, q.io/b:1]}",
        &["spec.images[0] field q.io/a:1", "spec.images[1] field q.io/b:1"],
    );
    check(
        "kind: X\nspec: {image: nginx, other: {image: true}}",
        &["spec.image unlikely docker.io/library/nginx"],
    );
    check(
        "kind: X\nspec: {pod: {containers: [{name: a, image: nginx}]}}",
        &["spec.pod.containers[0].image container docker.io/library/nginx"],
    );
}

#[test]
fn arguments_environment_and_configuration() {
    check(
        "kind: Pod
spec:
  containers:
    - image: q.io/a:1
      args: [--image, b/b:1, --x-image=q.io/c:1, --listen=:80]
      command: [/bin/sh, -c, run q.io/d:1]
      env: [{name: RELATED_IMAGE_E, value: e/e}, {name: TOKEN, value: 'q.io/f:1'}, {name: F, value: a/b}]
",
        &[
            "spec.containers[0].image container q.io/a:1",
            "spec.containers[0].args[1] maybe docker.io/b/b:1",
            "spec.containers[0].args[2] likely q.io/c:1",
            "spec.containers[0].command[2] likely q.io/d:1",
            "spec.containers[0].env[0].value maybe docker.io/e/e",
        ],
    );
    check(
        "kind: ConfigMap
data:
  IMAGE: q.io/a:1
  config.yaml: |
    sidecar:
      image: {registry: q.io, repository: b/b, tag: 1.20}
    pod:
      containers: [{name: c, image: c}]
  template: |
    image: q.io/d:1
    {{ if .x }}
  plain: nothing/here
",
        &[
            "data.IMAGE field q.io/a:1",
            "data[\"config.yaml\"].sidecar.image.repository likely q.io/b/b:1.2",
            "data[\"config.yaml\"].pod.containers[0].image likely docker.io/library/c",
            "data.template likely q.io/d:1",
        ],
    );
    check(
        "kind: Service\nmetadata: {annotations: {sidecar.istio.io/proxyImage: q.io/p:1, x: 'http://a.io/b:1'}}",
        &["metadata.annotations[\"sidecar.istio.io/proxyImage\"] field q.io/p:1"],
    );
}

#[test]
fn definitions_have_defaults() {
    check(
        "kind: CustomResourceDefinition
spec:
  versions:
    - schema:
        openAPIV3Schema:
          description: 'as in q.io/no:1'
          properties:
            image: {type: string, default: q.io/a:1}
            tag: {type: string, default: v1}
",
        &["spec.versions[0].schema.openAPIV3Schema.properties.image.default likely q.io/a:1"],
    );
}

#[test]
fn secrets_are_left_alone() {
    check("kind: Secret\nstringData: {IMAGE: q.io/a:1}\ndata: {image: cS5pby9hOjE=}", &[]);
}

#[test]
fn containers_without_an_image() {
    let rendered =
        rendered_objects("kind: Pod\nspec: {containers: [{image: ''}, {image: 'r.io//a:v1'}, {image: q:1}]}");
    let found = images_of(&rendered.objects[0].object);
    assert_eq!(found.images.len(), 1);
    let broken: Vec<_> =
        found.broken.iter().map(|broken| format!("{} {:?}", broken.path, broken.text)).collect();
    assert_eq!(broken, ["spec.containers[0].image \"\"", "spec.containers[1].image \"r.io//a:v1\""]);
}

#[test]
fn documents_are_read_one_by_one() {
    let manifest = "---
# Source: web/templates/a.yaml
apiVersion: v1
kind: Pod
metadata: {name: a, namespace: web, annotations: {helm.sh/hook: pre-upgrade}}
---
# Source: web/templates/b.yaml
a: [
---
--- # empty
---
apiVersion: v1
kind: List
items: [{kind: Pod, metadata: {name: b}}, {kind: PodList, items: [{kind: Pod, metadata: {name: c}}]}]
---
just: text
";
    let rendered = rendered_objects(manifest);
    let names: Vec<_> = rendered.objects.iter().map(|object| object.name.to_string()).collect();
    assert_eq!(names, ["Pod web/a", "Pod b", "Pod c"]);
    assert_eq!(rendered.objects[0].source.as_deref(), Some("web/templates/a.yaml"));
    assert_eq!(rendered.objects[0].hook.as_deref(), Some("pre-upgrade"));
    let faults: Vec<_> = rendered.faults.iter().map(ToString::to_string).collect();
    assert_eq!(
        faults,
        ["the document from line 6 on, rendered from web/templates/b.yaml,", "the document from line 15 on"]
    );
}

#[test]
fn no_more_than_the_limit() {
    let items = (0..IMAGES_LIMIT + 1).map(|number| format!("q.io/a:v{number}")).collect::<Vec<_>>();
    let found = images_of(&serde_json::json!({"kind": "X", "images": items}));
    assert_eq!(found.images.len(), IMAGES_LIMIT);
    assert!(found.cut);
}
