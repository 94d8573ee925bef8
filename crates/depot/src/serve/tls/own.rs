//! A certificate that the depot makes itself, for sites that have no authority.
//!
//! ```text
//! DATA/tls/           mode 0700
//! ├── certificate.pem signed by its own key: what clients are told to trust
//! └── key.pem         mode 0600
//! ```
//!
//! It is kept as long as it can be, since every node that trusts it would have to be told anew:
//! it is made again only near its end, or when a name that was asked for is missing in it.

use std::collections::BTreeSet;
use std::fs::{self, File, Permissions};
use std::io::Write;
use std::net::{IpAddr, SocketAddr};
use std::os::unix::fs::{DirBuilderExt, OpenOptionsExt, PermissionsExt};
use std::path::{Path, PathBuf};
use std::time::SystemTime;

use jiff::{Timestamp, ToSpan, tz::TimeZone};
use rcgen::{CertificateParams, DnType, ExtendedKeyUsagePurpose, KeyPair, date_time_ymd};
use rustls::pki_types::ServerName;

use super::TlsError;
use super::pair::{Pair, PairFiles};

/// For how long a certificate is made.
const YEARS: i32 = 10;

/// So long before its end it is made again, in seconds: thirty days.
const RENEWAL: u64 = 30 * 24 * 60 * 60;

/// Names that every certificate is good for.
const LOOPBACK: [&str; 3] = ["localhost", "127.0.0.1", "::1"];

/// A self-made certificate: where it lies, and what it must be good for.
#[derive(Debug, Clone)]
pub(super) struct Own {
    dir: PathBuf,
    wanted: BTreeSet<String>,
    everywhere: bool,
}

impl Own {
    /// The one in the data directory `data`, good for `names` and for the address listened on.
    pub(super) fn new(data: &Path, names: &[String], address: SocketAddr) -> Result<Self, TlsError> {
        let bad = |name: &&String| ServerName::try_from(name.as_str()).is_err();
        if let Some(name) = names.iter().find(bad) {
            return Err(TlsError::Name { name: name.clone() });
        }
        let mut wanted: BTreeSet<String> = LOOPBACK.map(str::to_owned).into();
        wanted.extend(names.iter().cloned());
        let everywhere = address.ip().is_unspecified();
        if !everywhere {
            wanted.insert(address.ip().to_string());
        }
        Ok(Self { dir: data.join("tls"), wanted, everywhere })
    }

    pub(super) fn files(&self) -> PairFiles {
        PairFiles { certificate: self.dir.join("certificate.pem"), key: self.dir.join("key.pem") }
    }

    /// Makes the certificate where there is none that will do at `now` (Unix time). Blocks.
    pub(super) fn keep(&self, now: u64) -> Result<(), TlsError> {
        let files = self.files();
        let found = match fs::exists(&files.certificate) {
            Ok(true) => files.read().and_then(|texts| files.pair(&texts)),
            _ => return self.make(now),
        };
        match found.map(|pair| self.lacks(&pair, now)) {
            Ok(None) => Ok(()),
            Ok(Some(reason)) => {
                tracing::warn!(%reason, "the self-made certificate is made anew: clients have to trust it again");
                self.make(now)
            }
            Err(error) => {
                tracing::warn!(error = %crate::http::chain(&error), "the self-made certificate is made anew");
                self.make(now)
            }
        }
    }

    fn lacks(&self, pair: &Pair, now: u64) -> Option<String> {
        if is_near_its_end(pair, now) {
            return Some("it ends within thirty days".to_owned());
        }
        let missing = self.wanted.iter().find(|name| !pair.names(name))?;
        Some(format!("it does not name {missing}"))
    }

    fn make(&self, now: u64) -> Result<(), TlsError> {
        let made = |source| TlsError::Make { source };
        let key = KeyPair::generate().map_err(made)?;
        let certificate = self.parameters(now)?.self_signed(&key).map_err(made)?;
        let files = self.files();
        let io = |source| TlsError::Io { action: "make", path: self.dir.clone(), source };
        fs::DirBuilder::new().recursive(true).mode(0o700).create(&self.dir).map_err(io)?;
        fs::set_permissions(&self.dir, Permissions::from_mode(0o700)).map_err(io)?;
        write(&files.key, &key.serialize_pem())?;
        write(&files.certificate, &certificate.pem())
    }

    fn parameters(&self, now: u64) -> Result<CertificateParams, TlsError> {
        let mut names = self.wanted.clone();
        if self.everywhere {
            names.extend(names_of_this_machine());
        }
        let names: Vec<String> = names.into_iter().collect();
        let mut parameters = CertificateParams::new(names).map_err(|source| TlsError::Make { source })?;
        parameters.distinguished_name.push(DnType::CommonName, "Portolan depot");
        parameters.extended_key_usages = vec![ExtendedKeyUsagePurpose::ServerAuth];
        // It begins in the past, whatever the clocks of this machine and of the nodes say.
        let (year, month, day) = end(now);
        parameters.not_after = date_time_ymd(year, month, day);
        Ok(parameters)
    }
}

/// Whether the certificate should be made again.
pub(super) fn is_near_its_end(pair: &Pair, now: u64) -> bool {
    pair.ends().is_some_and(|end| end < now + RENEWAL)
}

/// The last day of a certificate that is made now.
fn end(now: u64) -> (i32, u8, u8) {
    let now = i64::try_from(now).ok().and_then(|now| Timestamp::from_second(now).ok()).unwrap_or_default();
    let end = now.to_zoned(TimeZone::UTC).date().saturating_add(YEARS.years());
    (end.year().into(), end.month().unsigned_abs(), end.day().unsigned_abs())
}

/// What others may call this machine: its host name, and the addresses of its interfaces.
fn names_of_this_machine() -> Vec<String> {
    let addresses = if_addrs::get_if_addrs().unwrap_or_else(|error| {
        tracing::warn!(%error, "cannot list this machine's addresses for its certificate");
        Vec::new()
    });
    let addresses = addresses.iter().map(if_addrs::Interface::ip).filter(is_reachable);
    let host = rustix::system::uname().nodename().to_string_lossy().into_owned();
    let host = Some(host).filter(|host| ServerName::try_from(host.as_str()).is_ok());
    addresses.map(|address| address.to_string()).chain(host).collect()
}

/// A link-local address means nothing without its interface.
fn is_reachable(address: &IpAddr) -> bool {
    match address {
        IpAddr::V4(address) => !address.is_link_local(),
        IpAddr::V6(address) => !address.is_unicast_link_local(),
    }
}

/// Replaces a file, so that nobody sees half of it, and nobody else may read it.
fn write(path: &Path, text: &str) -> Result<(), TlsError> {
    let new = path.with_extension("new");
    let io = |action, path: &Path| {
        let path = path.to_owned();
        move |source| TlsError::Io { action, path, source }
    };
    let _ = fs::remove_file(&new);
    let options = File::options().write(true).create_new(true).mode(0o600).to_owned();
    let mut file = options.open(&new).map_err(io("make", &new))?;
    file.write_all(text.as_bytes()).map_err(io("write", &new))?;
    file.sync_all().map_err(io("sync", &new))?;
    fs::rename(&new, path).map_err(io("rename", &new))
}

/// Seconds of Unix time; zero for a clock before it.
pub(super) fn now() -> u64 {
    SystemTime::now().duration_since(SystemTime::UNIX_EPOCH).unwrap_or_default().as_secs()
}
