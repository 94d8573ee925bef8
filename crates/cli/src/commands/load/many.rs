//! A load onto many nodes over SSH.

use std::time::Instant;

use portolan_node::{
    Asked, LoadCheck, NodeCheck, NodePlan, NodeResult, Observer, Passed, PassingPackage, RegistryImages,
    Stock,
};
use portolan_transfer::{BrokenBundle, PackageImages};

use super::args::{Goal, Origin, Settings};
use super::nodes::Nodes;
use super::package::{self, Opened};
use crate::failure::{Exit, Failure};
use crate::output::{Console, load as text};

/// Carries it out.
pub(super) async fn load(settings: &Settings, nodes: &Nodes, console: &Console) -> Result<Exit, Failure> {
    let started = Instant::now();
    let progress = console.load_progress();
    nodes.notes.iter().for_each(|note| console.say(note));
    let many = Many { settings, nodes, console, progress: progress.as_ref(), started };
    match super::unless_stopped(settings, offered(settings)).await? {
        Offered::Package(images) => many.carry(&images, &images).await,
        Offered::Registries(images) => many.carry(&PackageImages::default(), &images).await,
        Offered::Passing(package) => many.pass(*package).await,
    }
}

/// A load onto many nodes.
struct Many<'a> {
    settings: &'a Settings,
    nodes: &'a Nodes,
    console: &'a Console,
    progress: &'a dyn Observer,
    started: Instant,
}

impl Many<'_> {
    /// Does with images that are known what the command is for.
    async fn carry(&self, images: &PackageImages, stock: &dyn Stock) -> Result<Exit, Failure> {
        let Self { settings, console, progress, .. } = *self;
        let fleet = self.nodes.fleet(&settings.local, images, &settings.options.stop).await?;
        let mut asked = fleet.ask(stock, &settings.options, progress).await;
        narrow(settings, &mut asked)?;
        match settings.goal {
            Goal::Check => show_check(&asked, settings, console),
            Goal::ShowPlan => {
                let (plans, lost) = told_apart(asked);
                super::show_plan(&plans, &lost, images, settings.output, console)
            }
            Goal::Write => {
                for plan in asked.iter().filter_map(planned) {
                    console.say(&text::outline(plan));
                }
                let results = fleet.load(asked, &settings.options, progress).await;
                self.finish(results, images.broken.clone(), images.notes.clone())
            }
        }
    }

    /// Loads a package while it goes by.
    async fn pass(&self, package: PassingPackage) -> Result<Exit, Failure> {
        let Self { settings, progress, .. } = *self;
        let (options, left) = (&settings.options, settings.left.as_deref());
        let fleet = self.nodes.fleet(&settings.local, &PackageImages::default(), &options.stop).await?;
        super::known_to(left, fleet.nodes.iter().map(|node| node.name.as_str()))?;
        let passed = fleet.load_passing(package, &settings.choice, options, left, progress).await;
        let Passed { nodes, broken, notes } = passed.map_err(|error| Failure::of(&error))?;
        self.finish(nodes, broken, notes)
    }

    fn finish(
        &self,
        nodes: Vec<NodeResult>,
        broken: Vec<BrokenBundle>,
        notes: Vec<String>,
    ) -> Result<Exit, Failure> {
        super::finish(nodes, broken, notes, self.started, (self.settings, self.progress, self.console))
    }
}

/// What the nodes are offered.
enum Offered {
    /// A package's images.
    Package(PackageImages),
    /// Images of registries.
    Registries(RegistryImages),
    /// What is known only while it goes by.
    Passing(Box<PassingPackage>),
}

async fn offered(settings: &Settings) -> Result<Offered, Failure> {
    let path = match &settings.origin {
        Origin::Package(path) => path,
        Origin::Registries(from) => {
            return super::from::images(from, settings).await.map(Offered::Registries);
        }
    };
    Ok(match package::open(path, settings).await? {
        Opened::Whole(images) => Offered::Package(images),
        Opened::Passing(package) => Offered::Passing(package),
    })
}

/// Takes out of the plans what an earlier run did not leave.
fn narrow(settings: &Settings, asked: &mut [Asked]) -> Result<(), Failure> {
    let Some(left) = &settings.left else { return Ok(()) };
    let plans = asked.iter_mut().filter_map(|asked| match asked {
        Asked::Planned(plan, _) => Some(plan),
        Asked::Lost(_) => None,
    });
    plans.into_iter().try_for_each(|plan| super::narrow(left, plan))
}

fn planned(asked: &Asked) -> Option<&NodePlan> {
    match asked {
        Asked::Planned(plan, _) => Some(plan),
        Asked::Lost(_) => None,
    }
}

/// The plans, and the nodes that have none.
fn told_apart(asked: Vec<Asked>) -> (Vec<NodePlan>, Vec<NodeResult>) {
    let (mut plans, mut lost) = (Vec::new(), Vec::new());
    for asked in asked {
        match asked {
            Asked::Planned(plan, _) => plans.push(*plan),
            Asked::Lost(result) => lost.push(*result),
        }
    }
    (plans, lost)
}

fn show_check(asked: &[Asked], settings: &Settings, console: &Console) -> Result<Exit, Failure> {
    let nodes = asked.iter().map(|asked| match asked {
        Asked::Planned(plan, _) => NodeCheck::of(plan),
        Asked::Lost(result) => NodeCheck::lost(result),
    });
    super::show_check(&LoadCheck::new(nodes.collect()), settings.output, console)
}
