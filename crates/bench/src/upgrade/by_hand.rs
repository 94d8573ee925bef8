//! The commands of the page, one after the other.

use std::fs;
use std::time::Instant;

use portolan_testkit::process;

use super::site::Site;
use crate::Outcome;

/// What the commands took, in seconds.
pub(crate) struct Taken {
    pub(crate) all: f64,
    /// `helm upgrade` among them.
    pub(crate) upgrade: f64,
}

/// List, update, look for versions, back up, fetch, apply the definitions, upgrade.
pub(crate) fn upgrade(
    site: &Site,
    namespace: &str,
    name: &str,
    version: &str,
    extra: &[&str],
) -> Outcome<Taken> {
    let folder = tempfile::tempdir()?;
    let chart = format!("bench/{name}");
    let began = Instant::now();
    process::run(site.helm().args(["repo", "list"]));
    process::run(site.helm().args(["repo", "update", "bench"]));
    process::run(site.helm().args(["search", "repo", &chart, "--versions"]));
    let kept = process::run(site.helm().args(["get", "values", name, "-n", namespace, "-o", "yaml"]));
    let backup = folder.path().join("bak.yaml");
    fs::write(&backup, kept)?;
    let mut pull = site.helm();
    pull.args(["pull", &chart, "--version", version, "--untar", "--untardir"]).arg(folder.path());
    process::run(&mut pull);
    let definitions = folder.path().join(name).join("crds");
    let definitions = definitions.display().to_string();
    // Server-side, since the installing Helm left no record for kubectl's own way.
    site.cluster.kubectl(&["apply", "--server-side", "--force-conflicts", "-f", &definitions]);
    let mut upgrade = site.helm();
    upgrade.args(["upgrade", name, &chart, "-n", namespace, "--version", version, "-f"]).arg(&backup);
    let upgrading = Instant::now();
    process::run(upgrade.args(extra));
    let taken = Taken { all: began.elapsed().as_secs_f64(), upgrade: upgrading.elapsed().as_secs_f64() };
    site.stands(namespace, name, version)?;
    Ok(taken)
}

/// What Helm needs to render the same for this cluster; gives seconds.
pub(crate) fn render(site: &Site, namespace: &str, name: &str, version: &str) -> Outcome<f64> {
    let began = Instant::now();
    let archive = site.archive(name, version);
    let line = ["template", name, &archive, "--namespace", namespace, "--is-upgrade", "--include-crds"];
    process::run(site.helm().args(line).args(["--validate", "--dry-run=server"]));
    Ok(began.elapsed().as_secs_f64())
}
