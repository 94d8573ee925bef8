//! YAML as JSON, for `Chart.yaml` in repository indexes and OCI configs.

use serde_json::{Map, Number, Value};

use super::{Kind, NodeId, Resolved, YamlError, YamlFile};

/// How many values one file may become. Aliases repeat what they name, so a small file can be large.
const VALUE_LIMIT: usize = 100_000;

/// How many bytes of text those may have, for the same reason.
const TEXT_LIMIT: usize = 16 << 20;

/// What a file has become so far.
#[derive(Default)]
struct Size {
    values: usize,
    text: usize,
}

impl YamlFile {
    /// The node as a JSON value.
    ///
    /// # Errors
    /// [`YamlError`] where aliases blow it up, or a key is a map or list.
    pub(crate) fn to_json(&self, node: NodeId) -> Result<Value, YamlError> {
        self.json(node, &mut Size::default())
    }

    fn json(&self, node: NodeId, size: &mut Size) -> Result<Value, YamlError> {
        self.count(node, size)?;
        match &self.node(self.follow(node)).kind {
            Kind::Scalar(scalar) => Ok(scalar_to_json(scalar.resolve())),
            Kind::Sequence { items, .. } => items.iter().map(|item| self.json(*item, size)).collect(),
            Kind::Map { .. } => self.json_map(node, size).map(Value::Object),
            Kind::Alias(target) => self.json(*target, size),
        }
    }

    fn json_map(&self, map: NodeId, size: &mut Size) -> Result<Map<String, Value>, YamlError> {
        let mut object = Map::new();
        for (key, value) in self.entries(map) {
            let value = self.json(*value, size)?;
            if self.is_merge(*key) {
                merge(&mut object, value);
                continue;
            }
            self.count(*key, size)?;
            let name = self.key(*key).ok_or_else(|| YamlError::new(self.line(*key), "a key is no text"))?;
            object.insert(name, value);
        }
        Ok(object)
    }

    /// Counts a node before anything is made of it.
    fn count(&self, node: NodeId, size: &mut Size) -> Result<(), YamlError> {
        let too_much = |limit: &str| {
            YamlError::new(self.line(node), format!("aliases make more than {limit} of this file"))
        };
        size.values += 1;
        if size.values > VALUE_LIMIT {
            return Err(too_much(&format!("{VALUE_LIMIT} values")));
        }
        if let Kind::Scalar(scalar) = &self.node(self.follow(node)).kind {
            size.text += scalar.text.len();
        }
        match size.text > TEXT_LIMIT {
            true => Err(too_much(&format!("{} MiB of text", TEXT_LIMIT >> 20))),
            false => Ok(()),
        }
    }
}

fn merge(object: &mut Map<String, Value>, merged: Value) {
    match merged {
        Value::Object(map) => object.extend(map),
        Value::Array(maps) => maps.into_iter().rev().for_each(|map| merge(object, map)),
        _ => {}
    }
}

fn scalar_to_json(value: Resolved) -> Value {
    match value {
        Resolved::Null => Value::Null,
        Resolved::Bool(value) => Value::Bool(value),
        Resolved::Int(value) => Number::from_i128(value).map_or(Value::Null, Value::Number),
        Resolved::Float(value) => Number::from_f64(value).map_or(Value::Null, Value::Number),
        Resolved::Text(text) => Value::String(text),
    }
}
