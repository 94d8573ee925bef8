//! The whole program, run as its users run it: exit codes, both outputs, and what arrived.

#![expect(clippy::unwrap_used, reason = "a test whose set-up fails has failed")]

mod bad_input;
mod documents;
mod inputs;
mod quickstart;
mod refusals;
mod site;
mod sync;
mod transports;
