//! Which value gets which text.

use std::collections::BTreeMap;

use portolan_oci::{Digest, Reference};

use super::{
    RelocateError,
    error::place,
    render::{Rendered, Slot, render},
};
use crate::{
    hints::{Hint, Hints, Piece, Role},
    rules::{Destination, Rules},
    tree::MemberId,
    values::{Leaf, Values},
    yaml::NodeId,
};

/// All that a relocation writes into values, and what the hints must name afterwards.
#[derive(Default)]
pub(super) struct Plan {
    /// New texts of scalars, by file.
    pub(super) writes: BTreeMap<MemberId, BTreeMap<NodeId, Write>>,
    /// Keys to be added to the chart's own values.
    pub(super) overrides: BTreeMap<Vec<String>, String>,
    /// For each hint the reference it must give.
    pub(super) expected: Vec<Reference>,
}

/// A new text for a scalar.
pub(super) struct Write {
    pub(super) keys: Vec<String>,
    pub(super) from: String,
    pub(super) to: String,
}

/// What one placeholder of a hint wants written.
struct Want {
    hint: String,
    path: Vec<String>,
    leaf: Leaf,
    from: String,
    to: String,
}

type DigestOf<'a> = &'a dyn Fn(&Reference) -> Option<Digest>;

pub(super) fn plan(
    values: &Values,
    hints: &Hints,
    rules: &Rules,
    digest_of: DigestOf<'_>,
) -> Result<Plan, RelocateError> {
    let mut plan = Plan::default();
    let mut wants: BTreeMap<(MemberId, NodeId), Vec<Want>> = BTreeMap::new();
    for hint in hints.iter() {
        let rendered = render(values, hints, hint)?;
        let destination = pin(rules.destination(&rendered.reference)?, hint, &rendered.reference, digest_of);
        for want in wants_of(hints, hint, &rendered, &destination) {
            wants.entry((want.leaf.member, want.leaf.node)).or_default().push(want);
        }
        plan.expected.push(destination.reference);
    }
    for group in wants.into_values() {
        settle(group, &mut plan)?;
    }
    Ok(plan)
}

/// A hint with neither tag nor digest gets both in the repository: the digest where it is known, else
/// what the source has (formats.md, section 4).
fn pin(
    mut destination: Destination,
    hint: &Hint,
    source: &Reference,
    digest_of: DigestOf<'_>,
) -> Destination {
    if !hint.wants_digest() {
        return destination;
    }
    if let Some(digest) = digest_of(source).or_else(|| source.digest.clone()) {
        destination.repository.push_str(&format!("@{digest}"));
        destination.reference.tag = None;
        destination.reference.digest = Some(digest);
    } else if let Some(tag) = &source.tag {
        destination.repository.push_str(&format!(":{tag}"));
    }
    destination
}

fn wants_of(hints: &Hints, hint: &Hint, rendered: &Rendered, destination: &Destination) -> Vec<Want> {
    let unchanged = rendered.reference == destination.reference;
    let want = |slot: &Slot| {
        let to = match slot.role {
            Role::Tag | Role::Digest => return None,
            // Another spelling of the same name stays as it is.
            _ if unchanged => slot.text.clone(),
            Role::Registry => destination.registry.clone(),
            Role::Repository => destination.repository.clone(),
            Role::Both => behind_text(hint, &format!("{}/{}", destination.registry, destination.repository)),
        };
        let (path, leaf, from) = (slot.path.clone(), slot.leaf.clone(), slot.text.clone());
        Some(Want { hint: place(hints, hint), path, leaf, from, to })
    };
    rendered.slots.iter().filter_map(want).collect()
}

/// What is left of a name behind the text that the template starts with, `docker.io/{{ .image }}`.
fn behind_text(hint: &Hint, name: &str) -> String {
    let rest = match hint.pieces().first() {
        Some(Piece::Text(text)) => name.strip_prefix(text.trim_start()),
        _ => None,
    };
    rest.unwrap_or(name).to_owned()
}

/// Brings the wants for one scalar together.
fn settle(group: Vec<Want>, plan: &mut Plan) -> Result<(), RelocateError> {
    let clash = group.iter().skip(1).find(|want| want.to != group[0].to);
    match clash {
        None => group.into_iter().for_each(|want| write(want, plan)),
        // One sub-chart under two names: each gets its value where the names are.
        Some(clash) if clash.leaf.route != group[0].leaf.route => override_each(group, plan)?,
        Some(clash) => return Err(conflict(&group[0], clash)),
    }
    Ok(())
}

fn write(want: Want, plan: &mut Plan) {
    let Want { leaf: Leaf { member, node, keys, .. }, from, to, .. } = want;
    if from != to {
        plan.writes.entry(member).or_default().insert(node, Write { keys, from, to });
    }
}

fn override_each(group: Vec<Want>, plan: &mut Plan) -> Result<(), RelocateError> {
    for (at, want) in group.iter().enumerate() {
        let other =
            group[..at].iter().find(|other| other.leaf.route == want.leaf.route && other.to != want.to);
        if let Some(other) = other {
            return Err(conflict(other, want));
        }
    }
    plan.overrides.extend(group.into_iter().map(|want| (want.path, want.to)));
    Ok(())
}

fn conflict(first: &Want, second: &Want) -> RelocateError {
    RelocateError::Conflict {
        first: first.hint.clone(),
        second: second.hint.clone(),
        key: first.leaf.keys.join("."),
        first_value: first.to.clone(),
        second_value: second.to.clone(),
    }
}
