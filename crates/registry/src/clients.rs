//! The HTTP clients of one registry: one for plain connections, one for TLS that is made when it is needed.
//!
//! A client for TLS reads the system's certificate authorities, hundreds of files on some systems. On a
//! plain registry that would be the longest part of a run that has nothing to do.

use std::{sync::OnceLock, time::Duration};

use hyper_util::client::proxy::matcher::Matcher;
use reqwest::{Client, Url};

use crate::http::{HttpError, HttpOptions, ProxyUse, bare_client, client_without_authorities};

/// The clients of one registry.
#[derive(Debug)]
pub(crate) struct Clients {
    options: HttpOptions,
    stall: Duration,
    plain: Client,
    tls: OnceLock<Client>,
}

impl Clients {
    /// Clients for the registry at `base`. What is wrong with the options shows here where TLS is sure to be
    /// used, or authorities are named.
    pub(crate) fn new(base: &Url, options: &HttpOptions, stall: Duration) -> Result<Self, HttpError> {
        let tls = match base.scheme() == "https" || !options.ca_files.is_empty() {
            true => OnceLock::from(bare_client(options, stall)?),
            false => OnceLock::new(),
        };
        // A proxy may itself be reached over TLS.
        let plain = match is_proxied(base, options.proxy) {
            true => bare_client(options, stall)?,
            false => client_without_authorities(options, stall)?,
        };
        Ok(Self { options: options.clone(), stall, plain, tls })
    }

    /// The client for `url`. A token server or a storage may speak TLS where the registry doesn't.
    pub(crate) fn of(&self, url: &Url) -> &Client {
        if url.scheme() != "https" {
            return &self.plain;
        }
        // Without a client of its own TLS ends with "unknown issuer", which is what is wrong then.
        self.tls.get_or_init(|| bare_client(&self.options, self.stall).unwrap_or_else(|_| self.plain.clone()))
    }
}

fn is_proxied(base: &Url, proxy: ProxyUse) -> bool {
    match (proxy, base.as_str().parse()) {
        (ProxyUse::Direct, _) => false,
        (ProxyUse::System, Ok(address)) => Matcher::from_system().intercept(&address).is_some(),
        (ProxyUse::System, Err(_)) => true,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn authorities_are_read_only_for_tls() {
        let made = |base: &str| {
            Clients::new(&base.parse().unwrap(), &HttpOptions::default(), Duration::from_secs(1))
        };
        let clients = made("http://127.0.0.1:5000/").unwrap();
        clients.of(&"http://127.0.0.1:5000/v2/".parse().unwrap());
        assert!(clients.tls.get().is_none());
        clients.of(&"https://tokens.example/".parse().unwrap());
        assert!(clients.tls.get().is_some());
        assert!(made("https://127.0.0.1:5000/").unwrap().tls.get().is_some());
    }
}
