//! A forwarder in front of a registry that counts requests, and holds all that come after a given number.

use std::io::{self, Read, Write};
use std::net::{Ipv4Addr, Shutdown, SocketAddr, TcpListener, TcpStream};
use std::sync::{Arc, Condvar, Mutex, MutexGuard};
use std::thread;
use std::time::Duration;

/// The gate. What it forwards lives as long as the two ends of each connection.
pub(crate) struct Gate {
    address: SocketAddr,
    door: Arc<Door>,
}

#[derive(Default)]
struct Door {
    state: Mutex<State>,
    changed: Condvar,
}

#[derive(Default)]
struct State {
    /// Requests that came so far.
    seen: usize,
    /// How many may pass; `None` while the gate is open.
    limit: Option<usize>,
    /// How often what was held was thrown away.
    discards: usize,
}

impl Gate {
    /// An open gate in front of `host`.
    pub(crate) fn before(host: &str) -> Self {
        let listener = TcpListener::bind((Ipv4Addr::LOCALHOST, 0)).unwrap();
        let (address, door) = (listener.local_addr().unwrap(), Arc::<Door>::default());
        let (host, shared) = (host.to_owned(), Arc::clone(&door));
        // It ends with the process: nothing tells a listener to stop waiting.
        thread::spawn(move || {
            listener.incoming().map_while(Result::ok).for_each(|client| shared.connect(client, &host));
        });
        Self { address, door }
    }

    pub(crate) fn host(&self) -> String {
        self.address.to_string()
    }

    /// Requests that came so far, held ones included.
    pub(crate) fn seen(&self) -> usize {
        self.door.state().seen
    }

    /// Lets `requests` more of them pass, and holds all that come then.
    pub(crate) fn hold_after(&self, requests: usize) {
        let mut state = self.door.state();
        state.limit = Some(state.seen + requests);
    }

    /// Waits until a request is held; `ended` is asked now and then whether there will be none.
    pub(crate) fn wait_until_held(&self, mut ended: impl FnMut() -> bool) {
        let mut state = self.door.state();
        while state.limit.is_some_and(|limit| state.seen <= limit) && !ended() {
            state = self.door.changed.wait_timeout(state, Duration::from_millis(50)).unwrap().0;
        }
    }

    /// Lets everything pass from now on, what is held too.
    pub(crate) fn open(&self) {
        self.door.state().limit = None;
        self.door.changed.notify_all();
    }

    /// Cuts the connections whose requests are held, and lets everything pass from now on.
    pub(crate) fn discard(&self) {
        self.door.state().discards += 1;
        self.open();
    }
}

impl Door {
    fn state(&self) -> MutexGuard<'_, State> {
        self.state.lock().unwrap()
    }

    fn connect(self: &Arc<Self>, client: TcpStream, host: &str) {
        let server = TcpStream::connect(host).unwrap();
        let (from_server, to_client) = (server.try_clone().unwrap(), client.try_clone().unwrap());
        thread::spawn(move || pass(from_server, to_client, |_| true));
        let door = Arc::clone(self);
        thread::spawn(move || pass(client, server, |bytes| door.lets_pass(bytes)));
    }

    /// Counts a request and holds it where it is one too many. `false` where it is to be thrown away.
    fn lets_pass(&self, bytes: &[u8]) -> bool {
        if !begins_a_request(bytes) {
            return true;
        }
        let mut state = self.state();
        state.seen += 1;
        let (number, discards) = (state.seen, state.discards);
        self.changed.notify_all();
        while state.limit.is_some_and(|limit| number > limit) {
            state = self.changed.wait(state).unwrap();
        }
        state.discards == discards
    }
}

/// Whether a read from a connection is the beginning of a request: clients write each one by itself.
fn begins_a_request(bytes: &[u8]) -> bool {
    ["GET /", "HEAD /", "POST /", "PUT /", "PATCH /", "DELETE /"]
        .iter()
        .any(|method| bytes.starts_with(method.as_bytes()))
}

/// Passes on what comes, until either end is gone or `may_pass` says no.
fn pass(mut from: TcpStream, mut to: TcpStream, may_pass: impl Fn(&[u8]) -> bool) {
    let mut buffer = vec![0; 64 * 1024];
    let mut forward = || -> io::Result<bool> {
        let read = from.read(&mut buffer)?;
        if read == 0 || !may_pass(&buffer[..read]) {
            return Ok(false);
        }
        to.write_all(&buffer[..read])?;
        Ok(true)
    };
    while forward().unwrap_or(false) {}
    // The other end may be gone already.
    let _ = to.shutdown(Shutdown::Both);
    let _ = from.shutdown(Shutdown::Both);
}
