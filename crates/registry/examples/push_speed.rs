//! Measures the upload path alone: random blobs, several at a time, into a registry that is given.
//!
//! ```text
//! cargo run --release -p portolan-registry --example push_speed -- 127.0.0.1:5000 [BLOBS] [MIB] [AT ONCE]
//! ```
//!
//! Prints the time, the rate, and the processor time of this process (user and system), which should
//! be near that of reading, hashing and sending.

use std::{
    error::Error,
    fs::{self, File},
    io::{self, Read, Write as _},
    path::{Path, PathBuf},
    sync::Arc,
    time::{Duration, Instant},
};

use portolan_oci::{Algorithm, Hasher, Repository, SizedDigest};
use portolan_registry::{BlobSource, Endpoint, Registry, RegistryOptions, Scheme};
use tokio::{sync::Semaphore, task::JoinSet};

struct FileBlob(PathBuf);

impl BlobSource for FileBlob {
    fn open(&self) -> io::Result<Box<dyn Read + Send>> {
        Ok(Box::new(File::open(&self.0)?))
    }

    fn describe(&self) -> String {
        self.0.display().to_string()
    }
}

#[expect(clippy::print_stdout, reason = "a program for people")]
#[tokio::main]
async fn main() -> Result<(), Box<dyn Error>> {
    let arguments: Vec<String> = std::env::args().skip(1).collect();
    let number = |at: usize, default: usize| arguments.get(at).map_or(Ok(default), |text| text.parse());
    let host = arguments.first().ok_or("the registry's address is missing")?.parse()?;
    let (count, mib, at_once) = (number(1, 36)?, number(2, 14)?, number(3, 4)?);

    let dir = tempfile::tempdir()?;
    let blobs = (0..count)
        .map(|at| make_blob(&dir.path().join(at.to_string()), mib))
        .collect::<io::Result<Vec<_>>>()?;
    let registry = Registry::new(Endpoint::new(Scheme::Http, host), None, &RegistryOptions::default())?;
    registry.ping().await?;

    let processor = processor_time();
    let start = Instant::now();
    push_all(&registry, blobs, at_once).await?;
    let took = start.elapsed();
    let used = processor_time();
    println!(
        "{count} blobs of {mib} MiB, {at_once} at once: {:.3} s, {:.0} MiB/s; user {:.3} s, system {:.3} s; peak {} KiB",
        took.as_secs_f64(),
        (count * mib) as f64 / took.as_secs_f64(),
        (used.0 - processor.0).as_secs_f64(),
        (used.1 - processor.1).as_secs_f64(),
        peak_kib(),
    );
    Ok(())
}

async fn push_all(
    registry: &Registry,
    blobs: Vec<(PathBuf, SizedDigest)>,
    at_once: usize,
) -> Result<(), Box<dyn Error>> {
    let repository: Repository = "bench/blobs".parse()?;
    let permits = Arc::new(Semaphore::new(at_once));
    let mut pushes = JoinSet::new();
    for (path, expected) in blobs {
        let (registry, repository) = (registry.clone(), repository.clone());
        let permits = Arc::clone(&permits);
        pushes.spawn(async move {
            let _permit = permits.acquire_owned().await;
            registry.upload_blob(&repository, &expected, Arc::new(FileBlob(path)), &|_| {}).await
        });
    }
    while let Some(push) = pushes.join_next().await {
        push??;
    }
    Ok(())
}

fn make_blob(path: &Path, mib: usize) -> io::Result<(PathBuf, SizedDigest)> {
    let mut random = File::open("/dev/urandom")?.take((mib * 1024 * 1024) as u64);
    let mut hasher = Hasher::new(Algorithm::Sha256);
    let mut file = File::create(path)?;
    let mut piece = vec![0; 1024 * 1024];
    loop {
        let count = random.read(&mut piece)?;
        if count == 0 {
            break;
        }
        hasher.update(&piece[..count]);
        file.write_all(&piece[..count])?;
    }
    let expected = SizedDigest { digest: hasher.finish(), size: (mib * 1024 * 1024) as u64 };
    Ok((path.to_owned(), expected))
}

/// User and system time of this process so far, from Linux's `/proc` in its ticks of 10 ms.
fn processor_time() -> (Duration, Duration) {
    let stat = fs::read_to_string("/proc/self/stat").unwrap_or_default();
    let after_name = stat.rsplit(')').next().unwrap_or_default();
    let ticks = |at: usize| -> u64 {
        after_name.split_whitespace().nth(at).and_then(|text| text.parse().ok()).unwrap_or_default()
    };
    (Duration::from_millis(10 * ticks(11)), Duration::from_millis(10 * ticks(12)))
}

fn peak_kib() -> u64 {
    let status = fs::read_to_string("/proc/self/status").unwrap_or_default();
    let line = status.lines().find_map(|line| line.strip_prefix("VmHWM:"));
    line.and_then(|text| text.split_whitespace().next()?.parse().ok()).unwrap_or_default()
}
