//! Texts of the charts, as a reader of the chart sees them; words in capitals are filled in.

/// `Chart.yaml`, without dependencies.
pub(super) const CHART: &str = r#"apiVersion: v2
name: NAME
description: A chart of a test
type: application
version: VERSION
appVersion: "1.0"
"#;

/// An element of `dependencies`.
pub(super) const DEPENDENCY: &str = "\
- name: NAME
  version: VERSION
  repository: https://charts.test.example
";

/// The beginning of `values.yaml`.
pub(super) const VALUES: &str = "\
# Values of NAME. Comments and order have to survive.

replicas: 1   # one is enough
";

/// An image in `values.yaml`.
pub(super) const IMAGE: &str = r#"
KEY:
  image:
    registry: REGISTRY
    repository: REPOSITORY  # without the registry
    tag: "TAG"
"#;

/// A hint for such an image.
pub(super) const HINT: &str = "{{ .KEY.image.registry }}/{{ .KEY.image.repository }}:{{ .KEY.image.tag }}";

/// A container with such an image.
pub(super) const CONTAINER: &str = r#"        - name: KEY
          image: "{{ .Values.KEY.image.registry }}/{{ .Values.KEY.image.repository }}:{{ .Values.KEY.image.tag }}"
"#;

/// `templates/deployment.yaml`.
pub(super) const DEPLOYMENT: &str = "\
apiVersion: apps/v1
kind: Deployment
metadata:
  name: {{ .Release.Name }}-NAME
spec:
  replicas: {{ .Values.replicas }}
  selector: {matchLabels: {app: NAME}}
  template:
    metadata: {labels: {app: NAME}}
    spec:
      containers:
";

/// `README.md`.
pub(super) const README: &str = "\
# NAME

    helm repo add bitnami https://charts.bitnami.com/bitnami
    helm install my bitnami/NAME
";

/// A custom resource definition.
pub(super) const CRD: &str = "\
apiVersion: apiextensions.k8s.io/v1
kind: CustomResourceDefinition
metadata: {name: PLURAL.test.example}
spec:
  group: test.example
  scope: Namespaced
  names: {plural: PLURAL, kind: KIND}
  versions: [{name: v1, served: true, storage: true, schema: {openAPIV3Schema: {type: object}}}]
";

/// The template with every word replaced by its text.
pub(super) fn fill(template: &str, words: &[(&str, &str)]) -> String {
    words.iter().fold(template.to_owned(), |text, (word, value)| text.replace(word, value))
}
