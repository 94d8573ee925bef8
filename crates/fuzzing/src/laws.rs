//! Laws that several targets hold.

use std::{error::Error, fmt, str::FromStr};

/// What `text` parses to, where it does; printed, it parses to the same.
pub(crate) fn prints_and_parses<T>(text: &str) -> Option<T>
where
    T: FromStr + fmt::Display + fmt::Debug + PartialEq,
{
    let value: T = text.parse().ok()?;
    let printed = value.to_string();
    assert_eq!(printed.parse().ok().as_ref(), Some(&value), "{text:?} is printed as {printed:?}");
    Some(value)
}

/// A path inside of an archive stays there.
pub(crate) fn stays_inside(path: &str) {
    let leads_out = path.starts_with('/') || path.split('/').any(|part| part == "..");
    assert!(!leads_out && !path.contains('\0'), "{path:?} leads out");
}

/// An error with its causes can be told.
pub(crate) fn can_be_told(error: &(dyn Error + 'static)) {
    for error in chain(error) {
        assert!(!error.to_string().is_empty(), "{error:?} says nothing");
    }
}

/// An error and its causes.
pub(crate) fn chain<'a>(error: &'a (dyn Error + 'static)) -> impl Iterator<Item = &'a (dyn Error + 'static)> {
    std::iter::successors(Some(error), |error| (*error).source())
}

/// A line that is shown to people moves no cursor and colours nothing.
pub(crate) fn is_plain_line(text: &str, longest: usize) {
    assert!(!text.contains(char::is_control), "{text:?} has control characters");
    assert!(text.chars().count() <= longest, "{text:?} has more than {longest} characters");
}

/// A secret that stands in `input` once is not repeated in `shown`.
///
/// Short ones, and those that stand in the input elsewhere too, may be shown for another reason.
pub(crate) fn is_hidden(secret: &str, input: &[u8], shown: &str) {
    const SHORT: usize = 8;
    let once = String::from_utf8_lossy(input).matches(secret).count() == 1;
    assert!(secret.len() < SHORT || !once || !shown.contains(secret), "a secret is shown: {shown}");
}
