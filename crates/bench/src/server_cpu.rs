//! Processor time of a program that runs, as the kernel accounts it.

use std::fs;

use nix::unistd::{SysconfVar, sysconf};

use crate::Outcome;

/// Processor time of a process so far, its own and the kernel's on its behalf, in seconds.
pub(crate) fn seconds(process: u32) -> Outcome<f64> {
    let ticks = sysconf(SysconfVar::CLK_TCK)?.ok_or("the kernel counts no ticks")?;
    let account = fs::read_to_string(format!("/proc/{process}/stat"))?;
    Ok(ticks_of(&account).ok_or("the kernel's account has another form")? as f64 / ticks as f64)
}

/// `utime` and `stime` of `/proc/PID/stat`; the second field is a name that may hold anything.
fn ticks_of(account: &str) -> Option<u64> {
    let (_, rest) = account.rsplit_once(')')?;
    let mut fields = rest.split_whitespace().skip(11);
    let (user, system): (u64, u64) = (fields.next()?.parse().ok()?, fields.next()?.parse().ok()?);
    Some(user + system)
}

#[cfg(test)]
mod tests {
    #[test]
    fn reads_an_account() {
        let account = "12 (a) b) S 1 2 3 4 5 6 7 8 9 10 321 45 0 0 20";
        assert_eq!(super::ticks_of(account), Some(366));
        assert_eq!(super::ticks_of("nothing"), None);
    }
}
