//! The benchmark of `upgrade`: one release on a real control plane, by the commands that a page of documentation
//! tells to type, and by Portolan. What counts is what Portolan adds: plan, image check, rehearsal, journal.

mod by_hand;
mod charts;
mod site;

use std::path::PathBuf;

use crate::Outcome;
use crate::portolan::Portolan;
use crate::report::Times;
use crate::sync::work_folder;
use charts::{Shape, module};
use site::Site;

/// The version that is installed, and the one that it is upgraded to.
const OLD: &str = "0.20.0";
const NEW: &str = "0.21.0";

/// What each thing may cost, in seconds.
const ADDED_LIMIT: f64 = 3.0;
const PLAN_LIMIT: f64 = 2.0;
const IMAGES_LIMIT: f64 = 3.0;

/// What is measured, and how often.
#[derive(clap::Args)]
pub(crate) struct Arguments {
    /// Rounds; each runs every row once.
    #[arg(long, default_value_t = 3, value_parser = clap::value_parser!(u32).range(1..=100))]
    runs: u32,
    /// Objects of the chart that is upgraded.
    #[arg(long, default_value_t = 60)]
    objects: usize,
    /// Images of it.
    #[arg(long, default_value_t = 20)]
    images: usize,
    /// Objects of the chart that is only planned.
    #[arg(long, default_value_t = 200)]
    planned_objects: usize,
    /// Images of the chart whose images are checked, on two architectures.
    #[arg(long, default_value_t = 100)]
    checked_images: usize,
    /// The program to measure; built from this workspace where not given.
    #[arg(long)]
    portolan: Option<PathBuf>,
    /// Folder for cluster, depot and charts; the system's temporary one where not given.
    #[arg(long)]
    work: Option<PathBuf>,
}

/// What all rounds gave.
#[derive(Default)]
struct Results {
    by_hand: Times,
    /// The same with `--wait` and the way back, which Portolan asks Helm for.
    by_hand_waiting: Times,
    /// The same without `helm upgrade`, which looks at its objects every two seconds and ends by chance that much
    /// sooner or later.
    by_hand_around: Times,
    portolan: Times,
    portolan_around: Times,
    /// What each step took.
    steps: Vec<(String, Times)>,
    render: Times,
    plan: Times,
    unchecked: Times,
    checked: Times,
}

/// Starts cluster and depot, measures and prints.
pub(crate) fn run(arguments: &Arguments) -> Outcome<()> {
    let portolan = Portolan::find(arguments.portolan.as_deref())?;
    let work = work_folder(arguments.work.as_deref())?;
    println!("starting a cluster and a depot …");
    let mut site = Site::start(&portolan, work.path())?;
    println!("bringing charts and images into the depot …");
    for shape in [arguments.upgraded(), arguments.planned(), arguments.checked()] {
        site.bring(&module(shape, OLD), shape)?;
        site.bring(&module(shape, NEW), shape)?;
    }
    let mut results = Results::default();
    for round in 1..=arguments.runs {
        println!("round {round} of {}", arguments.runs);
        results.upgrades(&mut site, arguments.upgraded())?;
        results.plans(&mut site, arguments.planned())?;
        results.images(&mut site, arguments.checked())?;
    }
    results.print(arguments);
    Ok(())
}

impl Arguments {
    fn upgraded(&self) -> Shape {
        Shape { name: "bench", objects: self.objects, images: self.images }
    }

    fn planned(&self) -> Shape {
        Shape { name: "planned", objects: self.planned_objects, images: 1 }
    }

    fn checked(&self) -> Shape {
        Shape { name: "checked", objects: 1, images: self.checked_images }
    }
}

impl Results {
    fn upgrades(&mut self, site: &mut Site, shape: Shape) -> Outcome<()> {
        let namespace = site.installed("bench", OLD)?;
        self.by_hand.add(by_hand::upgrade(site, &namespace, "bench", NEW, &[])?.all);
        site.remove(&namespace, "bench")?;
        let namespace = site.installed("bench", OLD)?;
        let waiting = ["--atomic", "--wait", "--wait-for-jobs"];
        let taken = by_hand::upgrade(site, &namespace, "bench", NEW, &waiting)?;
        self.by_hand_waiting.add(taken.all);
        self.by_hand_around.add(taken.all - taken.upgrade);
        site.remove(&namespace, "bench")?;
        self.upgrade_by_portolan(site, shape)
    }

    fn upgrade_by_portolan(&mut self, site: &mut Site, shape: Shape) -> Outcome<()> {
        let namespace = site.installed("bench", OLD)?;
        let line = ["upgrade", "bench", "--keep-frozen", "--yes"];
        let words = [
            format!("the server takes {} objects and refuses 0", shape.objects),
            format!("all {} images are there, for every node", shape.images),
            format!("all {} objects are ready", shape.objects),
        ];
        let seconds = site.portolan(&namespace, &line, &words)?;
        site.stands(&namespace, "bench", NEW)?;
        let steps = site.steps()?;
        let (_, helm) = steps.iter().find(|(step, _)| step == "upgrade").ok_or("Helm was not called")?;
        self.portolan.add(seconds);
        self.portolan_around.add(seconds - helm);
        for (step, seconds) in steps {
            self.step(step).add(seconds);
        }
        site.remove(&namespace, "bench")
    }

    fn step(&mut self, step: String) -> &mut Times {
        let found = self.steps.iter().position(|(known, _)| *known == step);
        let place = found.unwrap_or(self.steps.len());
        if found.is_none() {
            self.steps.push((step, Times::default()));
        }
        &mut self.steps[place].1
    }

    fn plans(&mut self, site: &mut Site, shape: Shape) -> Outcome<()> {
        let namespace = site.installed("planned", OLD)?;
        self.render.add(by_hand::render(site, &namespace, "planned", NEW)?);
        let chart = site.archive("planned", NEW);
        let line = ["upgrade", "planned", "--chart", &chart, "--dry-run", "--skip-image-check"];
        let words = [format!("the server takes {} objects and refuses 0", shape.objects)];
        self.plan.add(site.portolan(&namespace, &line, &words)?);
        site.remove(&namespace, "planned")
    }

    fn images(&mut self, site: &mut Site, shape: Shape) -> Outcome<()> {
        let namespace = site.installed("checked", OLD)?;
        let chart = site.archive("checked", NEW);
        let line = ["upgrade", "checked", "--chart", &chart, "--dry-run", "--skip-image-check"];
        self.unchecked.add(site.portolan(&namespace, &line, &[])?);
        let words = [format!("all {} images are there, for every node", shape.images)];
        self.checked.add(site.portolan(&namespace, &line[..5], &words)?);
        site.remove(&namespace, "checked")
    }

    fn print(&self, arguments: &Arguments) {
        let Arguments { runs, objects, images, planned_objects, checked_images, .. } = arguments;
        println!("\n{runs} rounds, medians\n\n{:<58} {:>9} {:>8}", "row", "seconds", "ratio");
        println!("an upgrade of {objects} objects and {images} images");
        row("  by hand, as the page tells, without waiting", &self.by_hand, &self.by_hand_waiting);
        row("  by hand, waiting and with a way back", &self.by_hand_waiting, &self.by_hand_waiting);
        row("  portolan upgrade", &self.portolan, &self.by_hand_waiting);
        added("what Portolan adds", &self.portolan, &self.by_hand_waiting, ADDED_LIMIT);
        added("the same without helm upgrade", &self.portolan_around, &self.by_hand_around, ADDED_LIMIT);
        for (step, times) in &self.steps {
            println!("    {step:<54} {:>9.2}", times.median().unwrap_or_default());
        }
        println!("a plan of {planned_objects} objects");
        row("  helm template, asking the cluster", &self.render, &self.render);
        row("  portolan upgrade --dry-run --skip-image-check", &self.plan, &self.render);
        added("what the plan adds", &self.plan, &self.render, PLAN_LIMIT);
        println!("{checked_images} images for two architectures");
        row("  portolan upgrade --dry-run --skip-image-check", &self.unchecked, &self.unchecked);
        row("  portolan upgrade --dry-run", &self.checked, &self.unchecked);
        added("what the image check adds", &self.checked, &self.unchecked, IMAGES_LIMIT);
    }
}

fn row(name: &str, times: &Times, beside: &Times) {
    let (median, ratio) = (times.median().unwrap_or_default(), times.ratio(beside).unwrap_or_default());
    println!("{name:<58} {median:>9.2} {ratio:>8.2}");
}

fn added(name: &str, times: &Times, beside: &Times, limit: f64) {
    let seconds = times.difference(beside).unwrap_or_default();
    let verdict = if seconds <= limit { "within" } else { "ABOVE" };
    println!("  {:<56} {seconds:>9.2}   {verdict} {limit:.1} s", format!("{name}, round by round"));
}
