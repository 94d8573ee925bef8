//! The client against real registries, and against peers that misbehave by script.
#![expect(clippy::unwrap_used, reason = "a test ends where something fails")]

mod certificates;
mod docker_registry;
mod faulty_answers;
mod faulty_gate;
mod faulty_reads;
mod faulty_sign_in;
mod faulty_uploads;
mod first_question;
mod limit_rate;
mod passages;
mod peer;
mod proxies;
mod relayed;
mod scripted;
mod scripted_harbor;
mod scripted_sign_in;
mod scripted_uploads;
mod support;
mod tokens;
