//! What of a value may be shown (rules.md, "Hosts, TLS, secrets").

use portolan_chart::{Step, ValuePath, names_secret};
use serde_json::Value;

use super::masked_text;

/// What stands in place of a secret.
pub const HIDDEN: &str = "(changed)";

/// Which names count as those of secrets.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Mask {
    /// In values every name that says so: charts call their values as they like.
    Values,
    /// In objects of Kubernetes, where some fields only name a secret or a label, and are shown.
    Objects,
}

/// Fields of the Kubernetes API that name something and hold no secret, in lower case.
const NAMES: &[&str] = &[
    "automountserviceaccounttoken",
    "configmapkeyref",
    "imagepullsecrets",
    "key",
    "keys",
    "matchlabelkeys",
    "secretkeyref",
    "secretname",
    "secretref",
    "secrets",
    "serviceaccounttoken",
    "topologykey",
    "externalsecrets",
];

/// What a volume says of the secret that it mounts.
const SOURCE: &[&str] = &["secretName", "items", "defaultMode", "optional", "name"];

impl Mask {
    /// Whether what stands at a path is shown at all.
    #[must_use]
    pub fn hides(self, path: &ValuePath) -> bool {
        let names = path.keys().collect::<Vec<_>>();
        match self {
            Self::Values => names.iter().any(|name| names_secret(name)),
            Self::Objects => names.iter().enumerate().any(|(at, _)| hides_field(&names, at)),
        }
    }

    /// The value as it may be shown.
    #[must_use]
    pub fn value(self, path: &ValuePath, value: &Value) -> Value {
        if self.hides(path) {
            return hidden(value);
        }
        match value {
            Value::String(text) => masked_text(text).into(),
            Value::Array(items) => {
                let shown = |(index, item)| self.value(&path.index(index), item);
                items.iter().enumerate().map(shown).collect()
            }
            Value::Object(map) => {
                let variable = map.get("name").and_then(Value::as_str).is_some_and(names_secret);
                let shown = |(key, value): (&String, &Value)| {
                    let inner = if variable && key == "value" {
                        hidden(value)
                    } else {
                        self.value(&path.key(key), value)
                    };
                    (key.clone(), inner)
                };
                Value::Object(map.iter().map(shown).collect())
            }
            other => other.clone(),
        }
    }
}

/// Empty values are no secrets, and that they are empty says something.
fn hidden(value: &Value) -> Value {
    match value {
        Value::Null => Value::Null,
        Value::String(text) if text.is_empty() => "".into(),
        Value::Array(items) if items.is_empty() => Value::Array(Vec::new()),
        Value::Object(map) if map.is_empty() => value.clone(),
        _ => HIDDEN.into(),
    }
}

fn hides_field(names: &[&str], at: usize) -> bool {
    let name = names[at];
    // In data, and in annotations, names are anybody's.
    let anybodys = names[..at].iter().any(|name| matches!(*name, "data" | "stringData" | "annotations"));
    let is_source = name == "secret" && names.get(at + 1).is_some_and(|next| SOURCE.contains(next));
    let is_known = is_source || NAMES.contains(&name.to_ascii_lowercase().as_str());
    names_secret(name) && (anybodys || !is_known)
}

/// A path of an object whose list item is a pair of name and value: the path of the value is secret if the
/// name says so.
#[must_use]
pub(crate) fn is_secret_variable(root: &Value, path: &ValuePath) -> bool {
    let [.., Step::Index(_), Step::Key(last)] = path.steps() else { return false };
    let pair = path.parent();
    last == "value"
        && pair.and_then(|pair| pair.get(root)?.get("name")?.as_str().map(names_secret)).unwrap_or(false)
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    #[test]
    fn values_hide_what_names_say() {
        let values = json!({
            "user": "a", "password": "b", "empty": {"password": ""}, "tokens": ["c"], "replicas": 2,
            "db": {"dsn": "x:y@tcp(z)"}, "url": "http://u:p@h", "secret": {"a": {"b": 1}},
            "env": [{"name": "API_TOKEN", "value": "d"}, {"name": "HOME", "value": "/"}],
        });
        let expected = json!({
            "user": "a", "password": HIDDEN, "empty": {"password": ""}, "tokens": HIDDEN, "replicas": 2,
            "db": {"dsn": HIDDEN}, "url": "http://(changed)@h", "secret": HIDDEN,
            "env": [{"name": "API_TOKEN", "value": HIDDEN}, {"name": "HOME", "value": "/"}],
        });
        assert_eq!(Mask::Values.value(&ValuePath::root(), &values), expected);
    }

    #[test]
    fn objects_show_what_only_names_a_secret() {
        let check = |path: &str, expected: bool| {
            assert_eq!(Mask::Objects.hides(&path.parse().unwrap()), expected, "{path}");
        };
        check("spec.template.spec.imagePullSecrets[0].name", false);
        check("spec.template.spec.containers[0].env[0].valueFrom.secretKeyRef.name", false);
        check("spec.template.spec.tolerations[0].key", false);
        check("spec.password", true);
        check("data.key", true);
        check("metadata.annotations.token", true);
        check("spec.volumes[0].secret.secretName", false);
        check("spec.secret", true);
    }
}
