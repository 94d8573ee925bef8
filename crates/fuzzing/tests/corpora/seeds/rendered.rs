//! Manifests of every kind of object that names images, and advisories of every kind.

use super::{Seed, texts};

pub(super) fn seeds() -> Vec<Seed> {
    [texts("rendered_images", MANIFESTS), texts("advisories", ADVISORIES)].concat()
}

const ADVISORIES: &[&str] = &[
    "advisoriesVersion: 1\nadvisories:\n- id: a\n  module: web\n  from: '< 1.0.0 || 2.0'\n  to: '>= 1.0.0-rc.1, < 2'\n  severity: breaks\n  title: {en: t, zh: t}\n  text: {en: t, zh: t}\n  when:\n    any:\n    - value: {path: '**.repository', matches: '/'}\n    - not: {value: {path: url, scheme: redis+sentinel, of: computed}}\n  mend:\n  - urlParameter: {path: url, scheme: redis+sentinel, name: p, from: password}\n  - repository: {path: '**.repository', registry: global.imageRegistry}\n  - move: {from: a, to: b.c}\n  - split: {from: i, at: {image: name-and-tag}, to: [x, z]}\n  - rewrite: {path: '*', pattern: '^o(.)', with: '$1'}\n  - set: {path: s, value: [1]}\n  - default: {path: d, value: {}}\n  - remove: {path: 'l[0].r'}\n  tests: [{name: c, to: 1.0.0, values: {a: 1}, registry: ['r.io/a:1'], expect: {applies: yes}}]\n%%\nurl: redis+sentinel://:a%40b@h:1/m\nglobal: {imageRegistry: r.io}\nimage: {repository: p/a/b, tag: v1}\na: 1\ni: q.io/a:1\no: ox\nl: [{r: 1}]\ndb: {password: a-long-secret}\n",
    "advisoriesVersion: 1\nadvisories:\n- id: b\n  module: web\n  severity: disrupts\n  title: {en: t, zh: t}\n  text: {en: t, zh: t}\n  when:\n    all:\n    - node: {any: [{label: {key: k, is: v*}}, {allocatable: n/*}]}\n    - workload: {requests: n/*, onNode: {not: {label: {key: k}}}}\n    - release: {chart: c, version: '> 1.0.0+1'}\n    - chart: {dependency: d}\n  choices:\n  - id: x\n    title: {en: t, zh: t}\n    takenWhen: {chart: {file: crds/*}}\n    mend:\n    - labelNodes: {nodes: {label: {key: k}}, labels: {k: v}}\n    - require: {chart: c, version: '>= 1', when: after}\n    - step: {when: before, text: {en: t, zh: t}, releases: [c]}\n  tests:\n  - name: c\n    to: 1.0.0\n    cluster: {nodes: [{name: gpu, labels: {k: v}}], workloads: [{resources: [n/a], nodes: [gpu]}], releases: [{chart: c, version: 1.0.0+2}]}\n    answers: {b: x}\n    expect: {applies: unknown, labels: {}, requires: [], steps: 0, blocks: true}\n",
    "nodes: [{name: gpu}]\n",
    "advisoriesVersion: 2\nadvisories: []\n",
];

const MANIFESTS: &[&str] = &[
    "---\n# Source: web/templates/a.yaml\napiVersion: apps/v1\nkind: Deployment\nmetadata:\n  name: a\n  namespace: web\nspec:\n  template:\n    spec:\n      initContainers:\n      - image: quay.io/a/init:v1\n      containers:\n      - name: a\n        image: \"10.0.0.1/p/a@sha256:e3b0c44298fc1c149afbf4c8996fb92427ae41e4649b934ca495991b7852b855\"\n        args: [--image, b/b:1, --x-image=q.io/c:1]\n        env:\n        - name: RELATED_IMAGE_D\n          value: d/d\n      volumes:\n      - name: v\n        image: {reference: q.io/v:1}\n",
    "apiVersion: v1\nkind: List\nitems:\n- kind: CronJob\n  spec: {jobTemplate: {spec: {template: {spec: {containers: [{image: ''}]}}}}}\n- kind: Secret\n  stringData: {IMAGE: q.io/a:1}\n---\na: [\n--- # end\n",
    "kind: ClusterPolicy\nspec:\n  driver: {repository: nvcr.io/nvidia, image: driver, version: \"550.54\"}\n  a: {image: {registry: r.io, repository: a/b, tag: 1.20}}\n  images: [q.io/a:1, nginx]\n",
    "kind: ConfigMap\ndata:\n  config.yaml: |\n    sidecar:\n      image: {registry: q.io, repository: b/b, tag: v1}\n    containers: [{image: c}]\n  template: |\n    image: q.io/d:1\n    {{ if .x }}\n",
    "kind: CustomResourceDefinition\nspec:\n  versions:\n  - name: v1\n    schema: {openAPIV3Schema: {properties: {image: {type: string, default: \"q.io/a:1\"}}}}\n",
];
