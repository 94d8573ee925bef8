//! Which items of two lists belong together.

use serde_json::Value;

/// Items of the two lists that are compared with each other, by place. An item that has no partner was added
/// or is gone.
pub(super) type Pair = (Option<usize>, Option<usize>);

/// Fields that items of lists are merged by, the more telling first (`x-kubernetes-patch-merge-key` of the
/// API's types). One that all items of both lists have, each its own, decides.
const MERGE_KEYS: &[&[&str]] = &[
    &["name"],
    &["mountPath"],
    &["devicePath"],
    &["containerPort", "protocol"],
    &["port", "protocol"],
    &["ip"],
    &["type"],
    &["uid"],
    &["topologyKey", "whenUnsatisfiable"],
    &["id"],
];

/// Pairs the items of two lists: by their merge key, texts and numbers by what they say, all else by place.
pub(super) fn pairs(before: &[Value], after: &[Value]) -> Vec<Pair> {
    let keyed = MERGE_KEYS.iter().find_map(|key| Some((keys(before, key)?, keys(after, key)?)));
    if let Some((before, after)) = keyed {
        return by_key(&before, &after);
    }
    let is_scalar = |value: &Value| !value.is_object() && !value.is_array();
    if before.iter().chain(after).all(is_scalar) {
        return by_content(before, after);
    }
    let at = |list: &[Value], index: usize| (index < list.len()).then_some(index);
    (0..before.len().max(after.len())).map(|index| (at(before, index), at(after, index))).collect()
}

/// What a part of a merge key is where nobody writes it.
fn default_of(name: &str) -> String {
    if name == "protocol" { "\"TCP\"".to_owned() } else { String::new() }
}

/// The merge key of each item; `None` where one has none, or two have the same.
fn keys(items: &[Value], names: &[&str]) -> Option<Vec<String>> {
    let key = |item: &Value| {
        item.get(names[0])?;
        let parts =
            names.iter().map(|name| item.get(name).map_or_else(|| default_of(name), ToString::to_string));
        Some(parts.collect::<Vec<_>>().join("\n"))
    };
    let keys: Vec<String> = items.iter().map(key).collect::<Option<_>>()?;
    let mut sorted = keys.clone();
    sorted.sort();
    sorted.windows(2).all(|pair| pair[0] != pair[1]).then_some(keys)
}

fn by_key(before: &[String], after: &[String]) -> Vec<Pair> {
    let place = |list: &[String], key: &String| list.iter().position(|other| other == key);
    let kept = after.iter().enumerate().map(|(index, key)| (place(before, key), Some(index)));
    let gone = before.iter().enumerate().filter(|(_, key)| place(after, key).is_none());
    kept.chain(gone.map(|(index, _)| (Some(index), None))).collect()
}

/// The longest common part stays together; what lies between is replaced one by one.
fn by_content(before: &[Value], after: &[Value]) -> Vec<Pair> {
    let text = |list: &[Value]| list.iter().map(ToString::to_string).collect::<Vec<_>>();
    let (before, after) = (text(before), text(after));
    let operations = similar::capture_diff_slices(similar::Algorithm::Myers, &before, &after);
    let mut pairs = Vec::new();
    for operation in operations {
        let (old, new) = (operation.old_range(), operation.new_range());
        for offset in 0..old.len().max(new.len()) {
            let old = (offset < old.len()).then(|| old.start + offset);
            let new = (offset < new.len()).then(|| new.start + offset);
            pairs.push((old, new));
        }
    }
    pairs
}
