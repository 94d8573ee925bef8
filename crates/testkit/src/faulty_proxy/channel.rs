//! Connections, and how all of them are ended at once.

use std::collections::HashMap;
use std::io::{self, BufReader};
use std::net::{Shutdown, TcpStream};
use std::sync::{Condvar, Mutex, PoisonError};

use super::lock;
use super::stream::Stream;

/// A connection, read through a buffer and written directly.
pub(super) type Channel = BufReader<Box<dyn Stream>>;

/// The connections that are open, so that those that wait in a read can be ended from outside.
#[derive(Debug, Default)]
pub(super) struct Open {
    state: Mutex<State>,
    end: Condvar,
}

#[derive(Debug, Default)]
struct State {
    ended: bool,
    accepted: usize,
    number: usize,
    streams: HashMap<usize, TcpStream>,
}

/// Keeps a connection among the open ones; it is closed with this.
#[derive(Debug)]
pub(super) struct Kept<'a> {
    open: &'a Open,
    number: usize,
}

impl Open {
    /// Counts a connection of a client; `false` where there are to be no more.
    pub(super) fn accept(&self) -> bool {
        let mut state = lock(&self.state);
        state.accepted += 1;
        !state.ended
    }

    pub(super) fn accepted(&self) -> usize {
        lock(&self.state).accepted
    }

    /// Keeps a connection for as long as the value lives.
    pub(super) fn keep(&self, stream: &TcpStream) -> io::Result<Kept<'_>> {
        let mut state = lock(&self.state);
        if state.ended {
            return Err(io::ErrorKind::ConnectionAborted.into());
        }
        state.number += 1;
        let number = state.number;
        state.streams.insert(number, stream.try_clone()?);
        Ok(Kept { open: self, number })
    }

    /// Waits until all connections are to end.
    pub(super) fn wait_for_end(&self) {
        let guard = self.end.wait_while(lock(&self.state), |state| !state.ended);
        drop(guard.unwrap_or_else(PoisonError::into_inner));
    }

    /// Ends all connections, those to come included.
    pub(super) fn shut_all(&self) {
        let mut state = lock(&self.state);
        state.ended = true;
        for stream in state.streams.values() {
            // One that is gone already needs no end.
            let _ = stream.shutdown(Shutdown::Both);
        }
        self.end.notify_all();
    }
}

impl Drop for Kept<'_> {
    fn drop(&mut self) {
        // The clone that is kept here would hold the connection open.
        lock(&self.open.state).streams.remove(&self.number);
    }
}
