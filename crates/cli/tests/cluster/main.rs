//! The commands about releases, run as their users run them, on a real control plane.

#![cfg(unix)]
#![expect(clippy::unwrap_used, reason = "a test whose set-up fails has failed")]

mod crashing;
mod definitions;
#[path = "../support/depot.rs"]
mod depot;
#[path = "../support/ended.rs"]
mod ended;
mod faults;
mod groups;
mod installing;
mod midway;
mod pending;
mod pods;
mod releases;
mod seeds;
mod site;
mod slow;
mod sources;
mod stopped;
mod upgrade;
