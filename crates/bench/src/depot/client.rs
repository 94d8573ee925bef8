//! The one client of all rows: pushes, pulls and questions, over as many connections as a row wants.

use std::io::Read as _;
use std::sync::Mutex;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::thread;
use std::time::Instant;

use super::contents::{Contents, REPOSITORY, TAG};
use crate::http::Connection;
use crate::link::Way;
use crate::{Outcome, floor};

const ACCEPT: &str = "Accept: application/vnd.docker.distribution.manifest.v2+json\r\n";
const MANIFEST: &str = "Content-Type: application/vnd.docker.distribution.manifest.v2+json\r\n";

/// What is read of a socket at once.
const BUFFER: usize = 256 * 1024;

/// How many questions were answered how fast.
pub(crate) struct Asked {
    /// All of them together.
    pub(crate) seconds: f64,
    /// The answer that 99 of 100 were not later than.
    pub(crate) late: f64,
}

/// Pushes every blob, and then the small image; gives the seconds of the blobs.
pub(crate) fn push(host: String, contents: &Contents, connections: usize) -> Outcome<f64> {
    let way = Way::plain(host);
    let seconds = floor::upload_blobs(&way, &contents.blobs, connections)?;
    let mut connection = Connection::open(&way)?;
    floor::send_bytes(&mut connection, REPOSITORY, &contents.config)?;
    let target = format!("/v2/{REPOSITORY}/manifests/{TAG}");
    floor::put_bytes(&mut connection, &target, contents.manifest.bytes(), MANIFEST)?;
    Ok(seconds)
}

/// Pulls every blob; gives seconds.
pub(crate) fn pull(host: String, contents: &Contents, connections: usize) -> Outcome<f64> {
    let way = Way::plain(host);
    let began = Instant::now();
    at_once(connections, contents.blobs.len(), |number| {
        let mut connection = Connection::open(&way)?;
        drain(&mut connection, contents, number)
    })?;
    Ok(began.elapsed().as_secs_f64())
}

/// Pulls as many blobs at the same time, each over a connection of its own.
pub(crate) fn pull_at_once(host: String, contents: &Contents, pulls: usize) -> Outcome<()> {
    let way = Way::plain(host);
    at_once(pulls, pulls, |number| {
        let mut connection = Connection::open(&way)?;
        drain(&mut connection, contents, number % contents.blobs.len())
    })
}

/// Asks for the small manifest again and again.
pub(crate) fn ask(host: String, contents: &Contents, questions: usize, connections: usize) -> Outcome<Asked> {
    let way = Way::plain(host);
    let times = Mutex::new(Vec::with_capacity(questions));
    let began = Instant::now();
    at_once(connections, connections, |_| {
        let mut connection = Connection::open(&way)?;
        let mut own = Vec::with_capacity(questions / connections);
        for _ in 0..questions / connections {
            own.push(one_question(&mut connection, contents)?);
        }
        times.lock().map_err(|error| error.to_string())?.append(&mut own);
        Ok(())
    })?;
    let seconds = began.elapsed().as_secs_f64();
    let mut times = times.into_inner().map_err(|error| error.to_string())?;
    times.sort_by(f64::total_cmp);
    let late = times.get(times.len() * 99 / 100).copied().ok_or("no question was asked")?;
    Ok(Asked { seconds, late })
}

fn one_question(connection: &mut Connection, contents: &Contents) -> Outcome<f64> {
    let began = Instant::now();
    let answer = connection.ask("GET", &format!("/v2/{REPOSITORY}/manifests/{TAG}"), ACCEPT)?;
    let seconds = began.elapsed().as_secs_f64();
    match answer.status == 200 && answer.body == *contents.manifest.bytes() {
        true => Ok(seconds),
        false => Err(format!("a manifest was answered with {}", answer.status).into()),
    }
}

fn drain(connection: &mut Connection, contents: &Contents, number: usize) -> Outcome<()> {
    let blob = &contents.blobs[number];
    connection.head("GET", &format!("/v2/{REPOSITORY}/blobs/{}", blob.digest), 0, "")?;
    let body = connection.body_of(200, blob.size)?;
    let mut buffer = vec![0; BUFFER];
    let mut left = blob.size;
    while left > 0 {
        match body.read(&mut buffer)? {
            0 => return Err("a pull ended early".into()),
            count => left -= count as u64,
        }
    }
    Ok(())
}

/// Does numbered work on as many threads; the first failure is told.
pub(crate) fn at_once(
    threads: usize,
    count: usize,
    work: impl Fn(usize) -> Outcome<()> + Sync,
) -> Outcome<()> {
    let next = AtomicUsize::new(0);
    let run = || {
        loop {
            let number = next.fetch_add(1, Ordering::Relaxed);
            if number >= count {
                return Ok(());
            }
            work(number).map_err(|error| error.to_string())?;
        }
    };
    let failed: Vec<String> = thread::scope(|scope| {
        let workers: Vec<_> = (0..threads).map(|_| scope.spawn(run)).collect();
        let ended = workers.into_iter().map(|worker| worker.join().expect("because no worker panics"));
        ended.filter_map(Result::err).collect()
    });
    failed.into_iter().next().map_or(Ok(()), |error| Err(error.into()))
}
