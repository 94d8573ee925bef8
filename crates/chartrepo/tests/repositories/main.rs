//! Every kind of chart repository, against real programs or a scripted server.

#![expect(clippy::unwrap_used, reason = "a helper of tests fails as a test does")]

mod chartmuseum;
mod depot;
mod faulty;
mod harbor;
mod local;
mod oci;
mod support;
mod ways;
