//! A command that runs on a node: bytes in, bytes out, and how it ended.

use bytes::Bytes;
use russh::ChannelMsg;
use russh::client::Msg;
use russh::{ChannelReadHalf, ChannelWriteHalf};
use tokio::sync::{OwnedSemaphorePermit, watch};
use tokio::task::JoinHandle;

use super::address::Endpoint;
use super::error::SshError;
use super::session::SessionChannel;

/// How much of a command's output is kept, in bytes: lists of a node's content are a few megabytes.
const OUTPUT_LIMIT: usize = 32 << 20;

/// How much of its messages is kept, in bytes: the end, where the reason stands.
const MESSAGES_LIMIT: usize = 16 << 10;

/// Standard error, as SSH numbers it (RFC 4254, 5.2).
const STANDARD_ERROR: u32 = 1;

/// How a command ended.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Ended {
    /// What it came to.
    pub status: Status,
    /// Standard output, up to a limit.
    pub output: Vec<u8>,
    /// The end of standard error.
    pub messages: String,
}

/// What a command came to.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Status {
    /// It ended by itself with this number.
    Exit(u32),
    /// A signal ended it.
    Signal(String),
    /// The connection broke before it ended.
    Unknown,
}

/// A command that runs.
pub struct Running {
    endpoint: Endpoint,
    what: String,
    input: ChannelWriteHalf<Msg>,
    /// Until it was begun.
    read: Option<ChannelReadHalf>,
    messages: watch::Receiver<Messages>,
    telling: Option<watch::Sender<Messages>>,
    reading: Option<JoinHandle<Ended>>,
    /// Its place among the commands of its connection.
    _place: OwnedSemaphorePermit,
}

/// What was said on standard error so far.
#[derive(Debug, Default)]
struct Messages {
    tail: Vec<u8>,
    is_over: bool,
}

impl Ended {
    /// Whether it did what it was to do.
    pub fn is_good(&self) -> bool {
        self.status == Status::Exit(0)
    }

    /// Standard output as text.
    pub fn text(&self) -> std::borrow::Cow<'_, str> {
        String::from_utf8_lossy(&self.output)
    }

    /// What it said last, in one line, for an error; where it said nothing, how it ended.
    pub fn reason(&self) -> String {
        let lines: Vec<_> = self.messages.lines().map(str::trim).filter(|line| !line.is_empty()).collect();
        match (lines.is_empty(), &self.status) {
            (false, _) => lines[lines.len().saturating_sub(3)..].join("; "),
            (true, Status::Exit(number)) => format!("exit code {number}"),
            (true, Status::Signal(name)) => format!("ended by signal {name}"),
            (true, Status::Unknown) => "the connection broke".to_owned(),
        }
    }
}

impl Running {
    pub(super) fn new(
        channel: SessionChannel,
        place: OwnedSemaphorePermit,
        endpoint: Endpoint,
        command: &str,
    ) -> Self {
        let (read, input) = channel.split();
        let (telling, messages) = watch::channel(Messages::default());
        let what = command.to_owned();
        let (read, telling) = (Some(read), Some(telling));
        Self { endpoint, what, input, read, messages, telling, reading: None, _place: place }
    }

    /// Asks the server to run `command`, and waits for its consent.
    pub(super) async fn begin(&mut self, command: &str) -> Result<(), SshError> {
        self.input.exec(true, command).await.map_err(|_| self.broken())?;
        let mut read = self.read.take().expect("because a command begins once");
        let telling = self.telling.take().expect("because a command begins once");
        loop {
            match read.wait().await {
                Some(ChannelMsg::Success) => break,
                Some(ChannelMsg::Failure) => {
                    return Err(SshError::NoCommands { endpoint: self.endpoint.clone() });
                }
                Some(_) => {}
                None => return Err(self.broken()),
            }
        }
        self.reading = Some(tokio::spawn(collect(read, telling)));
        Ok(())
    }

    /// Hands bytes to its standard input, as fast as it takes them. Gives whether it still takes any: a
    /// command that ended has the reason in [`Running::ended`].
    pub async fn send(&mut self, bytes: Bytes) -> bool {
        let mut messages = self.messages.clone();
        // A library that waits for room in a window is not woken by a channel that closes.
        tokio::select! {
            biased;
            _ = messages.wait_for(|messages| messages.is_over) => false,
            sent = self.input.data_bytes(bytes) => sent.is_ok(),
        }
    }

    /// Whether it has ended.
    pub fn is_over(&self) -> bool {
        self.messages.borrow().is_over
    }

    /// Waits until `text` stands in standard error. Gives `false` where the command ends first.
    pub(super) async fn says(&mut self, text: &str) -> bool {
        let said = |messages: &Messages| contains(&messages.tail, text.as_bytes());
        let waited = self.messages.wait_for(|messages| messages.is_over || said(messages)).await;
        waited.is_ok_and(|messages| said(&messages))
    }

    /// Says that nothing more comes, and waits for its end.
    ///
    /// # Errors
    /// [`SshError::Broken`] where the connection broke before it ended.
    pub async fn ended(mut self) -> Result<Ended, SshError> {
        // A command that ended takes no end of input any more.
        let _ = self.input.eof().await;
        let reading = self.reading.take().expect("because whoever has this began the command");
        let ended = reading.await.map_err(|_| self.broken())?;
        let _ = self.input.close().await;
        match ended.status {
            Status::Unknown => Err(self.broken()),
            Status::Exit(_) | Status::Signal(_) => Ok(ended),
        }
    }

    /// Breaks off: what it was given so far ends in the middle.
    pub async fn abandon(self) {
        let _ = self.input.close().await;
    }

    fn broken(&self) -> SshError {
        SshError::Broken { endpoint: self.endpoint.clone(), doing: format!("running {}", self.what) }
    }
}

impl Drop for Running {
    fn drop(&mut self) {
        if let Some(reading) = &self.reading {
            reading.abort();
        }
    }
}

/// Reads all that a command says until its channel is closed.
async fn collect(mut read: ChannelReadHalf, telling: watch::Sender<Messages>) -> Ended {
    let mut ended = Ended { status: Status::Unknown, output: Vec::new(), messages: String::new() };
    while let Some(message) = read.wait().await {
        match message {
            ChannelMsg::Data { data } => {
                let room = OUTPUT_LIMIT.saturating_sub(ended.output.len()).min(data.len());
                ended.output.extend_from_slice(&data[..room]);
            }
            ChannelMsg::ExtendedData { data, ext: STANDARD_ERROR } => {
                telling.send_modify(|messages| keep_end(&mut messages.tail, &data));
            }
            ChannelMsg::ExitStatus { exit_status } => ended.status = Status::Exit(exit_status),
            ChannelMsg::ExitSignal { signal_name, .. } => {
                ended.status = Status::Signal(format!("{signal_name:?}"));
            }
            ChannelMsg::Close => break,
            _ => {}
        }
    }
    ended.messages = String::from_utf8_lossy(&telling.borrow().tail).into_owned();
    telling.send_modify(|messages| messages.is_over = true);
    ended
}

fn keep_end(tail: &mut Vec<u8>, data: &[u8]) {
    tail.extend_from_slice(data);
    let excess = tail.len().saturating_sub(MESSAGES_LIMIT);
    tail.drain(..excess);
}

fn contains(haystack: &[u8], needle: &[u8]) -> bool {
    haystack.windows(needle.len()).any(|window| window == needle)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_end_of_what_was_said_is_kept() {
        let mut tail = Vec::new();
        keep_end(&mut tail, b"first ");
        keep_end(&mut tail, &[b'x'; MESSAGES_LIMIT - 4]);
        assert_eq!(tail.len(), MESSAGES_LIMIT);
        assert!(contains(&tail, b"t xxx") && !contains(&tail, b"first"));
    }

    #[test]
    fn reasons_in_one_line() {
        let check = |messages: &str, status: Status, expected: &str| {
            let ended = Ended { status, output: Vec::new(), messages: messages.to_owned() };
            assert_eq!(ended.reason(), expected);
        };
        check("ctr: no space left on device\n", Status::Exit(1), "ctr: no space left on device");
        check("a\n\nb\nc\nd\n", Status::Exit(1), "b; c; d");
        check("", Status::Exit(127), "exit code 127");
        check("", Status::Signal("KILL".to_owned()), "ended by signal KILL");
    }
}
