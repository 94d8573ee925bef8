//! The whole program, run as its users run it: exit codes, both outputs, and what arrived.

mod documents;
mod inputs;
mod quickstart;
mod refusals;
mod site;
mod sync;
