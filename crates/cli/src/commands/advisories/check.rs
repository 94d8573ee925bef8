//! `portolan advisories check`

use std::collections::BTreeMap;
use std::path::{Path, PathBuf};

use clap::Args;
use portolan_chart::{ChartVersion, ValuePath};
use portolan_registry::Stop;
use portolan_release::advisories::{
    Advice, Advisories, Answers, ChartFacts, ClusterFacts, Images, KnownImages, NoImages, Subject,
};
use portolan_release::values::Values;
use portolan_release::{cluster_facts, local_chart};

use super::CommonArgs;
use super::files;
use super::registry;
use crate::commands::interruption::Interrupted;
use crate::commands::registry_flags::RegistryFlags;
use crate::commands::release::access::{ReachArgs, releases_failed};
use crate::config::Environment;
use crate::failure::{Exit, Failure};
use crate::output::{Console, Format, advisories};

/// Checks the overrides of a release against the advisories, and mends them.
///
/// Nothing is written but the file of --values-out. What the overrides can't tell is asked: the registry with
/// --ask-registry, the cluster with --ask-cluster; its facts may come from a file too. What nobody can decide is a
/// question, answered by --answer.
#[derive(Debug, Clone, Args)]
#[command(after_help = EXAMPLES)]
pub(super) struct CheckArgs {
    /// The module: kpanda, kairship, kant [default: the name of --chart]
    #[arg(long, value_name = "NAME", required_unless_present = "chart")]
    module: Option<String>,
    /// The version that is there; without it, no advisory is left out for being too old
    #[arg(long, value_name = "VERSION")]
    from: Option<ChartVersion>,
    /// The version that is to come [default: that of --chart]
    #[arg(long, value_name = "VERSION", required_unless_present = "chart")]
    to: Option<ChartVersion>,
    /// The new chart, a folder or a .tgz: its defaults and its own advisories count then
    #[arg(long, value_name = "PATH")]
    chart: Option<PathBuf>,
    /// The overrides, as `helm get values -o yaml` prints them; - is standard input. May be given several
    /// times, and later ones win
    #[arg(short = 'f', long = "values", value_name = "FILE")]
    values: Vec<PathBuf>,
    /// Set global.imageRegistry to this before anything is checked
    #[arg(long, value_name = "REGISTRY")]
    image_registry: Option<String>,
    /// Ask the cluster for its nodes, workloads and releases; also where --kubeconfig or --context is given
    #[arg(long)]
    ask_cluster: bool,
    /// The same facts from this YAML file: nodes, workloads, releases
    #[arg(long, value_name = "FILE", conflicts_with_all = ["ask_cluster", "kubeconfig", "context"])]
    cluster_facts: Option<PathBuf>,
    /// Answer a question; may be given several times
    #[arg(long = "answer", value_name = "QUESTION=ANSWER", value_parser = answer)]
    answers: Vec<(String, String)>,
    /// Ask the registries that the overrides name whether they hold images
    #[arg(long)]
    ask_registry: bool,
    /// Write the mended overrides to this file, readable by nobody else
    #[arg(long, value_name = "FILE")]
    values_out: Option<PathBuf>,
    #[command(flatten)]
    reach: ReachArgs,
    #[command(flatten)]
    common: CommonArgs,
    #[command(flatten)]
    access: RegistryFlags,
}

const EXAMPLES: &str = "\
Examples:
  helm get values kpanda -n kpanda-system -o yaml > bak.yaml
  portolan advisories check --module kpanda --from 0.20.0 --to 0.21.0 -f bak.yaml
  portolan advisories check --chart kpanda-0.26.0.tgz --from 0.24.0 -f bak.yaml --ask-registry \\
      --image-registry 10.6.135.222/release.daocloud.io --values-out mended.yaml
  portolan advisories check --module kpanda --from 0.28.0 --to 0.29.0 -f bak.yaml --ask-cluster
  portolan advisories check --module kpanda --from 0.28.0 --to 0.29.0 --cluster-facts facts.yaml \\
      --answer kpanda-gpu-mig=label

Exit codes: 0 nothing is open, 1 failed, 2 usage or configuration, 3 something is open that the upgrade has
to wait for.";

/// An answer is never empty, and a question's id has no equals sign before its end.
fn answer(text: &str) -> Result<(String, String), String> {
    match text.rsplit_once('=') {
        Some((question, answer)) if !question.is_empty() && !answer.is_empty() => {
            Ok((question.to_owned(), answer.to_owned()))
        }
        _ => Err("a question's id, an equals sign, and the answer are wanted".to_owned()),
    }
}

/// Checks, shows what came of it, and writes the mended overrides.
///
/// # Errors
///
/// [`Failure`] where a file can't be used, or a registry doesn't answer.
pub(super) fn run(
    arguments: &CheckArgs,
    environment: &Environment,
    console: &Console,
) -> Result<Exit, Failure> {
    arguments.read_standard_input_once()?;
    let given = Given::read(arguments)?;
    let advice = match arguments.ask_registry || arguments.asks_cluster() {
        false => given.all.advise(&given.subject(&NoImages), &given.answers),
        true => ask(arguments, environment, console, given)?,
    };
    if let Some(path) = &arguments.values_out {
        files::write_values(path, &advice.overrides.to_yaml())?;
    }
    let language = arguments.common.language(environment);
    match arguments.common.output {
        Format::Text => console.result(&advisories::advice(&advice, language, console.style())),
        Format::Json => console.json(&advisories::advice_document(&advice))?,
    }
    Ok(if advice.blocking().next().is_some() { Exit::InPart } else { Exit::Done })
}

/// Asks cluster and registries for what the advisories want to know of them, and holds those against the upgrade then.
fn ask(
    arguments: &CheckArgs,
    environment: &Environment,
    console: &Console,
    mut given: Given,
) -> Result<Advice, Failure> {
    let known = arguments.access.known(environment)?;
    let stop = Stop::default();
    let asking = async {
        if arguments.asks_cluster() {
            let cluster = arguments.reach.cluster(environment).await?;
            given.cluster = Some(cluster_facts(&cluster).await.map_err(|error| releases_failed(&error))?);
        }
        let held = match arguments.ask_registry {
            false => BTreeMap::new(),
            true => {
                let images = given.all.images_to_ask(&given.subject(&NoImages));
                registry::held(images, &known, &stop).await?
            }
        };
        let images = KnownImages { held, ..KnownImages::default() };
        Ok(given.all.advise(&given.subject(&images), &given.answers))
    };
    let work = async {
        tokio::select! {
            biased;
            () = stop.requested() => Err(Failure::interrupted()),
            advice = asking => advice,
        }
    };
    crate::commands::carry_out(Interrupted::Run, &stop, console, work)
}

impl CheckArgs {
    fn asks_cluster(&self) -> bool {
        self.ask_cluster || self.reach.is_given()
    }

    fn read_standard_input_once(&self) -> Result<(), Failure> {
        let values = self.values.iter().filter(|path| path.as_os_str() == "-").count();
        match values + usize::from(self.access.reads_standard_input()) {
            0 | 1 => Ok(()),
            _ => {
                let message = "standard input can be read once, and more than one argument wants it";
                Err(Failure { exit: Exit::Usage, ..Failure::failed(message) })
            }
        }
    }
}

/// All that the arguments name, read.
struct Given {
    all: Advisories,
    module: String,
    from: Option<ChartVersion>,
    to: ChartVersion,
    overrides: Values,
    defaults: Values,
    chart: ChartFacts,
    cluster: Option<ClusterFacts>,
    answers: Answers,
}

impl Given {
    fn read(arguments: &CheckArgs) -> Result<Self, Failure> {
        let chart = arguments.chart.as_deref().map(local_chart).transpose();
        let chart = chart.map_err(|error| Failure::usage(&error))?;
        let all = arguments.common.sources.advisories(chart.as_ref())?;
        let defaults =
            chart.as_ref().map(Values::of_chart).transpose().map_err(|error| Failure::usage(&error))?;
        let module = arguments.module.clone().or_else(|| chart.as_ref().map(|chart| chart.name().to_owned()));
        let to = arguments.to.clone().or_else(|| chart.as_ref().map(|chart| chart.version().clone()));
        Ok(Self {
            all,
            module: module.expect("because one of the arguments is required"),
            from: arguments.from.clone(),
            to: to.expect("because one of the arguments is required"),
            overrides: overrides(arguments)?,
            defaults: defaults.unwrap_or_default(),
            chart: chart.as_ref().map(ChartFacts::of).unwrap_or_default(),
            cluster: arguments.cluster_facts.as_deref().map(facts).transpose()?,
            answers: arguments.answers.iter().cloned().collect(),
        })
    }

    fn subject<'a>(&'a self, images: &'a dyn Images) -> Subject<'a> {
        Subject {
            module: &self.module,
            from: self.from.as_ref(),
            to: &self.to,
            overrides: &self.overrides,
            defaults: &self.defaults,
            chart: &self.chart,
            cluster: self.cluster.as_ref(),
            images,
        }
    }
}

fn overrides(arguments: &CheckArgs) -> Result<Values, Failure> {
    let mut overrides = Values::default();
    for path in &arguments.values {
        let bytes = files::read_values(path)?;
        let values = Values::parse(&path.display().to_string(), &bytes);
        overrides = overrides.layered(values.map_err(|error| Failure::usage(&error))?);
    }
    if let Some(registry) = &arguments.image_registry
        && !overrides.set(&ValuePath::of_keys(["global", "imageRegistry"]), registry.as_str().into())
    {
        let message = "global.imageRegistry can't be set, since `global` is no map in the overrides";
        return Err(Failure { exit: Exit::Usage, ..Failure::failed(message) });
    }
    Ok(overrides)
}

fn facts(path: &Path) -> Result<ClusterFacts, Failure> {
    let bytes = files::read_values(path)?;
    ClusterFacts::parse(&path.display().to_string(), &bytes).map_err(|error| Failure::usage(&error))
}
