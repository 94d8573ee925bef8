//! The benchmark of `load`: images straight onto a node, beside the runtimes' own clients. Every row once in
//! each round, each into a runtime of its own that holds nothing.

mod nodes;

use std::fs::File;
use std::path::{Path, PathBuf};
use std::process::Command;
use std::time::{Duration, Instant};

use portolan_testkit::process;
use portolan_testkit::runtimes::{Containerd, ContainerdSetup, Docker, Release};

use crate::Outcome;
use crate::child::{self, Cost};
use crate::material::{self, Package, Shape, TAG};
use crate::portolan::Portolan;
use crate::report;
use crate::size::Size;
use crate::sync::work_folder;

/// Lets the disk settle between rows.
const PAUSE: Duration = Duration::from_millis(200);

/// The registry that images are named after.
const REGISTRY: &str = "10.1.2.3";

/// What is measured, and how often.
#[derive(clap::Args)]
pub(crate) struct Arguments {
    /// Size of the package's layers together.
    #[arg(long, default_value = "0.5GiB")]
    size: Size,
    /// Rounds; each runs every row once.
    #[arg(long, default_value_t = 5, value_parser = clap::value_parser!(u32).range(1..=100))]
    runs: u32,
    /// Measure the newest containerd in place of Debian's.
    #[arg(long)]
    newest: bool,
    /// Leave Docker out.
    #[arg(long)]
    without_docker: bool,
    /// Load so many nodes at once over SSH, in place of this one's runtimes; as root.
    #[arg(long, value_parser = clap::value_parser!(u8).range(1..=20))]
    nodes: Option<u8>,
    /// The program to measure; built from this workspace where not given.
    #[arg(long)]
    portolan: Option<PathBuf>,
    /// Folder for the package and the runtimes' storage; the system's temporary one where not given. Needs
    /// four times the size.
    #[arg(long)]
    work: Option<PathBuf>,
}

/// What all rows gave.
#[derive(Default)]
struct Results {
    ctr: report::Row,
    containerd: Vec<Runs>,
    docker_load: report::Row,
    docker: Vec<Runs>,
}

/// One load into an empty runtime, and the same once more.
struct Runs {
    cold: Cost,
    again: Cost,
}

struct Bench {
    portolan: Portolan,
    package: Package,
    /// The `images.tar` of every bundle, unpacked.
    archives: Vec<PathBuf>,
    release: Release,
    work: PathBuf,
}

/// Makes the package, measures and prints.
pub(crate) fn run(arguments: &Arguments) -> Outcome<()> {
    let work = work_folder(arguments.work.as_deref())?;
    println!("making the package …");
    let package = material::make(work.path(), Shape::usual(arguments.size)?)?;
    let bench = Bench {
        portolan: Portolan::find(arguments.portolan.as_deref())?,
        archives: unpacked(&package, work.path())?,
        package,
        release: if arguments.newest { Release::Newest } else { Release::Debian },
        work: work.path().to_owned(),
    };
    if let Some(count) = arguments.nodes {
        return many(&bench, usize::from(count), arguments.runs);
    }
    let mut results = Results::default();
    for round in 1..=arguments.runs {
        println!("round {round} of {}", arguments.runs);
        results.ctr.clock.add(bench.ctr()?);
        results.containerd.push(bench.containerd()?);
        if !arguments.without_docker {
            results.docker_load.clock.add(bench.docker_load()?);
            results.docker.push(bench.docker()?);
        }
    }
    results.print(&bench.package, arguments.runs);
    Ok(())
}

/// The rows of many nodes.
fn many(bench: &Bench, count: usize, rounds: u32) -> Outcome<()> {
    let mut results = nodes::Results::default();
    for round in 1..=rounds {
        println!("round {round} of {rounds}");
        results.round(bench, count)?;
    }
    print_head(&bench.package, rounds);
    results.print(count);
    Ok(())
}

/// What the procedures of today begin with: each bundle unpacked.
fn unpacked(package: &Package, work: &Path) -> Outcome<Vec<PathBuf>> {
    let mut archives = Vec::new();
    for entry in std::fs::read_dir(&package.folder)? {
        let bundle = entry?.path();
        let archive = work.join(format!("images-{}.tar", archives.len()));
        let mut tar = Command::new("tar");
        tar.args(["--extract", "--to-stdout", "--file"]).arg(&bundle).arg("images.tar");
        if !tar.stdout(File::create(&archive)?).status()?.success() {
            return Err(format!("{tar:?} failed").into());
        }
        archives.push(archive);
    }
    Ok(archives)
}

impl Bench {
    /// An empty containerd, after what was written before is on the disk.
    fn empty_containerd(&self) -> Outcome<(Containerd, tempfile::TempDir)> {
        settle();
        let root = tempfile::tempdir_in(&self.work)?;
        let folder = Some(root.path().join("root"));
        let setup = ContainerdSetup { release: self.release, root: folder, ..ContainerdSetup::default() };
        Ok((Containerd::start_as(&setup).ok_or("no containerd")?, root))
    }

    fn empty_docker() -> Outcome<Docker> {
        settle();
        Docker::start_on("overlay2").ok_or_else(|| "no docker".into())
    }

    /// `ctr image import` of every archive; gives seconds.
    fn ctr(&self) -> Outcome<f64> {
        let (node, _root) = self.empty_containerd()?;
        let began = Instant::now();
        for archive in &self.archives {
            process::run(node.command().args(["--namespace", "k8s.io", "image", "import"]).arg(archive));
        }
        Ok(began.elapsed().as_secs_f64())
    }

    fn containerd(&self) -> Outcome<Runs> {
        let (node, _root) = self.empty_containerd()?;
        let runs = self.twice("containerd", &node.socket())?;
        let listed = process::run(node.command().args(["--namespace", "k8s.io", "images", "ls", "-q"]));
        self.check(&String::from_utf8(listed)?)?;
        Ok(runs)
    }

    /// `docker load` of every archive; gives seconds.
    fn docker_load(&self) -> Outcome<f64> {
        let node = Self::empty_docker()?;
        let began = Instant::now();
        for archive in &self.archives {
            process::run(node.command().args(["load", "--quiet", "--input"]).arg(archive));
        }
        Ok(began.elapsed().as_secs_f64())
    }

    fn docker(&self) -> Outcome<Runs> {
        let node = Self::empty_docker()?;
        let runs = self.twice("docker", &node.socket())?;
        let form = "{{.Repository}}:{{.Tag}}";
        let listed = process::run(node.command().args(["images", "--format", form]));
        self.check(&String::from_utf8(listed)?)?;
        Ok(runs)
    }

    fn twice(&self, runtime: &str, socket: &Path) -> Outcome<Runs> {
        Ok(Runs { cold: self.load(runtime, socket)?, again: self.load(runtime, socket)? })
    }

    /// Runs without a place for temporary files.
    fn load(&self, runtime: &str, socket: &Path) -> Outcome<Cost> {
        let mut command = Command::new(self.portolan.program());
        command.arg("load").arg(&self.package.folder);
        command.args(["--registry", REGISTRY, "--runtime", runtime, "--address"]).arg(socket);
        command.env("TMPDIR", self.work.join("absent"));
        child::measure(&command, &self.work.join("portolan.log"))
    }

    /// Every image is there under the name that relocation gives it.
    fn check(&self, listed: &str) -> Outcome<()> {
        for image in &self.package.images {
            let name = format!("{REGISTRY}/{}:{TAG}", image.repository);
            if !listed.lines().any(|line| line == name) {
                return Err(format!("{name} was not loaded").into());
            }
        }
        Ok(())
    }
}

fn settle() {
    nix::unistd::sync();
    std::thread::sleep(PAUSE);
}

impl Results {
    fn print(&self, package: &Package, rounds: u32) {
        print_head(package, rounds);
        print_runtime("ctr image import", "portolan load, containerd", &self.ctr, &self.containerd);
        if !self.docker.is_empty() {
            print_runtime("docker load", "portolan load, Docker", &self.docker_load, &self.docker);
        }
    }
}

fn print_head(package: &Package, rounds: u32) {
    println!(
        "\n{} images, {} unique blobs of {}; {rounds} rounds, medians\n",
        package.images.len(),
        package.blobs.len(),
        report::mib(package.blobs.iter().map(|blob| blob.size).sum()),
    );
    println!("{}", report::head());
}

fn print_runtime(own: &str, ours: &str, floor: &report::Row, runs: &[Runs]) {
    let (mut cold, mut again) = (report::Row::default(), report::Row::default());
    for run in runs {
        cold.clock.add(run.cold.seconds);
        again.clock.add(run.again.seconds);
    }
    println!("{}", report::line(own, floor, floor));
    println!("{}", report::line(ours, &cold, floor));
    println!("{}", report::line(&format!("{ours}, again"), &again, floor));
    let ratios = cold.clock.ratios(&floor.clock);
    println!("{ours}: round by round {} times {own}", report::range(&ratios));
    let processor = runs.iter().map(|run| run.cold.processor).fold(0.0, f64::max);
    println!("{ours}: processor time up to {processor:.2} s");
    let peak = runs.iter().map(|run| run.cold.peak).max().unwrap_or_default();
    println!("{ours}: peak memory {}", report::mib(peak));
}
