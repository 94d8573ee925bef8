//! What a run did: the report, in the shape that `--output json` prints.

use std::time::Duration;

use portolan_oci::{Digest, Platform, Reference};
use serde::{Deserialize, Serialize};

/// Version of the report's shape; raised when a member changes its meaning or goes away.
pub const REPORT_VERSION: u32 = 1;

/// Every image and chart of a run, and what became of it.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct Report {
    /// [`REPORT_VERSION`] of the program that wrote it.
    pub report_version: u32,
    /// Digest of the plan that was carried out; of the saved one, where the run was held to it.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub plan_digest: Option<Digest>,
    /// The images, in the package's order.
    pub images: Vec<ImageResult>,
    /// The charts, in the package's order.
    pub charts: Vec<ChartResult>,
    /// Bundles that could not be read or planned.
    pub broken: Vec<BrokenBundle>,
    /// What a reader should know though nothing went wrong.
    pub notes: Vec<String>,
    /// Sums.
    pub totals: Totals,
}

/// One image of a run.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct ImageResult {
    /// Its name in the package, in full form.
    pub source: Reference,
    /// Its name in the registry.
    pub target: Reference,
    /// Digest of its manifest or image index; absent where it failed before that was known.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub digest: Option<Digest>,
    /// What it runs on, `os/architecture[/variant]` each.
    #[serde(with = "platforms_as_text")]
    pub platforms: Vec<Platform>,
    /// What became of it.
    pub action: ImageOutcome,
    /// Whether every part of it was seen to be there after that.
    #[serde(default, skip_serializing_if = "is_false")]
    pub verified: bool,
    /// Bytes of its blobs that were sent. A blob shared by several images counts for the first one.
    pub bytes_sent: u64,
    /// Digest of what the tag held before, and holds still where it was kept.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub found: Option<Digest>,
    /// What a merge changed of the tag, and what it kept.
    #[serde(flatten)]
    pub changes: Changes,
    /// Why it failed; where it was interrupted, what would have been tried again.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub error: Option<String>,
}

/// What a merge comes to, platform by platform.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct Changes {
    /// Platforms that the tag gains.
    #[serde(default, with = "platforms_as_text", skip_serializing_if = "Vec::is_empty")]
    pub added: Vec<Platform>,
    /// Platforms whose content is another one after that.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub replaced: Vec<Differing>,
    /// Platforms that stay as they are, though ours has other content.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub kept: Vec<Differing>,
}

/// One platform with two contents.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct Differing {
    /// The platform, `os/architecture[/variant]`.
    #[serde(with = "platform_as_text")]
    pub platform: Platform,
    /// Digest of the manifest that the tag had for it.
    pub found: Digest,
    /// Digest of ours; absent where it is known only once its layers were sent.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub ours: Option<Digest>,
}

/// What became of an image.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum ImageOutcome {
    /// Its tag was written.
    Pushed,
    /// Its tag was there with the same content.
    Exists,
    /// Its tag was there with the same content, and parts that lacked were brought.
    Mended,
    /// Its tag was there with other platforms, and has ours too now.
    Merged,
    /// Its tag was there with other content, and names ours alone now.
    Replaced,
    /// Its tag was there with other content, which was left alone; other platforms of ours were merged into it.
    Kept,
    /// It could not be brought there.
    Failed,
    /// The run was interrupted before it was there.
    Interrupted,
}

/// One chart of a run.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct ChartResult {
    /// Name of the chart.
    pub name: String,
    /// Version as the chart writes it.
    pub version: String,
    /// File and entry it came from.
    pub source: String,
    /// Where it went.
    pub target: String,
    /// What became of it.
    pub action: ChartOutcome,
    /// Whether its archive was fetched after that, and is the right one.
    #[serde(default, skip_serializing_if = "is_false")]
    pub verified: bool,
    /// Why it failed or was withheld; where it was interrupted, what would have been tried again.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub error: Option<String>,
}

/// What became of a chart.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum ChartOutcome {
    /// It was uploaded.
    Pushed,
    /// It was there with the same content.
    Exists,
    /// It was there by name alone, and its archive was brought.
    Mended,
    /// It was there with other content, and was left alone.
    Kept,
    /// It was not uploaded, because one of its images is not there.
    Withheld,
    /// It could not be uploaded.
    Failed,
    /// The run was interrupted before it was uploaded.
    Interrupted,
}

/// A bundle that could not be read or planned.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct BrokenBundle {
    /// File and entry.
    pub source: String,
    /// What is wrong with it, causes included.
    pub error: String,
}

/// Sums of a run.
#[derive(Clone, Copy, Debug, Default, PartialEq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct Totals {
    /// Bytes of blobs that were sent.
    pub bytes_sent: u64,
    /// Blobs whose bytes were sent, counted for each repository that took them.
    pub blobs_uploaded: u64,
    /// Blobs that another repository lent, counted for each that borrowed.
    pub blobs_mounted: u64,
    /// Blobs that were there already.
    pub blobs_existed: u64,
    /// Seconds from the start of the plan to the end of the run.
    pub seconds: f64,
}

impl Totals {
    /// Both in sum; the time is the longer one.
    pub(crate) fn and(self, other: Self) -> Self {
        Self {
            bytes_sent: self.bytes_sent + other.bytes_sent,
            blobs_uploaded: self.blobs_uploaded + other.blobs_uploaded,
            blobs_mounted: self.blobs_mounted + other.blobs_mounted,
            blobs_existed: self.blobs_existed + other.blobs_existed,
            seconds: self.seconds.max(other.seconds),
        }
    }
}

/// How a run ended as a whole; the program's exit code follows it.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize)]
#[serde(rename_all = "kebab-case")]
pub enum Outcome {
    /// All is where it should be.
    Done,
    /// Something is left, and the report says what.
    InPart,
    /// Nothing was brought where it should be.
    Failed,
}

impl Report {
    /// An empty report of the current version.
    pub fn new() -> Self {
        Self { report_version: REPORT_VERSION, ..Self::default() }
    }

    /// How the run ended as a whole.
    pub fn outcome(&self) -> Outcome {
        let image_is_fine = |image: &ImageResult| image.action.is_there();
        let chart_is_fine = |chart: &ChartResult| chart.action.is_there();
        let all_fine = self.broken.is_empty()
            && self.images.iter().all(image_is_fine)
            && self.charts.iter().all(chart_is_fine);
        let some_progress = self.images.iter().any(|image| image.action != ImageOutcome::Failed)
            || self.charts.iter().any(|chart| !chart.action.is_lost());
        match (all_fine, some_progress) {
            (true, _) => Outcome::Done,
            (false, true) => Outcome::InPart,
            (false, false) => Outcome::Failed,
        }
    }

    /// Fills in the run's duration.
    #[must_use]
    pub fn lasting(mut self, duration: Duration) -> Self {
        self.totals.seconds = duration.as_secs_f64();
        self
    }
}

impl ImageOutcome {
    /// Whether the tag names this very image now, alone or beside other platforms.
    pub fn is_there(self) -> bool {
        matches!(self, Self::Pushed | Self::Exists | Self::Mended | Self::Merged | Self::Replaced)
    }
}

impl ChartOutcome {
    /// Whether nothing came of it.
    fn is_lost(self) -> bool {
        matches!(self, Self::Withheld | Self::Failed)
    }

    /// Whether the repository holds this very chart now.
    pub fn is_there(self) -> bool {
        matches!(self, Self::Pushed | Self::Exists | Self::Mended)
    }
}

/// Leaves a member out that says nothing.
pub(crate) fn is_false(value: &bool) -> bool {
    !value
}

pub(crate) mod platform_as_text {
    //! A platform as an `os/architecture[/variant]` text.

    use portolan_oci::Platform;
    use serde::{Deserialize, Deserializer, Serializer, de::Error};

    pub(crate) fn serialize<S: Serializer>(platform: &Platform, serializer: S) -> Result<S::Ok, S::Error> {
        serializer.collect_str(platform)
    }

    pub(super) fn deserialize<'de, D: Deserializer<'de>>(deserializer: D) -> Result<Platform, D::Error> {
        String::deserialize(deserializer)?.parse().map_err(D::Error::custom)
    }
}

pub(crate) mod platforms_as_text {
    //! Platforms as `os/architecture[/variant]` texts.

    use portolan_oci::Platform;
    use serde::{Deserialize, Deserializer, Serializer, de::Error};

    pub(crate) fn serialize<S: Serializer>(platforms: &[Platform], serializer: S) -> Result<S::Ok, S::Error> {
        serializer.collect_seq(platforms.iter().map(ToString::to_string))
    }

    pub(super) fn deserialize<'de, D: Deserializer<'de>>(deserializer: D) -> Result<Vec<Platform>, D::Error> {
        let texts = Vec::<String>::deserialize(deserializer)?;
        texts.iter().map(|text| text.parse().map_err(D::Error::custom)).collect()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn image(action: ImageOutcome) -> ImageResult {
        ImageResult {
            source: "nginx:1".parse().unwrap(),
            target: "r.example/nginx:1".parse().unwrap(),
            digest: Some(Digest::sha256(b"")),
            platforms: vec!["linux/arm64/v8".parse().unwrap()],
            action,
            verified: false,
            bytes_sent: 7,
            found: None,
            changes: Changes::default(),
            error: None,
        }
    }

    #[test]
    fn the_outcome_follows_the_lines() {
        let check = |images: &[ImageOutcome], expected: Outcome| {
            let images = images.iter().map(|action| image(*action)).collect();
            assert_eq!(Report { images, ..Report::new() }.outcome(), expected);
        };
        check(&[], Outcome::Done);
        check(&[ImageOutcome::Pushed, ImageOutcome::Exists], Outcome::Done);
        check(&[ImageOutcome::Pushed, ImageOutcome::Failed], Outcome::InPart);
        check(&[ImageOutcome::Kept], Outcome::InPart);
        check(&[ImageOutcome::Failed], Outcome::Failed);
        check(&[ImageOutcome::Interrupted], Outcome::InPart);
    }

    #[test]
    fn reads_what_it_wrote() {
        let report = Report { images: vec![image(ImageOutcome::Pushed)], ..Report::new() };
        let text = serde_json::to_string(&report).unwrap();
        assert!(text.contains(r#""platforms":["linux/arm64/v8"]"#), "{text}");
        assert_eq!(serde_json::from_str::<Report>(&text).unwrap(), report);
    }
}
