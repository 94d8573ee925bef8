//! Upgrades that are broken off at every step, in every way: the table in `docs/upgrade-faults.md`, on the real
//! control plane. After each fault one more command is given at most; then everything is the old or the new, nothing
//! is pending, and nothing was done twice.
//!
//! A part of the rows is run with all other tests. `PORTOLAN_UPGRADE_FAULTS=all` runs all of them, `=write` writes the
//! table anew, and `PORTOLAN_UPGRADE_FAULTS_ONLY=WORD` runs those whose names have the word.

#![cfg(target_os = "linux")]
#![expect(clippy::unwrap_used, reason = "a test whose set-up fails has failed")]

mod charts;
mod commands;
mod cost;
#[path = "../support/ended.rs"]
mod ended;
mod etcd;
mod gate;
mod journals;
mod killed;
mod meanwhile;
mod objects;
mod others;
mod place;
mod rights;
mod server;
mod state;
mod stopped;
mod table;
mod then;
mod transcripts;
mod twice;
mod webhook;
mod whole;
