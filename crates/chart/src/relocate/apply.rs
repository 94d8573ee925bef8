//! Carrying out a plan, and the check that the chart then says what it should.

use std::collections::BTreeMap;

use bytes::Bytes;

use super::{
    Edit, RelocateError,
    error::place,
    plan::{Plan, Write},
    render::render,
};
use crate::{
    hints::Hints,
    tree::{ChartTree, MemberId},
    values::Values,
    yaml::{self, EditError, NodeId, YamlFile},
};

const VALUES: &str = "values.yaml";

/// Writes the plan into the values files of the tree.
pub(super) fn apply(
    tree: &mut ChartTree,
    values: &mut Values,
    plan: &Plan,
) -> Result<Vec<Edit>, RelocateError> {
    let mut edits = Vec::new();
    for (member, writes) in &plan.writes {
        let file = tree.member(*member).file_name(VALUES);
        edit(tree, values, *member, |yaml| replace(yaml, writes))?;
        edits.extend(writes.values().map(|write| Edit {
            file: file.clone(),
            key: write.keys.join("."),
            from: Some(write.from.clone()),
            to: write.to.clone(),
        }));
    }
    for (path, to) in &plan.overrides {
        let keys: Vec<&str> = path.iter().map(String::as_str).collect();
        edit(tree, values, ChartTree::TOP, |yaml| yaml::insert(yaml, &keys, to))?;
        edits.push(Edit { file: VALUES.to_owned(), key: path.join("."), from: None, to: to.clone() });
    }
    Ok(edits)
}

fn replace(file: &YamlFile, writes: &BTreeMap<NodeId, Write>) -> Result<YamlFile, EditError> {
    yaml::replace(file, &writes.iter().map(|(node, write)| (*node, write.to.clone())).collect())
}

fn edit(
    tree: &mut ChartTree,
    values: &mut Values,
    member: MemberId,
    change: impl FnOnce(&YamlFile) -> Result<YamlFile, EditError>,
) -> Result<(), RelocateError> {
    let empty = YamlFile::default();
    let edited = change(values.file(member).unwrap_or(&empty))
        .map_err(|source| RelocateError::Edit { file: tree.member(member).file_name(VALUES), source })?;
    let data = Bytes::copy_from_slice(edited.text().as_bytes());
    tree.member_mut(member).files.insert(VALUES.to_owned(), data);
    values.set_file(member, edited);
    Ok(())
}

/// Renders every hint again: each must give what was planned for it.
pub(super) fn check(values: &Values, hints: &Hints, plan: &Plan) -> Result<(), RelocateError> {
    for (hint, expected) in hints.iter().zip(&plan.expected) {
        let found = render(values, hints, hint).map(|rendered| rendered.reference);
        match found {
            Ok(found) if found == *expected => {}
            Ok(found) => return Err(fixed(hints, hint, &found.to_string(), expected)),
            // The text around the placeholder made no name of it.
            Err(RelocateError::Reference { .. }) => return Err(fixed(hints, hint, "no image", expected)),
            Err(error) => return Err(error),
        }
    }
    Ok(())
}

fn fixed(
    hints: &Hints,
    hint: &crate::hints::Hint,
    found: &str,
    expected: &portolan_oci::Reference,
) -> RelocateError {
    RelocateError::Fixed { hint: place(hints, hint), found: found.to_owned(), expected: expected.to_string() }
}
