//! A load onto many nodes over SSH.

use std::time::Instant;

use portolan_node::{Asked, LoadCheck, NodeCheck, NodePlan, NodeResult};
use portolan_transfer::PackageImages;

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
    let stop = &settings.options.stop;
    let images = tokio::select! {
        biased;
        () = stop.requested() => return Err(Failure::interrupted()),
        images = images(settings) => images?,
    };
    let fleet = nodes.fleet(&settings.local, &images, stop).await?;
    let mut asked = fleet.ask(&images, &settings.options, progress.as_ref()).await;
    narrow(settings, &mut asked)?;
    match settings.goal {
        Goal::Check => show_check(&asked, settings, console),
        Goal::ShowPlan => {
            let (plans, lost) = told_apart(asked);
            super::show_plan(&plans, &lost, &images, settings.output, console)
        }
        Goal::Write => {
            for plan in asked.iter().filter_map(planned) {
                console.say(&text::outline(plan));
            }
            let results = fleet.load(asked, &settings.options, progress.as_ref()).await;
            let PackageImages { broken, notes, .. } = images;
            super::finish(results, broken, notes, started, (settings, progress.as_ref(), console))
        }
    }
}

async fn images(settings: &Settings) -> Result<PackageImages, Failure> {
    let Origin::Package(path) = &settings.origin else { return Err(registries()) };
    match package::open(path, settings).await? {
        Opened::Whole(images) => Ok(images),
        Opened::Passing(_) => Err(passing()),
    }
}

/// The arguments refuse it by their names already.
fn registries() -> Failure {
    let failure = Failure::failed("images of a registry go onto this node alone");
    Failure { exit: Exit::Usage, ..failure }
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

fn passing() -> Failure {
    let message = "a compressed package, or one from standard input, goes onto one node at a time";
    Failure { exit: Exit::Usage, ..Failure::failed(message) }
        .with_hint("decompress it to a file first: gzip -dk PACKAGE or zstd -d PACKAGE")
}
