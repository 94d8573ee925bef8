//! The first use of a server whose certificate nobody known vouches for: its fingerprint is shown, and whoever
//! sits at the terminal decides (rules.md, "Hosts, TLS, secrets").

use std::collections::BTreeSet;
use std::path::{Path, PathBuf};

use portolan_oci::RegistryHost;
use portolan_registry::{
    Advice, Endpoint, Fingerprint, PinnedCertificate, Registry, RegistryError, RegistryOptions, Scheme,
    shown_certificate,
};

use super::known::{self, Known};
use super::registry_options;
use crate::config::{ChartPlaces, FirstUse, MuseumAddress, PushAddress, SchemeChoice, Settings, Trust};
use crate::failure::Failure;
use crate::output::Console;

/// The certificates that were accepted for the servers of `settings`, now or before.
pub(super) async fn pins(settings: &Settings, console: &Console) -> Result<Vec<PinnedCertificate>, Failure> {
    let FirstUse::Ask { known: file } = &settings.first_use else { return Ok(Vec::new()) };
    if settings.tls.trust == Trust::AcceptAny {
        return Ok(Vec::new());
    }
    let known = file.as_deref().map(Known::read).transpose().map_err(|error| Failure::usage(&error))?;
    let mut meeting = Meeting { settings, console, file: file.clone(), pins: Vec::new() };
    for host in hosts(settings) {
        let accepted = known.as_ref().and_then(|known| known.of(&host)).cloned();
        meeting.meet(&host, accepted).await?;
    }
    Ok(meeting.pins)
}

/// The certificate that was accepted for `host` before, if any.
pub(super) fn accepted(file: &Path, host: &RegistryHost) -> Result<Vec<PinnedCertificate>, Failure> {
    let known = Known::read(file).map_err(|error| Failure::usage(&error))?;
    Ok(known.of(host).cloned().map(|fingerprint| pin(host, fingerprint)).into_iter().collect())
}

/// The servers that are spoken to over TLS, each once.
fn hosts(settings: &Settings) -> BTreeSet<RegistryHost> {
    let charts = match &settings.charts.places {
        ChartPlaces::Museum(MuseumAddress::Host(address)) => Some(address),
        _ => None,
    };
    let over_tls = |address: &&PushAddress| address.scheme != SchemeChoice::Http;
    let addresses = settings.registry.address.iter().chain(charts).filter(over_tls);
    addresses.map(|address| address.host.clone()).collect()
}

struct Meeting<'a> {
    settings: &'a Settings,
    console: &'a Console,
    /// Where what is accepted is kept.
    file: Option<PathBuf>,
    pins: Vec<PinnedCertificate>,
}

impl Meeting<'_> {
    /// Pins the certificate that was accepted before; asks about one that is refused without that.
    async fn meet(&mut self, host: &RegistryHost, accepted: Option<Fingerprint>) -> Result<(), Failure> {
        let before = self.pins.len();
        self.pins.extend(accepted.iter().cloned().map(|fingerprint| pin(host, fingerprint)));
        if !self.is_refused(host).await? {
            return Ok(());
        }
        self.pins.truncate(before);
        let options = self.options();
        let shown = shown_certificate(host, &options.http).await.map_err(|error| Failure::of(&error))?;
        if let Some(accepted) = accepted {
            return Err(self.changed(host, &accepted, &shown));
        }
        self.ask(host, &shown).await?;
        self.pins.push(pin(host, shown));
        Ok(())
    }

    fn options(&self) -> RegistryOptions {
        registry_options(self.settings, self.pins.clone())
    }

    /// Whether it is the certificate that stands in the way. Whatever else does is told by the checks before
    /// the first write.
    async fn is_refused(&self, host: &RegistryHost) -> Result<bool, Failure> {
        let endpoint = Endpoint::new(Scheme::Https, host.clone());
        let registry = Registry::new(endpoint, None, &self.options()).map_err(|error| Failure::of(&error))?;
        Ok(matches!(
            registry.ping().await,
            Err(RegistryError::Tls {
                advice: Advice::NameAuthority | Advice::OtherName | Advice::Expired,
                ..
            })
        ))
    }

    fn changed(&self, host: &RegistryHost, accepted: &Fingerprint, shown: &Fingerprint) -> Failure {
        let failure = Failure::failed(format!(
            "{host} shows another certificate than the one that was accepted for it: {shown} in place of {accepted}"
        ));
        let file = self.file.as_deref().unwrap_or(Path::new(""));
        failure.with_hint(format!(
            "find out why before anything is sent there; if it was renewed, take its line out of {}",
            file.display()
        ))
    }

    async fn ask(&self, host: &RegistryHost, shown: &Fingerprint) -> Result<(), Failure> {
        let told =
            format!("{host} shows a certificate that nobody known vouches for, SHA-256 fingerprint {shown}");
        let question = format!("{told}\nCompare it at the server. Trust it for {host} from now on? [y/N] ");
        match self.console.confirm(&question, &self.settings.sync.stop).await? {
            Some(true) => {}
            Some(false) => {
                return Err(Failure::failed(format!("the certificate of {host} was not accepted")));
            }
            None => {
                let hint = "run it at a terminal to accept that certificate, name it or its authority with --ca-file, or accept any with --insecure";
                return Err(Failure::failed(told).with_hint(hint));
            }
        }
        if let Some(file) = &self.file {
            known::add(file, host, shown).map_err(|error| Failure::of(&error))?;
        }
        Ok(())
    }
}

fn pin(host: &RegistryHost, fingerprint: Fingerprint) -> PinnedCertificate {
    PinnedCertificate { server: host.host().to_owned(), fingerprint }
}
