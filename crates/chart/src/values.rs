//! A chart's values merged with those of its sub-charts, as Helm does it: sub-chart values under the
//! sub-chart's name or alias, the parent's winning, `global` handed down.
//!
//! Nothing is copied together: a path is looked up through layers of maps, the strongest first, and the
//! answer says in which file and node the value lives.

use semver::{Version, VersionReq};

use crate::{
    metadata::Dependency,
    tree::{ChartTree, Member, MemberId},
    yaml::{NodeId, Resolved, Shape, YamlError, YamlFile},
};

/// The values files of all members of a tree.
#[derive(Debug)]
pub(crate) struct Values {
    files: Vec<Option<YamlFile>>,
    /// For each member the names its sub-charts' values stand under.
    mounts: Vec<Vec<(String, MemberId)>>,
}

/// A value found: where it lives and what it is.
#[derive(Clone, Debug)]
pub(crate) struct Leaf {
    pub(crate) member: MemberId,
    pub(crate) node: NodeId,
    /// The path inside of the file.
    pub(crate) keys: Vec<String>,
    /// The mounts that the path goes through, joined: two routes may lead to one file.
    pub(crate) route: Vec<String>,
    pub(crate) value: Resolved,
}

/// Why a path gives no value.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
#[non_exhaustive]
pub enum PathError {
    /// No file has it, or one sets it to null.
    #[error("resolves to nothing")]
    Nothing,
    /// It is a map.
    #[error("resolves to a map")]
    Map,
    /// It is a list.
    #[error("resolves to a list")]
    List,
    /// A part of the path before the last is a value that has no keys.
    #[error("goes through a value that is no map")]
    Through,
}

/// A map of one file.
#[derive(Clone, Debug)]
struct Layer {
    member: MemberId,
    map: NodeId,
    keys: Vec<String>,
}

/// A place in the merged values.
#[derive(Debug, Default)]
struct Scope {
    /// Maps of the place, the strongest first.
    layers: Vec<Layer>,
    /// The chart whose values root this is.
    chart: Option<MemberId>,
    /// `global` of the charts above.
    inherited: Vec<Layer>,
    route: Vec<String>,
}

/// What lies under a key.
enum Found {
    Inner(Scope),
    Value { member: MemberId, node: NodeId, keys: Vec<String>, route: Vec<String> },
}

impl Values {
    /// Reads `values.yaml` of every member.
    ///
    /// # Errors
    /// The file's name in the chart, and what is wrong with it.
    pub(crate) fn of(tree: &ChartTree) -> Result<Self, (String, YamlError)> {
        let read = |id| {
            let member = tree.member(id);
            member.values().map_err(|error| (member.file_name("values.yaml"), error))
        };
        let files = tree.ids().map(read).collect::<Result<_, _>>()?;
        let mounts = tree.ids().map(|id| mounts(tree, tree.member(id))).collect();
        Ok(Self { files, mounts })
    }

    pub(crate) fn file(&self, member: MemberId) -> Option<&YamlFile> {
        self.files[member.index()].as_ref()
    }

    pub(crate) fn set_file(&mut self, member: MemberId, file: YamlFile) {
        self.files[member.index()] = Some(file);
    }

    /// The value at a path.
    ///
    /// # Errors
    /// [`PathError`], see there.
    pub(crate) fn get(&self, path: &[String]) -> Result<Leaf, PathError> {
        let mut scope = self.chart_scope(ChartTree::TOP, Vec::new());
        for (depth, key) in path.iter().enumerate() {
            match self.descend(&scope, key).ok_or(PathError::Nothing)? {
                Found::Inner(inner) => scope = inner,
                Found::Value { .. } if depth + 1 < path.len() => return Err(PathError::Through),
                Found::Value { member, node, keys, route } => {
                    let value = self.file(member).and_then(|file| file.resolved(node));
                    let value = value.ok_or(PathError::List)?;
                    return Ok(Leaf { member, node, keys, route, value });
                }
            }
        }
        Err(PathError::Map)
    }

    /// The values root of a chart with nothing above it. Of several documents the later win.
    fn chart_scope(&self, chart: MemberId, route: Vec<String>) -> Scope {
        let documents = self.file(chart).map(YamlFile::documents).unwrap_or_default();
        let layer = |map: &NodeId| Layer { member: chart, map: *map, keys: Vec::new() };
        let layers = documents.iter().rev().map(layer).collect();
        Scope { layers, chart: Some(chart), inherited: Vec::new(), route }
    }

    fn descend(&self, scope: &Scope, key: &str) -> Option<Found> {
        let is_global = scope.chart.is_some() && key == "global";
        let mut layers = if is_global { scope.inherited.clone() } else { Vec::new() };
        for layer in &scope.layers {
            let Some((next, shape)) = self.child(layer, key) else { continue };
            match shape {
                Shape::Map => layers.push(next),
                // Helm keeps the table and warns.
                _ if !layers.is_empty() => {}
                // Null in a stronger file takes the key out of the weaker ones.
                _ if self.is_null(&next) => return None,
                _ => {
                    let Layer { member, map: node, keys } = next;
                    return Some(Found::Value { member, node, keys, route: scope.route.clone() });
                }
            }
        }
        let sub_chart = scope.chart.and_then(|chart| self.mounted(chart, key));
        match sub_chart {
            Some(chart) => Some(Found::Inner(self.enter(scope, chart, key, layers))),
            None if layers.is_empty() => None,
            None => Some(Found::Inner(Scope { layers, route: scope.route.clone(), ..Scope::default() })),
        }
    }

    fn enter(&self, scope: &Scope, chart: MemberId, key: &str, mut layers: Vec<Layer>) -> Scope {
        let mut route = scope.route.clone();
        route.push(key.to_owned());
        let own = self.chart_scope(chart, route);
        layers.extend(own.layers);
        let inherited = match self.descend(scope, "global") {
            Some(Found::Inner(global)) => global.layers,
            _ => Vec::new(),
        };
        Scope { layers, inherited, ..Scope { chart: own.chart, route: own.route, ..Scope::default() } }
    }

    fn child(&self, layer: &Layer, key: &str) -> Option<(Layer, Shape)> {
        let file = self.file(layer.member)?;
        let map = file.get(layer.map, key)?;
        let mut keys = layer.keys.clone();
        keys.push(key.to_owned());
        Some((Layer { member: layer.member, map, keys }, file.shape(map)))
    }

    fn is_null(&self, layer: &Layer) -> bool {
        let value = self.file(layer.member).and_then(|file| file.resolved(layer.map));
        value.is_some_and(|value| value == Resolved::Null)
    }

    fn mounted(&self, chart: MemberId, key: &str) -> Option<MemberId> {
        self.mounts[chart.index()].iter().find(|(name, _)| name == key).map(|(_, child)| *child)
    }
}

/// Under which names a chart's sub-charts take their values: the alias of every dependency that names
/// the sub-chart, or its own name where none does.
pub(crate) fn mounts(tree: &ChartTree, parent: &Member) -> Vec<(String, MemberId)> {
    let mut mounts = Vec::new();
    for child in &parent.children {
        let metadata = &tree.member(*child).metadata;
        let is_it = |dependency: &&Dependency| {
            dependency.name == metadata.name() && takes(tree, parent, dependency, *child)
        };
        let dependencies: Vec<_> = parent.metadata.dependencies().iter().filter(is_it).collect();
        if dependencies.is_empty() {
            mounts.push((metadata.name().to_owned(), *child));
        }
        for dependency in dependencies {
            mounts.push((dependency.mount().to_owned(), *child));
        }
    }
    mounts
}

/// Whether a dependency means this sub-chart. The version decides only between sub-charts of one name.
fn takes(tree: &ChartTree, parent: &Member, dependency: &Dependency, child: MemberId) -> bool {
    let same_name = |id: &&MemberId| tree.member(**id).metadata.name() == dependency.name;
    if parent.children.iter().filter(same_name).count() < 2 {
        return true;
    }
    let version = tree.member(child).metadata.version().semantic();
    dependency.version.split("||").any(|range| is_in(version, range.trim()))
}

/// Whether a version is in a range of Helm's. Ranges that only Helm can read take every version.
fn is_in(version: &Version, range: &str) -> bool {
    // A bare version means exactly that one to Helm, and "compatible" to Cargo.
    if let Ok(exact) = range.parse::<Version>() {
        return exact == *version;
    }
    VersionReq::parse(&with_commas(range)).map_or(true, |range| range.matches(version))
}

/// `>= 1.0 <2` with the comma between its parts that Helm does without.
fn with_commas(range: &str) -> String {
    let mut text = String::new();
    for part in range.split([' ', ',']).filter(|part| !part.is_empty()) {
        if text.ends_with(|c: char| c.is_alphanumeric()) {
            text.push_str(", ");
        }
        text.push_str(part);
    }
    text
}

#[cfg(test)]
mod tests;
