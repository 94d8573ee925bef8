//! Contents on their way out: in small pieces, from memory where the system has them there.

use std::fs::File;
use std::io::{self, IoSliceMut};
use std::ops::RangeInclusive;
use std::os::unix::fs::FileExt;
use std::pin::Pin;
use std::sync::Arc;
use std::task::{Context, Poll, ready};

use axum::body::Body;
use bytes::Bytes;
use http_body::{Frame, SizeHint};
use rustix::fs::Advice;
use rustix::io::ReadWriteFlags;
use tokio::task::{JoinHandle, spawn_blocking};

/// Bytes read at once. A connection holds one piece and what waits to be sent, so this bounds the
/// memory of many pulls.
const PIECE: u64 = 64 * 1024;

/// A stretch of a file as a body; a short one is read at once, so that it costs no second hop.
/// Blocks when called.
pub(super) fn file_body(file: File, range: &RangeInclusive<u64>) -> io::Result<Body> {
    let (start, end) = (*range.start(), *range.end() + 1);
    if end - start <= PIECE {
        return read(&file, start, end - start).map(Body::from);
    }
    // Where the system doesn't take the advice, it reads ahead as it always does.
    let _ = rustix::fs::fadvise(&file, start, std::num::NonZeroU64::new(end - start), Advice::Sequential);
    Ok(Body::new(Stretch { file: Arc::new(file), at: start, end, reading: None }))
}

/// What is left to send of a file.
#[derive(Debug)]
struct Stretch {
    file: Arc<File>,
    at: u64,
    end: u64,
    reading: Option<JoinHandle<io::Result<Bytes>>>,
}

impl Stretch {
    /// The next piece: at once where it is in the system's memory, else from a thread that may
    /// wait for the disk.
    fn poll_piece(&mut self, cx: &mut Context<'_>) -> Poll<io::Result<Bytes>> {
        let length = PIECE.min(self.end - self.at);
        if self.reading.is_none() {
            if let Some(piece) = read_cached(&self.file, self.at, length) {
                return Poll::Ready(Ok(piece));
            }
            let (file, at) = (Arc::clone(&self.file), self.at);
            self.reading = Some(spawn_blocking(move || read(&file, at, length)));
        }
        let reading = self.reading.as_mut().expect("because it was begun above");
        let read = ready!(Pin::new(reading).poll(cx));
        self.reading = None;
        Poll::Ready(read.unwrap_or_else(|error| Err(io::Error::other(error))))
    }
}

impl http_body::Body for Stretch {
    type Data = Bytes;
    type Error = io::Error;

    fn poll_frame(mut self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<Option<io::Result<Frame<Bytes>>>> {
        if self.at == self.end {
            return Poll::Ready(None);
        }
        let piece = ready!(self.poll_piece(cx))?;
        self.at += piece.len() as u64;
        Poll::Ready(Some(Ok(Frame::data(piece))))
    }

    fn is_end_stream(&self) -> bool {
        self.at == self.end
    }

    fn size_hint(&self) -> SizeHint {
        SizeHint::with_exact(self.end - self.at)
    }
}

/// What the system has in memory of those bytes; `None` where it would have to ask the disk, or
/// can't say so.
fn read_cached(file: &File, at: u64, length: u64) -> Option<Bytes> {
    let mut piece = space(length).ok()?;
    let read = rustix::io::preadv2(file, &mut [IoSliceMut::new(&mut piece)], at, ReadWriteFlags::NOWAIT);
    piece.truncate(read.ok().filter(|read| *read > 0)?);
    Some(piece.into())
}

fn read(file: &File, at: u64, length: u64) -> io::Result<Bytes> {
    let mut piece = space(length)?;
    file.read_exact_at(&mut piece, at)?;
    Ok(piece.into())
}

fn space(length: u64) -> io::Result<Vec<u8>> {
    Ok(vec![0; usize::try_from(length).map_err(io::Error::other)?])
}

#[cfg(test)]
mod tests {
    use std::fs;

    use super::*;

    /// The stretch `range` of a file of `length` bytes, and how the body of it ended.
    async fn sent(length: u64, range: RangeInclusive<u64>, cut: Option<u64>) -> (Vec<u8>, Option<io::Error>) {
        let dir = tempfile::tempdir().unwrap();
        let path = dir.path().join("content");
        fs::write(&path, content(length)).unwrap();
        let body = file_body(File::open(&path).unwrap(), &range).unwrap();
        if let Some(cut) = cut {
            File::options().write(true).open(&path).unwrap().set_len(cut).unwrap();
        }
        assert_eq!(http_body::Body::size_hint(&body).exact(), Some(range.end() - range.start() + 1));
        let mut stream = body.into_data_stream();
        let mut bytes = Vec::new();
        while let Some(piece) = futures_util::StreamExt::next(&mut stream).await {
            match piece {
                Ok(piece) => bytes.extend_from_slice(&piece),
                Err(error) => return (bytes, Some(io::Error::other(error))),
            }
        }
        (bytes, None)
    }

    fn content(length: u64) -> Vec<u8> {
        (0..length).map(|at| u8::try_from(at % 251).unwrap()).collect()
    }

    #[tokio::test]
    async fn every_stretch_is_what_lies_there() {
        let all = content(5 * PIECE + 7);
        for (start, end) in [(0, 5 * PIECE + 6), (1, PIECE), (1, PIECE + 1), (PIECE, 3 * PIECE - 1), (7, 7)] {
            let (bytes, error) = sent(5 * PIECE + 7, start..=end, None).await;
            let expected = &all[usize::try_from(start).unwrap()..=usize::try_from(end).unwrap()];
            assert!(bytes == expected, "{start} to {end}");
            assert!(error.is_none(), "{error:?}");
        }
    }

    #[tokio::test]
    async fn a_file_that_ends_early_is_an_error_and_no_short_answer() {
        let (bytes, error) = sent(3 * PIECE, 0..=3 * PIECE - 1, Some(PIECE)).await;
        assert_eq!(bytes.len() as u64, PIECE);
        assert!(error.is_some());
    }
}
