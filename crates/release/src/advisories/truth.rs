//! What is so, what is not, and what nobody knows.

use std::fmt;

use serde::{Deserialize, Serialize};
use serde_json::Value;

/// Whether something is so; in a file `yes`, `no`, or `unknown`, with quotes or without.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case", try_from = "Value")]
pub enum Truth {
    /// It is not.
    No,
    /// Nobody knows: the cluster was not asked.
    Unknown,
    /// It is.
    Yes,
}

impl Truth {
    pub(super) fn of(is: bool) -> Self {
        if is { Self::Yes } else { Self::No }
    }

    pub(super) fn not(self) -> Self {
        match self {
            Self::No => Self::Yes,
            Self::Unknown => Self::Unknown,
            Self::Yes => Self::No,
        }
    }
}

/// To YAML 1.1 `yes` and `no` are no texts.
impl TryFrom<Value> for Truth {
    type Error = String;

    fn try_from(value: Value) -> Result<Self, String> {
        match &value {
            Value::Bool(is) => Ok(Self::of(*is)),
            Value::String(text) if text == "yes" => Ok(Self::Yes),
            Value::String(text) if text == "no" => Ok(Self::No),
            Value::String(text) if text == "unknown" => Ok(Self::Unknown),
            other => Err(format!("{other} is none of yes, no and unknown")),
        }
    }
}

impl fmt::Display for Truth {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Self::No => "no",
            Self::Unknown => "unknown",
            Self::Yes => "yes",
        })
    }
}
