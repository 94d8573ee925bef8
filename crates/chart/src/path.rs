//! Paths into trees of values: `spec.containers[0].image`, `metadata.annotations["example.com/image"]`.

use std::{fmt, str::FromStr};

use serde::{Serialize, Serializer};
use serde_json::Value;

/// One step down a tree.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum Step {
    /// Into a map, by key.
    Key(String),
    /// Into a list, by place, counted from 0.
    Index(usize),
}

/// A path from the root of a tree. The empty path is the root itself.
#[derive(Clone, Debug, Default, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct ValuePath(Vec<Step>);

/// A text that is no path.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("{text:?} is no path, as in a.b, a.list[0].b or a[\"x.y/z\"]")]
pub struct PathFormError {
    text: String,
}

impl ValuePath {
    /// The root.
    #[must_use]
    pub fn root() -> Self {
        Self::default()
    }

    /// A path of map keys.
    #[must_use]
    pub fn of_keys<'a>(keys: impl IntoIterator<Item = &'a str>) -> Self {
        Self(keys.into_iter().map(|key| Step::Key(key.to_owned())).collect())
    }

    /// The steps, from the root on.
    #[must_use]
    pub fn steps(&self) -> &[Step] {
        &self.0
    }

    /// This path and one step more.
    #[must_use]
    pub fn then(&self, step: Step) -> Self {
        let mut steps = self.0.clone();
        steps.push(step);
        Self(steps)
    }

    /// This path and a key more.
    #[must_use]
    pub fn key(&self, key: &str) -> Self {
        self.then(Step::Key(key.to_owned()))
    }

    /// This path and an index more.
    #[must_use]
    pub fn index(&self, index: usize) -> Self {
        self.then(Step::Index(index))
    }

    /// The path without its last step; `None` at the root.
    #[must_use]
    pub fn parent(&self) -> Option<Self> {
        let (_, before) = self.0.split_last()?;
        Some(Self(before.to_vec()))
    }

    /// The last key on the way, whatever indices follow it: what a person calls the place.
    #[must_use]
    pub fn last_key(&self) -> Option<&str> {
        self.0.iter().rev().find_map(Step::as_key)
    }

    /// All keys on the way.
    pub fn keys(&self) -> impl Iterator<Item = &str> {
        self.0.iter().filter_map(Step::as_key)
    }

    /// What stands there.
    #[must_use]
    pub fn get<'v>(&self, root: &'v Value) -> Option<&'v Value> {
        self.0.iter().try_fold(root, |value, step| match step {
            Step::Key(key) => value.get(key),
            Step::Index(index) => value.get(index),
        })
    }

    /// What stands there, to be changed.
    pub fn get_mut<'v>(&self, root: &'v mut Value) -> Option<&'v mut Value> {
        self.0.iter().try_fold(root, |value, step| match step {
            Step::Key(key) => value.get_mut(key),
            Step::Index(index) => value.get_mut(index),
        })
    }
}

impl Step {
    /// The key, where it is one.
    #[must_use]
    pub fn as_key(&self) -> Option<&str> {
        match self {
            Self::Key(key) => Some(key),
            Self::Index(_) => None,
        }
    }
}

impl FromIterator<Step> for ValuePath {
    fn from_iter<T: IntoIterator<Item = Step>>(steps: T) -> Self {
        Self(steps.into_iter().collect())
    }
}

/// Keys that need no quotes: nothing in them could be taken for the path's own signs.
fn is_bare(key: &str) -> bool {
    !key.is_empty() && key.chars().all(|c| c.is_alphanumeric() || matches!(c, '_' | '-' | '/' | '$' | '*'))
}

impl fmt::Display for ValuePath {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        for (depth, step) in self.0.iter().enumerate() {
            match step {
                Step::Key(key) if is_bare(key) && depth == 0 => f.write_str(key)?,
                Step::Key(key) if is_bare(key) => write!(f, ".{key}")?,
                Step::Key(key) => write!(f, "[{}]", Value::from(key.as_str()))?,
                Step::Index(index) => write!(f, "[{index}]")?,
            }
        }
        Ok(())
    }
}

impl FromStr for ValuePath {
    type Err = PathFormError;

    fn from_str(text: &str) -> Result<Self, PathFormError> {
        let refused = || PathFormError { text: text.to_owned() };
        let mut steps = Vec::new();
        let mut rest = text;
        while !rest.is_empty() {
            let (step, behind) = next_step(rest, steps.is_empty()).ok_or_else(refused)?;
            steps.push(step);
            rest = behind;
        }
        Ok(Self(steps))
    }
}

fn next_step(text: &str, is_first: bool) -> Option<(Step, &str)> {
    if let Some(inner) = text.strip_prefix('[') {
        return bracketed(inner);
    }
    let bare = if is_first { text } else { text.strip_prefix('.')? };
    let end = bare.find(['.', '[']).unwrap_or(bare.len());
    let (key, behind) = bare.split_at(end);
    is_bare(key).then(|| (Step::Key(key.to_owned()), behind))
}

fn bracketed(inner: &str) -> Option<(Step, &str)> {
    if !inner.starts_with('"') {
        let (index, behind) = inner.split_once(']')?;
        let digits = index.bytes().all(|b| b.is_ascii_digit());
        return Some((Step::Index(digits.then(|| index.parse().ok())??), behind));
    }
    let mut read = serde_json::Deserializer::from_str(inner).into_iter::<String>();
    let key = read.next()?.ok()?;
    let behind = inner.get(read.byte_offset()..)?.strip_prefix(']')?;
    Some((Step::Key(key), behind))
}

impl Serialize for ValuePath {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        serializer.collect_str(self)
    }
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    #[test]
    fn prints_and_parses() {
        for text in ["", "a", "a.b-c.d_e", "a[0].b[12]", "[0].a", "a[\"x.y/z\"].b", "a[\"\"]", "a[\"\\\"]\"]"]
        {
            let path: ValuePath = text.parse().unwrap();
            assert_eq!(path.to_string(), text);
        }
    }

    #[test]
    fn refuses_what_is_none() {
        for text in [".a", "a.", "a..b", "a[", "a[x]", "a[+1]", "a[]", "a[\"x\"", "a b", "a[0]b"] {
            assert!(text.parse::<ValuePath>().is_err(), "{text}");
        }
    }

    #[test]
    fn leads_to_a_value() {
        let tree = json!({"a": [{"x.y": 1}]});
        let path: ValuePath = "a[0][\"x.y\"]".parse().unwrap();
        assert_eq!(path.get(&tree), Some(&json!(1)));
        assert_eq!(path.last_key(), Some("x.y"));
        assert_eq!(path.parent().and_then(|path| path.get(&tree)), Some(&json!({"x.y": 1})));
        assert_eq!(ValuePath::root().get(&tree), Some(&tree));
    }
}
