//! The benchmark of imports: packages of two architectures as `.tar.gz`, read once as they come.
//!
//! In each round the first one goes into a registry that holds nothing, then the same again, then the second one,
//! which is merged into its tags. Beside them: bare uploads of the same blobs, and what unpacking alone takes.

mod packed;
mod settled;

use std::fs;
use std::path::{Path, PathBuf};
use std::process::{Command, Stdio};
use std::time::{Duration, Instant};

use portolan_testkit::docker_registry::{DockerRegistry, Options};

use crate::child::Cost;
use crate::link::{Link, Way};
use crate::material::{Architecture, Package, Shape};
use crate::portolan::{Portolan, configuration};
use crate::report::{self, Row, Times};
use crate::size::Size;
use crate::sync::work_folder;
use crate::{Outcome, floor};
use packed::Packed;
use settled::Watching;

/// Lets the disk settle between rows.
const PAUSE: Duration = Duration::from_millis(200);

/// What is measured, and how often.
#[derive(clap::Args)]
pub(crate) struct Arguments {
    /// Size of a package's layers together.
    #[arg(long, default_value = "1GiB")]
    size: Size,
    /// Rounds; each runs every row once.
    #[arg(long, default_value_t = 5, value_parser = clap::value_parser!(u32).range(1..=100))]
    runs: u32,
    /// The program to measure; built from this workspace where not given.
    #[arg(long)]
    portolan: Option<PathBuf>,
    /// Folder for the packages and the registries' storage; the system's temporary one where not given.
    /// Needs ten times the size.
    #[arg(long)]
    work: Option<PathBuf>,
    /// Leave out the 500 images that are merged already.
    #[arg(long)]
    without_many: bool,
}

/// Makes the packages, measures and prints.
pub(crate) fn run(arguments: &Arguments) -> Outcome<()> {
    let work = work_folder(arguments.work.as_deref())?;
    println!("making the packages …");
    let bench = Bench {
        portolan: Portolan::find(arguments.portolan.as_deref())?,
        amd: Packed::make(work.path(), Shape::usual(arguments.size)?, Architecture::Amd64)?,
        arm: Packed::make(work.path(), Shape::usual(arguments.size)?, Architecture::Arm64)?,
        work: work.path().to_owned(),
    };
    let mut results = Results::default();
    for round in 1..=arguments.runs {
        println!("round {round} of {}", arguments.runs);
        bench.round(&mut results)?;
    }
    results.print(arguments, &bench);
    if !arguments.without_many {
        bench.many(arguments.runs)?;
    }
    Ok(())
}

struct Bench {
    portolan: Portolan,
    amd: Packed,
    arm: Packed,
    work: PathBuf,
}

#[derive(Default)]
struct Results {
    floor: Row,
    floor_of_second: Row,
    in_chunks: Row,
    gzip: Row,
    igzip: Row,
    cold: Row,
    again: Row,
    second: Row,
    /// The second until every tag had both platforms, without the wait in which they are read again.
    second_written: Row,
    costs: Vec<Cost>,
}

impl Bench {
    fn round(&self, results: &mut Results) -> Outcome<()> {
        results.floor.clock.add(self.bare(&self.amd, floor::upload)?);
        results.floor_of_second.clock.add(self.bare(&self.arm, floor::upload)?);
        results.in_chunks.clock.add(self.bare(&self.amd, floor::upload_in_chunks)?);
        results.gzip.clock.add(unpacked("gzip", &self.amd.file)?);
        if program_is_there("igzip") {
            results.igzip.clock.add(unpacked("igzip", &self.amd.file)?);
        }
        let registry = self.registry()?;
        let site = Site::of(&self.work, &registry)?;
        let cold = site.import(&self.portolan, &self.amd.file)?;
        results.cold.clock.add(cold.seconds);
        let again = site.import(&self.portolan, &self.amd.file)?;
        results.again.clock.add(again.seconds);
        nix::unistd::sync();
        let watching = Watching::begin(&registry, &self.arm.package)?;
        let second = site.import(&self.portolan, &self.arm.file)?;
        results.second_written.clock.add(watching.end()?);
        results.second.clock.add(second.seconds);
        results.costs.extend([cold, again, second]);
        Ok(())
    }

    /// A registry that holds nothing, after what was written before is on the disk.
    fn registry(&self) -> Outcome<DockerRegistry> {
        nix::unistd::sync();
        std::thread::sleep(PAUSE);
        let options = Options { folder: Some(self.work.clone()), ..Options::default() };
        Ok(DockerRegistry::start(&options).ok_or("no docker-registry")?)
    }

    /// The bare upload of a package's blobs.
    fn bare(&self, packed: &Packed, upload: fn(&Way, &Package) -> Outcome<f64>) -> Outcome<f64> {
        let registry = self.registry()?;
        upload(&Link::Plain.to(&registry), &packed.package)
    }

    /// 500 images that are merged already, from folders, which are read at any place.
    fn many(&self, runs: u32) -> Outcome<()> {
        println!("making 500 images for two architectures …");
        let folder = tempfile::tempdir_in(&self.work)?;
        let make = |architecture| Packed::loose(folder.path(), Shape::many_images(), architecture);
        let (amd, arm) = (make(Architecture::Amd64)?, make(Architecture::Arm64)?);
        let registry = self.registry()?;
        let site = Site::of(&self.work, &registry)?;
        for package in [&amd, &arm] {
            site.import(&self.portolan, &package.folder)?;
        }
        let (mut times, mut peak) = (Times::default(), 0);
        for _ in 0..runs {
            let cost = site.import(&self.portolan, &arm.folder)?;
            times.add(cost.seconds);
            peak = peak.max(cost.peak);
        }
        let seconds = times.median().unwrap_or_default();
        println!("500 images, all merged already: {seconds:.3} s, peak memory {}", report::mib(peak));
        Ok(())
    }
}

/// Where imports go: a registry, and a folder of charts.
struct Site {
    folder: tempfile::TempDir,
    way: Way,
}

impl Site {
    fn of(work: &Path, registry: &DockerRegistry) -> Outcome<Self> {
        Ok(Self { folder: tempfile::tempdir_in(work)?, way: Link::Plain.to(registry) })
    }

    fn import(&self, portolan: &Portolan, package: &Path) -> Outcome<Cost> {
        let config = self.folder.path().join("config.yaml");
        fs::write(&config, configuration(&self.way, package, &self.folder.path().join("charts")))?;
        portolan.sync(&config, &self.way, self.folder.path())
    }
}

/// What unpacking the file to nowhere takes, in seconds.
fn unpacked(program: &str, file: &Path) -> Outcome<f64> {
    let began = Instant::now();
    let status = Command::new(program).arg("-dc").arg(file).stdout(Stdio::null()).status()?;
    if !status.success() {
        return Err(format!("{program} -dc: {status}").into());
    }
    Ok(began.elapsed().as_secs_f64())
}

fn program_is_there(program: &str) -> bool {
    let found = Command::new(program).arg("--version").stdout(Stdio::null()).stderr(Stdio::null()).status();
    found.is_ok_and(|status| status.success())
}

impl Results {
    fn print(&self, arguments: &Arguments, bench: &Bench) {
        let package = &bench.amd.package;
        println!(
            "\ntwo packages of {} images and {} unique blobs, {} packed each; {} rounds, medians\n",
            package.images.len(),
            package.blobs.len(),
            report::mib(bench.amd.bytes),
            arguments.runs
        );
        println!("{}", report::head());
        let line = |name: &str, row: &Row, floor: &Row| println!("{}", report::line(name, row, floor));
        line("floor: bare upload, first", &self.floor, &self.floor);
        line("the same, hashed and in chunks", &self.in_chunks, &self.floor);
        line("cold, from .tar.gz", &self.cold, &self.floor);
        line("floor: gzip -dc to nowhere", &self.gzip, &self.gzip);
        line("the same again", &self.again, &self.gzip);
        line("floor: bare upload, second", &self.floor_of_second, &self.floor_of_second);
        line("second merged, until the end", &self.second, &self.floor_of_second);
        line("second merged, until tags stand", &self.second_written, &self.floor_of_second);
        line("igzip -dc, beside gzip's", &self.igzip, &self.gzip);
        let most = |of: fn(&Cost) -> u64| self.costs.iter().map(of).max().unwrap_or_default();
        println!("\npeak memory {}", report::mib(most(|cost| cost.peak)));
        println!("{} written to disk by the program (charts)", report::mib(most(|cost| cost.written)));
        println!("no temporary file: none in the working folder, and TMPDIR did not exist");
    }
}

/// docker-registry and gzip are all that is needed; without the first there is nothing to measure.
#[cfg(test)]
mod tests {
    use portolan_testkit::components;

    use super::*;

    #[test]
    fn a_small_package_passes_through_every_row() {
        if components::DOCKER_REGISTRY.require().is_none() {
            return;
        }
        let work = tempfile::tempdir().unwrap();
        let size: Size = "1MiB".parse().unwrap();
        let shape = Shape::usual(size).unwrap();
        let amd = Packed::make(work.path(), shape, Architecture::Amd64).unwrap();
        let arm = Packed::make(work.path(), shape, Architecture::Arm64).unwrap();
        let differ =
            |blob: &crate::material::Blob| amd.package.blobs.iter().all(|other| other.digest != blob.digest);
        assert!(arm.package.blobs.iter().all(differ), "architectures share no blob");
        assert!(unpacked("gzip", &amd.file).is_ok());
        let options = Options { folder: Some(work.path().to_owned()), ..Options::default() };
        let registry = DockerRegistry::start(&options).unwrap();
        assert!(floor::upload(&Link::Plain.to(&registry), &amd.package).is_ok());
        assert!(floor::upload_in_chunks(&Link::Plain.to(&registry), &arm.package).is_ok());
    }
}
