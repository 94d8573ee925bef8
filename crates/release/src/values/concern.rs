//! Overrides that an upgrade should make somebody think about: tags of the old version, and registries or
//! chart repositories that are not the target (rules.md, "Upgrades").

use std::fmt;

use portolan_chart::ValuePath;
use serde::Serialize;
use serde_json::Value;

use super::{Values, masked_text, same};

/// Where the upgraded release is to take its images and charts from.
#[derive(Clone, Debug, Default)]
pub struct Target {
    /// `10.6.135.222/release.daocloud.io`, `registry.example.com:5000`
    pub registry: Option<String>,
    /// `http://10.6.135.222:8081/addon`
    pub chart_repository: Option<String>,
}

/// What is warned of.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
#[serde(rename_all = "kebab-case", tag = "concern")]
pub enum Concern {
    /// A tag that the overrides hold fast.
    Tag {
        /// Where.
        path: ValuePath,
        /// What the overrides say.
        tag: String,
        /// What the new chart says; empty where it takes its own version.
        default: String,
    },
    /// A registry or chart repository that is not the target.
    Elsewhere {
        /// Where.
        path: ValuePath,
        /// Where it points to, without credentials.
        points_to: String,
        /// The target.
        target: String,
    },
}

impl fmt::Display for Concern {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Tag { path, tag, default } if default.is_empty() => {
                write!(f, "{path} holds the tag {tag}, where the new chart takes that of its own version")
            }
            Self::Tag { path, tag, default } => {
                write!(f, "{path} holds the tag {tag}, where the new chart has {default}")
            }
            Self::Elsewhere { path, points_to, target } => {
                write!(f, "{path} points to {points_to}, and the target is {target}")
            }
        }
    }
}

/// Looks through the overrides.
#[must_use]
pub fn concerns(overrides: &Values, new_defaults: &Values, target: &Target) -> Vec<Concern> {
    let computed = overrides.over(new_defaults);
    let has_global_registry = computed.text("global.imageRegistry").is_some();
    let one = |(path, value): (ValuePath, &Value)| {
        tag(&path, value, new_defaults)
            .or_else(|| elsewhere(path, value.as_str()?, has_global_registry, target))
    };
    overrides.scalars().into_iter().filter_map(one).collect()
}

fn tag(path: &ValuePath, value: &Value, new_defaults: &Values) -> Option<Concern> {
    let default = new_defaults.get(path)?;
    let key = path.last_key()?;
    let is_tag = key.eq_ignore_ascii_case("tag") || key.ends_with("Tag") || key.ends_with("_tag");
    (is_tag && !same(value, default)).then(|| Concern::Tag {
        path: path.clone(),
        tag: shown(value),
        default: shown(default),
    })
}

fn shown(value: &Value) -> String {
    match value {
        Value::Null => String::new(),
        Value::String(text) => text.clone(),
        other => other.to_string(),
    }
}

fn elsewhere(path: ValuePath, text: &str, has_global_registry: bool, target: &Target) -> Option<Concern> {
    let key = path.last_key()?.to_ascii_lowercase();
    let registry = target.registry.as_deref();
    let is_registry = key.ends_with("imageregistry")
        || key.ends_with("containerregistry")
        || (key == "registry" && !has_global_registry);
    let target = if is_registry {
        registry.filter(|registry| !text.is_empty() && trimmed(text) != trimmed(registry))?
    } else {
        let is_about = path.keys().any(|key| {
            let key = key.to_ascii_lowercase();
            ["repo", "registry", "chart"].iter().any(|word| key.contains(word))
        });
        let place = authority(text).filter(|_| is_about)?;
        let known = [target.chart_repository.as_deref().and_then(authority), registry.map(host_of)];
        if known.iter().all(Option::is_none) || known.contains(&Some(place)) {
            return None;
        }
        target.chart_repository.as_deref().or(registry)?
    };
    Some(Concern::Elsewhere { path, points_to: masked_text(text), target: masked_text(target) })
}

/// Without scheme and closing slash: both are written now and then.
fn trimmed(registry: &str) -> &str {
    registry.split_once("://").map_or(registry, |(_, rest)| rest).trim_end_matches('/')
}

fn host_of(registry: &str) -> &str {
    let registry = trimmed(registry);
    registry.split('/').next().unwrap_or(registry)
}

/// Host and port of a URL.
fn authority(url: &str) -> Option<&str> {
    let (_, rest) =
        url.split_once("://").filter(|(scheme, _)| matches!(*scheme, "http" | "https" | "oci"))?;
    let authority = rest.split(['/', '?', '#']).next()?;
    Some(authority.rsplit('@').next().unwrap_or(authority))
}
