//! Going through an object, and telling what stands where.

use portolan_oci::Reference;
use serde_json::{Map, Value};

use super::{
    Confidence, Evidence, Found, FoundImage, IMAGES_LIMIT, NoImage,
    guess::{guesses, is_image_field},
    image_map::{PARTS, joined},
};
use crate::{
    document::YamlText,
    path::{Step, ValuePath},
    redact::names_secret,
};

/// How deep an object is followed. The API server itself takes no more than that of JSON.
const DEPTH_LIMIT: usize = 128;

/// Up to which size a text of a ConfigMap is read as YAML.
const EMBEDDED_LIMIT: usize = 1 << 20;

/// Lists of containers, wherever a pod specification stands.
const CONTAINERS: &[&str] = &["containers", "initContainers", "ephemeralContainers"];

/// What says nothing about what will be pulled: prose, what was applied before, and what the server notes.
const PASSED_OVER: &[&str] = &[
    "description",
    "kubectl.kubernetes.io/last-applied-configuration",
    "managedFields",
    "status",
    "caBundle",
];

/// Every image that an object names. The object may be of any kind, and any JSON at all.
#[must_use]
pub fn images_of(object: &Value) -> Found {
    let mut walk = Walk { found: Found::default(), path: Vec::new(), embedded: false };
    match object.get("kind").and_then(Value::as_str) {
        // Nothing of a Secret is told, not even what looks like an image.
        Some("Secret") => walk.metadata(object),
        Some("CustomResourceDefinition") => walk.schema(object),
        _ => walk.value(object, ""),
    }
    walk.found
}

struct Walk {
    found: Found,
    path: Vec<Step>,
    /// Inside of a text of a ConfigMap: nothing there is sure.
    embedded: bool,
}

impl Walk {
    fn value(&mut self, value: &Value, name: &str) {
        if self.path.len() >= DEPTH_LIMIT || self.found.cut {
            return;
        }
        match value {
            Value::Object(map) => self.map(map, name),
            Value::Array(items) => self.list(items, name),
            Value::String(text) => self.text(text, name),
            Value::Null | Value::Bool(_) | Value::Number(_) => {}
        }
    }

    fn inside(&mut self, step: Step, visit: impl FnOnce(&mut Self)) {
        self.path.push(step);
        visit(self);
        self.path.pop();
    }

    fn at_key(&mut self, key: &str, visit: impl FnOnce(&mut Self)) {
        self.inside(Step::Key(key.to_owned()), visit);
    }

    fn map(&mut self, map: &Map<String, Value>, name: &str) {
        let image = joined(map, is_image_field(name));
        if let Some(image) = &image {
            self.at_key(image.field, |walk| walk.field(&image.text));
        }
        let variable = variable(map);
        for (key, value) in map {
            let is_part = image.is_some() && PARTS.contains(&key.as_str()) && !value.is_object();
            if is_part || PASSED_OVER.contains(&key.as_str()) {
                continue;
            }
            let called = if key == "value" { variable.unwrap_or(key) } else { key };
            self.at_key(key, |walk| match value {
                Value::Array(items) if CONTAINERS.contains(&key.as_str()) => walk.containers(items),
                Value::Object(volume) if key == "image" && volume.contains_key("reference") => {
                    walk.volume(volume);
                }
                _ => walk.value(value, called),
            });
        }
    }

    fn list(&mut self, items: &[Value], name: &str) {
        let mut flag = "";
        for (index, item) in items.iter().enumerate() {
            self.inside(Step::Index(index), |walk| match item {
                // --image NAME, in two arguments
                Value::String(text) if flag.starts_with("--") => walk.guess(text, flag),
                _ => walk.value(item, name),
            });
            flag = item.as_str().filter(|text| !text.contains('=')).unwrap_or_default();
        }
    }

    fn containers(&mut self, items: &[Value]) {
        for (index, item) in items.iter().enumerate() {
            self.inside(Step::Index(index), |walk| match item.as_object() {
                Some(container) => walk.container(container),
                None => walk.value(item, ""),
            });
        }
    }

    fn container(&mut self, container: &Map<String, Value>) {
        let image = container.get("image").and_then(Value::as_str);
        let Some(image) = image else { return self.map(container, "") };
        self.at_key("image", |walk| walk.sure(image, Evidence::Container));
        for (key, value) in container.iter().filter(|(key, _)| *key != "image") {
            self.at_key(key, |walk| walk.value(value, key));
        }
    }

    /// A volume of type `image` (Kubernetes 1.31).
    fn volume(&mut self, volume: &Map<String, Value>) {
        if let Some(reference) = volume.get("reference").and_then(Value::as_str) {
            self.at_key("reference", |walk| walk.sure(reference, Evidence::Volume));
        }
    }

    fn sure(&mut self, text: &str, evidence: Evidence) {
        match text.parse() {
            Ok(reference) => self.add(reference, evidence),
            Err(_) if self.embedded => {}
            Err(_) => self.found.broken.push(NoImage { text: text.to_owned(), path: self.here() }),
        }
    }

    fn field(&mut self, text: &str) {
        let Ok(reference) = text.parse::<Reference>() else { return };
        let is_marked = text.contains(['/', ':', '@']);
        let evidence = if is_marked { Evidence::Field } else { Evidence::Guess(Confidence::Low) };
        self.add(reference, evidence);
    }

    fn text(&mut self, text: &str, name: &str) {
        if is_image_field(name) && text.parse::<Reference>().is_ok() {
            return self.field(text);
        }
        if names_secret(name) && !name.to_ascii_lowercase().contains("image") {
            return;
        }
        if let Some(documents) = self.embedded_documents(text) {
            self.embedded = true;
            documents.iter().for_each(|document| self.value(document, name));
            self.embedded = false;
            return;
        }
        for (_, reference, confidence) in guesses(text, name) {
            self.add(reference, Evidence::Guess(confidence));
        }
    }

    /// The maps and lists that a text of several lines, or a JSON text, is.
    fn embedded_documents(&self, text: &str) -> Option<Vec<Value>> {
        let may_be = text.contains('\n') || text.starts_with(['{', '[']);
        if self.embedded || !may_be || text.len() > EMBEDDED_LIMIT {
            return None;
        }
        let documents = YamlText::parse(text.as_bytes()).ok()?.documents().ok()?;
        documents.iter().all(|document| document.is_object() || document.is_array()).then_some(documents)
    }

    fn metadata(&mut self, object: &Value) {
        if let Some(annotations) = object.pointer("/metadata/annotations") {
            self.at_key("metadata", |walk| {
                walk.at_key("annotations", |walk| walk.value(annotations, ""));
            });
        }
    }

    /// Of a definition only the defaults of its schema: an operator fills them in.
    fn schema(&mut self, object: &Value) {
        self.metadata(object);
        if let Some(spec) = object.get("spec") {
            self.at_key("spec", |walk| walk.defaults(spec, ""));
        }
    }

    fn defaults(&mut self, value: &Value, property: &str) {
        if self.path.len() >= DEPTH_LIMIT {
            return;
        }
        match value {
            Value::Object(map) => {
                for (key, value) in map {
                    let is_word = ["properties", "items", "additionalProperties"].contains(&key.as_str());
                    self.at_key(key, |walk| match value {
                        Value::String(text) if key == "default" => walk.guess(text, property),
                        _ if key == "default" => walk.value(value, property),
                        _ => walk.defaults(value, if is_word { property } else { key }),
                    });
                }
            }
            Value::Array(items) => {
                for (index, item) in items.iter().enumerate() {
                    self.inside(Step::Index(index), |walk| walk.defaults(item, property));
                }
            }
            _ => {}
        }
    }

    fn guess(&mut self, text: &str, name: &str) {
        for (_, reference, confidence) in guesses(text, name) {
            self.add(reference, Evidence::Guess(confidence));
        }
    }

    fn add(&mut self, reference: Reference, evidence: Evidence) {
        if self.found.images.len() >= IMAGES_LIMIT {
            self.found.cut = true;
            return;
        }
        let evidence = if self.embedded { evidence.max(Evidence::Guess(Confidence::High)) } else { evidence };
        let image = FoundImage { reference, path: self.here(), evidence };
        if !self.found.images.contains(&image) {
            self.found.images.push(image);
        }
    }

    fn here(&self) -> ValuePath {
        self.path.iter().cloned().collect()
    }
}

/// The name of an environment variable, or of another pair of name and value.
fn variable(map: &Map<String, Value>) -> Option<&str> {
    map.get("value").and_then(Value::as_str)?;
    map.get("name").and_then(Value::as_str)
}
