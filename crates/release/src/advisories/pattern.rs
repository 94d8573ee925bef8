//! Patterns: of paths in values, of names.

use std::{fmt, str::FromStr};

use portolan_chart::{PathFormError, Step, ValuePath};
use serde::{Deserialize, Serialize};
use serde_json::Value;

use crate::values::Values;

/// A path with `*` for any one key or index, and `**` for any number of them: `**.repository`.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(try_from = "String", into = "String")]
pub struct PathPattern(ValuePath);

impl PathPattern {
    /// The path that it stands for, where it stands for one alone.
    #[must_use]
    pub fn as_path(&self) -> Option<&ValuePath> {
        let is_any = |step: &Step| matches!(step.as_key(), Some("*" | "**"));
        (!self.0.steps().iter().any(is_any)).then_some(&self.0)
    }

    /// Whether a path is of the pattern.
    #[must_use]
    pub fn matches(&self, path: &ValuePath) -> bool {
        matches(self.0.steps(), path.steps())
    }

    /// Everything in the values that is of the pattern, in their order.
    #[must_use]
    pub fn find<'v>(&self, values: &'v Values) -> Vec<(ValuePath, &'v Value)> {
        if let Some(path) = self.as_path() {
            return values.get(path).map(|value| (path.clone(), value)).into_iter().collect();
        }
        let mut found = Vec::new();
        for (key, value) in values.as_map() {
            self.collect(ValuePath::root().key(key), value, &mut found);
        }
        found
    }

    fn collect<'v>(&self, path: ValuePath, value: &'v Value, found: &mut Vec<(ValuePath, &'v Value)>) {
        match value {
            Value::Object(map) => {
                map.iter().for_each(|(key, value)| self.collect(path.key(key), value, found))
            }
            Value::Array(items) => {
                items
                    .iter()
                    .enumerate()
                    .for_each(|(index, item)| self.collect(path.index(index), item, found));
            }
            _ => {}
        }
        if self.matches(&path) {
            found.push((path, value));
        }
    }
}

fn matches(pattern: &[Step], path: &[Step]) -> bool {
    // Each entry says whether the pattern so far takes the path so far: no way through is tried twice.
    let mut taken = vec![false; path.len() + 1];
    taken[0] = true;
    for step in pattern {
        let mut next = vec![false; path.len() + 1];
        for at in 0..=path.len() {
            next[at] = match step.as_key() {
                Some("**") => taken[at] || (at > 0 && next[at - 1]),
                Some("*") => at > 0 && taken[at - 1],
                _ => at > 0 && taken[at - 1] && path[at - 1] == *step,
            };
        }
        taken = next;
    }
    taken[path.len()]
}

impl FromStr for PathPattern {
    type Err = PathFormError;

    fn from_str(text: &str) -> Result<Self, PathFormError> {
        text.parse().map(Self)
    }
}

impl TryFrom<String> for PathPattern {
    type Error = PathFormError;

    fn try_from(text: String) -> Result<Self, PathFormError> {
        text.parse()
    }
}

impl From<PathPattern> for String {
    fn from(pattern: PathPattern) -> Self {
        pattern.to_string()
    }
}

impl fmt::Display for PathPattern {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        self.0.fmt(f)
    }
}

/// A name with `*` for any characters: `nvidia.com/mig-*`.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(transparent)]
pub struct NamePattern(String);

impl NamePattern {
    /// Whether a name is of the pattern.
    #[must_use]
    pub fn matches(&self, name: &str) -> bool {
        let Some((first, rest)) = self.0.split_once('*') else { return self.0 == name };
        let Some(mut name) = name.strip_prefix(first) else { return false };
        let (middle, last) = rest.rsplit_once('*').unwrap_or(("", rest));
        for part in middle.split('*').filter(|part| !part.is_empty()) {
            let Some(at) = name.find(part) else { return false };
            name = &name[at + part.len()..];
        }
        name.ends_with(last)
    }
}

impl fmt::Display for NamePattern {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.0)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn paths() {
        let check = |pattern: &str, path: &str, expected: bool| {
            let pattern: PathPattern = pattern.parse().unwrap();
            assert_eq!(pattern.matches(&path.parse().unwrap()), expected, "{pattern} {path}");
        };
        check("a.b", "a.b", true);
        check("a.b", "a.b.c", false);
        check("**.repository", "repository", true);
        check("**.repository", "a.b[0].repository", true);
        check("**.repository", "a.repository.b", false);
        check("a.*.image", "a.b.image", true);
        check("a.*.image", "a[0].image", true);
        check("a.*.image", "a.image", false);
        check("a.**", "a", true);
        check("a.**.z", "a.b.c.z", true);
        check("**.a.**.b", "x.a.y.b", true);
        check("**.a.**.b", "x.y.b", false);
    }

    #[test]
    fn found_in_values() {
        let values =
            Values::parse("x", b"a: {repository: 1, l: [{repository: 2}]}\nrepository: {x: 3}").unwrap();
        let find = |pattern: &str| {
            let pattern: PathPattern = pattern.parse().unwrap();
            pattern.find(&values).into_iter().map(|(path, _)| path.to_string()).collect::<Vec<_>>()
        };
        assert_eq!(find("**.repository"), ["a.repository", "a.l[0].repository", "repository"]);
        assert_eq!(find("a.repository"), ["a.repository"]);
        assert_eq!(find("a.nothing"), Vec::<String>::new());
    }

    #[test]
    fn names() {
        let check = |pattern: &str, name: &str, expected: bool| {
            assert_eq!(NamePattern(pattern.to_owned()).matches(name), expected, "{pattern} {name}");
        };
        check("nvidia.com/mig-*", "nvidia.com/mig-1g.5gb", true);
        check("nvidia.com/mig-*", "nvidia.com/gpu", false);
        check("a", "a", true);
        check("a", "ab", false);
        check("*", "", true);
        check("a*b*c", "aXbYc", true);
        check("a*b*c", "aXc", false);
        check("ab*b", "ab", false);
    }
}
