//! Doors to private parsers for the fuzz targets; no part of the crate's interface, and nothing else
//! may use them.

/// What a chart server says of its error, as it is shown.
pub fn error_words(body: &[u8]) -> String {
    crate::http::message(body)
}
