//! What `portolan upgrade` takes on its command line.

use std::path::{Path, PathBuf};

use clap::Args;
use portolan_chart::ChartVersion;
use portolan_registry::Stop;
use portolan_release::helm::HelmRelease;
use portolan_release::upgrade::{ChartSource, Packages, UpgradeOptions};
use portolan_release::values::{Scalars, Values};
use portolan_release::{Cluster, ReleaseName};

use crate::commands::advisories::files::read_values;
use crate::commands::registry_flags::RegistryFlags;
use crate::commands::release::group::GroupArgs;
use crate::commands::release::how::HowArgs;
use crate::failure::Failure;
use crate::output::Format;

/// Upgrades a Helm release: backed up, checked, with its custom resource definitions, and verified.
///
/// The release's own overrides are kept, on the new chart's defaults. Before anything is changed it is shown
/// what would be different; every image has to be in its registry, complete for every node, and every object is
/// tried out on the server. Then definitions are applied, Helm upgrades and waits, and every object is looked
/// at. An upgrade that fails is taken back.
#[derive(Debug, Clone, Args)]
#[command(after_help = EXAMPLES)]
pub struct UpgradeArgs {
    /// The release
    #[arg(required_unless_present = "group")]
    release: Option<ReleaseName>,
    /// In place of one release, upgrade the components of this manifest.yaml that are enabled and installed, in its
    /// order and to its versions
    #[arg(long, value_name = "FILE", conflicts_with_all = ["release", "version", "repo_url", "repo_name", "chart", "push_images", "install", "files", "set", "set_string"])]
    pub(super) group: Option<PathBuf>,
    #[command(flatten)]
    pub(super) of_group: GroupArgs,
    /// The version of the chart [default: the newest stable one]
    #[arg(long, value_name = "VERSION")]
    pub(super) version: Option<ChartVersion>,
    /// Take the chart from the repository at this URL, which Helm's list is not told of
    #[arg(long, visible_alias = "repo", value_name = "URL", conflicts_with_all = ["repo_name", "chart"])]
    pub(super) repo_url: Option<String>,
    /// Take the chart from this repository of Helm's list [default: that of the chart's name, else of the
    /// release's]
    #[arg(long, value_name = "NAME", conflicts_with = "chart")]
    pub(super) repo_name: Option<String>,
    /// Take this chart: a folder, an archive, or oci://HOST/PATH/NAME
    #[arg(long, value_name = "CHART")]
    pub(super) chart: Option<PathBuf>,
    /// Take the chart from this package: a module package, a bundle, an add-on package, compressed or not, or a
    /// folder. It is rewritten as a sync rewrites it, by --config, else by --image-registry
    #[arg(long, value_name = "FILE", conflicts_with_all = ["repo_url", "repo_name", "chart"])]
    pub(super) from_package: Option<PathBuf>,
    /// Push that package's images of the chart before the cluster is touched; tags gain the platforms that they lack
    #[arg(long, requires = "from_package")]
    pub(super) push_images: bool,
    /// Create projects that the registry lacks for them, as private ones
    #[arg(long, requires = "push_images")]
    pub(super) auto_create_repository: bool,
    /// Install the release where there is none of that name
    #[arg(long)]
    install: bool,
    /// Lay the values of this file over the release's own overrides; may be given several times
    #[arg(short = 'f', long = "values", value_name = "FILE")]
    files: Vec<PathBuf>,
    /// Set a value, as Helm's --set does; may be given several times. Everybody on this machine sees arguments:
    /// have passwords in a file
    #[arg(long = "set", value_name = "KEY=VALUE")]
    set: Vec<String>,
    /// The same with every value a text
    #[arg(long = "set-string", value_name = "KEY=VALUE")]
    set_string: Vec<String>,
    /// Look into this package for images that lack, to say which package would bring them; with --push-images its
    /// images of the chart are pushed too. May be given several times
    #[arg(long = "package", value_name = "FILE")]
    pub(super) packages: Vec<PathBuf>,
    /// Show what would be done, and write nothing
    #[arg(long)]
    pub(super) dry_run: bool,
    /// Save the plan in this file, to be approved and carried out with --plan; write nothing else
    #[arg(long, value_name = "FILE", conflicts_with_all = ["plan", "dry_run"])]
    pub(super) plan_out: Option<PathBuf>,
    /// Carry out the plan in this file, or nothing where it would be another one by now
    #[arg(long, value_name = "FILE")]
    pub(super) plan: Option<PathBuf>,
    /// Go on with the upgrade of this release, or of this group, that was broken off here, as it was planned
    #[arg(long, conflicts_with_all = ["version", "repo_url", "repo_name", "chart", "image_registry", "files", "set", "set_string", "plan", "plan_out", "dry_run"])]
    pub(super) resume: bool,
    /// Take back the upgrade of this release that was broken off here: the release, and its definitions as far as no
    /// object is lost by it. Of a group: who was under way, and with --rollback-group those that were done before
    #[arg(long, conflicts_with_all = ["resume", "version", "repo_url", "repo_name", "chart", "from_package", "install", "image_registry", "files", "set", "set_string", "plan", "plan_out", "dry_run"])]
    pub(super) undo: bool,
    /// Form of the result on standard output
    #[arg(long, value_name = "FORM", value_enum, default_value_t)]
    pub(super) output: Format,
    #[command(flatten)]
    pub(super) how: HowArgs,
    #[command(flatten)]
    pub(super) access: Box<RegistryFlags>,
}

const EXAMPLES: &str = "\
Examples:
  portolan upgrade kpanda -n kpanda-system --dry-run
  portolan upgrade kpanda -n kpanda-system --image-registry 10.6.135.222/release.daocloud.io
  portolan upgrade kairship -n kairship-system --version 0.21.0 --repo-url http://10.16.10.111/chartrepo/kairship
  portolan upgrade kant-release -n kant-system --chart . --image-registry 10.16.10.111
  portolan upgrade kpanda -n kpanda-system --chart oci://10.16.10.111/charts/kpanda
  portolan upgrade kpanda -n kpanda-system --from-package kpanda_v0.21.0_amd64.tar --push-images -c load-image.yaml
  portolan upgrade kant -n kant-system --from-package kant.bundle.tar --image-registry 10.16.10.111 --install
  portolan upgrade kpanda -n kpanda-system -c load-image.yaml --yes --output json > report.json
  portolan upgrade kpanda -n kpanda-system --plan-out plan.json    and, once it is approved, --plan plan.json
  portolan upgrade kpanda -n kpanda-system --resume                where an upgrade was broken off; or --undo
  portolan upgrade --group manifest.yaml -c load-image.yaml --dry-run
  portolan upgrade --group manifest.yaml -c load-image.yaml --keep-frozen --rollback-group
  portolan upgrade --group manifest.yaml --resume                  where a group was broken off; or --undo

Where an upgrade was broken off, the same command again goes on with it.

Exit codes: 0 upgraded, 1 failed (the report says what stands), 2 usage or configuration, 3 upgraded, and
something is not ready; of a group, some of it is upgraded.";

impl UpgradeArgs {
    /// The release, where this is about one.
    pub(super) fn release(&self) -> &ReleaseName {
        self.release.as_ref().expect("because it is required unless there is a group")
    }

    /// What the flags come to. The chart's source is made by the module `source`.
    pub(super) fn options(
        &self,
        cluster: &Cluster,
        source: ChartSource,
        packages: Packages,
        stop: &Stop,
    ) -> Result<UpgradeOptions, Failure> {
        let namespace = super::namespace(self, cluster)?;
        let release = HelmRelease { name: self.release().clone(), namespace };
        Ok(UpgradeOptions {
            version: self.version.clone(),
            values: self.values()?,
            installs: self.install,
            pins: self.plan_out.is_some() || self.plan.is_some(),
            dry_run: self.only_shows(),
            ..self.how.options(release, source, packages, stop)?
        })
    }

    /// Whether nothing is carried out.
    pub(super) fn only_shows(&self) -> bool {
        self.dry_run || self.plan_out.is_some()
    }

    /// Whether the newest version of a repository is what is asked for.
    pub(super) fn picks_the_newest(&self) -> bool {
        self.chart.is_none() && self.from_package.is_none()
    }

    fn values(&self) -> Result<Vec<Values>, Failure> {
        let files = self.files.iter().map(|file| values_file(file));
        let set = |texts: &[String], scalars| {
            texts.iter().map(|text| Values::from_set(text, scalars)).collect::<Result<Vec<_>, _>>()
        };
        let refused = |error| Failure::usage(&error);
        let mut values = files.collect::<Result<Vec<_>, _>>()?;
        values.extend(set(&self.set, Scalars::Typed).map_err(refused)?);
        values.extend(set(&self.set_string, Scalars::Text).map_err(refused)?);
        Ok(values)
    }
}

fn values_file(path: &Path) -> Result<Values, Failure> {
    let bytes = read_values(path)?;
    Values::parse(&path.display().to_string(), &bytes).map_err(|error| Failure::usage(&error))
}
