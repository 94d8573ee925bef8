//! Manifests of every kind of object that names images.

use super::{Seed, texts};

pub(super) fn seeds() -> Vec<Seed> {
    texts("rendered_images", MANIFESTS)
}

const MANIFESTS: &[&str] = &[
    "---\n# Source: web/templates/a.yaml\napiVersion: apps/v1\nkind: Deployment\nmetadata:\n  name: a\n  namespace: web\nspec:\n  template:\n    spec:\n      initContainers:\n      - image: quay.io/a/init:v1\n      containers:\n      - name: a\n        image: \"10.0.0.1/p/a@sha256:e3b0c44298fc1c149afbf4c8996fb92427ae41e4649b934ca495991b7852b855\"\n        args: [--image, b/b:1, --x-image=q.io/c:1]\n        env:\n        - name: RELATED_IMAGE_D\n          value: d/d\n      volumes:\n      - name: v\n        image: {reference: q.io/v:1}\n",
    "apiVersion: v1\nkind: List\nitems:\n- kind: CronJob\n  spec: {jobTemplate: {spec: {template: {spec: {containers: [{image: ''}]}}}}}\n- kind: Secret\n  stringData: {IMAGE: q.io/a:1}\n---\na: [\n--- # end\n",
    "kind: ClusterPolicy\nspec:\n  driver: {repository: nvcr.io/nvidia, image: driver, version: \"550.54\"}\n  a: {image: {registry: r.io, repository: a/b, tag: 1.20}}\n  images: [q.io/a:1, nginx]\n",
    "kind: ConfigMap\ndata:\n  config.yaml: |\n    sidecar:\n      image: {registry: q.io, repository: b/b, tag: v1}\n    containers: [{image: c}]\n  template: |\n    image: q.io/d:1\n    {{ if .x }}\n",
    "kind: CustomResourceDefinition\nspec:\n  versions:\n  - name: v1\n    schema: {openAPIV3Schema: {properties: {image: {type: string, default: \"q.io/a:1\"}}}}\n",
];
