//! How long it takes to pass over a compressed package, beside `gzip -dc` and `igzip -dc` of the same file in
//! the same run.
//!
//! `cargo run --release -p portolan-package --example pass_over [FILE]`; without a file, one bundle with
//! 512 MiB of layers that no compressor shrinks is made and packed by `gzip`. The first run of each program
//! fills the page cache and is not counted; of the others the quickest is. The processor's time, all threads
//! together, is what to look at on a machine that has other work.
#![expect(clippy::print_stdout, reason = "an example shows what it does")]

use std::error::Error;
use std::fs::File;
use std::path::{Path, PathBuf};
use std::process::{Command, Stdio};
use std::time::{Duration, Instant};

use portolan_oci::Algorithm;
use portolan_package::stream::{PackageStream, Step, StreamOptions};
use portolan_testkit::bundles::Bundle;
use portolan_testkit::charts::Chart;
use portolan_testkit::images::{Image, Layer};

/// How many layers the made package has, and how large each is, in bytes.
const LAYERS: u64 = 32;
const LAYER: usize = 16 << 20;

/// How often each is run.
const RUNS: usize = 5;

fn main() -> Result<(), Box<dyn Error>> {
    let folder = tempfile::tempdir()?;
    let file = match std::env::args_os().nth(1) {
        Some(file) => PathBuf::from(file),
        None => made(folder.path())?,
    };
    let gzip = quickest(|| inflate("gzip", &file))?;
    println!("{:28} elapsed {:?}, processor {:?}", "gzip -dc", gzip.elapsed, gzip.processor);
    let portolan = |options: StreamOptions| quickest(|| pass_over(&file, options));
    let rows = [
        ("igzip -dc", quickest(|| inflate("igzip", &file))),
        ("passed over", portolan(StreamOptions::default())),
        ("passed over, with SHA-512", portolan(StreamOptions { checksum: Some(Algorithm::Sha512) })),
    ];
    for (name, time) in rows {
        match time {
            Ok(time) => println!(
                "{name:28} elapsed {:.2}, processor {:.2} of gzip -dc",
                time.elapsed.div_duration_f64(gzip.elapsed),
                time.processor.div_duration_f64(gzip.processor)
            ),
            Err(error) => println!("{name:28} {error}"),
        }
    }
    Ok(())
}

/// What a run takes.
struct Time {
    elapsed: Duration,
    processor: Duration,
}

/// Processor time of this program and of those that it waited for: the fields `utime`, `stime`, `cutime` and
/// `cstime` of proc(5), in hundredths of a second.
fn processor_time() -> Result<Duration, Box<dyn Error>> {
    let stat = std::fs::read_to_string("/proc/self/stat")?;
    let fields = stat.rsplit(')').next().unwrap_or_default().split_whitespace();
    let ticks = fields.skip(11).take(4).map(str::parse::<u64>).sum::<Result<u64, _>>()?;
    Ok(Duration::from_millis(ticks * 10))
}

/// A package made by real `gzip`.
fn made(folder: &Path) -> Result<PathBuf, Box<dyn Error>> {
    let layers = (0..LAYERS).map(|seed| Layer::random(seed, LAYER)).collect();
    let image = Image::new("registry.example.com/large:1", &"linux/amd64".parse()?, layers);
    let chart = Chart::new("large", "1.0.0").image("app", "docker.io", "library/app", "1");
    std::fs::write(folder.join("large.tar"), Bundle::new(&chart).images(&[image]).tar())?;
    let status = Command::new("gzip").arg(folder.join("large.tar")).status()?;
    match status.success() {
        true => Ok(folder.join("large.tar.gz")),
        false => Err("gzip failed".into()),
    }
}

fn quickest(mut run: impl FnMut() -> Result<(), Box<dyn Error>>) -> Result<Time, Box<dyn Error>> {
    run()?;
    let mut quickest = Time { elapsed: Duration::MAX, processor: Duration::MAX };
    for _ in 0..RUNS {
        let (start, before) = (Instant::now(), processor_time()?);
        run()?;
        quickest.elapsed = quickest.elapsed.min(start.elapsed());
        quickest.processor = quickest.processor.min(processor_time()?.saturating_sub(before));
    }
    Ok(quickest)
}

fn inflate(program: &str, file: &Path) -> Result<(), Box<dyn Error>> {
    let status = Command::new(program).arg("-dc").stdin(File::open(file)?).stdout(Stdio::null()).status()?;
    match status.success() {
        true => Ok(()),
        false => Err(format!("{program} failed").into()),
    }
}

fn pass_over(file: &Path, options: StreamOptions) -> Result<(), Box<dyn Error>> {
    let mut package = PackageStream::open(file, &options)?;
    while let Some(step) = package.step()? {
        if let Step::Broken(broken) = step {
            return Err(broken.error.into());
        }
    }
    Ok(())
}
