//! Charts in the likeness of the modules.

use portolan_testkit::charts::Chart;

/// A small module: one deployment, one CRD, a hook after each upgrade.
pub(crate) fn module(name: &str, version: &str) -> Chart {
    Chart::new(name, version)
        .values("global:\n  imageRegistry: release.test.example\n")
        .image("web", "release.test.example", &format!("{name}/{name}-apiserver"), &format!("v{version}"))
        .crd("baskets")
        .file("templates/NOTES.txt", "Installed {{ .Release.Name }}.\n")
        .file("templates/hook.yaml", HOOK)
}

const HOOK: &str = "\
apiVersion: v1
kind: ConfigMap
metadata:
  name: {{ .Release.Name }}-upgraded
  annotations: {helm.sh/hook: post-upgrade}
data: {to: {{ .Chart.Version }}}
";
