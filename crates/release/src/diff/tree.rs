//! Differences between two trees.

use portolan_chart::{Step, ValuePath};
use serde_json::{Map, Value};

use super::{Change, lists::pairs};
use crate::quantity::quantity;
use crate::values::{Mask, Values, is_secret_variable, same};

/// How many differences of one pair of trees are listed.
const CHANGES_LIMIT: usize = 10_000;

/// Fields of objects that amounts stand under.
const AMOUNTS: &[&str] = &["capacity", "divisor", "hard", "limits", "requests", "sizeLimit"];

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
            _ if self.is_same(at, before, after) || self.changes.len() >= CHANGES_LIMIT => {}
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
        let before = before.filter(|value| self.is_some(value));
        let after = after.filter(|value| self.is_some(value));
        match (before, after) {
            (None, None) => {}
            (Some(before), Some(after)) => self.values(at, before, after),
            _ => self.change(at, before, after),
        }
    }

    /// In objects an empty list is as good as none, since the server keeps none. In values it may be an override.
    fn is_some(&self, value: &Value) -> bool {
        let is_empty_list = self.mask == Mask::Objects && value.as_array().is_some_and(Vec::is_empty);
        !value.is_null() && !is_empty_list
    }

    /// In objects amounts are compared by what they come to: the server writes `1024Mi` as `1Gi`.
    fn is_same(&self, at: &Place, before: &Value, after: &Value) -> bool {
        let is_amount = || self.mask == Mask::Objects && at.after.keys().any(|key| AMOUNTS.contains(&key));
        same(before, after)
            || (is_amount() && quantity(before).is_some_and(|amount| quantity(after) == Some(amount)))
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
