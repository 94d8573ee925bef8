//! The commands, a file each: arguments, calls into the libraries, rendering.

pub mod connect;
pub mod quickstart;
pub mod sync;

use crate::failure::Failure;

/// The runtime that a command does its work on.
fn runtime() -> Result<tokio::runtime::Runtime, Failure> {
    tokio::runtime::Builder::new_multi_thread().enable_all().build().map_err(|error| Failure::of(&error))
}
