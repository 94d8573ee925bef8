//! Helm releases in a cluster: read, backed up, advised on, upgraded, verified, rolled back.
//!
//! ```text
//! cluster ─ inspect ─▶ release ─┐
//! chart, values ────────────────┼─ (advisories, values, diff: pure) ─▶ upgrade plan ─ execute ─▶ release
//! registry ─ image check ───────┘
//! ```
//!
//! Whatever stands before the plan only reads. Templates, rendering and the release itself stay Helm's: its
//! program is called. All else of the cluster goes through the API server, without `kubectl`.

pub mod diff;
pub mod values;
