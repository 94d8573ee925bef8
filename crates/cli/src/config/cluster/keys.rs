//! Which keys of a cluster's configuration are known here, and which others look like misspelt ones.

use std::fmt;

use serde::Deserialize;
use serde::de::{Deserializer, MapAccess, SeqAccess, Visitor};
use serde_saphyr::Spanned;

use super::super::keys::nearest;

/// The known keys of each section. A section that is a list has them in each of its elements.
const SECTIONS: &[(&str, &[&str])] = &[
    ("", &["apiVersion", "kind", "metadata", "spec", "addonPackage"]),
    (
        "spec",
        &[
            "clusterName",
            "bootstrapNode",
            "tinderKind",
            "bootstrap",
            "masterNodes",
            "workerNodes",
            "privateKeyPath",
            "fullPackagePath",
            "addonPackage",
            "addonOfflinePackagePath",
            "imagesAndCharts",
        ],
    ),
    ("spec.tinderKind", &["registryPort", "chartmuseumPort"]),
    ("spec.bootstrap", &["registryPort", "chartmuseumPort"]),
    ("spec.masterNodes", NODE),
    ("spec.workerNodes", NODE),
    ("spec.addonPackage", &["path"]),
    ("addonPackage", &["path"]),
    (
        "spec.imagesAndCharts",
        &[
            "type",
            "externalImageRepo",
            "externalImageRepoUsername",
            "externalImageRepoPassword",
            "externalChartRepoType",
            "externalChartRepo",
            "externalChartRepoUsername",
            "externalChartRepoPassword",
        ],
    ),
];

const NODE: &[&str] = &["nodeName", "ip", "ansibleUser", "ansiblePass", "ansibleSSHPort"];

/// How many letters a key has that is hardly the beginning of another one by chance.
const LONG: usize = 8;

/// A document without its values.
enum Keys {
    Map(Vec<(Spanned<String>, Keys)>),
    List(Vec<Keys>),
    Value,
}

/// A note for each unknown key that is near a known one of its section. A text that is no YAML has none.
pub(super) fn misspelt(text: &str) -> Vec<String> {
    let options = serde_saphyr::options! { with_snippet: false };
    let mut notes = Vec::new();
    if let Ok(keys) = serde_saphyr::from_str_with_options::<Keys>(text, options) {
        collect(&keys, "", &mut notes);
    }
    notes
}

fn collect(keys: &Keys, section: &str, notes: &mut Vec<String>) {
    match keys {
        Keys::Map(members) => {
            let known = known(section);
            for (key, below) in members {
                if !known.contains(&key.value.as_str()) {
                    notes.extend(note(key, section, known));
                }
                collect(below, &join(section, &key.value), notes);
            }
        }
        Keys::List(elements) => elements.iter().for_each(|element| collect(element, section, notes)),
        Keys::Value => {}
    }
}

/// Those of a section; none where nothing below it is used.
fn known(section: &str) -> &'static [&'static str] {
    SECTIONS.iter().find(|(name, _)| *name == section).map_or(&[], |(_, keys)| keys)
}

fn note(key: &Spanned<String>, section: &str, known: &[&str]) -> Option<String> {
    let near = nearest(&key.value, known.iter().copied()).or_else(|| begun(&key.value, known))?;
    let (line, path) = (key.referenced.line(), join(section, &key.value));
    Some(format!("line {line}: `{path}` is not known here and passed over: did you mean `{near}`?"))
}

/// The known key that the unknown one begins with: `ansiblePassword` for `ansiblePass`.
fn begun<'a>(unknown: &str, known: &[&'a str]) -> Option<&'a str> {
    known.iter().copied().find(|key| key.len() >= LONG && unknown.starts_with(key))
}

fn join(section: &str, key: &str) -> String {
    if section.is_empty() { key.to_owned() } else { format!("{section}.{key}") }
}

impl<'de> Deserialize<'de> for Keys {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        deserializer.deserialize_any(KeysVisitor)
    }
}

struct KeysVisitor;

/// Scalars all look the same here.
macro_rules! scalars {
    ($($visit:ident: $scalar:ty),*) => {
        $(fn $visit<E>(self, _: $scalar) -> Result<Keys, E> {
            Ok(Keys::Value)
        })*
    };
}

impl<'de> Visitor<'de> for KeysVisitor {
    type Value = Keys;

    fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("anything")
    }

    scalars!(
        visit_bool: bool, visit_i64: i64, visit_u64: u64, visit_i128: i128, visit_u128: u128, visit_f64: f64,
        visit_str: &str
    );

    fn visit_unit<E>(self) -> Result<Keys, E> {
        Ok(Keys::Value)
    }

    fn visit_none<E>(self) -> Result<Keys, E> {
        Ok(Keys::Value)
    }

    fn visit_some<D: Deserializer<'de>>(self, deserializer: D) -> Result<Keys, D::Error> {
        Keys::deserialize(deserializer)
    }

    fn visit_seq<A: SeqAccess<'de>>(self, mut list: A) -> Result<Keys, A::Error> {
        let mut elements = Vec::new();
        while let Some(element) = list.next_element()? {
            elements.push(element);
        }
        Ok(Keys::List(elements))
    }

    fn visit_map<A: MapAccess<'de>>(self, mut map: A) -> Result<Keys, A::Error> {
        let mut members = Vec::new();
        while let Some(key) = map.next_key()? {
            members.push((key, map.next_value()?));
        }
        Ok(Keys::Map(members))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn keys_that_are_near_a_known_one() {
        let check = |text: &str, expected: &[&str]| assert_eq!(misspelt(text), expected, "{text}");
        check(
            "kind: ClusterConfig\nspec:\n  imageAndCharts:\n    type: builtin\n  masterNodes:\n  - ansiblePassword: a\n    ansibleSshPort: 22\n",
            &[
                "line 3: `spec.imageAndCharts` is not known here and passed over: did you mean `imagesAndCharts`?",
                "line 6: `spec.masterNodes.ansiblePassword` is not known here and passed over: did you mean `ansiblePass`?",
                "line 7: `spec.masterNodes.ansibleSshPort` is not known here and passed over: did you mean `ansibleSSHPort`?",
            ],
        );
        check(
            "addonPackge: {path: a}\n",
            &["line 1: `addonPackge` is not known here and passed over: did you mean `addonPackage`?"],
        );
        check(
            "spec:\n  ntpServer: [a]\n  kubeanConfig: |-\n    x: 1\n  loadBalancer: {type: metallb, istioGatewayVip: null}\n  scale: 1.5\n  osRepos:\n    type: builtin\n",
            &[],
        );
        check("a: [", &[]);
    }
}
