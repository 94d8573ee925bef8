//! A chart taken apart into itself and its sub-charts, whatever their depth, and put together again.
//!
//! Sub-charts lie under `charts/` as folders or as `.tgz` (Helm's layout; names that start with `.` or
//! `_` are no sub-charts). Each member of the tree owns the files that belong to no sub-chart of its own.

use std::collections::BTreeMap;

use bytes::Bytes;

use crate::{
    archive::{self, Budget},
    chart::{Chart, ChartError, ChartFile},
    metadata::Metadata,
    yaml::{Shape, YamlError, YamlFile},
};

/// How deep sub-charts may nest.
const DEPTH_LIMIT: usize = 16;

/// The chart and all its sub-charts. The first member is the chart itself; a parent comes before its
/// children.
#[derive(Debug)]
pub(crate) struct ChartTree {
    members: Vec<Member>,
    budget: Budget,
}

/// One chart of the tree.
#[derive(Debug)]
pub(crate) struct Member {
    pub(crate) metadata: Metadata,
    /// The files that are its own, by name relative to it.
    pub(crate) files: BTreeMap<String, Bytes>,
    /// What stands before its file names in messages: ``, `charts/db/`, `charts/db.tgz!`.
    pub(crate) prefix: String,
    pub(crate) children: Vec<MemberId>,
    place: Place,
}

/// Number of a member in its tree.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub(crate) struct MemberId(usize);

impl MemberId {
    /// Its place in [`ChartTree::ids`].
    pub(crate) fn index(self) -> usize {
        self.0
    }
}

/// Where a chart lies in its parent.
#[derive(Debug)]
enum Place {
    Top,
    /// `charts/db`
    Folder(String),
    /// `charts/db.tgz`, with the bytes it had, which stay where nothing in it changes.
    Archive {
        path: String,
        packed: Bytes,
        unpacked: BTreeMap<String, Bytes>,
    },
}

impl ChartTree {
    pub(crate) const TOP: MemberId = MemberId(0);

    /// Takes a chart apart.
    ///
    /// # Errors
    /// [`ChartError`] naming the sub-chart that can't be read.
    pub(crate) fn of(chart: &Chart) -> Result<Self, ChartError> {
        let mut tree = Self { members: Vec::new(), budget: Budget::of_chart() };
        tree.add(chart, Place::Top, "", 0)?;
        Ok(tree)
    }

    pub(crate) fn member(&self, id: MemberId) -> &Member {
        &self.members[id.0]
    }

    pub(crate) fn member_mut(&mut self, id: MemberId) -> &mut Member {
        &mut self.members[id.0]
    }

    /// All members, parents before children.
    pub(crate) fn ids(&self) -> impl Iterator<Item = MemberId> + use<> {
        (0..self.members.len()).map(MemberId)
    }

    fn add(
        &mut self,
        chart: &Chart,
        place: Place,
        prefix: &str,
        depth: usize,
    ) -> Result<MemberId, ChartError> {
        if depth > DEPTH_LIMIT {
            return Err(ChartError::TooDeep { origin: chart.origin().to_owned(), limit: DEPTH_LIMIT });
        }
        let id = MemberId(self.members.len());
        let origin = chart.origin().to_owned();
        let (own, nested) = divide(chart.files());
        let metadata = chart.metadata().clone();
        self.members.push(Member {
            metadata,
            files: own,
            prefix: prefix.to_owned(),
            children: Vec::new(),
            place,
        });
        for (path, nested) in nested {
            let origin = format!("{origin}: {path}");
            let (chart, place, mark) = self.open(&origin, path.clone(), nested)?;
            let child = self.add(&chart, place, &format!("{prefix}{path}{mark}"), depth + 1)?;
            self.members[id.0].children.push(child);
        }
        Ok(id)
    }

    fn open(
        &mut self,
        origin: &str,
        path: String,
        nested: Nested,
    ) -> Result<(Chart, Place, char), ChartError> {
        match nested {
            Nested::Folder(files) => Ok((Chart::assemble(origin, files)?, Place::Folder(path), '/')),
            Nested::Archive(packed) => {
                let chart = Chart::from_archive_within(origin, packed.as_ref(), &mut self.budget)?;
                let unpacked = by_path(chart.files());
                Ok((chart, Place::Archive { path, packed, unpacked }, '!'))
            }
        }
    }

    /// Puts the chart together again. Packed sub-charts that didn't change keep their bytes; others lose
    /// their provenance files, which are added to `dropped`.
    ///
    /// # Errors
    /// [`ChartError`] where a changed sub-chart can't be packed, or `Chart.yaml` is none any more.
    pub(crate) fn join(&self, origin: &str, dropped: &mut Vec<String>) -> Result<Chart, ChartError> {
        Chart::assemble(origin, self.files_of(Self::TOP, dropped)?)
    }

    fn files_of(
        &self,
        id: MemberId,
        dropped: &mut Vec<String>,
    ) -> Result<BTreeMap<String, Bytes>, ChartError> {
        let member = self.member(id);
        let mut files = member.files.clone();
        for child in &member.children {
            let inner = self.files_of(*child, dropped)?;
            match &self.member(*child).place {
                Place::Archive { path, packed, unpacked } if inner == *unpacked => {
                    files.insert(path.clone(), packed.clone());
                }
                Place::Archive { path, .. } => {
                    files.insert(path.clone(), self.pack(*child, &inner)?);
                    let provenance = format!("{path}.prov");
                    if files.remove(&provenance).is_some() {
                        dropped.push(member.file_name(&provenance));
                    }
                }
                Place::Top => files.extend(inner),
                Place::Folder(path) => {
                    files.extend(inner.into_iter().map(|(name, data)| (format!("{path}/{name}"), data)));
                }
            }
        }
        Ok(files)
    }

    fn pack(&self, id: MemberId, files: &BTreeMap<String, Bytes>) -> Result<Bytes, ChartError> {
        let name = self.member(id).metadata.name();
        archive::write(name, files.iter().map(|(path, data)| (path.as_str(), data)))
            .map_err(|source| ChartError::Pack { name: name.to_owned(), source })
    }

    /// Every file of every member under its name in messages.
    pub(crate) fn unpacked_files(&self) -> BTreeMap<String, Bytes> {
        let named = |member: &Member| -> Vec<_> {
            member
                .files
                .iter()
                .map(|(path, data)| (format!("{}{path}", member.prefix), data.clone()))
                .collect()
        };
        self.members.iter().flat_map(named).collect()
    }
}

impl Member {
    /// `values.yaml`, read; `None` where the chart has none.
    ///
    /// # Errors
    /// [`YamlError`] where it is no YAML, or no map.
    pub(crate) fn values(&self) -> Result<Option<YamlFile>, YamlError> {
        let Some(bytes) = self.files.get("values.yaml") else { return Ok(None) };
        let file = YamlFile::parse(bytes)?;
        for root in file.documents() {
            if file.shape(*root) != Shape::Map && !file.is_null(*root) {
                return Err(YamlError::new(file.line(*root), "the values are no map"));
            }
        }
        Ok(Some(file))
    }

    /// The name of a file of this member in messages.
    pub(crate) fn file_name(&self, path: &str) -> String {
        format!("{}{path}", self.prefix)
    }
}

/// A sub-chart before it is read.
enum Nested {
    Folder(BTreeMap<String, Bytes>),
    Archive(Bytes),
}

/// A chart's own files, and its sub-charts by path.
fn divide(files: &[ChartFile]) -> (BTreeMap<String, Bytes>, BTreeMap<String, Nested>) {
    let mut own = BTreeMap::new();
    let mut nested = BTreeMap::new();
    for ChartFile { path, data } in files {
        match sub_chart_path(path) {
            Some((folder, Some(inner))) if !is_archive(folder) && is_chart(files, folder) => {
                let folder =
                    nested.entry(folder.to_owned()).or_insert_with(|| Nested::Folder(BTreeMap::new()));
                if let Nested::Folder(files) = folder {
                    files.insert(inner.to_owned(), data.clone());
                }
            }
            Some((archive, None)) if is_archive(archive) => {
                nested.insert(archive.to_owned(), Nested::Archive(data.clone()));
            }
            _ => {
                own.insert(path.clone(), data.clone());
            }
        }
    }
    (own, nested)
}

/// `charts/db/values.yaml` is `charts/db` and `values.yaml`; `charts/db.tgz` has nothing behind it.
fn sub_chart_path(path: &str) -> Option<(&str, Option<&str>)> {
    let below = path.strip_prefix("charts/")?;
    if below.starts_with(['.', '_']) {
        return None;
    }
    match below.find('/') {
        Some(at) => {
            let (folder, inner) = path.split_at("charts/".len() + at);
            Some((folder, Some(&inner[1..])))
        }
        None => Some((path, None)),
    }
}

fn is_archive(path: &str) -> bool {
    path.ends_with(".tgz")
}

fn is_chart(files: &[ChartFile], folder: &str) -> bool {
    let metadata = format!("{folder}/Chart.yaml");
    files.binary_search_by(|file| file.path.as_str().cmp(&metadata)).is_ok()
}

fn by_path(files: &[ChartFile]) -> BTreeMap<String, Bytes> {
    files.iter().map(|file| (file.path.clone(), file.data.clone())).collect()
}
