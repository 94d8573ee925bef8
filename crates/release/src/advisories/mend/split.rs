//! Texts that are taken apart: `host:port`, an image that stood in one value.

use portolan_chart::ValuePath;
use portolan_oci::Reference;
use serde::{Deserialize, Serialize};

use super::{Mending, PathPattern};

/// How a text is taken apart.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields, rename_all = "camelCase")]
pub struct Split {
    /// Where it stands; nothing does afterwards, but for what it is taken apart into.
    pub from: PathPattern,
    /// What divides it.
    pub at: Divider,
    /// Where its parts go: as many as there have to be, of an image registry, repository, and tag or digest.
    pub to: Vec<PathPattern>,
}

/// What divides a text.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum Divider {
    /// A text, found from the left.
    Text(String),
    /// A text, found from the right.
    Last(String),
    /// The parts of an image.
    Image(ImageParts),
}

/// Which parts of an image there are.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum ImageParts {
    /// `registry/repository` and tag or digest.
    NameAndTag,
    /// Registry, repository, and tag or digest.
    RegistryRepositoryAndTag,
}

impl Divider {
    /// How many parts there have to be, where it isn't `count`.
    pub(in crate::advisories) fn wanted(&self, count: usize) -> Option<&'static str> {
        match self {
            Self::Text(_) | Self::Last(_) => (count < 2).then_some("two or more"),
            Self::Image(ImageParts::NameAndTag) => (count != 2).then_some("2"),
            Self::Image(ImageParts::RegistryRepositoryAndTag) => (count != 3).then_some("3"),
        }
    }
}

impl Mending<'_> {
    pub(super) fn split(&mut self, split: &Split) {
        let Some(from) = split.from.as_path() else { return };
        let Some(text) = self.overrides.get(from).and_then(|value| value.as_str()).map(str::to_owned) else {
            return;
        };
        let targets: Vec<ValuePath> = split.to.iter().filter_map(|to| to.as_path().cloned()).collect();
        let Some(parts) = parts(&text, &split.at, targets.len()) else {
            return self.fault(from, "stays, since it has not the parts that it is to be taken apart into");
        };
        let mut values = self.overrides.clone();
        values.remove(from);
        for (target, part) in targets.iter().zip(parts) {
            let Some(part) = part else { continue };
            if values.get(target).is_some_and(|found| !found.is_null()) {
                return self.fault(from, &format!("stays, since something stands at {target} already"));
            }
            if !values.set(target, part.into()) {
                return self.fault(from, &format!("stays, since no map stands before {target}"));
            }
        }
        self.overrides = values;
    }
}

/// The parts; one that the text doesn't have is `None`. `None` where there are not as many.
fn parts(text: &str, divider: &Divider, count: usize) -> Option<Vec<Option<String>>> {
    let all = |parts: Vec<&str>| {
        (parts.len() == count).then(|| parts.into_iter().map(|part| Some(part.to_owned())).collect())
    };
    match divider {
        Divider::Text(divider) => all(text.splitn(count, divider.as_str()).collect()),
        Divider::Last(divider) => {
            let mut parts: Vec<_> = text.rsplitn(count, divider.as_str()).collect();
            parts.reverse();
            all(parts)
        }
        Divider::Image(parts) => {
            let image: Reference = text.parse().ok()?;
            let tag = image.tag.as_ref().map(ToString::to_string);
            let tag = match (&image.digest, tag) {
                (Some(digest), Some(tag)) => Some(format!("{tag}@{digest}")),
                (Some(_), None) => return None,
                (None, tag) => tag,
            };
            let parts = match parts {
                ImageParts::NameAndTag => vec![Some(image.name()), tag],
                ImageParts::RegistryRepositoryAndTag => {
                    vec![Some(image.registry.to_string()), Some(image.repository.to_string()), tag]
                }
            };
            (parts.len() == count).then_some(parts)
        }
    }
}
