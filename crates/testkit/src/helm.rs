//! Helm, in every version that is supported, as an independent reader of charts.

use std::path::{Path, PathBuf};
use std::process::Command;

use tempfile::TempDir;

use crate::components::{Component, HELM_3, HELM_3_10, HELM_4};
use crate::process;

/// One Helm, with folders of its own for configuration, cache and data.
#[derive(Debug)]
pub struct Helm {
    /// `helm-VERSION`, for the text of failures.
    pub name: &'static str,
    program: PathBuf,
    home: TempDir,
}

impl Helm {
    /// Every supported Helm: 3.10, the newest 3 and the newest 4. Missing ones are said aloud.
    pub fn all() -> Vec<Self> {
        [HELM_3_10, HELM_3, HELM_4].iter().filter_map(Self::new).collect()
    }

    /// That Helm. `None` where it is missing and the test is to be skipped.
    pub fn new(component: &Component) -> Option<Self> {
        let program = component.require()?;
        let home = tempfile::tempdir().expect("a folder for Helm");
        Some(Self { name: component.step(), program, home })
    }

    /// The program with its own folders; arguments and run are the caller's.
    pub fn command(&self) -> Command {
        let mut command = Command::new(&self.program);
        for (variable, folder) in [
            ("HELM_CONFIG_HOME", "config"),
            ("HELM_CACHE_HOME", "cache"),
            ("HELM_DATA_HOME", "data"),
            ("DOCKER_CONFIG", "docker"),
        ] {
            command.env(variable, self.home.path().join(folder));
        }
        command
    }

    /// `helm lint` on a chart's folder or archive.
    ///
    /// # Panics
    /// With Helm's words, where it finds an error.
    pub fn lint(&self, chart: &Path) {
        process::run(self.command().arg("lint").arg(chart));
    }

    /// What `helm template` renders of a chart's folder or archive.
    ///
    /// # Panics
    /// With Helm's words, where it can't.
    pub fn template(&self, chart: &Path) -> String {
        let output = process::run(self.command().args(["template", "release"]).arg(chart));
        String::from_utf8(output).expect("Helm prints text")
    }

    /// The images that the rendered chart names, in the order of the objects.
    pub fn images(&self, chart: &Path) -> Vec<String> {
        self.template(chart).lines().filter_map(image_of_line).collect()
    }

    /// Pulls a chart from `oci://…` or a URL into `folder` and gives the archive's path.
    ///
    /// # Panics
    /// With Helm's words, where it can't, or where not exactly one file came.
    pub fn pull(&self, chart: &str, version: &str, extra: &[&str], folder: &Path) -> PathBuf {
        let mut command = self.command();
        command.args(["pull", chart, "--version", version]).args(extra).arg("--destination").arg(folder);
        process::run(&mut command);
        let mut files = std::fs::read_dir(folder)
            .expect("Helm wrote there")
            .map(|entry| entry.unwrap_or_else(|error| panic!("{error}")).path());
        let first = files.next().expect("Helm wrote the chart");
        assert_eq!(files.next(), None, "the folder was empty before");
        first
    }
}

/// The value of a line `image: VALUE`, or of the same as an element of a list.
fn image_of_line(line: &str) -> Option<String> {
    let line = line.trim_start().trim_start_matches("- ");
    let value = line.strip_prefix("image:")?.trim();
    Some(value.trim_matches('"').to_owned())
}
