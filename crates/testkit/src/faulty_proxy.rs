//! A proxy on loopback in front of a real registry, which shows on request what a real one won't.
//!
//! It forwards everything as it is, but for the requests that a [`Fault`] picks: those are cut, answered
//! by the proxy itself, or led on with another answer. It counts and keeps what was asked
//! ([`FaultyProxy::seen`]), so that tests can tell how often, and with what, a server was troubled.
//!
//! ```no_run
//! use portolan_testkit::docker_registry::{DockerRegistry, Options};
//! use portolan_testkit::faulty_proxy::{Action, Fault, FaultyProxy, Kind};
//!
//! let Some(registry) = DockerRegistry::start(&Options::default()) else { return };
//! let proxy = FaultyProxy::before(registry.host().as_str());
//! proxy.add(Fault::of(Kind::UploadEnd, Action::Cut { after: 100_000 }).first(1));
//! println!("{}", proxy.url());
//! ```
//!
//! The server behind it is spoken to in the clear. Each connection of a client is a thread and has one
//! connection to the server.

mod channel;
mod exchange;
mod fault;
mod message;
mod seen;
mod stream;

use std::net::{Ipv4Addr, SocketAddr, TcpListener, TcpStream};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::thread::{self, JoinHandle};
use std::time::Duration;

use portolan_oci::RegistryHost;
use rustls::ServerConfig;

use channel::Open;
pub use fault::{Action, Fault, Reply};
use message::Head;
pub use seen::{Kind, Seen};
use seen::{Log, Ticket};
use stream::tls_config;

use crate::tls::Certificates;

/// A running proxy; it ends when it is dropped, and every connection with it.
#[derive(Debug)]
pub struct FaultyProxy {
    address: SocketAddr,
    shared: Arc<Shared>,
    thread: Option<JoinHandle<()>>,
}

/// What all connections have in common.
#[derive(Debug)]
struct Shared {
    /// `HOST:PORT` of the server behind the proxy.
    upstream: String,
    /// What clients are shown, where they are spoken to over TLS.
    tls: Option<Arc<ServerConfig>>,
    faults: Mutex<Vec<Fault>>,
    delay: Mutex<Duration>,
    log: Log,
    open: Open,
}

impl FaultyProxy {
    /// Starts a proxy in front of the server at `upstream`, `HOST:PORT`. Nothing is wrong with it yet.
    ///
    /// # Panics
    /// Where loopback has no free port.
    pub fn before(upstream: &str) -> Self {
        Self::start(upstream, None)
    }

    /// The same over TLS; the server behind it is spoken to in the clear all the same.
    ///
    /// # Panics
    /// Where loopback has no free port, or the certificates are none.
    pub fn with_tls(upstream: &str, certificates: &Certificates) -> Self {
        Self::start(upstream, Some(tls_config(certificates)))
    }

    fn start(upstream: &str, tls: Option<Arc<ServerConfig>>) -> Self {
        let listener = TcpListener::bind((Ipv4Addr::LOCALHOST, 0)).expect("loopback has a free port");
        let address = listener.local_addr().expect("a bound socket has an address");
        let shared = Arc::new(Shared {
            upstream: upstream.to_owned(),
            tls,
            faults: Mutex::default(),
            delay: Mutex::default(),
            log: Log::default(),
            open: Open::default(),
        });
        let thread = thread::spawn({
            let shared = Arc::clone(&shared);
            move || accept(&listener, &shared)
        });
        Self { address, shared, thread: Some(thread) }
    }

    /// `127.0.0.1:PORT`.
    pub fn host(&self) -> RegistryHost {
        self.address.to_string().parse().expect("an address with a port is a registry's name")
    }

    /// `http://127.0.0.1:PORT`, or with `https`.
    pub fn url(&self) -> String {
        let scheme = if self.shared.tls.is_some() { "https" } else { "http" };
        format!("{scheme}://{}", self.address)
    }

    /// Lets something go wrong from now on. Of several faults that a request meets, the first that was
    /// added happens; it counts for all of them.
    pub fn add(&self, fault: Fault) {
        lock(&self.shared.faults).push(fault);
    }

    /// From now on nothing is wrong; the delay stays.
    pub fn heal(&self) {
        lock(&self.shared.faults).clear();
    }

    /// Holds each request back for so long before it is forwarded or answered.
    pub fn delay_each(&self, delay: Duration) {
        *lock(&self.shared.delay) = delay;
    }

    /// Everything that was asked so far, in the order in which the heads of the requests came. A request
    /// stands here as it will stay once the client has the head of its answer.
    pub fn seen(&self) -> Vec<Seen> {
        self.shared.log.all()
    }

    /// How many requests of that kind came so far, whatever became of them.
    pub fn count(&self, kind: Kind) -> usize {
        self.seen().iter().filter(|seen| seen.kind() == kind).count()
    }

    /// How many requests were under way at once, at most, since the last call of this.
    pub fn most_at_once(&self) -> usize {
        self.shared.log.take_peak()
    }

    /// How many connections clients have made so far.
    pub fn connections(&self) -> usize {
        self.shared.open.accepted()
    }

    /// Forgets what was seen, so that the next requests stand at the beginning.
    pub fn forget(&self) {
        self.shared.log.clear();
    }
}

impl Drop for FaultyProxy {
    fn drop(&mut self) {
        self.shared.open.shut_all();
        // wakes the thread, which waits for a connection
        let _ = TcpStream::connect(self.address);
        if let Some(thread) = self.thread.take() {
            let _ = thread.join();
        }
    }
}

fn accept(listener: &TcpListener, shared: &Arc<Shared>) {
    for stream in listener.incoming().flatten() {
        if !shared.open.accept() {
            return;
        }
        let shared = Arc::clone(shared);
        // A client or a server that went away is not the proxy's failure.
        thread::spawn(move || exchange::serve(stream, &shared).ok());
    }
}

impl Shared {
    /// Notes a request, waits as long as every request has to, and picks what goes wrong with it.
    fn admit(&self, head: &Head) -> (Ticket<'_>, Option<Action>) {
        let seen = Seen::of(head);
        let mut chosen = None;
        for fault in lock(&self.faults).iter_mut().filter(|fault| fault.picks(&seen)) {
            if fault.counts_down() && chosen.is_none() {
                chosen = Some(fault.action().clone());
            }
        }
        let ticket = self.log.begin(seen);
        let delay = *lock(&self.delay);
        thread::sleep(delay);
        (ticket, chosen)
    }
}

fn lock<T>(mutex: &Mutex<T>) -> MutexGuard<'_, T> {
    mutex.lock().unwrap_or_else(PoisonError::into_inner)
}
