//! The HTTP clients of one registry: one for plain connections, one for TLS that is made when it is needed.
//!
//! A client for TLS reads the system's certificate authorities, hundreds of files on some systems. On a
//! plain registry that would be the longest part of a run that has nothing to do.
//!
//! Where a client certificate is configured, there is a third one without it: for storage and token servers,
//! which must not see it.

use std::{sync::OnceLock, time::Duration};

use reqwest::{Client, Url};

use crate::{
    http::{HttpError, HttpOptions, bare_client, plain_client, same_place},
    proxy::Proxy,
};

/// The clients of one registry.
#[derive(Debug)]
pub(crate) struct Clients {
    base: Url,
    options: HttpOptions,
    stall: Duration,
    plain: Client,
    tls: OnceLock<Client>,
    /// For other hosts, where the one above shows a certificate.
    without_certificate: OnceLock<Client>,
}

impl Clients {
    /// Clients for the registry at `base`. What is wrong with the options shows here where TLS is sure to be
    /// used, or certificates are named.
    pub(crate) fn new(base: &Url, options: &HttpOptions, stall: Duration) -> Result<Self, HttpError> {
        let names_files = !options.ca_files.is_empty() || options.client_certificate.is_some();
        let tls = match base.scheme() == "https" || names_files {
            true => OnceLock::from(bare_client(options, stall)?),
            false => OnceLock::new(),
        };
        let plain = plain_client(options, stall)?;
        let (base, options) = (base.clone(), options.clone());
        Ok(Self { base, options, stall, plain, tls, without_certificate: OnceLock::new() })
    }

    /// The client for `url`. A token server or a storage may speak TLS where the registry doesn't.
    pub(crate) fn of(&self, url: &Url) -> &Client {
        if url.scheme() != "https" {
            &self.plain
        } else if self.options.client_certificate.is_none() || same_place(&self.base, url) {
            self.tls.get_or_init(|| self.tls_client(&self.options))
        } else {
            let bare = || HttpOptions { client_certificate: None, ..self.options.clone() };
            self.without_certificate.get_or_init(|| self.tls_client(&bare()))
        }
    }

    /// The proxy that `url` is reached through.
    pub(crate) fn proxy_of(&self, url: &Url) -> Option<&Proxy> {
        self.options.proxies.of(url)
    }

    /// Without a client of its own TLS ends with "unknown issuer", which is what is wrong then.
    fn tls_client(&self, options: &HttpOptions) -> Client {
        bare_client(options, self.stall).unwrap_or_else(|_| self.plain.clone())
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
