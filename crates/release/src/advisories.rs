//! Advisories: known issues of upgrades, which are looked for and mended instead of documented.
//!
//! ```text
//! YAML ─ parse ─▶ Advisories ─┐
//! values, chart, cluster ─────┼─ advise ─▶ Advice: mended overrides, steps, questions
//! registry, answers ──────────┘
//! ```
//!
//! Nothing here asks a server: whoever calls gives what is known ([`Subject`]), and what isn't known is told
//! apart from what isn't so. Mending twice is mending once. The format is docs/advisories.md.

mod cases;
mod condition;
mod evaluate;
mod facts;
mod format;
mod id;
mod mend;
mod outcome;
mod parse;
mod pattern;
mod range;
mod sources;
mod truth;

pub use cases::{Case, CaseResult, Expected};
pub use condition::{Condition, NodeCondition};
pub use facts::{
    ChartFacts, ClusterFacts, Held, Images, KnownImages, NoImages, NodeFacts, ReleaseFacts, Subject,
    WorkloadFacts,
};
pub use format::{ADVISORIES_VERSION, Advisory, Choice, Language, Mend, Phase, Severity, Wording};
pub use id::{AdvisoryId, AdvisoryIdError};
pub use outcome::{Advice, Answers, Finding, Question, QuestionOption, Step};
pub use parse::{AdvisoryError, FILE_LIMIT, parse};
pub use pattern::{NamePattern, PathPattern};
pub use range::{RangeError, VersionRange};
pub use sources::{Advisories, CHART_FILE, Source, Sourced};
pub use truth::Truth;

#[cfg(test)]
mod tests;
