//! Dependencies of a relocated chart are vendored: they lie in `charts/`, so their repositories are
//! emptied and the lock files dropped, in every sub-chart (formats.md, section 4).

use std::collections::BTreeMap;

use bytes::Bytes;

use crate::{
    redact::without_user_info,
    relocate::{Edit, RelocateError},
    tree::{ChartTree, Member, MemberId},
    validate::LOCKS,
    yaml::{self, NodeId, YamlFile},
};

/// The files that may list dependencies: format v2, format v1.
const LISTS: [&str; 2] = ["Chart.yaml", "requirements.yaml"];

/// What was changed.
#[derive(Default)]
pub(crate) struct Vendored {
    pub(crate) edits: Vec<Edit>,
    pub(crate) dropped: Vec<String>,
}

/// Empties `dependencies[].repository` and drops the lock files of all members.
///
/// # Errors
/// [`RelocateError`] naming the file that can't be edited.
pub(crate) fn vendor(tree: &mut ChartTree) -> Result<Vendored, RelocateError> {
    let mut vendored = Vendored::default();
    for id in tree.ids() {
        for list in LISTS {
            vendored.edits.extend(empty_repositories(tree, id, list)?);
        }
        let member = tree.member_mut(id);
        let drop = |lock: &&str| member.files.remove(*lock).is_some();
        let dropped: Vec<&str> = LOCKS.into_iter().filter(drop).collect();
        vendored.dropped.extend(dropped.into_iter().map(|lock| tree.member(id).file_name(lock)));
    }
    Ok(vendored)
}

fn empty_repositories(tree: &mut ChartTree, id: MemberId, list: &str) -> Result<Vec<Edit>, RelocateError> {
    let name = tree.member(id).file_name(list);
    let Some(file) = read(tree.member(id), list, &name)? else { return Ok(Vec::new()) };
    let mut texts = BTreeMap::new();
    let mut edits = Vec::new();
    for (at, repository, url) in repositories(&file) {
        texts.insert(repository, String::new());
        edits.push(Edit {
            file: name.clone(),
            key: format!("dependencies[{at}].repository"),
            from: Some(without_user_info(&url)),
            to: String::new(),
        });
    }
    if !texts.is_empty() {
        let edited =
            yaml::replace(&file, &texts).map_err(|source| RelocateError::Edit { file: name, source })?;
        let data = Bytes::copy_from_slice(edited.text().as_bytes());
        tree.member_mut(id).files.insert(list.to_owned(), data);
    }
    Ok(edits)
}

fn read(member: &Member, list: &str, name: &str) -> Result<Option<YamlFile>, RelocateError> {
    let Some(bytes) = member.files.get(list) else { return Ok(None) };
    let file = YamlFile::parse(bytes).map_err(|source| RelocateError::values((name.to_owned(), source)))?;
    Ok(Some(file))
}

/// Number, node and text of every repository that isn't empty.
fn repositories(file: &YamlFile) -> Vec<(usize, NodeId, String)> {
    let list = file.documents().first().and_then(|root| file.get(*root, "dependencies"));
    let items = list.map(|list| file.items(list)).unwrap_or_default();
    let repository = |(at, item): (usize, &NodeId)| {
        let node = file.get(*item, "repository")?;
        let text = file.resolved(node)?.into_text().filter(|text| !text.is_empty())?;
        Some((at, node, text))
    };
    items.iter().enumerate().filter_map(repository).collect()
}
