//! The whole program, run as its users run it: exit codes, both outputs, and what arrived.

#![expect(clippy::unwrap_used, reason = "a test whose set-up fails has failed")]

#[cfg(unix)]
mod addon;
#[cfg(unix)]
mod advisories;
#[cfg(unix)]
mod background;
mod bad_input;
#[cfg(unix)]
mod broken_off;
mod charts;
#[cfg(unix)]
mod check;
#[path = "../support/depot.rs"]
mod depot;
mod documents;
#[path = "../support/ended.rs"]
mod ended;
#[cfg(unix)]
mod gate;
mod gc;
mod generated;
mod harbor;
mod inputs;
mod inspect;
#[cfg(unix)]
mod jobs;
#[cfg(unix)]
mod load;
#[cfg(target_os = "linux")]
mod load_memory;
mod load_nodes;
mod merge;
mod plans;
#[cfg(unix)]
mod projects;
mod quickstart;
mod records;
mod refusals;
mod secrets;
#[cfg(unix)]
mod serve;
mod site;
mod sync;
#[cfg(unix)]
mod terminal;
mod transports;
#[cfg(unix)]
mod users;
