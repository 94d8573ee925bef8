//! Contents of Secrets: which key changes is told, and nothing of what it holds.

use base64::{Engine as _, engine::general_purpose::STANDARD};
use portolan_chart::ValuePath;
use serde_json::{Map, Value};

use super::Change;
use crate::values::HIDDEN;

/// A Secret with `stringData` as the server keeps it, in `data` and encoded; other objects as they are.
pub(super) fn encoded(mut object: Value) -> Value {
    let Some(Value::Object(texts)) =
        fields_of_secret(&mut object).and_then(|fields| fields.shift_remove("stringData"))
    else {
        return object;
    };
    for (key, text) in texts {
        let text = text.as_str().map(|text| STANDARD.encode(text)).unwrap_or_default();
        object["data"][key] = text.into();
    }
    object
}

/// The object without the contents of a Secret, and those; other objects have none.
pub(super) fn taken_out(mut object: Value) -> (Value, Map<String, Value>) {
    let data = fields_of_secret(&mut object).and_then(|fields| fields.shift_remove("data"));
    match data {
        Some(Value::Object(data)) => (object, data),
        _ => (object, Map::new()),
    }
}

fn fields_of_secret(object: &mut Value) -> Option<&mut Map<String, Value>> {
    let fields = object.as_object_mut()?;
    (fields.get("kind").and_then(Value::as_str) == Some("Secret")).then_some(fields)
}

/// The keys whose contents differ.
pub(super) fn changes(before: &Map<String, Value>, after: &Map<String, Value>) -> Vec<Change> {
    let gone = before.keys().filter(|key| !after.contains_key(*key));
    let differing = after.keys().chain(gone).filter(|key| before.get(*key) != after.get(*key));
    let hidden = |side: Option<&Value>| side.map(|_| HIDDEN.into());
    let change = |key: &String| Change {
        path: ValuePath::of_keys(["data", key]),
        before: hidden(before.get(key)),
        after: hidden(after.get(key)),
    };
    differing.map(change).collect()
}
