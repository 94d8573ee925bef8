//! Values of releases as trees: the user's overrides, what a chart has by default, and what comes of both.
//!
//! Values hold passwords, so a tree shows nothing of itself; what may be shown of it goes through [`Mask`].

mod concern;
mod frozen;
mod mask;
mod set;
mod text;
mod yaml;

use std::fmt;

use portolan_chart::{Chart, ChartError, Step, ValuePath, YamlError, YamlText, coalesce};
use serde_json::{Map, Value};

pub use concern::{Concern, Target, concerns};
pub use frozen::{Frozen, NewDefault, frozen};
pub(crate) use mask::is_secret_variable;
pub use mask::{HIDDEN, Mask};
pub use set::{Scalars, SetError};
pub use text::masked_text;

/// A map of values as Helm sees it: the scalars are YAML 1.1's, integers and floats told apart.
#[derive(Clone, Default, PartialEq)]
pub struct Values(Map<String, Value>);

/// Why a text is no values.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum ValuesError {
    /// No YAML that Helm would read.
    #[error("reading the values of {origin}")]
    Yaml {
        /// File or release that they come from.
        origin: String,
        /// What is wrong, with the line.
        #[source]
        source: YamlError,
    },
    /// A list or a text.
    #[error("the values of {origin} are {found}, and have to be a map of keys; mend that file")]
    NoMap {
        /// File or release that they come from.
        origin: String,
        /// What they are, with its article.
        found: &'static str,
    },
    /// A chart whose defaults can't be read.
    #[error("reading the default values")]
    Chart(#[from] ChartError),
}

impl Values {
    /// Reads a values file, or what `helm get values` printed; nothing and null are no values. `origin` is
    /// named in errors.
    ///
    /// # Errors
    /// [`ValuesError`], see there.
    pub fn parse(origin: &str, bytes: &[u8]) -> Result<Self, ValuesError> {
        let read = YamlText::parse(bytes).and_then(|text| text.document());
        let value = read.map_err(|source| ValuesError::Yaml { origin: origin.to_owned(), source })?;
        Self::of_json(origin, value)
    }

    /// Takes a tree that was read already.
    ///
    /// # Errors
    /// [`ValuesError::NoMap`]
    pub fn of_json(origin: &str, value: Value) -> Result<Self, ValuesError> {
        let found = match value {
            Value::Object(map) => return Ok(Self(map)),
            Value::Null => return Ok(Self::default()),
            Value::Array(_) => "a list",
            Value::String(_) => "a text",
            Value::Bool(_) | Value::Number(_) => "a single value",
        };
        Err(ValuesError::NoMap { origin: origin.to_owned(), found })
    }

    /// What a chart has by default, its sub-charts included.
    ///
    /// # Errors
    /// [`ValuesError::Chart`]
    pub fn of_chart(chart: &Chart) -> Result<Self, ValuesError> {
        Ok(Self(chart.tree_values()?))
    }

    /// Whether there are none.
    #[must_use]
    pub fn is_empty(&self) -> bool {
        self.0.is_empty()
    }

    /// The map.
    #[must_use]
    pub fn as_map(&self) -> &Map<String, Value> {
        &self.0
    }

    /// The map as a JSON value, which is what Helm takes as a values file too.
    #[must_use]
    pub fn to_json(&self) -> Value {
        Value::Object(self.0.clone())
    }

    /// What stands at a path; null counts.
    #[must_use]
    pub fn get(&self, path: &ValuePath) -> Option<&Value> {
        let (first, rest) = path.steps().split_first()?;
        let rest: ValuePath = rest.iter().cloned().collect();
        rest.get(self.0.get(first.as_key()?)?)
    }

    /// The text at a path of keys, `global.imageRegistry`; `None` where there is none or it is empty.
    #[must_use]
    pub fn text(&self, path: &str) -> Option<&str> {
        let path: ValuePath = path.parse().ok()?;
        self.get(&path)?.as_str().filter(|text| !text.is_empty())
    }

    /// What a release is computed from: these overrides over a chart's defaults.
    #[must_use]
    pub fn over(&self, defaults: &Self) -> Self {
        Self(coalesce(defaults.0.clone(), self.0.clone()))
    }

    /// Two layers of overrides as one, as Helm lays one `-f` over another: null stays, since it takes away
    /// what the chart has.
    #[must_use]
    pub fn layered(mut self, stronger: Self) -> Self {
        layer(&mut self.0, stronger.0);
        self
    }

    /// Sets what stands at a path; maps that lack on the way are made. Returns whether that could be done: no
    /// key can be set in a text, and no item behind the end of a list.
    pub fn set(&mut self, path: &ValuePath, value: Value) -> bool {
        let mut root = Value::Object(std::mem::take(&mut self.0));
        let done = place(&mut root, path.steps()).map(|place| *place = value).is_some();
        if let Value::Object(map) = root {
            self.0 = map;
        }
        done
    }

    /// Takes a key away, and the maps around it that are empty then. Returns what stood there.
    pub fn remove(&mut self, path: &ValuePath) -> Option<Value> {
        remove(&mut self.0, path.steps())
    }

    /// Every scalar, list and empty map with its path: what overrides one by one.
    #[must_use]
    pub fn leaves(&self) -> Vec<(ValuePath, &Value)> {
        let mut leaves = Vec::new();
        collect(&self.0, &ValuePath::root(), false, &mut leaves);
        leaves
    }

    /// Every scalar with its path, those of lists too.
    #[must_use]
    pub fn scalars(&self) -> Vec<(ValuePath, &Value)> {
        let mut leaves = Vec::new();
        collect(&self.0, &ValuePath::root(), true, &mut leaves);
        leaves
    }
}

fn layer(below: &mut Map<String, Value>, above: Map<String, Value>) {
    for (key, value) in above {
        match (below.get_mut(&key), value) {
            (Some(Value::Object(below)), Value::Object(above)) => layer(below, above),
            (_, value) => {
                below.insert(key, value);
            }
        }
    }
}

fn place<'v>(root: &'v mut Value, steps: &[Step]) -> Option<&'v mut Value> {
    steps.iter().try_fold(root, |value, step| match step {
        Step::Key(key) => {
            if value.is_null() {
                *value = Value::Object(Map::new());
            }
            Some(value.as_object_mut()?.entry(key.as_str()).or_insert(Value::Null))
        }
        Step::Index(index) => value.get_mut(index),
    })
}

fn remove(map: &mut Map<String, Value>, steps: &[Step]) -> Option<Value> {
    let (Step::Key(key), rest) = steps.split_first()? else { return None };
    if rest.is_empty() {
        return map.shift_remove(key);
    }
    let inner = map.get_mut(key)?;
    let removed = remove_inside(inner, rest)?;
    if inner.as_object().is_some_and(Map::is_empty) {
        map.shift_remove(key);
    }
    Some(removed)
}

/// Items of lists stay where they are: only maps lose keys.
fn remove_inside(value: &mut Value, steps: &[Step]) -> Option<Value> {
    match (value, steps.first()?) {
        (Value::Object(map), _) => remove(map, steps),
        (Value::Array(items), Step::Index(index)) => remove_inside(items.get_mut(*index)?, &steps[1..]),
        _ => None,
    }
}

fn collect<'v>(
    map: &'v Map<String, Value>,
    path: &ValuePath,
    into_lists: bool,
    leaves: &mut Vec<(ValuePath, &'v Value)>,
) {
    for (key, value) in map {
        collect_value(value, path.key(key), into_lists, leaves);
    }
}

fn collect_value<'v>(
    value: &'v Value,
    path: ValuePath,
    into_lists: bool,
    leaves: &mut Vec<(ValuePath, &'v Value)>,
) {
    match value {
        Value::Object(map) if !map.is_empty() => collect(map, &path, into_lists, leaves),
        Value::Array(items) if into_lists => {
            for (index, item) in items.iter().enumerate() {
                collect_value(item, path.index(index), into_lists, leaves);
            }
        }
        Value::Object(_) if into_lists => {}
        leaf => leaves.push((path, leaf)),
    }
}

/// Whether two values are the same to a template: numbers pass through JSON's floats there.
#[must_use]
pub fn same(a: &Value, b: &Value) -> bool {
    match (a, b) {
        (Value::Number(a), Value::Number(b)) => a.as_f64() == b.as_f64(),
        (Value::Array(a), Value::Array(b)) => a.len() == b.len() && a.iter().zip(b).all(|(a, b)| same(a, b)),
        (Value::Object(a), Value::Object(b)) => {
            a.len() == b.len() && a.iter().all(|(key, a)| b.get(key).is_some_and(|b| same(a, b)))
        }
        (a, b) => a == b,
    }
}

/// The number of keys and nothing of them.
impl fmt::Debug for Values {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "Values({} keys)", self.0.len())
    }
}

#[cfg(test)]
mod tests;
