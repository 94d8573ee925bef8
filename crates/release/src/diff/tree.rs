//! Differences between two trees.

use portolan_chart::{Step, ValuePath};
use serde_json::{Map, Value};

use super::{Change, lists::pairs};
use crate::values::{Mask, Values, is_secret_variable, same};

/// How many differences of one pair of trees are listed.
const CHANGES_LIMIT: usize = 10_000;

/// What changes between two sets of values. A value that is null is as good as none.
#[must_use]
pub fn value_changes(before: &Values, after: &Values) -> Vec<Change> {
    Comparison::of(&before.to_json(), &after.to_json(), Mask::Values)
}

/// What changes between two trees.
pub(super) struct Comparison<'a> {
    /// The whole trees: what a value is may stand beside it.
    roots: (&'a Value, &'a Value),
    mask: Mask,
    changes: Vec<Change>,
}

impl<'a> Comparison<'a> {
    pub(super) fn of(before: &'a Value, after: &'a Value, mask: Mask) -> Vec<Change> {
        let mut comparison = Self { roots: (before, after), mask, changes: Vec::new() };
        comparison.values(&Place::default(), before, after);
        comparison.changes
    }

    fn values(&mut self, at: &Place, before: &Value, after: &Value) {
        match (before, after) {
            _ if same(before, after) || self.changes.len() >= CHANGES_LIMIT => {}
            (Value::Object(old), Value::Object(new)) if !old.is_empty() && !new.is_empty() => {
                self.maps(at, old, new);
            }
            (Value::Array(old), Value::Array(new)) if !old.is_empty() && !new.is_empty() => {
                self.lists(at, old, new);
            }
            _ => self.change(at, Some(before), Some(after)),
        }
    }

    fn maps(&mut self, at: &Place, before: &Map<String, Value>, after: &Map<String, Value>) {
        let gone = before.keys().filter(|key| !after.contains_key(*key));
        for key in after.keys().chain(gone) {
            let step = Step::Key(key.clone());
            self.sides(&at.then(Some(&step), Some(&step)), before.get(key), after.get(key));
        }
    }

    fn lists(&mut self, at: &Place, before: &[Value], after: &[Value]) {
        for (old, new) in pairs(before, after) {
            let place = at.then(old.map(Step::Index).as_ref(), new.map(Step::Index).as_ref());
            self.sides(&place, old.map(|index| &before[index]), new.map(|index| &after[index]));
        }
    }

    fn sides(&mut self, at: &Place, before: Option<&Value>, after: Option<&Value>) {
        let before = before.filter(|value| !value.is_null());
        let after = after.filter(|value| !value.is_null());
        match (before, after) {
            (None, None) => {}
            (Some(before), Some(after)) => self.values(at, before, after),
            _ => self.change(at, before, after),
        }
    }

    fn change(&mut self, at: &Place, before: Option<&Value>, after: Option<&Value>) {
        let before =
            before.filter(|value| !value.is_null()).map(|value| self.shown(self.roots.0, &at.before, value));
        let after =
            after.filter(|value| !value.is_null()).map(|value| self.shown(self.roots.1, &at.after, value));
        let path = if after.is_some() { at.after.clone() } else { at.before.clone() };
        self.changes.push(Change { path, before, after });
    }

    fn shown(&self, root: &Value, path: &ValuePath, value: &Value) -> Value {
        match is_secret_variable(root, path) {
            true => crate::values::HIDDEN.into(),
            false => self.mask.value(path, value),
        }
    }
}

/// A place in both trees: items of lists may have moved.
#[derive(Clone, Debug, Default)]
struct Place {
    before: ValuePath,
    after: ValuePath,
}

impl Place {
    fn then(&self, before: Option<&Step>, after: Option<&Step>) -> Self {
        let next = |path: &ValuePath, step: Option<&Step>| {
            step.map_or_else(|| path.clone(), |step| path.then(step.clone()))
        };
        Self { before: next(&self.before, before), after: next(&self.after, after) }
    }
}
