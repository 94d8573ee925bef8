//! What a plan was worked out from, as digests: enough to tell whether it is still so, and nothing of the values.

use std::collections::BTreeMap;

use portolan_chart::{Chart, RenderedObject};
use portolan_oci::Digest;
use serde::{Deserialize, Serialize};
use serde_json::Value;

use super::compare::Rendered;
use super::definitions;
use super::package::Push;
use crate::helm::HelmRelease;
use crate::stored::StoredRelease;
use crate::values::Values;

/// Version of the plan file's shape; raised when an older program could not hold a run to it.
pub const PLAN_FILE_VERSION: u32 = 1;

/// What a plan was worked out from.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
pub struct Ground {
    /// The release.
    pub release: String,
    /// Where it is.
    pub namespace: String,
    /// The revision that stands; 0 where the release is installed.
    pub revision: u32,
    /// The chart, as it would be packed.
    pub chart: Digest,
    /// All overrides.
    pub values: Digest,
    /// Definitions of custom resources by their names.
    pub definitions: BTreeMap<String, Digest>,
    /// Rendered objects, `apps/v1 Deployment NAMESPACE/NAME` each.
    pub objects: BTreeMap<String, Digest>,
    /// Objects that two renderings gave differently: they can't be held to.
    pub not_pinned: Vec<String>,
    /// Images that are pushed first, with what each comes to: not its digest, since what an earlier run of the same
    /// plan has pushed is no change.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub pushes: Vec<String>,
}

/// What a ground is made of.
pub(super) struct Standing<'a> {
    pub(super) release: &'a HelmRelease,
    pub(super) now: Option<&'a StoredRelease>,
    pub(super) chart: &'a Chart,
    pub(super) overrides: &'a Values,
    pub(super) rendered: &'a Rendered,
    pub(super) pushes: &'a [Push],
}

/// A plan as it is saved, approved, and held to.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
pub struct SavedUpgrade {
    /// [`PLAN_FILE_VERSION`] of the program that wrote it.
    pub upgrade_plan_file_version: u32,
    /// Digest of the ground.
    pub digest: Digest,
    /// The ground.
    pub ground: Ground,
}

/// Why a file is no saved plan.
#[derive(Debug, thiserror::Error)]
pub enum SavedError {
    /// It is no JSON, or of another shape.
    #[error("it is not the plan of an upgrade")]
    Form(#[source] serde_json::Error),
    /// A later program wrote it.
    #[error("it is of version {0}, and this program reads {PLAN_FILE_VERSION}")]
    Version(u32),
    /// Somebody changed it.
    #[error("its digest is not that of what stands in it")]
    Digest,
}

impl SavedUpgrade {
    /// The plan of that ground, to be saved.
    pub fn of(ground: &Ground) -> Self {
        let (digest, ground) = (ground.digest(), ground.clone());
        Self { upgrade_plan_file_version: PLAN_FILE_VERSION, digest, ground }
    }

    /// Reads a file.
    ///
    /// # Errors
    /// [`SavedError`] with what is wrong with it.
    pub fn parse(bytes: &[u8]) -> Result<Self, SavedError> {
        let saved: Self = serde_json::from_slice(bytes).map_err(SavedError::Form)?;
        match saved.upgrade_plan_file_version {
            PLAN_FILE_VERSION if saved.ground.digest() == saved.digest => Ok(saved),
            PLAN_FILE_VERSION => Err(SavedError::Digest),
            other => Err(SavedError::Version(other)),
        }
    }
}

impl Ground {
    pub(super) fn of(standing: &Standing<'_>, not_pinned: Vec<String>) -> Self {
        let Standing { release, now, chart, overrides, rendered, pushes } = *standing;
        let definition = |one: &Value| (definitions::name(one).to_owned(), digest(one));
        let objects = rendered.objects.iter().map(|one| (key(one), digest(&one.object)));
        let packed = chart.pack().unwrap_or_default();
        Self {
            release: release.name.to_string(),
            namespace: release.namespace.to_string(),
            revision: now.map_or(0, |now| now.version),
            chart: Digest::sha256(&packed),
            values: digest(&overrides.to_json()),
            definitions: rendered.definitions.iter().map(definition).collect(),
            objects: objects.filter(|(key, _)| !not_pinned.contains(key)).collect(),
            not_pinned,
            pushes: pushes.iter().flat_map(Push::contents).collect(),
        }
    }

    /// The digest of it all.
    pub fn digest(&self) -> Digest {
        let text = serde_json::to_string(self).expect("because it is a struct of texts");
        Digest::sha256(text.as_bytes())
    }

    /// What is otherwise now, in words; empty where the plan still holds.
    pub fn changes(&self, now: &Self) -> Vec<String> {
        let mut changes = Vec::new();
        let mut compare = |what: &str, is_same: bool| {
            if !is_same {
                changes.push(what.to_owned());
            }
        };
        compare(
            "it is the plan of another release",
            (&self.release, &self.namespace) == (&now.release, &now.namespace),
        );
        compare("the release is of another revision", self.revision == now.revision);
        compare("the chart is another one", self.chart == now.chart);
        compare("the overrides are others", self.values == now.values);
        compare("other images are pushed first", self.pushes == now.pushes);
        let is_loose = |key: &String| self.not_pinned.contains(key) || now.not_pinned.contains(key);
        changes.extend(differences("the definition", &self.definitions, &now.definitions, |_| false));
        changes.extend(differences("the object", &self.objects, &now.objects, is_loose));
        changes
    }
}

fn differences(
    what: &str,
    before: &BTreeMap<String, Digest>,
    now: &BTreeMap<String, Digest>,
    is_loose: impl Fn(&String) -> bool,
) -> Vec<String> {
    let mut names: Vec<&String> = before.keys().chain(now.keys()).collect();
    names.sort();
    names.dedup();
    let differs = |name: &&String| before.get(*name) != now.get(*name) && !is_loose(name);
    names.into_iter().filter(differs).map(|name| format!("{what} {name} is another one")).collect()
}

/// Objects that two renderings give differently.
pub(super) fn differing(one: &Rendered, other: &Rendered) -> Vec<String> {
    let digests = |rendered: &Rendered| -> BTreeMap<String, Digest> {
        rendered.objects.iter().map(|object| (key(object), digest(&object.object))).collect()
    };
    let (one, other) = (digests(one), digests(other));
    let mut names: Vec<String> = one.keys().chain(other.keys()).cloned().collect();
    names.sort();
    names.dedup();
    names.retain(|name| one.get(name) != other.get(name));
    names
}

fn key(object: &RenderedObject) -> String {
    format!("{} {}", object.name.api_version, object.name)
}

fn digest(value: &Value) -> Digest {
    Digest::sha256(value.to_string().as_bytes())
}

#[cfg(test)]
mod tests {
    use super::*;

    fn ground() -> Ground {
        let one = |name: &str| (name.to_owned(), Digest::sha256(name.as_bytes()));
        Ground {
            release: "kpanda".to_owned(),
            namespace: "kpanda-system".to_owned(),
            revision: 3,
            chart: Digest::sha256(b"chart"),
            values: Digest::sha256(b"values"),
            definitions: [one("a.example")].into(),
            objects: [one("v1 Pod n/a")].into(),
            not_pinned: vec!["v1 Secret n/random".to_owned()],
            pushes: Vec::new(),
        }
    }

    #[test]
    fn what_was_saved_is_read_and_held_to() {
        let saved = SavedUpgrade::of(&ground());
        let bytes = serde_json::to_vec(&saved).unwrap();
        assert_eq!(SavedUpgrade::parse(&bytes).unwrap(), saved);
        assert_eq!(ground().changes(&ground()), Vec::<String>::new());
        let mut now = Ground { revision: 4, ..ground() };
        now.objects.insert("v1 Secret n/random".to_owned(), Digest::sha256(b"another"));
        now.objects.insert("v1 Pod n/b".to_owned(), Digest::sha256(b"b"));
        now.definitions.clear();
        let expected = [
            "the release is of another revision",
            "the definition a.example is another one",
            "the object v1 Pod n/b is another one",
        ];
        assert_eq!(ground().changes(&now), expected);
    }

    #[test]
    fn what_is_no_saved_plan() {
        let check = |text: &str, expected: &str| {
            assert_eq!(SavedUpgrade::parse(text.as_bytes()).unwrap_err().to_string(), expected);
        };
        let text = serde_json::to_string(&SavedUpgrade::of(&ground())).unwrap();
        check("{}", "it is not the plan of an upgrade");
        check(
            &text.replace("\"revision\":3", "\"revision\":4"),
            "its digest is not that of what stands in it",
        );
        let later = text.replace("FileVersion\":1", "FileVersion\":2");
        check(&later, "it is of version 2, and this program reads 1");
    }
}
