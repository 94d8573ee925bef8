//! Packages that go by: what a stream says is what opening the same package in place says.

mod agreement;
mod damage;
mod input;
mod order;
pub(crate) mod support;
