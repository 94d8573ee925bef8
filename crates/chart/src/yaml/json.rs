//! YAML as JSON, for `Chart.yaml` in repository indexes and OCI configs.

use serde_json::{Map, Number, Value};

use super::{Kind, NodeId, Resolved, YamlError, YamlFile};

/// How many values one file may become. Aliases repeat what they name, so a small file can be large.
const VALUE_LIMIT: usize = 100_000;

impl YamlFile {
    /// The node as a JSON value.
    ///
    /// # Errors
    /// [`YamlError`] where aliases blow it up, or a key is a map or list.
    pub(crate) fn to_json(&self, node: NodeId) -> Result<Value, YamlError> {
        self.json(node, &mut 0)
    }

    fn json(&self, node: NodeId, count: &mut usize) -> Result<Value, YamlError> {
        *count += 1;
        if *count > VALUE_LIMIT {
            let reason = format!("aliases make more than {VALUE_LIMIT} values of this file");
            return Err(YamlError::new(self.line(node), reason));
        }
        match &self.node(self.follow(node)).kind {
            Kind::Scalar(scalar) => Ok(scalar_to_json(scalar.resolve())),
            Kind::Sequence { items, .. } => items.iter().map(|item| self.json(*item, count)).collect(),
            Kind::Map { .. } => self.json_map(node, count).map(Value::Object),
            Kind::Alias(target) => self.json(*target, count),
        }
    }

    fn json_map(&self, map: NodeId, count: &mut usize) -> Result<Map<String, Value>, YamlError> {
        let mut object = Map::new();
        for (key, value) in self.entries(map) {
            let value = self.json(*value, count)?;
            if self.is_merge(*key) {
                merge(&mut object, value);
                continue;
            }
            let name = self.key(*key).ok_or_else(|| YamlError::new(self.line(*key), "a key is no text"))?;
            object.insert(name, value);
        }
        Ok(object)
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
