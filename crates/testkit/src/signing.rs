//! A key made for one test, and charts that Helm signs with it.

use std::fs::{self, File};
use std::path::{Path, PathBuf};
use std::process::Command;

use tempfile::TempDir;

use crate::charts::Chart;
use crate::components::{GPG, HELM_3};
use crate::helm::Helm;
use crate::process;

/// Who signs.
const SIGNER: &str = "portolan-test@example.com";

/// The rings in the key's folder, in the form that Helm reads.
const PRIVATE: &str = "private.gpg";
const PUBLIC: &str = "public.gpg";

/// A key pair, and the Helm that signs with it.
#[derive(Debug)]
pub struct Key {
    helm: Helm,
    home: TempDir,
}

/// A chart's archive and its provenance file, as `helm package --sign` left them in a folder.
#[derive(Clone, Debug)]
pub struct Signed {
    /// `NAME-VERSION.tgz`.
    pub archive: PathBuf,
    /// `NAME-VERSION.tgz.prov`.
    pub provenance: PathBuf,
}

impl Key {
    /// A new key without a password. `None` where GnuPG or Helm is missing and the test is to be skipped.
    ///
    /// # Panics
    /// With GnuPG's words, where it makes none.
    pub fn new() -> Option<Self> {
        let (gpg, helm) = (GPG.require()?, Helm::new(&HELM_3)?);
        let home = tempfile::tempdir().expect("a folder for the key");
        let run = |arguments: &[&str]| {
            let mut command = Command::new(&gpg);
            command.args(["--batch", "--quiet", "--homedir"]).arg(home.path());
            process::run(command.args(["--passphrase", "", "--pinentry-mode", "loopback"]).args(arguments))
        };
        run(&["--quick-generate-key", SIGNER, "rsa2048", "sign", "never"]);
        for (ring, export) in [(PRIVATE, "--export-secret-keys"), (PUBLIC, "--export")] {
            fs::write(home.path().join(ring), run(&[export])).expect("the key's folder takes a file");
        }
        let mut stop = Command::new("gpgconf");
        process::run(stop.arg("--homedir").arg(home.path()).args(["--kill", "gpg-agent"]));
        Some(Self { helm, home })
    }

    /// The ring with the public key, for `helm verify --keyring`.
    pub fn public(&self) -> PathBuf {
        self.home.path().join(PUBLIC)
    }

    /// Packs and signs the chart into `folder`.
    ///
    /// # Panics
    /// With Helm's words, where it can't.
    pub fn package(&self, chart: &Chart, folder: &Path) -> Signed {
        let source = tempfile::tempdir().expect("a folder for the chart");
        let source = source.path().join(chart.name());
        chart.write(&source);
        let mut command = self.helm.command();
        command.arg("package").arg(source).arg("--destination").arg(folder);
        command.args(["--sign", "--key", SIGNER, "--keyring"]).arg(self.home.path().join(PRIVATE));
        process::run(&mut command);
        let archive = folder.join(chart.file_name());
        let provenance = folder.join(format!("{}.prov", chart.file_name()));
        assert!(File::open(&provenance).is_ok(), "Helm signs what it packs");
        Signed { archive, provenance }
    }

    /// `helm verify` of an archive with its provenance file beside it.
    ///
    /// # Panics
    /// With Helm's words, where the signature isn't good or is another archive's.
    pub fn verify(&self, helm: &Helm, archive: &Path) {
        process::run(helm.command().arg("verify").arg(archive).arg("--keyring").arg(self.public()));
    }
}
