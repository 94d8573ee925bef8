//! Imports of add-on packages that are killed, cut and lied to: each time a second run completes, every tag can
//! be pulled for every platform, and no tag ever names what is not there.
//!
//! Where a kill falls is decided by a seed, in requests that the registry has seen. More of them:
//!
//!     PORTOLAN_CRASH_SEEDS=50 cargo test -p portolan-cli --test imports killed
//!
//! A failure names its seed.

#![cfg(target_os = "linux")]
#![expect(clippy::unwrap_used, reason = "a test whose set-up fails has failed")]

#[path = "../support/depot.rs"]
#[expect(dead_code, reason = "these tests make depots of their own options")]
mod depot;
#[path = "../support/ended.rs"]
mod ended;
mod faulty;
mod killed;
mod material;
mod packages;
mod restarted;
#[path = "../program/site.rs"]
#[expect(dead_code, reason = "what only the tests of the program need")]
mod site;
mod watch;
