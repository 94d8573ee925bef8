//! Where `serve` listens: `--listen` and the `--tls-…` flags, resolved into the depot's listeners.

use std::fmt;
use std::net::{IpAddr, Ipv4Addr, SocketAddr};
use std::path::PathBuf;
use std::str::FromStr;

use clap::Args;
use portolan_depot::{Certificate, Listener, PairFiles};

use crate::failure::{Exit, Failure};

/// Where it listens where nothing is said.
const DEFAULT: &str = "http://127.0.0.1:5000";

/// Addresses and certificates.
#[derive(Debug, Clone, Args)]
#[command(next_help_heading = "Listening")]
pub(super) struct ListenArgs {
    /// Address to listen on: 127.0.0.1:5000, http://0.0.0.0:8081 or https://0.0.0.0:443; may be given several
    /// times. Port 0 takes any that is free. Behind an https address may stand a certificate of its own:
    /// https://0.0.0.0:443,cert=FILE,key=FILE [default: http://127.0.0.1:5000]
    #[arg(long = "listen", value_name = "ADDR")]
    places: Vec<Place>,
    /// Show this certificate on https addresses, with those that lead to a trusted one behind it in the same file;
    /// read again when it changes
    #[arg(long, value_name = "PEM", requires = "tls_key", conflicts_with = "tls_auto")]
    tls_cert: Option<PathBuf>,
    /// The key of that certificate, without a password
    #[arg(long, value_name = "PEM", requires = "tls_cert")]
    tls_key: Option<PathBuf>,
    /// Make a certificate, and keep it in the data directory
    #[arg(long)]
    tls_auto: bool,
    /// A host name or address that the made certificate is good for, beside this machine's own; may be given
    /// several times
    #[arg(long = "tls-name", value_name = "NAME", requires = "tls_auto")]
    tls_names: Vec<String>,
}

/// One address as it is given.
#[derive(Debug, Clone, PartialEq, Eq)]
struct Place {
    scheme: Scheme,
    address: SocketAddr,
    /// A certificate of its own.
    pair: Option<PairFiles>,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Scheme {
    Http,
    Https,
}

impl Scheme {
    fn port(self) -> u16 {
        match self {
            Self::Http => 80,
            Self::Https => 443,
        }
    }
}

impl fmt::Display for Place {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let scheme = match self.scheme {
            Scheme::Http => "http",
            Scheme::Https => "https",
        };
        write!(f, "{scheme}://{}", self.address)
    }
}

impl FromStr for Place {
    type Err = String;

    fn from_str(text: &str) -> Result<Self, String> {
        let (url, more) = text.split_once(',').map_or((text, None), |(url, more)| (url, Some(more)));
        let (scheme, rest) = match url.split_once("://") {
            None => (None, url),
            Some(("http", rest)) => (Some(Scheme::Http), rest),
            Some(("https", rest)) => (Some(Scheme::Https), rest),
            Some((other, _)) => return Err(format!("`{other}://` is neither http:// nor https://")),
        };
        let address = address(rest.strip_suffix('/').unwrap_or(rest), scheme)?;
        let scheme = scheme.unwrap_or(Scheme::Http);
        let pair = more.map(pair).transpose()?;
        match (scheme, pair) {
            (Scheme::Http, Some(_)) => Err("a certificate goes with https:// alone".to_owned()),
            (scheme, pair) => Ok(Self { scheme, address, pair }),
        }
    }
}

/// An IP address or `localhost`, and a port, which the scheme may imply.
fn address(text: &str, scheme: Option<Scheme>) -> Result<SocketAddr, String> {
    let text = match text.strip_prefix("localhost") {
        Some(port) => format!("{}{port}", Ipv4Addr::LOCALHOST),
        None => text.to_owned(),
    };
    let bare = text.trim_start_matches('[').trim_end_matches(']');
    match (text.parse(), bare.parse::<IpAddr>(), scheme) {
        (Ok(address), ..) => Ok(address),
        (_, Ok(address), Some(scheme)) => Ok(SocketAddr::new(address, scheme.port())),
        (_, Ok(_), None) => Err(format!("`{text}` has no port, as in {text}:5000")),
        _ if text.strip_prefix(':').is_some_and(|port| port.parse::<u16>().is_ok()) => {
            Err(format!("which address? 127.0.0.1{text} is this machine's own, 0.0.0.0{text} stands for all"))
        }
        _ => Err("an IP address and a port are expected, as in 0.0.0.0:5000 or [::]:5000".to_owned()),
    }
}

/// `cert=FILE,key=FILE`, in any order.
fn pair(text: &str) -> Result<PairFiles, String> {
    let (mut certificate, mut key) = (None, None);
    for part in text.split(',') {
        let place = match part.split_once('=') {
            Some(("cert", path)) if !path.is_empty() => certificate.replace(PathBuf::from(path)),
            Some(("key", path)) if !path.is_empty() => key.replace(PathBuf::from(path)),
            _ => return Err(format!("cert=FILE or key=FILE is expected behind the address, not `{part}`")),
        };
        if place.is_some() {
            return Err(format!("`{part}` is the second of its kind"));
        }
    }
    match (certificate, key) {
        (Some(certificate), Some(key)) => Ok(PairFiles { certificate, key }),
        _ => Err("cert=FILE and key=FILE go together".to_owned()),
    }
}

impl ListenArgs {
    /// The listeners that the flags come to, at least one.
    pub(super) fn listeners(&self) -> Result<Vec<Listener>, Failure> {
        let places = match self.places[..] {
            [] => vec![DEFAULT.parse().expect("because it is an address with a port")],
            _ => self.places.clone(),
        };
        refuse_doubles(&places)?;
        let shared = self.certificate();
        let lacks = |place: &Place| place.scheme == Scheme::Https && place.pair.is_none();
        if shared.is_some() && !places.iter().any(lacks) {
            return Err(usage(
                "a certificate is given or to be made, and no --listen that begins with https:// takes it",
            ));
        }
        places.iter().map(|place| listener(place, shared.as_ref())).collect()
    }

    fn certificate(&self) -> Option<Certificate> {
        match (&self.tls_cert, &self.tls_key, self.tls_auto) {
            (Some(certificate), Some(key), _) => {
                Some(Certificate::Files(PairFiles { certificate: certificate.clone(), key: key.clone() }))
            }
            (_, _, true) => Some(Certificate::SelfMade { names: self.tls_names.clone() }),
            _ => None,
        }
    }
}

fn refuse_doubles(places: &[Place]) -> Result<(), Failure> {
    let is_earlier = |(at, place): (usize, &Place)| {
        place.address.port() != 0 && places[..at].iter().any(|earlier| earlier.address == place.address)
    };
    match places.iter().enumerate().find(|&(at, place)| is_earlier((at, place))) {
        Some((_, double)) => Err(usage(&format!("--listen has {} twice", double.address))),
        None => Ok(()),
    }
}

fn listener(place: &Place, shared: Option<&Certificate>) -> Result<Listener, Failure> {
    let certificate = match (place.scheme, &place.pair) {
        (Scheme::Http, _) => return Ok(Listener::plain(place.address)),
        (Scheme::Https, Some(pair)) => Some(Certificate::Files(pair.clone())),
        (Scheme::Https, None) => shared.cloned(),
    };
    let certificate = certificate.ok_or_else(|| {
        usage(&format!("{place} needs a certificate"))
            .with_hint("give --tls-cert and --tls-key, or have one made with --tls-auto")
    })?;
    Ok(Listener::tls(place.address, certificate))
}

fn usage(message: &str) -> Failure {
    Failure { exit: Exit::Usage, ..Failure::failed(message) }
}

#[cfg(test)]
mod tests {
    use clap::Parser;

    use super::*;

    #[derive(Debug, Parser)]
    struct Line {
        #[command(flatten)]
        listen: ListenArgs,
    }

    fn listeners(line: &str) -> Result<Vec<Listener>, String> {
        let parsed = Line::try_parse_from(format!("serve {line}").split_whitespace());
        let listen = parsed.map_err(|error| error.to_string())?.listen;
        listen.listeners().map_err(|failure| failure.message)
    }

    fn plain(address: &str) -> Listener {
        Listener::plain(address.parse().unwrap())
    }

    fn files(certificate: &str, key: &str) -> Certificate {
        Certificate::Files(PairFiles { certificate: certificate.into(), key: key.into() })
    }

    #[test]
    fn addresses() {
        let check = |text: &str, expected: &str| {
            assert_eq!(listeners(&format!("--listen {text}")).unwrap(), [plain(expected)], "{text}");
        };
        assert_eq!(listeners("").unwrap(), [plain("127.0.0.1:5000")]);
        check("0.0.0.0:5000", "0.0.0.0:5000");
        check("http://10.0.0.1:8081/", "10.0.0.1:8081");
        check("http://10.0.0.1", "10.0.0.1:80");
        check("[::1]:0", "[::1]:0");
        check("http://[::]", "[::]:80");
        check("localhost:5000", "127.0.0.1:5000");
        check("http://localhost", "127.0.0.1:80");
    }

    #[test]
    fn what_is_no_address() {
        let check = |text: &str, expected: &str| {
            let refused = listeners(&format!("--listen {text}")).unwrap_err();
            assert!(refused.contains(expected), "{text}: {refused}");
        };
        check("127.0.0.1", "`127.0.0.1` has no port, as in 127.0.0.1:5000");
        check(":5000", "which address? 127.0.0.1:5000 is this machine's own, 0.0.0.0:5000 stands for all");
        check("ftp://0.0.0.0:21", "`ftp://` is neither http:// nor https://");
        for text in
            ["registry.example:5000", "0.0.0.0:70000", "http://0.0.0.0:80/v2", "https://", "::1:5000x"]
        {
            check(text, "an IP address and a port are expected");
        }
        check("http://0.0.0.0:80,cert=a,key=b", "a certificate goes with https:// alone");
        check("https://0.0.0.0,cert=a", "cert=FILE and key=FILE go together");
        check("https://0.0.0.0,cert=a,cert=b,key=c", "`cert=b` is the second of its kind");
        check("https://0.0.0.0,cert=", "cert=FILE or key=FILE is expected behind the address, not `cert=`");
        check("0.0.0.0:5000 --listen http://0.0.0.0:5000", "--listen has 0.0.0.0:5000 twice");
    }

    #[test]
    fn certificates() {
        let check =
            |line: &str, expected: &[Listener]| assert_eq!(listeners(line).unwrap(), expected, "{line}");
        let tls = |address: &str, certificate| Listener::tls(address.parse().unwrap(), certificate);
        check(
            "--listen https://0.0.0.0 --listen http://0.0.0.0:8081 --tls-cert c.pem --tls-key k.pem",
            &[tls("0.0.0.0:443", files("c.pem", "k.pem")), plain("0.0.0.0:8081")],
        );
        check(
            "--listen https://0.0.0.0:443,key=b.key,cert=b.pem --listen https://[::1]:444 --tls-auto --tls-name depot",
            &[
                tls("0.0.0.0:443", files("b.pem", "b.key")),
                tls("[::1]:444", Certificate::SelfMade { names: vec!["depot".to_owned()] }),
            ],
        );
    }

    #[test]
    fn flags_that_do_not_go_together() {
        let check = |line: &str, expected: &str| {
            let refused = listeners(line).unwrap_err();
            assert!(refused.contains(expected), "{line}: {refused}");
        };
        check("--listen https://0.0.0.0:443", "https://0.0.0.0:443 needs a certificate");
        let unused = "no --listen that begins with https:// takes it";
        check("--tls-auto", unused);
        check("--tls-auto --listen https://0.0.0.0,cert=a,key=b", unused);
        check("--tls-cert a --listen https://0.0.0.0", "--tls-key <PEM>");
        check("--tls-key a --listen https://0.0.0.0", "--tls-cert <PEM>");
        check("--tls-name a --listen https://0.0.0.0", "--tls-auto");
        check("--tls-auto --tls-cert a --tls-key b --listen https://0.0.0.0", "cannot be used with");
    }
}
