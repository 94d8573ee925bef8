//! The client against real registries, and against peers that misbehave by script.

mod docker_registry;
mod peer;
mod scripted;
mod scripted_sign_in;
mod scripted_uploads;
mod support;
