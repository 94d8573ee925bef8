//! Whether an object would outlast a definition that is put back to an older one: the server drops what a schema does
//! not know, and refuses at the next write what it does not allow.
//!
//! Judged are fields, types, required fields, enumerations, bounds and patterns of structural schemas. Rules in CEL,
//! formats and `oneOf` and its like are not: they decide on writes, and lose nothing.

use std::fmt;

use regex_lite::Regex;
use serde::Serialize;
use serde_json::{Map, Value};

/// What would become of a field.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
#[serde(rename_all = "camelCase")]
pub struct ResourceObjection {
    /// The field, `spec.nodes[0].image`.
    pub field: String,
    /// What.
    pub reason: ResourceReason,
}

/// Why a field keeps an object from being one of the older definition.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize)]
#[serde(rename_all = "kebab-case")]
pub enum ResourceReason {
    /// The older schema does not know it, and what stands there would be lost.
    Lost,
    /// It is of another type there.
    Type,
    /// It has to be there.
    Required,
    /// The value is not among those that are allowed.
    Value,
}

impl fmt::Display for ResourceObjection {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let field = &self.field;
        match self.reason {
            ResourceReason::Lost => write!(f, "{field} would be lost, since the older definition lacks it"),
            ResourceReason::Type => write!(f, "{field} is of another type in the older definition"),
            ResourceReason::Required => write!(f, "{field} lacks, and the older definition requires it"),
            ResourceReason::Value => {
                write!(f, "{field} has a value that the older definition does not allow")
            }
        }
    }
}

/// Members of every object, which no schema says anything about.
const OF_EVERY_OBJECT: [&str; 3] = ["apiVersion", "kind", "metadata"];

/// What keeps `object` from being one whose schema (`openAPIV3Schema`) is this. Its status is left out: whoever
/// writes it does so again.
#[must_use]
pub fn resource_objections(object: &Value, schema: &Value) -> Vec<ResourceObjection> {
    let mut judging = Judging::default();
    let members = object.as_object().cloned().unwrap_or_default();
    let spoken_of = members.into_iter().filter(|(name, _)| name != "status");
    judging.members("", &spoken_of.collect(), schema, true);
    judging.found
}

#[derive(Default)]
struct Judging {
    found: Vec<ResourceObjection>,
}

impl Judging {
    fn add(&mut self, field: &str, reason: ResourceReason) {
        self.found.push(ResourceObjection { field: field.to_owned(), reason });
    }

    fn field(&mut self, field: &str, value: &Value, schema: &Value) {
        if value.is_null() && schema["nullable"] == true {
            return;
        }
        if !is_of_type(value, schema) {
            return self.add(field, ResourceReason::Type);
        }
        if !is_allowed(value, schema) {
            self.add(field, ResourceReason::Value);
        }
        match value {
            Value::Object(members) => {
                self.members(field, members, schema, schema["x-kubernetes-embedded-resource"] == true);
            }
            Value::Array(items) if schema["items"].is_object() => {
                for (at, item) in items.iter().enumerate() {
                    self.field(&format!("{field}[{at}]"), item, &schema["items"]);
                }
            }
            _ => {}
        }
    }

    fn members(&mut self, field: &str, members: &Map<String, Value>, schema: &Value, is_object: bool) {
        let path = |name: &str| if field.is_empty() { name.to_owned() } else { format!("{field}.{name}") };
        let keeps_all =
            schema["x-kubernetes-preserve-unknown-fields"] == true || schema["additionalProperties"] == true;
        for (name, value) in members {
            let known = schema["properties"].get(name);
            match known.or_else(|| schema.get("additionalProperties").filter(|other| other.is_object())) {
                _ if is_object && OF_EVERY_OBJECT.contains(&name.as_str()) => {}
                Some(schema) => self.field(&path(name), value, schema),
                None if keeps_all => {}
                None => self.add(&path(name), ResourceReason::Lost),
            }
        }
        for name in schema["required"].as_array().into_iter().flatten().filter_map(Value::as_str) {
            let has_default = schema["properties"][name].get("default").is_some();
            if !members.contains_key(name) && !has_default {
                self.add(&path(name), ResourceReason::Required);
            }
        }
    }
}

fn is_of_type(value: &Value, schema: &Value) -> bool {
    if schema["x-kubernetes-int-or-string"] == true {
        return value.is_string() || value.is_i64() || value.is_u64();
    }
    match schema["type"].as_str() {
        Some("object") => value.is_object(),
        Some("array") => value.is_array(),
        Some("string") => value.is_string(),
        Some("boolean") => value.is_boolean(),
        Some("number") => value.is_number(),
        Some("integer") => value.as_f64().is_some_and(|number| number.fract() == 0.0),
        _ => true,
    }
}

fn is_allowed(value: &Value, schema: &Value) -> bool {
    let is_listed = schema["enum"].as_array().is_none_or(|values| values.contains(value));
    let bound = |name: &str| schema[name].as_f64();
    let within = |size: f64, least: &str, most: &str| {
        bound(least).is_none_or(|least| size >= least) && bound(most).is_none_or(|most| size <= most)
    };
    #[expect(
        clippy::cast_precision_loss,
        reason = "no text or list has as many parts as a float is exact for"
    )]
    let fits = match value {
        Value::Number(number) => number.as_f64().is_none_or(|number| within(number, "minimum", "maximum")),
        Value::String(text) => {
            within(text.chars().count() as f64, "minLength", "maxLength") && matches(text, schema)
        }
        Value::Array(items) => within(items.len() as f64, "minItems", "maxItems"),
        Value::Object(members) => within(members.len() as f64, "minProperties", "maxProperties"),
        Value::Null | Value::Bool(_) => true,
    };
    is_listed && fits
}

/// A pattern that can't be read here decides nothing.
fn matches(text: &str, schema: &Value) -> bool {
    let pattern = schema["pattern"].as_str().and_then(|pattern| Regex::new(pattern).ok());
    pattern.is_none_or(|pattern| pattern.is_match(text))
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    fn schema() -> Value {
        json!({"type": "object", "required": ["spec"], "properties": {
            "spec": {"type": "object", "required": ["size", "colour"], "properties": {
                "size": {"type": "integer", "minimum": 1, "maximum": 9},
                "colour": {"type": "string", "enum": ["red", "blue"], "default": "red"},
                "name": {"type": "string", "pattern": "^[a-z]+$", "maxLength": 3},
                "port": {"x-kubernetes-int-or-string": true},
                "labels": {"type": "object", "additionalProperties": {"type": "string"}},
                "free": {"type": "object", "x-kubernetes-preserve-unknown-fields": true},
                "note": {"type": "string", "nullable": true},
                "template": {"type": "object", "x-kubernetes-embedded-resource": true},
                "parts": {"type": "array", "maxItems": 2, "items": {"type": "object", "properties": {
                    "a": {"type": "boolean"}}}},
            }},
            "status": {"type": "object"},
        }})
    }

    #[track_caller]
    fn check(spec: &Value, expected: &[(&str, ResourceReason)]) {
        let object = json!({"apiVersion": "a/v1", "kind": "A", "metadata": {"name": "a", "labels": {}},
            "spec": spec, "status": {"unknown": 1}});
        let found = resource_objections(&object, &schema());
        let found: Vec<_> = found.iter().map(|one| (one.field.as_str(), one.reason)).collect();
        assert_eq!(found, expected, "{}", object["spec"]);
    }

    #[test]
    fn what_would_become_of_each_field() {
        use ResourceReason::{Lost, Required, Type, Value};
        check(&json!({"size": 1}), &[]);
        check(&json!({"size": 2, "colour": "blue", "name": "ab", "port": "http", "labels": {"x": "y"}}), &[]);
        check(&json!({"size": 2, "free": {"any": [1]}, "note": null, "port": 8080}), &[]);
        check(
            &json!({"size": 2, "template": {"kind": "B", "metadata": {}, "spec": 1}}),
            &[("spec.template.spec", Lost)],
        );
        check(&json!({"colour": "red"}), &[("spec.size", Required)]);
        check(&json!({"size": 1, "brightness": 3}), &[("spec.brightness", Lost)]);
        check(&json!({"size": "1"}), &[("spec.size", Type)]);
        check(&json!({"size": 1.5}), &[("spec.size", Type)]);
        check(&json!({"size": 10}), &[("spec.size", Value)]);
        check(&json!({"size": 1, "colour": "green"}), &[("spec.colour", Value)]);
        check(&json!({"size": 1, "name": "Ab"}), &[("spec.name", Value)]);
        check(&json!({"size": 1, "name": "abcd"}), &[("spec.name", Value)]);
        check(&json!({"size": 1, "labels": {"x": 1}}), &[("spec.labels.x", Type)]);
        check(
            &json!({"size": 1, "parts": [{"a": true}, {"a": 1, "b": 2}]}),
            &[("spec.parts[1].a", Type), ("spec.parts[1].b", Lost)],
        );
        check(&json!({"size": 1, "parts": [{}, {}, {}]}), &[("spec.parts", Value)]);
    }
}
