//! Quantities of Kubernetes: amounts of storage, memory and processors.

use serde_json::Value;

/// Suffixes of quantities, as powers: `Ki` is 2 to the 10th, `k` 10 to the 3rd.
const BINARY: &[(&str, i32)] = &[("Ki", 10), ("Mi", 20), ("Gi", 30), ("Ti", 40), ("Pi", 50), ("Ei", 60)];
const DECIMAL: &[(&str, i32)] =
    &[("n", -9), ("u", -6), ("m", -3), ("k", 3), ("M", 6), ("G", 9), ("T", 12), ("P", 15), ("E", 18)];

/// A quantity of Kubernetes in its unit: `10Gi`, `1.5G`, `1e3`.
pub(crate) fn quantity(value: &Value) -> Option<f64> {
    let text = match value {
        Value::String(text) => text.trim().to_owned(),
        Value::Number(number) => number.to_string(),
        _ => return None,
    };
    let scaled = |suffixes: &[(&str, i32)], base: f64| {
        suffixes.iter().find_map(|(suffix, power)| {
            let number: f64 = text.strip_suffix(suffix)?.parse().ok()?;
            Some(number * base.powi(*power))
        })
    };
    let amount =
        text.parse::<f64>().ok().or_else(|| scaled(BINARY, 2.0)).or_else(|| scaled(DECIMAL, 10.0))?;
    (amount.is_finite() && amount >= 0.0).then_some(amount)
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    #[test]
    fn quantities() {
        let check = |value: Value, expected: Option<f64>| assert_eq!(quantity(&value), expected, "{value}");
        check(json!("1Gi"), Some(1_073_741_824.0));
        check(json!("1.5k"), Some(1_500.0));
        check(json!("1e3"), Some(1_000.0));
        check(json!("100m"), Some(0.1));
        check(json!(5), Some(5.0));
        check(json!("2E"), Some(2e18));
        for none in [json!("x"), json!("Gi"), json!("-1Gi"), json!("inf"), json!("NaN"), json!(null)] {
            check(none, None);
        }
    }
}
