//! Bodies of errors, of registries and of chart repositories.

use crate::laws::is_plain_line;

/// The longest line that is shown of them, in characters.
const LONGEST: usize = 301;

/// A body in the words that are shown to people.
pub fn error_body(bytes: &[u8]) {
    is_plain_line(&portolan_registry::fuzzing::error_words(bytes), LONGEST);
    is_plain_line(&portolan_chartrepo::fuzzing::error_words(bytes), LONGEST);
}
