//! What a scalar means to Helm: go-yaml version 2's rules, which are YAML 1.1 with Go's number syntax.

use super::{Kind, NodeId, Scalar, Style, YamlFile, number};

const CORE: &str = "tag:yaml.org,2002:";

/// A scalar's value.
#[derive(Clone, Debug, PartialEq)]
pub(crate) enum Resolved {
    Null,
    Bool(bool),
    Int(i128),
    Float(f64),
    Text(String),
}

impl Resolved {
    /// The text that `{{ .path }}` gives in a Go template, the number having passed through JSON.
    /// `None` for null.
    pub(crate) fn print(&self) -> Option<String> {
        match self {
            Self::Null => None,
            Self::Bool(value) => Some(value.to_string()),
            Self::Int(value) => Some(number::print(*value as f64)),
            Self::Float(value) => Some(number::print(*value)),
            Self::Text(text) => Some(text.clone()),
        }
    }

    /// The text that a field of type string in Helm's metadata gets (`sigs.k8s.io/yaml` turns what is
    /// no text into one). `None` for null.
    pub(crate) fn into_text(self) -> Option<String> {
        match self {
            Self::Int(value) => Some(value.to_string()),
            other => other.print(),
        }
    }
}

impl YamlFile {
    /// The value of a scalar, aliases followed; `None` where the node is a map or list.
    pub(crate) fn resolved(&self, node: NodeId) -> Option<Resolved> {
        match &self.node(self.follow(node)).kind {
            Kind::Scalar(scalar) => Some(scalar.resolve()),
            _ => None,
        }
    }

    /// Whether the node is a scalar that stands for nothing.
    pub(crate) fn is_null(&self, node: NodeId) -> bool {
        self.resolved(node) == Some(Resolved::Null)
    }
}

impl Scalar {
    pub(super) fn resolve(&self) -> Resolved {
        let text = || Resolved::Text(self.text.clone());
        match self.tag.as_deref() {
            None if self.style == Style::Plain => resolve_plain(&self.text),
            None => text(),
            Some(tag) => match tag.strip_prefix(CORE) {
                Some("int" | "float" | "bool" | "null") => resolve_plain(&self.text),
                _ => text(),
            },
        }
    }
}

/// A scalar without quotes and tag.
pub(super) fn resolve_plain(text: &str) -> Resolved {
    match text {
        "" | "~" | "null" | "Null" | "NULL" => return Resolved::Null,
        "y" | "Y" | "yes" | "Yes" | "YES" | "true" | "True" | "TRUE" | "on" | "On" | "ON" => {
            return Resolved::Bool(true);
        }
        "n" | "N" | "no" | "No" | "NO" | "false" | "False" | "FALSE" | "off" | "Off" | "OFF" => {
            return Resolved::Bool(false);
        }
        ".nan" | ".NaN" | ".NAN" => return Resolved::Float(f64::NAN),
        ".inf" | ".Inf" | ".INF" | "+.inf" | "+.Inf" | "+.INF" => return Resolved::Float(f64::INFINITY),
        "-.inf" | "-.Inf" | "-.INF" => return Resolved::Float(f64::NEG_INFINITY),
        _ => {}
    }
    resolve_number(text).unwrap_or_else(|| Resolved::Text(text.to_owned()))
}

fn resolve_number(text: &str) -> Option<Resolved> {
    let first = text.bytes().next()?;
    if first == b'.' {
        return float(text).map(Resolved::Float);
    }
    if !matches!(first, b'0'..=b'9' | b'+' | b'-') {
        return None;
    }
    let digits = text.replace('_', "");
    integer(&digits).map(Resolved::Int).or_else(|| float(&digits).map(Resolved::Float))
}

/// Go's `ParseInt` and `ParseUint` with base 0: a prefix `0x`, `0o`, `0b` or `0` chooses the base.
fn integer(text: &str) -> Option<i128> {
    let (negative, magnitude) = match text.as_bytes().first()? {
        b'-' => (true, &text[1..]),
        b'+' => (false, &text[1..]),
        _ => (false, text),
    };
    let (radix, digits) = base_of(magnitude);
    if digits.is_empty() || !digits.bytes().all(|b| b.is_ascii_alphanumeric()) {
        return None;
    }
    let value = i128::from(u64::from_str_radix(digits, radix).ok()?);
    let value = if negative { -value } else { value };
    (value >= i128::from(i64::MIN)).then_some(value)
}

fn base_of(magnitude: &str) -> (u32, &str) {
    let prefix = magnitude.get(..2).unwrap_or_default();
    match prefix {
        "0x" | "0X" => (16, &magnitude[2..]),
        "0o" | "0O" => (8, &magnitude[2..]),
        "0b" | "0B" => (2, &magnitude[2..]),
        _ if prefix.starts_with('0') => (8, &magnitude[1..]),
        _ => (10, magnitude),
    }
}

/// `[-+]?(\.[0-9]+|[0-9]+(\.[0-9]*)?)([eE][-+]?[0-9]+)?`; a number too large for a float is a text.
fn float(text: &str) -> Option<f64> {
    let unsigned = text.strip_prefix(['-', '+']).unwrap_or(text);
    let (mantissa, exponent) = match unsigned.split_once(['e', 'E']) {
        Some((mantissa, exponent)) => (mantissa, Some(exponent.strip_prefix(['-', '+']).unwrap_or(exponent))),
        None => (unsigned, None),
    };
    let (whole, fraction) = mantissa.split_once('.').unwrap_or((mantissa, ""));
    let is_digits = |text: &str| text.bytes().all(|b| b.is_ascii_digit());
    let well_formed = is_digits(whole)
        && is_digits(fraction)
        && !(whole.is_empty() && fraction.is_empty())
        && exponent.is_none_or(|exponent| !exponent.is_empty() && is_digits(exponent));
    let value: f64 = well_formed.then(|| text.parse().ok())??;
    value.is_finite().then_some(value)
}
