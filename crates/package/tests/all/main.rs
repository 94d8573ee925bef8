//! The tests of the crate as its users see it, in one program.
#![expect(clippy::unwrap_used, reason = "what helpers of tests cannot do ends the test")]

mod bad_input;
mod headers_only;
mod mutations;
mod packages;
mod real_bundle;
mod round_trip;
mod shapes;
mod stream;
mod support;
mod writers;
