//! Overrides as `helm --set` takes them: `a.b=1,c[0]=x,d={x,y}` (Helm, `pkg/strvals`).

use portolan_chart::Step;
use serde_json::{Map, Number, Value};

use super::Values;

/// The largest index of a list that is set (Helm's own limit).
const INDEX_LIMIT: usize = 65_536;

/// Why a text sets no values.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[error("{key}: {reason}")]
pub struct SetError {
    /// The key that it is about; never the value, which may be a secret.
    pub key: String,
    /// What is wrong with it.
    pub reason: &'static str,
}

/// What a value is taken for.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Scalars {
    /// `true`, `false`, `null` and whole numbers are what they look like (`--set`).
    Typed,
    /// Everything is text (`--set-string`).
    Text,
}

impl Values {
    /// Reads one argument of `--set` or `--set-string`.
    ///
    /// # Errors
    /// [`SetError`] with the key that it is about.
    pub fn from_set(text: &str, scalars: Scalars) -> Result<Self, SetError> {
        let mut root = Value::Object(Map::new());
        for part in divided(text, ',') {
            let (key, value) = split_key(&part)?;
            let place = place(&mut root, &steps(key)?);
            *place.ok_or_else(|| wrong(key, "it can't be set beside the keys before it"))? =
                typed(value, scalars);
        }
        match root {
            Value::Object(map) => Ok(Self(map)),
            _ => Ok(Self::default()),
        }
    }
}

/// What stands at a path; maps and lists that lack on the way are made, lists as long as need be.
fn place<'a>(at: &'a mut Value, steps: &[Step]) -> Option<&'a mut Value> {
    let Some((step, rest)) = steps.split_first() else { return Some(at) };
    let next = match step {
        Step::Key(key) => {
            if at.is_null() {
                *at = Value::Object(Map::new());
            }
            at.as_object_mut()?.entry(key.clone()).or_insert(Value::Null)
        }
        Step::Index(index) => {
            if at.is_null() {
                *at = Value::Array(Vec::new());
            }
            let list = at.as_array_mut()?;
            if list.len() <= *index {
                list.resize(index + 1, Value::Null);
            }
            &mut list[*index]
        }
    };
    place(next, rest)
}

fn wrong(key: &str, reason: &'static str) -> SetError {
    SetError { key: key.to_owned(), reason }
}

fn split_key(part: &str) -> Result<(&str, &str), SetError> {
    let at = unescaped(part, '=').ok_or_else(|| wrong(part, "a value is expected, as in KEY=VALUE"))?;
    Ok((&part[..at], &part[at + 1..]))
}

/// Where a character stands that no backslash takes its meaning from.
fn unescaped(text: &str, wanted: char) -> Option<usize> {
    let mut is_escaped = false;
    text.char_indices().find_map(|(at, c)| {
        let found = !is_escaped && c == wanted;
        is_escaped = !is_escaped && c == '\\';
        found.then_some(at)
    })
}

/// The parts between dividers that stand neither behind a backslash nor in braces.
fn divided(text: &str, divider: char) -> Vec<String> {
    let (mut parts, mut part, mut depth, mut is_escaped) = (Vec::new(), String::new(), 0_usize, false);
    for c in text.chars() {
        match c {
            _ if is_escaped => {}
            '{' => depth += 1,
            '}' => depth = depth.saturating_sub(1),
            c if c == divider && depth == 0 => {
                parts.push(std::mem::take(&mut part));
                continue;
            }
            _ => {}
        }
        is_escaped = !is_escaped && c == '\\';
        part.push(c);
    }
    parts.push(part);
    parts.retain(|part| !part.is_empty());
    parts
}

/// `a.b[0].c`, with `\.` for a dot in a key.
fn steps(key: &str) -> Result<Vec<Step>, SetError> {
    let mut steps = Vec::new();
    for part in divided(key, '.') {
        let (name, indexes) = match part.find('[') {
            Some(at) => part.split_at(at),
            None => (part.as_str(), ""),
        };
        if !name.is_empty() {
            steps.push(Step::Key(plain(name)));
        }
        for index in indexes.split('[').skip(1) {
            let number = index.strip_suffix(']').and_then(|number| number.parse().ok());
            let number = number.filter(|number| *number <= INDEX_LIMIT);
            steps.push(Step::Index(number.ok_or_else(|| wrong(key, "an index is a number in brackets"))?));
        }
    }
    match steps.first() {
        Some(Step::Key(_)) => Ok(steps),
        _ => Err(wrong(key, "it begins with no key")),
    }
}

fn typed(text: &str, scalars: Scalars) -> Value {
    if let Some(items) = text.strip_prefix('{').and_then(|text| text.strip_suffix('}')) {
        return divided(items, ',').iter().map(|item| scalar(&plain(item), scalars)).collect();
    }
    scalar(&plain(text), scalars)
}

fn scalar(text: &str, scalars: Scalars) -> Value {
    match (scalars, text) {
        (Scalars::Text, _) => text.into(),
        (_, "true") => true.into(),
        (_, "false") => false.into(),
        (_, "null") => Value::Null,
        (_, "0") => 0.into(),
        // A number with a zero before it stays text, since it is a phone number or the like.
        _ if text.starts_with('0') => text.into(),
        _ => text.parse::<i64>().map_or_else(|_| text.into(), |number| Number::from(number).into()),
    }
}

/// The text without its backslashes.
fn plain(text: &str) -> String {
    let mut plain = String::with_capacity(text.len());
    let mut characters = text.chars();
    while let Some(c) = characters.next() {
        plain.extend(if c == '\\' { characters.next() } else { Some(c) });
    }
    plain
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    #[test]
    fn as_helm_reads_it() {
        let check = |text: &str, expected: Value| {
            let values = Values::from_set(text, Scalars::Typed).unwrap();
            assert_eq!(values.to_json(), expected, "{text}");
        };
        check("a=1", json!({"a": 1}));
        check("a.b=x,a.c=true,d=null,e=", json!({"a": {"b": "x", "c": true}, "d": null, "e": ""}));
        check("a={x,y,1}", json!({"a": ["x", "y", 1]}));
        check("a={}", json!({"a": []}));
        check("a[0]=x,a[1].b=2", json!({"a": ["x", {"b": 2}]}));
        check(r"a\.b/c=x\,y", json!({"a.b/c": "x,y"}));
        check(
            "port=0080,zero=0,minus=-1,long=1.5",
            json!({"port": "0080", "zero": 0, "minus": -1, "long": "1.5"}),
        );
        check("url=redis://h?a=b", json!({"url": "redis://h?a=b"}));
        let text = Values::from_set("a=1,b=true", Scalars::Text).unwrap();
        assert_eq!(text.to_json(), json!({"a": "1", "b": "true"}));
    }

    #[test]
    fn what_sets_nothing() {
        let check = |text: &str, expected: &str| {
            assert_eq!(Values::from_set(text, Scalars::Typed).unwrap_err().to_string(), expected);
        };
        check("a", "a: a value is expected, as in KEY=VALUE");
        check("[0]=a", "[0]: it begins with no key");
        check("a[x]=1", "a[x]: an index is a number in brackets");
        check("a[99999]=1", "a[99999]: an index is a number in brackets");
        check("a=1,a.b=2", "a.b: it can't be set beside the keys before it");
    }
}
