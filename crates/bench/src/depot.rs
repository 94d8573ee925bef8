//! The benchmark of the depot as a server: beside Debian's docker-registry, the same client, in one run.
//!
//! docs/benchmarks.md says what each row means. Every round starts every server anew on an empty storage.

mod client;
mod contents;
mod memory;
pub(crate) mod server;
mod start;
mod table;

use std::fs::File;
use std::io::Write as _;
use std::path::PathBuf;
use std::thread;
use std::time::{Duration, Instant};

use clap::ValueEnum as _;

use crate::Outcome;
use crate::portolan::Portolan;
use crate::report::Times;
use crate::size::Size;
use contents::Contents;
use memory::Memory;
use server::{Kind, Server};
use table::Table;

/// Connections of pushes and pulls.
const CONNECTIONS: usize = 4;
/// Connections that ask for the small manifest.
const ASKING: usize = 8;
/// Times that the small manifest is asked for.
const QUESTIONS: usize = 10_000;
/// Pulls at once whose memory is looked at.
const PULLS: usize = 100;
/// Lets the disk settle between rows.
const PAUSE: Duration = Duration::from_millis(200);

/// What is measured, and how often.
#[derive(clap::Args)]
pub(crate) struct Arguments {
    /// Size of the blobs together.
    #[arg(long, default_value = "0.5GiB")]
    size: Size,
    /// How many blobs.
    #[arg(long, default_value_t = 50, value_parser = clap::value_parser!(u32).range(1..=1000))]
    blobs: u32,
    /// Rounds; each runs every row once.
    #[arg(long, default_value_t = 5, value_parser = clap::value_parser!(u32).range(1..=100))]
    runs: u32,
    /// Blobs that are in the store when its start is measured; 0 leaves that row out.
    #[arg(long, default_value_t = 100_000)]
    stored: u32,
    /// Servers beside docker-registry, which is always there.
    #[arg(long, value_delimiter = ',')]
    servers: Vec<Kind>,
    /// The program to measure; built from this workspace where not given.
    #[arg(long)]
    portolan: Option<PathBuf>,
    /// Folder for blobs and storages; the system's temporary one where not given. Needs three times the size.
    #[arg(long)]
    work: Option<PathBuf>,
}

/// Measures and prints.
pub(crate) fn run(arguments: &Arguments) -> Outcome<()> {
    let work = crate::sync::work_folder(arguments.work.as_deref())?;
    println!("making {} blobs …", arguments.blobs);
    let contents = Contents::make(work.path(), arguments.size, arguments.blobs)?;
    let bench = Bench {
        portolan: Portolan::find(arguments.portolan.as_deref())?,
        contents,
        work: work.path().to_owned(),
    };
    let mut table = Table::default();
    for round in 1..=arguments.runs {
        println!("round {round} of {}", arguments.runs);
        table.bare.add(bench.bare_write()?);
        for kind in arguments.kinds() {
            bench.round(kind, &mut table)?;
        }
    }
    table.print(arguments.runs);
    if arguments.stored > 0 {
        start::measure(&bench.portolan, &bench.work, arguments.stored)?;
    }
    Ok(())
}

impl Arguments {
    /// The servers, docker-registry first.
    fn kinds(&self) -> Vec<Kind> {
        let given = if self.servers.is_empty() { Kind::value_variants() } else { &self.servers };
        let others = given.iter().copied().filter(|kind| *kind != Kind::DockerRegistry);
        std::iter::once(Kind::DockerRegistry).chain(others.filter(|kind| kind.is_there())).collect()
    }
}

struct Bench {
    portolan: Portolan,
    contents: Contents,
    work: PathBuf,
}

impl Bench {
    /// Everything that one server is measured for.
    fn round(&self, kind: Kind, table: &mut Table) -> Outcome<()> {
        settle();
        let server = Server::start(kind, &self.portolan, &self.work)?;
        let row = table.row(kind);
        thread::sleep(PAUSE);
        row.idle.note(Memory::resident(server.process_id())?);
        row.push.add(client::push(server.host(), &self.contents, CONNECTIONS)?);
        if kind == Kind::Unsynced {
            return Ok(());
        }
        row.pull.add(client::pull(server.host(), &self.contents, CONNECTIONS)?);
        let asked = client::ask(server.host(), &self.contents, QUESTIONS, ASKING)?;
        row.questions.add(asked.seconds);
        row.late.add(asked.late);
        let watch = Memory::watch(server.process_id());
        client::pull_at_once(server.host(), &self.contents, PULLS)?;
        row.busy.note(watch.most()?);
        Ok(())
    }

    /// Writes the same bytes into files, as many at once, and syncs each with its directory.
    fn bare_write(&self) -> Outcome<f64> {
        settle();
        let folder = tempfile::tempdir_in(&self.work)?;
        let began = Instant::now();
        client::at_once(CONNECTIONS, self.contents.blobs.len(), |number| {
            let bytes = self.contents.read(number)?;
            let mut file = File::create(folder.path().join(number.to_string()))?;
            file.write_all(&bytes)?;
            file.sync_all()?;
            Ok(File::open(folder.path())?.sync_all()?)
        })?;
        Ok(began.elapsed().as_secs_f64())
    }
}

/// What was written before is on the disk.
fn settle() {
    nix::unistd::sync();
    thread::sleep(PAUSE);
}

/// The middle of the times, or a dash.
fn shown(times: &Times) -> String {
    times.median().map_or("-".to_owned(), |seconds| format!("{seconds:.3}"))
}
