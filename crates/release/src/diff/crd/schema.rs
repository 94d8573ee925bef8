//! Differences between the schemas of a definition, in short.

use serde_json::{Map, Value};

use super::{SchemaChange, SchemaFinding, version_name, versions};

/// How many findings about schemas are listed for one definition.
const FINDINGS_LIMIT: usize = 1_000;

/// What changes in the schemas of versions that both have.
pub(super) fn schema_changes(live: &Value, desired: &Value) -> Vec<SchemaChange> {
    let mut changes = Vec::new();
    for version in versions(desired) {
        let name = version_name(version);
        let Some(old) = versions(live).find(|old| version_name(old) == name) else { continue };
        let schema =
            |version: &Value| version.pointer("/schema/openAPIV3Schema").cloned().unwrap_or_default();
        let mut schemas = Schemas { version: &name, changes: &mut changes };
        schemas.field("", &schema(old), &schema(version));
    }
    changes
}

struct Schemas<'a> {
    version: &'a str,
    changes: &'a mut Vec<SchemaChange>,
}

/// Keywords whose change may refuse what was taken before.
const CONSTRAINTS: &[&str] = &[
    "pattern",
    "format",
    "minimum",
    "maximum",
    "exclusiveMinimum",
    "exclusiveMaximum",
    "minLength",
    "maxLength",
    "minItems",
    "maxItems",
    "minProperties",
    "maxProperties",
    "uniqueItems",
    "multipleOf",
    "x-kubernetes-validations",
    "oneOf",
    "anyOf",
    "allOf",
    "not",
    "nullable",
    "x-kubernetes-list-type",
    "x-kubernetes-list-map-keys",
];

impl Schemas<'_> {
    fn field(&mut self, field: &str, old: &Value, new: &Value) {
        if old == new || self.changes.len() >= FINDINGS_LIMIT {
            return;
        }
        let kind = |schema: &Value| schema.get("type").and_then(Value::as_str).unwrap_or("any").to_owned();
        if kind(old) != kind(new) {
            return self.add(field, SchemaFinding::Type { before: kind(old), after: kind(new) });
        }
        self.scalars(field, old, new);
        self.properties(field, old, new);
        for (keyword, suffix) in [("items", "[]"), ("additionalProperties", ".*")] {
            if let (Some(old), Some(new)) = (old.get(keyword), new.get(keyword)) {
                self.field(&format!("{field}{suffix}"), old, new);
            }
        }
    }

    fn scalars(&mut self, field: &str, old: &Value, new: &Value) {
        if fewer_values(old, new) {
            self.add(field, SchemaFinding::FewerValues);
        }
        if CONSTRAINTS.iter().any(|keyword| old.get(keyword) != new.get(keyword)) {
            self.add(field, SchemaFinding::Constraint);
        }
        if old.get("default") != new.get("default") {
            self.add(field, SchemaFinding::Default);
        }
    }

    fn properties(&mut self, field: &str, old: &Value, new: &Value) {
        let none = Map::new();
        let fields = |schema: &'_ Value| schema.get("properties").and_then(Value::as_object).cloned();
        let (before, after) = (fields(old).unwrap_or_else(|| none.clone()), fields(new).unwrap_or(none));
        let is_required = |schema: &Value, name: &str| {
            let required = schema.get("required").and_then(Value::as_array);
            required.is_some_and(|names| names.iter().any(|other| other == name))
        };
        for (name, schema) in &after {
            let path = if field.is_empty() { name.clone() } else { format!("{field}.{name}") };
            match before.get(name) {
                None => self.add(&path, SchemaFinding::Added),
                Some(before) => self.field(&path, before, schema),
            }
            match (is_required(old, name), is_required(new, name)) {
                (false, true) => self.add(&path, SchemaFinding::Required),
                (true, false) => self.add(&path, SchemaFinding::Optional),
                _ => {}
            }
        }
        for name in before.keys().filter(|name| !after.contains_key(*name)) {
            let path = if field.is_empty() { name.clone() } else { format!("{field}.{name}") };
            self.add(&path, SchemaFinding::Removed);
        }
    }

    fn add(&mut self, field: &str, finding: SchemaFinding) {
        if self.changes.len() < FINDINGS_LIMIT {
            self.changes.push(SchemaChange {
                version: self.version.to_owned(),
                field: field.to_owned(),
                finding,
            });
        }
    }
}

/// Whether the new list of values lacks one of the old, or there was none.
fn fewer_values(old: &Value, new: &Value) -> bool {
    let values = |schema: &'_ Value| schema.get("enum").and_then(Value::as_array).cloned();
    match (values(old), values(new)) {
        (_, None) => false,
        (None, Some(_)) => true,
        (Some(old), Some(new)) => old.iter().any(|value| !new.contains(value)),
    }
}
