//! What stands between a program and the API server, so that the server can be out of reach for one namespace's
//! programs while all others go on: connections are passed on as they are, cut and refused, or left without an answer.

use std::io::{self, Read, Write};
use std::net::{Shutdown, TcpListener, TcpStream};
use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::{Arc, Mutex, PoisonError};
use std::time::Duration;

use portolan_testkit::ports;

/// A way to the API server that can be shut.
pub(crate) struct Gate {
    pub(crate) port: u16,
    server: u16,
    lane: Mutex<Option<Arc<Lane>>>,
}

/// All connections since the gate was opened.
#[derive(Default)]
struct Lane {
    is_shut: AtomicBool,
    is_silent: AtomicBool,
    streams: Mutex<Vec<TcpStream>>,
}

impl Gate {
    /// An open one.
    pub(crate) fn new(server: u16) -> Self {
        let gate = Self { port: ports::free(), server, lane: Mutex::default() };
        gate.open();
        gate
    }

    pub(crate) fn open(&self) {
        let listener = TcpListener::bind(("127.0.0.1", self.port)).unwrap();
        let lane = Arc::new(Lane::default());
        *self.lane.lock().unwrap_or_else(PoisonError::into_inner) = Some(Arc::clone(&lane));
        let server = self.server;
        std::thread::spawn(move || {
            for client in listener.incoming().flatten() {
                if lane.is_shut.load(Ordering::SeqCst) {
                    return;
                }
                pass(&client, server, &lane);
            }
        });
    }

    /// Cuts what is under way, and refuses what comes.
    pub(crate) fn shut(&self) {
        let lane = self.lane.lock().unwrap_or_else(PoisonError::into_inner).take();
        let Some(lane) = lane else { return };
        lane.is_shut.store(true, Ordering::SeqCst);
        for stream in lane.streams.lock().unwrap_or_else(PoisonError::into_inner).drain(..) {
            // One that has ended by itself is cut already.
            let _ = stream.shutdown(Shutdown::Both);
        }
        // Wakes the listener, which goes then.
        let _ = TcpStream::connect(("127.0.0.1", self.port));
    }
}

impl Gate {
    /// Nothing comes through, in either direction, and nobody is told; or everything again, that waited too.
    pub(crate) fn silence(&self, is_silent: bool) {
        if let Some(lane) = &*self.lane.lock().unwrap_or_else(PoisonError::into_inner) {
            lane.is_silent.store(is_silent, Ordering::SeqCst);
        }
    }
}

impl Drop for Gate {
    fn drop(&mut self) {
        self.shut();
    }
}

/// Copies what comes, unless the lane is silent.
fn copied(from: &mut TcpStream, to: &mut TcpStream, lane: &Lane) -> io::Result<()> {
    let mut piece = [0; 16 * 1024];
    loop {
        let length = from.read(&mut piece)?;
        while lane.is_silent.load(Ordering::SeqCst) && !lane.is_shut.load(Ordering::SeqCst) {
            std::thread::sleep(Duration::from_millis(20));
        }
        if length == 0 {
            return Ok(());
        }
        to.write_all(&piece[..length])?;
    }
}

fn pass(client: &TcpStream, server: u16, lane: &Arc<Lane>) {
    let Ok(server) = TcpStream::connect(("127.0.0.1", server)) else { return };
    let copy = |stream: &TcpStream| stream.try_clone().unwrap();
    lane.streams.lock().unwrap_or_else(PoisonError::into_inner).extend([copy(client), copy(&server)]);
    for (mut from, mut to) in [(copy(client), copy(&server)), (copy(&server), copy(client))] {
        let lane = Arc::clone(lane);
        std::thread::spawn(move || {
            // Whose other end is gone has nothing to be told.
            let _ = copied(&mut from, &mut to, &lane);
            let _ = to.shutdown(Shutdown::Write);
        });
    }
}
