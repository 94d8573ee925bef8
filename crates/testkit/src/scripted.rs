//! What servers that only a test needs have in common.

use std::io::{self, BufRead};

/// The lines of a request's head, the request line first, up to the empty line that ends it.
///
/// # Errors
/// Whatever the connection says.
pub fn head_lines(reader: &mut impl BufRead) -> io::Result<Vec<String>> {
    let mut lines = Vec::new();
    loop {
        let mut line = String::new();
        reader.read_line(&mut line)?;
        match line.trim_end() {
            "" => return Ok(lines),
            line => lines.push(line.to_owned()),
        }
    }
}

/// The value of the header `wanted` among the lines of a head.
pub fn header<'a>(lines: &'a [String], wanted: &str) -> Option<&'a str> {
    let mut headers = lines.iter().filter_map(|line| line.split_once(": "));
    headers.find(|(name, _)| name.eq_ignore_ascii_case(wanted)).map(|(_, value)| value)
}
