//! Overrides that are the old chart's defaults: web pages write them into the values of a release, and from
//! then on the defaults of a newer chart (tags above all) have no effect (rules.md, "Upgrades").

use portolan_chart::ValuePath;
use serde::Serialize;
use serde_json::Value;

use super::{Mask, Values, same};

/// An override that says what the old chart says anyway.
#[derive(Clone, Debug, PartialEq, Serialize)]
#[serde(rename_all = "camelCase")]
pub struct Frozen {
    /// Where it stands.
    pub path: ValuePath,
    /// What it says, masked.
    pub value: Value,
    /// What the new chart has there.
    pub new_default: NewDefault,
}

/// What becomes of a frozen override where it is dropped.
#[derive(Clone, Debug, PartialEq, Serialize)]
#[serde(rename_all = "camelCase", tag = "is", content = "value")]
pub enum NewDefault {
    /// The same: nothing changes today, and the next upgrade is not held back.
    Same,
    /// Another one, masked: it takes effect.
    Other(Value),
    /// The new chart has no such value.
    Gone,
}

/// The overrides that equal the old chart's defaults, in their order.
#[must_use]
pub fn frozen(overrides: &Values, old_defaults: &Values, new_defaults: &Values) -> Vec<Frozen> {
    let is_frozen = |(path, value): &(ValuePath, &Value)| {
        old_defaults.get(path).is_some_and(|default| same(default, value))
    };
    let describe = |(path, value): (ValuePath, &Value)| Frozen {
        value: Mask::Values.value(&path, value),
        new_default: new_default(&path, value, new_defaults),
        path,
    };
    overrides.leaves().into_iter().filter(is_frozen).map(describe).collect()
}

fn new_default(path: &ValuePath, value: &Value, new_defaults: &Values) -> NewDefault {
    match new_defaults.get(path) {
        None => NewDefault::Gone,
        Some(default) if same(default, value) => NewDefault::Same,
        Some(default) => NewDefault::Other(Mask::Values.value(path, default)),
    }
}

impl Values {
    /// The overrides without those that are frozen.
    #[must_use]
    pub fn without(&self, frozen: &[Frozen]) -> Self {
        let mut values = self.clone();
        for frozen in frozen {
            values.remove(&frozen.path);
        }
        values
    }
}
