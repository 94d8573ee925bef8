//! Charts of a given number of objects and images, in two versions.

use portolan_testkit::charts::Chart;

/// The registry that images come from.
const SOURCE: &str = "release.daocloud.io";

/// How large a chart is.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Shape {
    pub(crate) name: &'static str,
    pub(crate) objects: usize,
    pub(crate) images: usize,
}

/// The chart in that version: a deployment with a container for each image, and other objects, each of which says
/// the version; and a definition that is another one in each version.
pub(crate) fn module(shape: Shape, version: &str) -> Chart {
    let Shape { name, objects, images } = shape;
    let mut chart = Chart::new(name, version).file("crds/crd.yaml", &definition(name, version));
    for number in 0..images {
        chart = chart.image(&key(number), SOURCE, &repository(name, number), &format!("v{version}"));
    }
    for number in 1..objects {
        chart = chart.file(&format!("templates/object-{number}.yaml"), &object(number));
    }
    chart
}

/// The names of its images.
pub(crate) fn image_names(shape: Shape, version: &str) -> Vec<String> {
    (0..shape.images)
        .map(|number| format!("{SOURCE}/{}:v{version}", repository(shape.name, number)))
        .collect()
}

fn key(number: usize) -> String {
    format!("app{number}")
}

fn repository(name: &str, number: usize) -> String {
    format!("{name}/{}", key(number))
}

/// One of the kinds that modules are full of.
fn object(number: usize) -> String {
    let head = |version: &str, kind: &str| {
        format!(
            "apiVersion: {version}\nkind: {kind}\nmetadata:\n  name: {{{{ .Release.Name }}}}-{number}\n  labels: {{version: '{{{{ .Chart.Version }}}}'}}\n"
        )
    };
    match number % 6 {
        0 => {
            head("v1", "ConfigMap")
                + "data: {version: '{{ .Chart.Version }}', text: \"some settings\\nof several lines\\n\"}\n"
        }
        1 => {
            head("v1", "Service")
                + "spec:\n  selector: {app: web}\n  ports: [{name: http, port: 80, targetPort: 8080}]\n"
        }
        2 => head("v1", "ServiceAccount"),
        3 => head("v1", "Secret") + "stringData: {token: '{{ .Chart.Version }}'}\n",
        4 => {
            head("rbac.authorization.k8s.io/v1", "Role")
                + "rules: [{apiGroups: [''], resources: [pods], verbs: [get, list]}]\n"
        }
        _ => head("apps/v1", "Deployment") + &deployment(number),
    }
}

fn deployment(number: usize) -> String {
    format!(
        "spec:\n  selector: {{matchLabels: {{app: web-{number}}}}}\n  template:\n    metadata: {{labels: {{app: web-{number}, version: '{{{{ .Chart.Version }}}}'}}}}\n    spec:\n      containers:\n      - name: web\n        image: \"{{{{ .Values.app0.image.registry }}}}/{{{{ .Values.app0.image.repository }}}}:{{{{ .Values.app0.image.tag }}}}\"\n        resources: {{requests: {{cpu: 1m, memory: 1Mi}}}}\n"
    )
}

fn definition(name: &str, version: &str) -> String {
    format!(
        "apiVersion: apiextensions.k8s.io/v1\nkind: CustomResourceDefinition\nmetadata: {{name: {name}s.bench.example}}\nspec:\n  group: bench.example\n  scope: Namespaced\n  names: {{plural: {name}s, kind: {}{}}}\n  versions:\n  - name: v1\n    served: true\n    storage: true\n    schema: {{openAPIV3Schema: {{type: object, description: 'of {version}', x-kubernetes-preserve-unknown-fields: true}}}}\n",
        name[..1].to_uppercase(),
        &name[1..]
    )
}

#[cfg(test)]
mod tests {
    use portolan_testkit::components::HELM_3;
    use portolan_testkit::helm::Helm;

    use super::*;

    /// What is measured is as large as it is said to be.
    #[test]
    fn a_chart_has_as_many_objects_and_images_as_it_was_asked_for() {
        let Some(helm) = Helm::new(&HELM_3) else { return };
        let shape = Shape { name: "bench", objects: 12, images: 4 };
        let folder = tempfile::tempdir().unwrap();
        module(shape, "0.20.0").write(folder.path());
        let rendered = helm.template(folder.path());
        assert_eq!(rendered.matches("\nkind: ").count(), 12);
        let names = image_names(shape, "0.20.0");
        assert!(names.iter().all(|name| rendered.contains(name)) && names.len() == 4, "{rendered}");
    }
}
