//! Plan and execute: a package into a registry and a chart repository.
//!
//! One direction, and no step reaches back:
//!
//! ```text
//! package ─ wanted (pure) ─▶ images and charts ─ plan (asks) ─▶ Plan ─ execute (writes) ─▶ Report
//! ```
//!
//! Everything up to the [`Plan`] is pure or only reads; everything that writes takes a plan.
//! Long work tells what it does through [`Observer`]; nothing here prints.

mod blobs;
mod brought;
mod by_hand;
mod carry;
mod chart_places;
mod charts;
mod companions;
mod content;
mod documents;
mod event;
mod execute;
mod failure;
mod gate;
mod held;
pub mod import;
mod inspect;
mod lack;
mod left;
mod merging;
mod options;
mod ours;
mod outcome;
mod passed;
mod plan;
mod planning;
mod probe;
mod refusal;
mod report;
mod saved;
mod verify;
mod wanted;

pub use by_hand::{
    MERGE_PLAN_VERSION, MergeFailure, MergeOptions, MergePlan, MergeSource, MergeTarget, MergedSource,
    execute_merge, plan_merge,
};
pub use chart_places::{ByFolder, Charts, MakeRepository, PlaceError};
pub use documents::{DOCUMENT_LIMIT, DocumentError};
pub use event::{BlobId, BlobOutcome, Event, Observer, Silent};
pub use execute::execute;
pub use failure::{Precondition, Preconditions};
pub use inspect::{
    ChartSummary, Companion, INSPECTION_VERSION, InspectError, InspectedBundle, InspectedImage,
    InspectedName, InspectedPackage, InspectedRepository, Inspection, Inspector, Kind, PackageForm, Part,
    Role, Uninspected, inspect_package, inspect_stream,
};
pub use left::Left;
pub use options::{
    ChartChoice, ChartPolicy, Check, Existing, ExistingPolicy, ImagePolicy, MissingProjects, Selection,
    SyncOptions, Visibility,
};
pub use plan::{
    ChartAction, ImageAction, PLAN_VERSION, Plan, PlannedChart, PlannedEdit, PlannedImage, PlannedProject,
};
pub use planning::{Target, plan};
pub use report::{
    BrokenBundle, Changes, ChartOutcome, ChartResult, Differing, ImageOutcome, ImageResult, Outcome,
    REPORT_VERSION, Report, Totals,
};
pub use saved::{Change, GroundChanged, PLAN_FILE_VERSION, PlanFileError, SavedPlan, Stand};
pub use wanted::{
    ChartName, ImageChoice, NamedImage, PackageImages, PickError, PickedChart, package_images, pick_chart,
};
