//! A connection as bytes: counted, with a client that may be slow but not for ever, and closed so
//! that the last answer arrives.

use std::io;
use std::pin::Pin;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::task::{Context, Poll, ready};
use std::time::Duration;

use tokio::io::{AsyncRead, AsyncWrite, ReadBuf};
use tokio::net::TcpStream;

use super::patience::Patience;

/// How long the server reads on from a client that was answered before its request was whole.
const LINGER: Duration = Duration::from_secs(2);

/// What the two directions of a connection know of each other.
#[derive(Debug, Default)]
pub(super) struct Traffic {
    /// Bytes came that belong to no request that is whole.
    unread: AtomicBool,
    /// Bodies that are still arriving are to be broken off.
    ending: AtomicBool,
}

impl Traffic {
    /// A request has arrived with all of its body.
    pub(super) fn request_is_whole(&self) {
        self.unread.store(false, Ordering::Relaxed);
    }

    pub(super) fn break_off(&self) {
        self.ending.store(true, Ordering::Relaxed);
    }

    pub(super) fn is_ending(&self) -> bool {
        self.ending.load(Ordering::Relaxed)
    }
}

/// A client's connection below TLS.
#[derive(Debug)]
pub(super) struct Link {
    stream: TcpStream,
    traffic: Arc<Traffic>,
    patience: Patience,
    linger: Option<Patience>,
}

impl Link {
    pub(super) fn new(stream: TcpStream, traffic: Arc<Traffic>, patience: Duration) -> Self {
        Self { stream, traffic, patience: Patience::new(patience), linger: None }
    }

    /// The first byte that comes, which stays to be read.
    pub(super) async fn first_byte(&self) -> io::Result<u8> {
        let mut byte = [0];
        match self.stream.peek(&mut byte).await? {
            0 => Err(io::ErrorKind::UnexpectedEof.into()),
            _ => Ok(byte[0]),
        }
    }

    fn poll_out(&mut self, cx: &mut Context<'_>, result: Poll<io::Result<usize>>) -> Poll<io::Result<usize>> {
        match result {
            Poll::Ready(result) => {
                self.patience.moved(*result.as_ref().unwrap_or(&0));
                Poll::Ready(result)
            }
            Poll::Pending => self.patience.poll_over(cx).map(|()| {
                Err(io::Error::new(io::ErrorKind::TimedOut, "the client takes its answer too slowly"))
            }),
        }
    }

    /// Reads on for a while where the client is not done sending. The system answers bytes that
    /// nobody read with a reset, which would take the answer along that says why.
    fn poll_linger(&mut self, cx: &mut Context<'_>) -> Poll<()> {
        if !self.traffic.unread.load(Ordering::Relaxed) {
            return Poll::Ready(());
        }
        let linger = self.linger.get_or_insert_with(|| Patience::new(LINGER));
        let mut scratch = [0; 8 * 1024];
        loop {
            let mut buffer = ReadBuf::new(&mut scratch);
            // Never told of what moved, so that it ends.
            if linger.poll_over(cx).is_ready() {
                return Poll::Ready(());
            }
            match ready!(Pin::new(&mut self.stream).poll_read(cx, &mut buffer)) {
                Ok(()) if !buffer.filled().is_empty() => {}
                _ => return Poll::Ready(()),
            }
        }
    }
}

impl AsyncRead for Link {
    fn poll_read(
        mut self: Pin<&mut Self>,
        cx: &mut Context<'_>,
        buffer: &mut ReadBuf<'_>,
    ) -> Poll<io::Result<()>> {
        let before = buffer.filled().len();
        let result = ready!(Pin::new(&mut self.stream).poll_read(cx, buffer));
        if buffer.filled().len() > before {
            self.traffic.unread.store(true, Ordering::Relaxed);
        }
        Poll::Ready(result)
    }
}

impl AsyncWrite for Link {
    fn poll_write(mut self: Pin<&mut Self>, cx: &mut Context<'_>, bytes: &[u8]) -> Poll<io::Result<usize>> {
        let result = Pin::new(&mut self.stream).poll_write(cx, bytes);
        self.poll_out(cx, result)
    }

    fn poll_write_vectored(
        mut self: Pin<&mut Self>,
        cx: &mut Context<'_>,
        slices: &[io::IoSlice<'_>],
    ) -> Poll<io::Result<usize>> {
        let result = Pin::new(&mut self.stream).poll_write_vectored(cx, slices);
        self.poll_out(cx, result)
    }

    fn is_write_vectored(&self) -> bool {
        self.stream.is_write_vectored()
    }

    fn poll_flush(mut self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<io::Result<()>> {
        Pin::new(&mut self.stream).poll_flush(cx)
    }

    fn poll_shutdown(mut self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<io::Result<()>> {
        if self.linger.is_none() {
            ready!(Pin::new(&mut self.stream).poll_shutdown(cx))?;
        }
        self.poll_linger(cx).map(Ok)
    }
}
