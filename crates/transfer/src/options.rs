//! What a sync is told to do: target, rules, selection and habits.

use portolan_chart::Rules;
use portolan_oci::{Clashing, RegistryHost};
use portolan_registry::Stop;
use serde::{Deserialize, Serialize};

use crate::left::Left;

/// All that decides a sync beside the package and the servers.
#[derive(Clone, Debug)]
pub struct SyncOptions {
    /// Where images go and how charts name them.
    pub rules: Rules,
    /// Registry that images are pushed to, where it is another than the one that charts name.
    pub push_host: Option<RegistryHost>,
    /// Name of the chart repository in README files (`target.repoName`).
    pub repository_name: String,
    /// Which charts.
    pub selection: Selection,
    /// Whether images are carried along.
    pub images: ImagePolicy,
    /// Whether projects that lack are created.
    pub missing_projects: MissingProjects,
    /// Whether charts are uploaded though one of their images is not there.
    pub charts: ChartPolicy,
    /// What becomes of tags and charts that are there with other content.
    pub existing: Existing,
    /// When what is there counts as complete.
    pub check: Check,
    /// What an earlier run left, where only that is taken.
    pub only: Option<Left>,
    /// How many blobs are sent at once; at least 1.
    pub jobs: usize,
    /// Once requested, nothing new is begun: planning ends with [`Precondition::Interrupted`], execution
    /// reports what it did not reach. The servers' clients are to be made with the same one.
    ///
    /// [`Precondition::Interrupted`]: crate::Precondition::Interrupted
    pub stop: Stop,
}

/// Which charts of the package are taken.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub enum Selection {
    /// All of them.
    #[default]
    All,
    /// Those named.
    Only(Vec<ChartChoice>),
    /// All but those named.
    Except(Vec<String>),
}

/// One chart that was chosen by name.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct ChartChoice {
    /// Name of the chart.
    pub name: String,
    /// Versions; all of them where empty.
    pub versions: Vec<String>,
    /// Whether its images are carried along.
    pub images: ImagePolicy,
}

/// Whether images are carried along with their chart. Of two, the greater one holds.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, PartialOrd, Ord)]
pub enum ImagePolicy {
    /// Images are pushed, and the chart is rewritten to name them there.
    #[default]
    Relocate,
    /// The chart is rewritten, and no image is pushed (`skipImages`).
    RewriteOnly,
    /// Neither (`relocateContainerImages: false`).
    Leave,
}

/// What to do about projects that the registry lacks.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum MissingProjects {
    /// The run ends before it writes, with the list of them.
    Refuse,
    /// They are created with this visibility.
    Create(Visibility),
}

/// Who may pull from a project.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum Visibility {
    /// Its members alone.
    Private,
    /// Everybody.
    Public,
}

/// When a chart is uploaded.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum ChartPolicy {
    /// Once every image of it is there.
    #[default]
    AfterImages,
    /// Whatever became of its images (`--charts-anyway`).
    Anyway,
}

/// What becomes of tags and charts that are there with other content.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
pub struct Existing {
    /// What is done about them (`--on-existing`).
    pub policy: ExistingPolicy,
    /// Whether ours replaces what a merge finds for its own platform (`--overwrite`).
    pub overwrite: bool,
    /// Whether a merge leaves out what the registry has lost of a tag's image index (`--drop-lost`).
    pub drop_lost: bool,
}

/// What is done about tags and charts that are there with other content. Charts can't be merged, and are kept.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum ExistingPolicy {
    /// A tag gains the platforms that it lacks; what differs is kept, and something is left to do.
    #[default]
    Merge,
    /// They stay as they are, and that is what was asked for.
    Keep,
    /// A tag names ours alone after that, whatever it named.
    Replace,
    /// The run ends before it writes.
    Error,
}

impl Existing {
    /// What a merge does with two contents for one platform.
    pub(crate) fn clashing(self) -> Clashing {
        if self.overwrite { Clashing::Replace } else { Clashing::Keep }
    }
}

/// When an image or chart that is there counts as complete.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum Check {
    /// Once its name stands for the right digest.
    #[default]
    Names,
    /// Once every part of it is there too (`--verify`); what was pushed is read back.
    Parts,
}

impl From<Visibility> for portolan_registry::Visibility {
    fn from(visibility: Visibility) -> Self {
        match visibility {
            Visibility::Private => Self::Private,
            Visibility::Public => Self::Public,
        }
    }
}

impl Selection {
    /// What is to be done with a chart of that name and version: `None` where it is not taken.
    pub fn choose(&self, name: &str, version: &str) -> Option<ImagePolicy> {
        match self {
            Self::All => Some(ImagePolicy::Relocate),
            Self::Except(names) => {
                (!names.iter().any(|skipped| skipped == name)).then_some(ImagePolicy::Relocate)
            }
            Self::Only(choices) => {
                choices.iter().find(|choice| choice.takes(name, version)).map(|choice| choice.images)
            }
        }
    }
}

impl ChartChoice {
    fn takes(&self, name: &str, version: &str) -> bool {
        self.name == name && (self.versions.is_empty() || self.versions.iter().any(|taken| taken == version))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn charts_are_chosen_by_name_and_version() {
        let choice = |name: &str, versions: &[&str], images| ChartChoice {
            name: name.to_owned(),
            versions: versions.iter().map(|v| (*v).to_owned()).collect(),
            images,
        };
        let only = Selection::Only(vec![
            choice("kpanda", &["0.1.0"], ImagePolicy::Relocate),
            choice("kant", &[], ImagePolicy::RewriteOnly),
        ]);
        assert_eq!(only.choose("kpanda", "0.1.0"), Some(ImagePolicy::Relocate));
        assert_eq!(only.choose("kpanda", "0.2.0"), None);
        assert_eq!(only.choose("kant", "9"), Some(ImagePolicy::RewriteOnly));
        let except = Selection::Except(vec!["kant".to_owned()]);
        assert_eq!(except.choose("kant", "1"), None);
        assert_eq!(except.choose("kpanda", "1"), Some(ImagePolicy::Relocate));
    }
}
