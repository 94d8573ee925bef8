//! How long `portolan serve` takes until its first answer, on an empty store and on a full one.

use std::net::TcpListener;
use std::path::Path;
use std::process::{Child, Command, Stdio};
use std::time::{Duration, Instant};

use super::client::at_once;
use super::server::{Depot, Kind};
use crate::http::Connection;
use crate::link::Way;
use crate::portolan::Portolan;
use crate::report::Times;
use crate::{Outcome, floor};

/// Starts whose median counts.
const STARTS: usize = 11;
const CONNECTIONS: usize = 4;
const PATIENCE: Duration = Duration::from_secs(30);
const PACE: Duration = Duration::from_micros(200);

/// Measures and prints.
pub(crate) fn measure(portolan: &Portolan, work: &Path, stored: u32) -> Outcome<()> {
    let folder = tempfile::tempdir_in(work)?;
    println!("\nstart until the first answer, {STARTS} starts");
    println!("{:<34} {:>9.3} s", "empty store", median(portolan, &folder.path().join("empty"))?);
    let full = folder.path().join("full");
    println!("pushing {stored} blobs …");
    fill(portolan, &full, stored)?;
    println!("{:<34} {:>9.3} s", format!("{stored} blobs"), median(portolan, &full)?);
    Ok(())
}

fn median(portolan: &Portolan, folder: &Path) -> Outcome<f64> {
    let mut times = Times::default();
    for _ in 0..STARTS {
        times.add(until_answered(portolan, folder)?);
    }
    Ok(times.median().unwrap_or_default())
}

fn until_answered(portolan: &Portolan, folder: &Path) -> Outcome<f64> {
    // Free a moment ago, and nobody else asks for ports here.
    let address = TcpListener::bind("127.0.0.1:0")?.local_addr()?.to_string();
    let mut command = Command::new(portolan.program());
    command.args(["serve", "--listen", &address, "--data"]).arg(folder.join("data"));
    command.stdin(Stdio::null()).stdout(Stdio::null()).stderr(Stdio::null());
    let began = Instant::now();
    let mut child = command.spawn()?;
    let answered = first_answer(&address, began);
    end(&mut child)?;
    answered
}

fn first_answer(address: &str, began: Instant) -> Outcome<f64> {
    let way = Way::plain(address.to_owned());
    while began.elapsed() < PATIENCE {
        let answer = Connection::open(&way).and_then(|mut connection| connection.ask("GET", "/v2/", ""));
        if answer.is_ok_and(|answer| answer.status == 200) {
            return Ok(began.elapsed().as_secs_f64());
        }
        std::thread::sleep(PACE);
    }
    Err("portolan serve did not answer".into())
}

fn end(child: &mut Child) -> Outcome<()> {
    let process = nix::unistd::Pid::from_raw(child.id().try_into()?);
    nix::sys::signal::kill(process, nix::sys::signal::Signal::SIGTERM)?;
    child.wait()?;
    Ok(())
}

/// Pushes small blobs, without syncing where that can be had.
fn fill(portolan: &Portolan, folder: &Path, count: u32) -> Outcome<()> {
    let depot = Depot::start(portolan, folder, !Kind::Unsynced.is_there())?;
    let way = Way::plain(depot.address().to_owned());
    let each = usize::try_from(count)?.div_ceil(CONNECTIONS);
    at_once(CONNECTIONS, CONNECTIONS, |worker| {
        let mut connection = Connection::open(&way)?;
        for number in 0..each {
            let bytes = format!("blob {number} of {worker}");
            floor::send_bytes(&mut connection, &format!("full/{}", number % 100), bytes.as_bytes())?;
        }
        Ok(())
    })?;
    depot.stop();
    Ok(())
}
