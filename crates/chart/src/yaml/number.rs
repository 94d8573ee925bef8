//! Numbers as Go prints them.
//!
//! A value of a chart passes through JSON's 64-bit floats and is printed by `text/template` with `%v`,
//! that is `strconv` format `g` with the fewest digits that name the number: with an exponent where
//! that is below -4 or above 5 (`1000000` is `1e+06`), and at least two digits in the exponent.

/// `%v` of a `float64`.
pub(super) fn print(number: f64) -> String {
    if number.is_nan() {
        return "NaN".to_owned();
    }
    if number.is_infinite() {
        return if number > 0.0 { "+Inf" } else { "-Inf" }.to_owned();
    }
    let scientific = format!("{number:e}");
    let (digits, exponent) = scientific.split_once('e').expect("because the format {:e} writes an e");
    let exponent: i32 = exponent.parse().expect("because the format {:e} writes a number after the e");
    if (-4..6).contains(&exponent) {
        return format!("{number}");
    }
    let sign = if exponent < 0 { '-' } else { '+' };
    format!("{digits}e{sign}{:02}", exponent.abs())
}
