//! What a program costs: time, peak memory and bytes read, as the kernel accounts them.
//!
//! The benchmark runs a program through a small process of its own. A program starts out with the peak
//! memory of the process that started it, and the benchmark itself is large.

use std::fs;
use std::os::unix::process::ExitStatusExt;
use std::path::{Path, PathBuf};
use std::process::{Command, Stdio};
use std::time::Instant;

use nix::sys::resource::{UsageWho, getrusage};
use nix::sys::time::{TimeVal, TimeValLike};
use nix::sys::wait::{Id, WaitPidFlag, waitid};
use nix::unistd::Pid;
use serde::{Deserialize, Serialize};

use crate::Outcome;

/// Arguments of the process in between.
#[derive(clap::Args)]
pub(crate) struct Arguments {
    /// Where the cost is written, as JSON.
    cost: PathBuf,
    /// The program and its arguments.
    #[arg(last = true, required = true)]
    command: Vec<String>,
}

/// What one run of a program cost.
#[derive(Clone, Copy, Debug, Deserialize, Serialize)]
pub(crate) struct Cost {
    /// From its start to its end.
    pub(crate) seconds: f64,
    /// Processor time of its own and of the kernel on its behalf, in seconds.
    pub(crate) processor: f64,
    /// Peak resident memory, in bytes.
    pub(crate) peak: u64,
    /// Bytes that it read by any call, from files and sockets.
    pub(crate) read: u64,
    /// Bytes that it caused to be written to disks.
    pub(crate) written: u64,
    /// Its exit code; 128 and more for a signal.
    pub(crate) code: i32,
}

/// Runs a program with everything that it prints in the file `log`, and gives its cost.
pub(crate) fn measure(command: &Command, log: &Path) -> Outcome<Cost> {
    let cost = tempfile::NamedTempFile::new()?;
    let mut between = Command::new(std::env::current_exe()?);
    between.arg("child").arg(cost.path()).arg("--").arg(command.get_program()).args(command.get_args());
    for (variable, value) in command.get_envs() {
        match value {
            Some(value) => between.env(variable, value),
            None => between.env_remove(variable),
        };
    }
    if let Some(folder) = command.get_current_dir() {
        between.current_dir(folder);
    }
    let output = fs::File::create(log)?;
    let status = between.stdin(Stdio::null()).stdout(output.try_clone()?).stderr(output).status()?;
    if !status.success() {
        return Err(failure(command, log));
    }
    let cost: Cost = serde_json::from_slice(&fs::read(cost.path())?)?;
    if cost.code == 0 { Ok(cost) } else { Err(failure(command, log)) }
}

fn failure(command: &Command, log: &Path) -> Box<dyn std::error::Error> {
    let said = fs::read_to_string(log).unwrap_or_default();
    format!("{command:?} failed: {said}").into()
}

/// The process in between: starts the program, waits, reads the kernel's accounts, writes them down.
pub(crate) fn run(arguments: &Arguments) -> Outcome<()> {
    let began = Instant::now();
    let mut child = Command::new(&arguments.command[0]).args(&arguments.command[1..]).spawn()?;
    let id = child.id();
    // Not reaped yet, so that the account of its reading is still there.
    waitid(Id::Pid(Pid::from_raw(id.try_into()?)), WaitPidFlag::WEXITED | WaitPidFlag::WNOWAIT)?;
    let seconds = began.elapsed().as_secs_f64();
    let account = fs::read_to_string(format!("/proc/{id}/io"))?;
    let status = child.wait()?;
    let usage = getrusage(UsageWho::RUSAGE_CHILDREN)?;
    let cost = Cost {
        seconds,
        processor: in_seconds(usage.user_time()) + in_seconds(usage.system_time()),
        peak: u64::try_from(usage.max_rss())? * 1024,
        read: field(&account, "rchar"),
        written: field(&account, "write_bytes"),
        code: status.code().unwrap_or_else(|| 128 + status.signal().unwrap_or_default()),
    };
    Ok(fs::write(&arguments.cost, serde_json::to_vec(&cost)?)?)
}

fn in_seconds(time: TimeVal) -> f64 {
    time.num_microseconds() as f64 / 1e6
}

fn field(account: &str, name: &str) -> u64 {
    account
        .lines()
        .find_map(|line| line.strip_prefix(name)?.strip_prefix(": ")?.parse().ok())
        .unwrap_or_default()
}

#[cfg(test)]
mod tests {
    #[test]
    fn reads_an_account() {
        let account = "rchar: 3980\nwchar: 12\nread_bytes: 4096\nwrite_bytes: 7\ncancelled_write_bytes: 9\n";
        assert_eq!(super::field(account, "rchar"), 3980);
        assert_eq!(super::field(account, "write_bytes"), 7);
        assert_eq!(super::field(account, "absent"), 0);
    }
}
