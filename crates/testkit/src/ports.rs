//! Free ports on loopback, for programs that cannot take one by themselves.

use std::net::{Ipv4Addr, TcpListener};

/// A port that nothing listened on a moment ago. Another process may take it first: a server that
/// can bind port 0 and tell which one it got should do that instead.
pub fn free() -> u16 {
    let listener = TcpListener::bind((Ipv4Addr::LOCALHOST, 0)).expect("loopback has a free port");
    listener.local_addr().expect("a bound socket has an address").port()
}
