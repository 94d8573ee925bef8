//! The commands about releases, run as their users run them, on a real control plane.

#![cfg(unix)]
#![expect(clippy::unwrap_used, reason = "a test whose set-up fails has failed")]

mod depot;
mod releases;
mod site;
mod upgrade;
