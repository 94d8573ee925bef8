//! Values over values, as Helm lays them (`chartutil.CoalesceValues`): maps merge, null takes a key away,
//! all else replaces what was there, lists as a whole.

use serde_json::{Map, Value};

use crate::{
    chart::{Chart, ChartError},
    tree::{ChartTree, MemberId},
    values::mounts,
    yaml::{Shape, YamlError, YamlFile},
};

/// `overrides` over `defaults`. A key that is null in the end is none, so what comes out holds no override
/// that is null.
#[must_use]
pub fn coalesce(mut defaults: Map<String, Value>, overrides: Map<String, Value>) -> Map<String, Value> {
    for (key, value) in overrides {
        match value {
            Value::Null => {
                defaults.shift_remove(&key);
            }
            Value::Object(inner) => {
                let below = match defaults.get_mut(&key).map(Value::take) {
                    Some(Value::Object(below)) => below,
                    _ => Map::new(),
                };
                defaults.insert(key, coalesce(below, inner).into());
            }
            other => {
                defaults.insert(key, other);
            }
        }
    }
    defaults
}

impl Chart {
    /// The values of the chart with those of its sub-charts under their names or aliases, its own winning:
    /// what the overrides of a release are laid over. `global` stands where it is written, and is not handed
    /// down.
    ///
    /// # Errors
    /// [`ChartError`] where a sub-chart or a values file can't be read.
    pub fn tree_values(&self) -> Result<Map<String, Value>, ChartError> {
        let tree = ChartTree::of(self)?;
        values_of(&tree, ChartTree::TOP).map_err(|(file, source)| ChartError::Yaml {
            origin: self.origin().to_owned(),
            file,
            source,
        })
    }
}

fn values_of(tree: &ChartTree, id: MemberId) -> Result<Map<String, Value>, (String, YamlError)> {
    let member = tree.member(id);
    let own = member.values().and_then(|file| file.as_ref().map_or_else(|| Ok(Map::new()), root_map));
    let own = own.map_err(|source| (member.file_name("values.yaml"), source))?;
    let mut below = Map::new();
    for (name, child) in mounts(tree, member) {
        below.insert(name, values_of(tree, child)?.into());
    }
    Ok(coalesce(below, own))
}

/// The first document as it stands, its nulls included, which take away what lies below; of several the later
/// win.
fn root_map(file: &YamlFile) -> Result<Map<String, Value>, YamlError> {
    let roots = file.documents().iter().filter(|root| file.shape(**root) == Shape::Map);
    let mut maps = roots.filter_map(|root| match file.to_json(*root) {
        Ok(Value::Object(map)) => Some(Ok(map)),
        Ok(_) => None,
        Err(error) => Some(Err(error)),
    });
    let first = maps.next().transpose()?.unwrap_or_default();
    maps.try_fold(first, |below, map| Ok(coalesce(below, map?)))
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;
    use crate::ChartFile;

    #[test]
    fn lays_values_over_values() {
        let check = |defaults: Value, overrides: Value, expected: Value| {
            let (Value::Object(defaults), Value::Object(overrides)) = (defaults, overrides) else { panic!() };
            assert_eq!(Value::from(coalesce(defaults, overrides)), expected);
        };
        check(json!({"a": {"b": 1, "c": 2}}), json!({"a": {"c": 3}}), json!({"a": {"b": 1, "c": 3}}));
        check(json!({"a": {"b": 1}, "d": 1}), json!({"a": null}), json!({"d": 1}));
        check(json!({"a": [1, 2]}), json!({"a": [3]}), json!({"a": [3]}));
        check(json!({"a": {"b": 1}}), json!({"a": 1}), json!({"a": 1}));
        check(json!({"a": 1}), json!({"a": {"b": 1}}), json!({"a": {"b": 1}}));
        check(json!({}), json!({"a": {"b": null}, "c": null}), json!({"a": {}}));
        check(json!({"a": null}), json!({}), json!({"a": null}));
    }

    #[test]
    fn sub_charts_stand_under_their_names() {
        let file = |path: &str, text: &'static str| ChartFile { path: path.into(), data: text.into() };
        let chart = Chart::from_files("web", vec![
            file(
                "Chart.yaml",
                "apiVersion: v2\nname: web\nversion: 1.0.0\ndependencies:\n- {name: db, version: 1.0.0, alias: store}\n",
            ),
            file("values.yaml", "a: 1\nstore:\n  port: 2\n  gone: null\n"),
            file("charts/db/Chart.yaml", "apiVersion: v2\nname: db\nversion: 1.0.0\n"),
            file("charts/db/values.yaml", "port: 1\ngone: 1\nhost: x\n"),
        ])
        .unwrap();
        let expected = json!({"a": 1, "store": {"port": 2, "host": "x"}});
        assert_eq!(Value::from(chart.tree_values().unwrap()), expected);
    }
}
