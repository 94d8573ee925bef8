//! HTTP/1.1 messages, as far as passing them on needs it (RFC 9112): heads, and where bodies end.

use std::io::{self, BufRead, Read, Write};

use crate::scripted::head_lines;

/// How much is passed on at once, in bytes.
const PIECE: usize = 64 * 1024;

/// The head of a request or an answer: its first line and its headers, in order.
#[derive(Clone, Debug)]
pub(super) struct Head {
    lines: Vec<String>,
}

/// How far a body goes.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Framing {
    /// So many bytes.
    Sized(u64),
    /// In chunks.
    Chunked,
    /// Until the connection ends.
    ToTheEnd,
}

impl Head {
    /// The next head; `None` where the connection ended instead.
    pub(super) fn read(from: &mut impl BufRead) -> io::Result<Option<Self>> {
        let lines = head_lines(from)?;
        Ok((!lines.is_empty()).then_some(Self { lines }))
    }

    pub(super) fn first_line(&self) -> &str {
        &self.lines[0]
    }

    /// The first value of that header.
    pub(super) fn header(&self, name: &str) -> Option<&str> {
        let headers = self.lines[1..].iter().filter_map(|line| line.split_once(':'));
        headers.filter(|(own, _)| own.eq_ignore_ascii_case(name)).map(|(_, value)| value.trim()).next()
    }

    /// Takes every header of that name out.
    pub(super) fn remove(&mut self, name: &str) {
        let first = self.lines.remove(0);
        let is_named =
            |line: &String| line.split(':').next().is_some_and(|own| own.eq_ignore_ascii_case(name));
        self.lines.retain(|line| !is_named(line));
        self.lines.insert(0, first);
    }

    /// Sets a header to that value.
    pub(super) fn set(&mut self, name: &str, value: &str) {
        self.remove(name);
        self.lines.push(format!("{name}: {value}"));
    }

    /// The status of an answer.
    pub(super) fn status(&self) -> io::Result<u16> {
        let status = self.first_line().split(' ').nth(1).and_then(|text| text.parse().ok());
        status.ok_or_else(|| io::Error::new(io::ErrorKind::InvalidData, "an answer without a status"))
    }

    /// Whether this message is the last one on its connection.
    pub(super) fn closes(&self) -> bool {
        self.header("connection").is_some_and(|value| value.eq_ignore_ascii_case("close"))
    }

    /// How far the body of this request goes.
    pub(super) fn request_framing(&self) -> Framing {
        self.framing().unwrap_or(Framing::Sized(0))
    }

    /// How far the body of this answer to a request with `method` goes.
    pub(super) fn answer_framing(&self, method: &str) -> io::Result<Framing> {
        let bodiless = method == "HEAD" || matches!(self.status()?, 100..=199 | 204 | 304);
        Ok(if bodiless { Framing::Sized(0) } else { self.framing().unwrap_or(Framing::ToTheEnd) })
    }

    fn framing(&self) -> Option<Framing> {
        if self.header("transfer-encoding").is_some_and(|value| value.eq_ignore_ascii_case("chunked")) {
            return Some(Framing::Chunked);
        }
        self.header("content-length").and_then(|value| value.parse().ok()).map(Framing::Sized)
    }

    /// Writes it with the empty line at its end, in one piece.
    pub(super) fn write(&self, to: &mut impl Write) -> io::Result<()> {
        to.write_all(format!("{}\r\n\r\n", self.lines.join("\r\n")).as_bytes())
    }
}

/// Passes a body on, frames included, and tells `count` the bytes of content as they come. Of the content,
/// `most` bytes are passed on at most: whether that was all.
///
/// What `to` does not take is read all the same: a server may answer and close before a body is whole, and
/// its answer is still to be heard.
pub(super) fn pass_body(
    from: &mut impl BufRead,
    to: &mut impl Write,
    framing: Framing,
    most: u64,
    mut count: impl FnMut(u64),
) -> io::Result<bool> {
    match framing {
        Framing::Sized(size) => {
            pass(from, to, size.min(most), &mut count)?;
            Ok(size <= most)
        }
        Framing::ToTheEnd => {
            let passed = pass_some(from, to, most, &mut count)?;
            Ok(passed < most)
        }
        Framing::Chunked => pass_chunks(from, to, most, &mut count),
    }
}

fn pass_chunks(
    from: &mut impl BufRead,
    to: &mut impl Write,
    most: u64,
    count: &mut impl FnMut(u64),
) -> io::Result<bool> {
    let mut left = most;
    loop {
        let mut line = String::new();
        from.read_line(&mut line)?;
        let digits = line.trim().split(';').next().unwrap_or_default();
        let size = u64::from_str_radix(digits, 16)
            .map_err(|_| io::Error::new(io::ErrorKind::InvalidData, format!("no size of a chunk: {line}")))?;
        to.write_all(line.as_bytes())?;
        if size == 0 {
            // trailers, then the empty line
            return pass_lines(from, to).map(|()| true);
        }
        pass(from, to, size.min(left), count)?;
        if size > left {
            return Ok(false);
        }
        left -= size;
        pass(from, to, 2, &mut |_| {})?;
    }
}

fn pass_lines(from: &mut impl BufRead, to: &mut impl Write) -> io::Result<()> {
    for line in head_lines(from)? {
        to.write_all(format!("{line}\r\n").as_bytes())?;
    }
    to.write_all(b"\r\n")
}

/// Passes exactly `size` bytes on.
fn pass(from: &mut impl Read, to: &mut impl Write, size: u64, count: &mut impl FnMut(u64)) -> io::Result<()> {
    if pass_some(from, to, size, count)? < size {
        return Err(io::ErrorKind::UnexpectedEof.into());
    }
    Ok(())
}

/// Passes up to `most` bytes on: how many there were.
fn pass_some(
    from: &mut impl Read,
    to: &mut impl Write,
    most: u64,
    count: &mut impl FnMut(u64),
) -> io::Result<u64> {
    let mut buffer = vec![0; PIECE];
    let mut left = most;
    while left > 0 {
        let room = usize::try_from(left).unwrap_or(PIECE).min(PIECE);
        let read = from.read(&mut buffer[..room])?;
        if read == 0 {
            break;
        }
        count(read as u64);
        to.write_all(&buffer[..read])?;
        left -= read as u64;
    }
    Ok(most - left)
}

/// What a body is passed to where the one it was meant for may stop listening.
#[derive(Debug)]
pub(super) struct Patient<W> {
    to: W,
    pub(super) failed: bool,
}

impl<W: Write> Patient<W> {
    pub(super) fn new(to: W) -> Self {
        Self { to, failed: false }
    }
}

impl<W: Write> Write for Patient<W> {
    fn write(&mut self, bytes: &[u8]) -> io::Result<usize> {
        if !self.failed && self.to.write_all(bytes).is_err() {
            self.failed = true;
        }
        Ok(bytes.len())
    }

    fn flush(&mut self) -> io::Result<()> {
        Ok(())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    /// What comes through of `body`, whether it was all, and how many bytes of content were counted.
    fn passed(body: &str, framing: Framing, most: u64) -> (String, bool, u64) {
        let (mut to, mut counted) = (Vec::new(), 0);
        let whole = pass_body(&mut body.as_bytes(), &mut to, framing, most, |n| counted += n).unwrap();
        (String::from_utf8(to).unwrap(), whole, counted)
    }

    #[test]
    fn bodies_of_every_framing() {
        let own = |text: &str, whole, counted| (text.to_owned(), whole, counted);
        assert_eq!(passed("abcdef", Framing::Sized(4), 9), own("abcd", true, 4));
        assert_eq!(passed("abcdef", Framing::Sized(4), 3), own("abc", false, 3));
        assert_eq!(passed("abcdef", Framing::ToTheEnd, 9), own("abcdef", true, 6));
        assert_eq!(passed("abcdef", Framing::ToTheEnd, 2), own("ab", false, 2));
        let chunks = "3\r\nabc\r\n2;x=y\r\nde\r\n0\r\nTrailer: x\r\n\r\n";
        assert_eq!(passed(chunks, Framing::Chunked, 9), own(chunks, true, 5));
        assert_eq!(passed(chunks, Framing::Chunked, 4), own("3\r\nabc\r\n2;x=y\r\nd", false, 4));
    }

    #[test]
    fn framings() {
        let head = |text: &str| Head::read(&mut text.as_bytes()).unwrap().unwrap();
        assert_eq!(head("GET / HTTP/1.1\r\n\r\n").request_framing(), Framing::Sized(0));
        assert_eq!(head("PUT / HTTP/1.1\r\ncontent-length: 7\r\n\r\n").request_framing(), Framing::Sized(7));
        let answer = head("HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n");
        assert_eq!(answer.answer_framing("GET").unwrap(), Framing::Chunked);
        assert_eq!(answer.answer_framing("HEAD").unwrap(), Framing::Sized(0));
        assert_eq!(head("HTTP/1.1 200 OK\r\n\r\n").answer_framing("GET").unwrap(), Framing::ToTheEnd);
    }
}
