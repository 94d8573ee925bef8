//! Charts that run images as jobs: values, hints and a template each.

use bytes::Bytes;
use portolan_chart::ChartFile;

use super::images::{REGISTRY, TAG};

/// A chart before it has files.
pub(super) struct Chart {
    pub(super) name: &'static str,
    pub(super) version: &'static str,
    /// Names of the images that it runs.
    pub(super) images: &'static [&'static str],
}

/// The two charts of the package; they share the image `lamp`.
pub(super) const CHARTS: [Chart; 2] = [
    Chart { name: "lighthouse", version: "1.2.0", images: &["lamp", "foghorn"] },
    Chart { name: "harbour", version: "0.4.1", images: &["lamp", "pier"] },
];

impl Chart {
    /// The hints, as they stand in the chart and beside it in the bundle (formats.md section 3).
    pub(super) fn hints(&self) -> String {
        let hint = |image: &&str| {
            format!(
                "- \"{{{{ .{image}.image.registry }}}}/{{{{ .{image}.image.repository }}}}:\
                 {{{{ .{image}.image.tag }}}}\"\n"
            )
        };
        self.images.iter().map(hint).collect()
    }

    /// The files, by path inside the chart.
    pub(super) fn files(&self) -> Vec<ChartFile> {
        let file = |path: &str, text: String| ChartFile { path: path.to_owned(), data: Bytes::from(text) };
        vec![
            file("Chart.yaml", self.metadata()),
            file("values.yaml", self.values()),
            file("templates/jobs.yaml", self.template()),
            file(".relok8s-images.yaml", self.hints()),
        ]
    }

    fn metadata(&self) -> String {
        format!(
            "apiVersion: v2\nname: {}\nversion: {}\nappVersion: \"{TAG}\"\ntype: application\n\
             description: A chart made by portolan quickstart\n",
            self.name, self.version
        )
    }

    fn values(&self) -> String {
        let comment =
            "# Where images come from; a sync rewrites this, and leaves comments alone.\n".to_owned();
        let value = |image: &&str| {
            format!(
                "{image}:\n  image:\n    registry: {REGISTRY}\n    repository: maritime/{image}\n    tag: {TAG}\n"
            )
        };
        self.images.iter().map(value).fold(comment, |values, value| values + &value)
    }

    fn template(&self) -> String {
        self.images.iter().map(|image| job(image)).collect::<Vec<_>>().join("---\n")
    }
}

fn job(image: &str) -> String {
    format!(
        "apiVersion: batch/v1
kind: Job
metadata:
  name: {{{{ .Release.Name }}}}-{image}
spec:
  template:
    spec:
      restartPolicy: Never
      containers:
        - name: {image}
          image: \"{{{{ .Values.{image}.image.registry }}}}/{{{{ .Values.{image}.image.repository }}}}:\
         {{{{ .Values.{image}.image.tag }}}}\"
"
    )
}
