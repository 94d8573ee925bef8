//! The lines of `--log-format json`: one object each, on standard error, and nothing else there.
//!
//! Every kind is a variant of [`Record`], so that this is the whole format; docs/sync.md tells it to its readers, and
//! docs/depot.md what a server adds.

use std::io::{self, Write};
use std::time::SystemTime;

use portolan_node::{
    LoadAction, LoadReport, LoadResult, LoadTotals, NodeFailure, NodePlan, NodeResult, RuntimeKind,
};
use portolan_oci::Digest;
use portolan_release::Step;
use portolan_transfer::{
    BlobId, BlobOutcome, ChartAction, ChartResult, ImageAction, ImageResult, Outcome, Plan, Report, Totals,
};
use serde::Serialize;
use serde_json::{Map, Value};

use super::Serving;
use crate::failure::Failure;

/// Version of the lines' shape; raised when a member changes its meaning or goes away.
pub(super) const LOG_VERSION: u32 = 1;

/// One line, but for version and time.
#[derive(Debug, Serialize)]
#[serde(tag = "type", rename_all = "kebab-case", rename_all_fields = "camelCase")]
pub(super) enum Record<'a> {
    /// Said on the way.
    Message { message: &'a str },
    /// What a user should know though nothing is wrong.
    Note { message: &'a str },
    /// A server can be reached there.
    Listening {
        url: &'a str,
        #[serde(skip_serializing_if = "Option::is_none")]
        fingerprint: Option<&'a str>,
    },
    /// What it serves, and to whom.
    Serving(&'a Serving<'a>),
    /// The first signal came.
    Interrupted { message: &'a str },
    /// The program ends without a report.
    Error {
        message: &'a str,
        parts: &'a [String],
        causes: &'a [String],
        #[serde(skip_serializing_if = "Option::is_none")]
        hint: Option<&'a str>,
        exit_code: u8,
    },
    /// A log line of a library.
    Log { level: &'a str, target: &'a str, message: String, fields: Map<String, Value> },
    /// A member of a group of releases is next.
    Member { component: &'a str, number: usize, of: usize, goes_back: bool },
    /// A step of a run on a release begins.
    StepBegan { step: Step },
    /// It ended well.
    StepEnded {
        step: Step,
        #[serde(skip_serializing_if = "str::is_empty")]
        result: &'a str,
    },
    /// It failed.
    StepFailed { step: Step },
    /// A reader should know something while it goes on.
    StepNoted { step: Step, note: &'a str },
    /// Objects of a release are waited for.
    Waiting {
        ready: usize,
        all: usize,
        #[serde(skip_serializing_if = "str::is_empty")]
        on: &'a str,
    },
    /// Tags and charts are being asked about.
    Checking { targets: usize },
    /// So many of them answered so far.
    Checked { checked: usize, targets: usize },
    /// The plan stands.
    Planned {
        digest: &'a Digest,
        registry: &'a str,
        chart_repository: &'a str,
        projects: Vec<&'a str>,
        images: ImageCounts,
        charts: ChartCounts,
        broken: usize,
        bytes: u64,
    },
    /// Execution begins.
    Started { bytes: u64 },
    /// The bytes of a blob are on their way.
    BlobStarted {
        blob: usize,
        #[serde(skip_serializing_if = "Option::is_none")]
        digest: Option<&'a Digest>,
        entry: &'a str,
        bytes: u64,
    },
    /// How far the bytes of the run are.
    Progress {
        bytes_sent: u64,
        bytes: u64,
        bytes_per_second: u64,
        #[serde(skip_serializing_if = "Option::is_none")]
        seconds_left: Option<u64>,
    },
    /// A blob is done with.
    BlobFinished { blob: usize, bytes: u64, outcome: BlobOutcome },
    /// An image is done with.
    ImageFinished { image: &'a ImageResult },
    /// A chart is done with.
    ChartFinished { chart: &'a ChartResult },
    /// A node is being asked what it has.
    NodeAsked { node: &'a str },
    /// What is to be done on a node stands.
    NodePlanned {
        node: &'a str,
        address: &'a str,
        runtime: RuntimeKind,
        version: &'a str,
        platform: String,
        images: LoadCounts,
        bytes: u64,
    },
    /// How far the bytes of a node are.
    NodeProgress { node: &'a str, bytes_sent: u64, bytes: u64 },
    /// An image is done with on a node.
    NodeImageFinished { node: &'a str, image: &'a LoadResult },
    /// A node is done with.
    NodeFinished {
        node: &'a str,
        bytes_sent: u64,
        #[serde(skip_serializing_if = "Option::is_none")]
        failure: Option<&'a NodeFailure>,
    },
    /// A load ended.
    LoadFinished { outcome: Outcome, totals: LoadTotals },
    /// Execution ended.
    Finished { outcome: Outcome, totals: Totals },
}

/// How many images of a plan are to be treated in which way.
#[derive(Debug, Default, PartialEq, Eq, Serialize)]
pub(super) struct ImageCounts {
    push: usize,
    mend: usize,
    merge: usize,
    replace: usize,
    exists: usize,
    keep: usize,
}

/// How many charts of a plan are to be treated in which way.
#[derive(Debug, Default, PartialEq, Eq, Serialize)]
pub(super) struct ChartCounts {
    push: usize,
    mend: usize,
    exists: usize,
    keep: usize,
    later: usize,
}

/// How many images of a node are to be treated in which way.
#[derive(Debug, Default, PartialEq, Eq, Serialize)]
pub(super) struct LoadCounts {
    load: usize,
    name: usize,
    exists: usize,
    keep: usize,
    refuse: usize,
}

impl<'a> Record<'a> {
    pub(super) fn error(failure: &'a Failure) -> Self {
        Self::Error {
            message: &failure.message,
            parts: &failure.parts,
            causes: &failure.causes,
            hint: failure.hint.as_deref(),
            exit_code: failure.exit.code(),
        }
    }

    pub(super) fn planned(plan: &'a Plan) -> Self {
        Self::Planned {
            digest: &plan.digest,
            registry: &plan.registry,
            chart_repository: &plan.chart_repository,
            projects: plan.projects.iter().map(|project| project.name.as_str()).collect(),
            images: ImageCounts::of(plan),
            charts: ChartCounts::of(plan),
            broken: plan.broken.len(),
            bytes: plan.bytes_to_push(),
        }
    }

    pub(super) fn blob_started(id: BlobId, digest: Option<&'a Digest>, entry: &'a str, bytes: u64) -> Self {
        Self::BlobStarted { blob: id.0, digest, entry, bytes }
    }

    pub(super) fn finished(report: &Report) -> Self {
        Self::Finished { outcome: report.outcome(), totals: report.totals }
    }

    pub(super) fn node_planned(plan: &'a NodePlan) -> Self {
        Self::NodePlanned {
            node: &plan.node,
            address: &plan.address,
            runtime: plan.runtime,
            version: &plan.version,
            platform: plan.platform.to_string(),
            images: LoadCounts::of(plan),
            bytes: plan.bytes(),
        }
    }

    pub(super) fn node_finished(result: &'a NodeResult) -> Self {
        let NodeResult { node, bytes_sent, failure, .. } = result;
        Self::NodeFinished { node, bytes_sent: *bytes_sent, failure: failure.as_ref() }
    }

    pub(super) fn load_finished(report: &LoadReport) -> Self {
        Self::LoadFinished { outcome: report.outcome(), totals: report.totals }
    }

    /// Writes the line. A closed pipe or a full disk under standard error leaves nobody to tell.
    pub(super) fn write(&self) {
        let line = self.line(SystemTime::now()) + "\n";
        let _ = io::stderr().lock().write_all(line.as_bytes());
    }

    /// The line without its end.
    pub(super) fn line(&self, now: SystemTime) -> String {
        let time = humantime::format_rfc3339_millis(now).to_string();
        serde_json::to_string(&Line { log_version: LOG_VERSION, time, record: self })
            .expect("because a record holds nothing but texts, numbers and lists")
    }
}

impl ImageCounts {
    fn of(plan: &Plan) -> Self {
        plan.images.iter().fold(Self::default(), |mut counts, image| {
            *match image.action {
                ImageAction::Push => &mut counts.push,
                ImageAction::Mend { .. } => &mut counts.mend,
                ImageAction::Merge { .. } => &mut counts.merge,
                ImageAction::Replace { .. } => &mut counts.replace,
                ImageAction::Exists => &mut counts.exists,
                ImageAction::Keep { .. } => &mut counts.keep,
            } += 1;
            counts
        })
    }
}

impl ChartCounts {
    fn of(plan: &Plan) -> Self {
        plan.charts.iter().fold(Self::default(), |mut counts, chart| {
            *match chart.action {
                ChartAction::Push => &mut counts.push,
                ChartAction::Mend => &mut counts.mend,
                ChartAction::Exists => &mut counts.exists,
                ChartAction::Keep => &mut counts.keep,
                ChartAction::Later => &mut counts.later,
            } += 1;
            counts
        })
    }
}

impl LoadCounts {
    fn of(plan: &NodePlan) -> Self {
        plan.images.iter().fold(Self::default(), |mut counts, image| {
            *match image.action {
                LoadAction::Load => &mut counts.load,
                LoadAction::Name => &mut counts.name,
                LoadAction::Exists => &mut counts.exists,
                LoadAction::Keep => &mut counts.keep,
                LoadAction::Refuse { .. } => &mut counts.refuse,
            } += 1;
            counts
        })
    }
}

/// A record with what every line begins with.
#[derive(Serialize)]
#[serde(rename_all = "camelCase")]
struct Line<'a> {
    log_version: u32,
    /// RFC 3339, in UTC.
    time: String,
    #[serde(flatten)]
    record: &'a Record<'a>,
}

#[cfg(test)]
mod tests {
    use super::*;

    #[track_caller]
    fn check(record: &Record<'_>, expected: &str) {
        let begin = r#"{"logVersion":1,"time":"1970-01-01T00:00:00.000Z","type":"#;
        assert_eq!(record.line(SystemTime::UNIX_EPOCH), format!("{begin}{expected}"));
    }

    #[test]
    fn lines_to_the_letter() {
        check(&Record::Note { message: "a\nb" }, r#""note","message":"a\nb"}"#);
        let failure = Failure::failed("it broke").with_hint("mend it");
        check(
            &Record::error(&failure),
            r#""error","message":"it broke","parts":[],"causes":[],"hint":"mend it","exitCode":1}"#,
        );
        let (digest, entry) = (Digest::sha256(b""), "images.tar: abc");
        let digest = Some(&digest);
        let hex = "e3b0c44298fc1c149afbf4c8996fb92427ae41e4649b934ca495991b7852b855";
        check(
            &Record::blob_started(BlobId(3), digest, entry, 7),
            &format!(
                r#""blob-started","blob":3,"digest":"sha256:{hex}","entry":"images.tar: abc","bytes":7}}"#
            ),
        );
        let outcome = BlobOutcome::Mounted;
        check(
            &Record::BlobFinished { blob: 3, bytes: 7, outcome },
            r#""blob-finished","blob":3,"bytes":7,"outcome":"mounted"}"#,
        );
        let totals = r#"{"bytesSent":0,"blobsUploaded":0,"blobsMounted":0,"blobsExisted":0,"seconds":0.0}"#;
        check(
            &Record::finished(&Report::new()),
            &format!(r#""finished","outcome":"done","totals":{totals}}}"#),
        );
    }
}
