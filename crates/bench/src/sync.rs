//! The benchmark of `sync`: every row once in each round, each into a registry of its own.

use std::collections::BTreeMap;
use std::path::{Path, PathBuf};
use std::time::Duration;

use clap::ValueEnum;
use portolan_oci::Digest;
use portolan_testkit::components;
use portolan_testkit::docker_registry::{DockerRegistry, Options};

use crate::http::Connection;
use crate::layouts::{self, Prepared};
use crate::link::{Link, Way};
use crate::material::{self, Package, Shape, TAG};
use crate::oci_client_row::{self, Manner};
use crate::portolan::{Portolan, Runs};
use crate::report::{self, Times};
use crate::server_cpu;
use crate::size::Size;
use crate::{Outcome, floor, rivals};

const AT_ONCE: usize = 4;
const ACCEPT: &str = "Accept: application/vnd.docker.distribution.manifest.v2+json\r\n\
                      Accept: application/vnd.oci.image.manifest.v1+json\r\n";
/// Lets the disk settle between rows.
const PAUSE: Duration = Duration::from_millis(200);

/// What is measured, and how often.
#[derive(clap::Args)]
pub(crate) struct Arguments {
    /// What the package is made of.
    #[arg(long, default_value_t)]
    package: Kind,
    /// Size of the usual package's layers together.
    #[arg(long, default_value = "0.5GiB")]
    size: Size,
    /// How the registry is reached.
    #[arg(long, default_value_t)]
    link: Link,
    /// Rounds; each runs every row once.
    #[arg(long, default_value_t = 5, value_parser = clap::value_parser!(u32).range(1..=100))]
    runs: u32,
    /// Rows beside the floor, which is always there. By default all of them for the usual package over a
    /// plain link, else Portolan alone.
    #[arg(long, value_delimiter = ',')]
    rows: Vec<Row>,
    /// The program to measure; built from this workspace where not given.
    #[arg(long)]
    portolan: Option<PathBuf>,
    /// Folder for the package and the registries' storage; the system's temporary one where not given.
    /// Needs four times the size.
    #[arg(long)]
    work: Option<PathBuf>,
}

/// A kind of package.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, ValueEnum)]
enum Kind {
    /// 12 images of large layers
    #[default]
    Usual,
    /// 500 images of small layers
    ManyImages,
    /// 200 images of 10,000 blobs of 1 KiB
    SmallBlobs,
}

impl std::fmt::Display for Kind {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        let value = self.to_possible_value().expect("because no kind is hidden");
        f.write_str(value.get_name())
    }
}

/// A row of the table.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, ValueEnum)]
enum Row {
    /// `portolan sync`, and the same again
    Portolan,
    /// `skopeo copy docker-archive:` image by image
    Skopeo,
    /// `crane push` of layouts, image by image
    Crane,
    /// `crane push` of layouts, four at once
    Crane4,
    /// the crate oci-client, in chunks as is its default
    OciClient,
    /// the crate oci-client, each blob in one PUT
    OciClientPut,
}

impl Row {
    fn label(self) -> &'static str {
        match self {
            Self::Portolan => "portolan sync, cold",
            Self::Skopeo => "skopeo, image by image",
            Self::Crane => "crane from layouts",
            Self::Crane4 => "crane from layouts, 4 at once",
            Self::OciClient => "oci-client, chunks, 4 at once",
            Self::OciClientPut => "oci-client, one PUT, 4 at once",
        }
    }

    fn needs_layouts(self) -> bool {
        matches!(self, Self::Skopeo | Self::Crane | Self::Crane4)
    }
}

impl Arguments {
    fn shape(&self) -> Outcome<Shape> {
        match self.package {
            Kind::Usual => Shape::usual(self.size),
            Kind::ManyImages => Ok(Shape::many_images()),
            Kind::SmallBlobs => Ok(Shape::small_blobs()),
        }
    }

    fn rows(&self) -> &[Row] {
        match (self.rows.as_slice(), self.package, self.link) {
            ([], Kind::Usual, Link::Plain) => Row::value_variants(),
            ([], _, _) => &[Row::Portolan],
            (given, _, _) => given,
        }
    }
}

/// Makes the package, measures and prints.
pub(crate) fn run(arguments: &Arguments) -> Outcome<()> {
    let rows = arguments.rows();
    if arguments.link != Link::Plain && rows != [Row::Portolan] {
        return Err("over that link only portolan is measured beside the floor".into());
    }
    let work = work_folder(arguments.work.as_deref())?;
    println!("making the package …");
    let package = material::make(work.path(), arguments.shape()?)?;
    let portolan = rows.contains(&Row::Portolan);
    let bench = Bench {
        portolan: portolan.then(|| Portolan::find(arguments.portolan.as_deref())).transpose()?,
        prepared: match rows.iter().any(|row| row.needs_layouts()) {
            true => layouts::prepare(work.path(), &package)?,
            false => Vec::new(),
        },
        package,
        link: arguments.link,
        work: work.path().to_owned(),
    };
    let results = bench.measure(arguments)?;
    results.print(arguments, &bench.package);
    Ok(())
}

pub(crate) fn work_folder(given: Option<&Path>) -> std::io::Result<tempfile::TempDir> {
    match given {
        Some(folder) => tempfile::tempdir_in(folder),
        None => tempfile::tempdir(),
    }
}

struct Bench {
    portolan: Option<Portolan>,
    prepared: Vec<Prepared>,
    package: Package,
    link: Link,
    work: PathBuf,
}

#[derive(Default)]
struct Results {
    floor: report::Row,
    rows: BTreeMap<Row, report::Row>,
    runs: Vec<Runs>,
}

impl Bench {
    fn measure(&self, arguments: &Arguments) -> Outcome<Results> {
        let mut results = Results::default();
        for round in 1..=arguments.runs {
            println!("round {round} of {}", arguments.runs);
            self.fresh(&mut results.floor, |_, way| floor::upload(way, &self.package))?;
            for row in arguments.rows() {
                let times = results.rows.entry(*row).or_default();
                self.fresh(times, |registry, way| self.row(*row, registry, way, &mut results.runs))?;
            }
        }
        Ok(results)
    }

    /// Runs something on a registry that holds nothing, after what was written before is on the disk.
    fn fresh(
        &self,
        times: &mut report::Row,
        run: impl FnOnce(&DockerRegistry, &Way) -> Outcome<f64>,
    ) -> Outcome<()> {
        nix::unistd::sync();
        std::thread::sleep(PAUSE);
        let transport = self.link.transport();
        let options = Options { transport, folder: Some(self.work.clone()), ..Options::default() };
        let registry = DockerRegistry::start(&options).ok_or("no docker-registry")?;
        times.clock.add(run(&registry, &self.link.to(&registry))?);
        times.registry.add(server_cpu::seconds(registry.process_id())?);
        Ok(())
    }

    fn row(&self, row: Row, registry: &DockerRegistry, way: &Way, runs: &mut Vec<Runs>) -> Outcome<f64> {
        let host = way.host.as_str();
        let seconds = match row {
            Row::Portolan => {
                let portolan = self.portolan.as_ref().ok_or("no portolan")?;
                let run = portolan.run(registry, way, &self.package, &self.work)?;
                let seconds = run.cold.seconds;
                runs.push(run);
                seconds
            }
            Row::Skopeo => rivals::skopeo(&program(components::SKOPEO)?, host, &self.prepared),
            Row::Crane => rivals::crane(&program(components::CRANE)?, host, &self.prepared),
            Row::Crane4 => {
                rivals::crane_at_once(&program(components::CRANE)?, host, &self.prepared, AT_ONCE)?
            }
            Row::OciClient => oci_client_row::push(host, &self.package, Manner::Chunks)?,
            Row::OciClientPut => oci_client_row::push(host, &self.package, Manner::OnePut)?,
        };
        self.check(row, way)?;
        Ok(seconds)
    }

    /// Every image is there; and the same, where the tool does not make another one of it.
    fn check(&self, row: Row, way: &Way) -> Outcome<()> {
        let exact = matches!(row, Row::Portolan | Row::OciClient | Row::OciClientPut);
        let mut connection = Connection::open(way)?;
        for image in &self.package.images {
            let target = format!("/v2/{}/manifests/{TAG}", image.repository);
            let answer = connection.ask("GET", &target, ACCEPT)?;
            let found = Digest::sha256(&answer.body);
            if answer.status != 200 || (exact && found != *image.manifest.digest()) {
                return Err(format!("{}: {} is {} {found}", row.label(), target, answer.status).into());
            }
        }
        Ok(())
    }
}

fn program(component: components::Component) -> Outcome<PathBuf> {
    component.find().ok_or_else(|| format!("missing: tools/test-components {}", component.step()).into())
}

impl Results {
    fn print(&self, arguments: &Arguments, package: &Package) {
        println!(
            "\n{} images, {} unique blobs of {}, in bundles of {}; {} rounds, medians\n",
            package.images.len(),
            package.blobs.len(),
            report::mib(package.blobs.iter().map(|blob| blob.size).sum()),
            report::mib(package.bytes),
            arguments.runs
        );
        println!("{}", report::head());
        println!("{}", report::line("floor: bare upload", &self.floor, &self.floor));
        for (row, times) in &self.rows {
            println!("{}", report::line(row.label(), times, &self.floor));
        }
        self.print_portolan(package);
    }

    fn print_portolan(&self, package: &Package) {
        let Some(last) = self.runs.last() else { return };
        let mut again = report::Row::default();
        self.runs.iter().for_each(|run| again.clock.add(run.again.seconds));
        println!("{}", report::line("portolan sync, again", &again, &self.floor));
        let requests = last.again_requests;
        println!(
            "\nagain: {} requests on manifests for {} images, {} on blobs, {} others",
            requests.manifests,
            package.images.len(),
            requests.blobs,
            requests.others
        );
        let mut processor = Times::default();
        self.runs.iter().for_each(|run| processor.add(run.cold.processor));
        println!("cold: {:.3} s of processor time", processor.median().unwrap_or_default());
        let most = |of: fn(&Runs) -> u64| self.runs.iter().map(of).max().unwrap_or_default();
        println!("cold: peak memory {}", report::mib(most(|run| run.cold.peak)));
        let read = most(|run| run.cold.read);
        let times = read as f64 / package.bytes as f64;
        println!("cold: {} read by all calls, {times:.3} times the bundles", report::mib(read));
        println!("cold: {} written to disk by the program", report::mib(most(|run| run.cold.written)));
        println!("cold: no temporary file: none in the working folder, and TMPDIR did not exist");
    }
}
