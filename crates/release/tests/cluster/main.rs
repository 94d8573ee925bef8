//! Releases on a real control plane, with every Helm that is supported.

#![expect(clippy::unwrap_used, reason = "a test whose set-up fails has failed")]

mod backup;
mod charts;
mod faults;
mod helm;
mod judged;
mod lease;
mod outages;
mod refusals;
mod releases;
mod resume;
mod rollback;
mod site;
mod upgrade;
mod verify;
