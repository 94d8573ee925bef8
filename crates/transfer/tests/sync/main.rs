//! A package into a real registry and a chart repository, planned and carried out.

#![expect(clippy::unwrap_used, reason = "a panic is how a test fails")]

mod beside;
mod by_hand;
mod counting;
mod existing;
mod faults;
mod folders;
mod harbor;
mod inspecting;
mod interrupted;
mod left;
mod merging;
mod order;
mod picked;
mod provenance;
mod pushing;
mod saved;
mod sharing;
mod site;
mod stream_agreement;
mod streams;
mod verify;
mod whole;
