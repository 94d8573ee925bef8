//! Resident memory of a program that runs, as the kernel accounts it.

use std::fs;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, AtomicU64, Ordering};
use std::thread::{self, JoinHandle};
use std::time::Duration;

use crate::Outcome;

/// How often a program is looked at.
const PACE: Duration = Duration::from_millis(2);

/// A program whose memory is watched.
pub(crate) struct Memory {
    ends: Arc<AtomicBool>,
    most: Arc<AtomicU64>,
    watcher: JoinHandle<()>,
}

impl Memory {
    /// What a process holds now, in bytes.
    pub(crate) fn resident(process: u32) -> Outcome<u64> {
        let account = fs::read_to_string(format!("/proc/{process}/status"))?;
        Ok(resident_in(&account).ok_or("the kernel's account has another form")?)
    }

    /// Watches a process from now on.
    pub(crate) fn watch(process: u32) -> Self {
        let (ends, most) = (Arc::new(AtomicBool::new(false)), Arc::new(AtomicU64::new(0)));
        let (watched_end, watched_most) = (Arc::clone(&ends), Arc::clone(&most));
        let watcher = thread::spawn(move || {
            while !watched_end.load(Ordering::Relaxed) {
                watched_most.fetch_max(Self::resident(process).unwrap_or_default(), Ordering::Relaxed);
                thread::sleep(PACE);
            }
        });
        Self { ends, most, watcher }
    }

    /// The most that was seen, in bytes.
    pub(crate) fn most(self) -> Outcome<u64> {
        self.ends.store(true, Ordering::Relaxed);
        self.watcher.join().map_err(|_| "the watcher panicked")?;
        Ok(self.most.load(Ordering::Relaxed))
    }
}

fn resident_in(account: &str) -> Option<u64> {
    let line = account.lines().find_map(|line| line.strip_prefix("VmRSS:"))?;
    let kib: u64 = line.trim().strip_suffix("kB")?.trim().parse().ok()?;
    Some(kib * 1024)
}

#[cfg(test)]
mod tests {
    #[test]
    fn reads_an_account() {
        let account = "Name:\tx\nVmHWM:\t    9000 kB\nVmRSS:\t    8192 kB\n";
        assert_eq!(super::resident_in(account), Some(8 * 1024 * 1024));
        assert_eq!(super::resident_in("Name:\tx\n"), None);
    }
}
