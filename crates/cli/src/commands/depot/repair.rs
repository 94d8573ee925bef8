//! What mends a depot: the package that its contents came from, or another registry that has them.

use std::error::Error;
use std::path::{Path, PathBuf};

use clap::Args;
use portolan_depot::UploadId;
use portolan_depot::control::{Control, ControlError, Mend};
use portolan_depot::repair::{Laying, PackageContents, RepairError, lay};
use portolan_depot::store::Damage;
use portolan_oci::{Digest, Locator};
use portolan_registry::{Access, Registry, RegistryError, Stop};
use tokio::task::block_in_place;

use super::data::refused;
use crate::commands::connect;
use crate::config::{Environment, GivenLogin, NamedRegistry, SecretSource, TlsSettings, Trust};
use crate::failure::{Exit, Failure};
use crate::output::Console;

/// Where sound contents come from.
#[derive(Debug, Clone, Args)]
#[command(next_help_heading = "Repairing")]
pub(super) struct RepairArgs {
    /// Mend what is damaged: from the package that the images and charts came from, or from another registry
    /// that has the same repositories, as HOST:PORT, http://HOST or https://HOST
    #[arg(long, value_name = "PACKAGE|REGISTRY")]
    repair_from: Option<String>,
    /// User name for that registry [default: what Docker's configuration has for it]
    #[arg(long, value_name = "USER", requires = "registry_password_file")]
    registry_username: Option<String>,
    /// Take that registry's password from this file; - reads standard input to its end
    #[arg(long, value_name = "FILE", requires = "registry_username")]
    registry_password_file: Option<PathBuf>,
    /// Trust the certificate authorities in this PEM file too; may be given several times
    #[arg(long = "ca-file", value_name = "PEM")]
    ca_files: Vec<PathBuf>,
    /// Believe any certificate of that registry, and speak plain HTTP where it has none
    #[arg(long)]
    insecure: bool,
}

impl RepairArgs {
    /// Opens what is named, if anything is. A name that is a path here is a package.
    pub(super) async fn source(
        &self,
        environment: &Environment,
        stop: &Stop,
    ) -> Result<Option<Source>, Failure> {
        let Some(name) = &self.repair_from else { return Ok(None) };
        let path = Path::new(name);
        if path.exists() || !may_be_registry(name) {
            let contents = block_in_place(|| PackageContents::open(path));
            return Ok(Some(Source::Package(contents.map_err(|error| Failure::of(&error))?)));
        }
        let named = NamedRegistry::new(name, self.login()?, self.tls(), environment);
        let named = named.map_err(|reason| Failure {
            exit: Exit::Usage,
            ..Failure::failed(format!("--repair-from {name} is neither a package nor a registry: {reason}"))
        })?;
        let registry = connect::named(&named, Access::Pull, stop).await?;
        registry.ping().await.map_err(|error| Failure::of(&error))?;
        Ok(Some(Source::Registry(registry)))
    }

    fn login(&self) -> Result<GivenLogin, Failure> {
        let file = self.registry_password_file.as_deref();
        let password = file.map(|file| SecretSource::of_argument(file).read()).transpose();
        let password = password.map_err(|error| Failure::usage(&error))?;
        Ok(GivenLogin { username: self.registry_username.clone(), password })
    }

    fn tls(&self) -> TlsSettings {
        let trust = if self.insecure { Trust::AcceptAny } else { Trust::Verify };
        TlsSettings { trust, ca_files: self.ca_files.clone(), client_certificate: None }
    }
}

/// Whether a name that is no path here is meant as a host: a scheme, a port or a dot stands in it, and it
/// is no path that lacks.
fn may_be_registry(name: &str) -> bool {
    let host = name.strip_prefix("https://").or_else(|| name.strip_prefix("http://"));
    host.is_some() || (!name.contains('/') && name.contains(':'))
}

/// Where sound contents come from.
pub(super) enum Source {
    Package(PackageContents),
    Registry(Registry),
}

/// A depot that is being mended.
pub(super) struct Repair<'a> {
    pub(super) control: Control,
    pub(super) data: PathBuf,
    pub(super) source: Source,
    pub(super) console: &'a Console,
}

/// Why a content could not be brought.
#[derive(Debug, thiserror::Error)]
enum BringError {
    #[error(transparent)]
    Repair(#[from] RepairError),
    #[error(transparent)]
    Registry(#[from] RegistryError),
}

impl Repair<'_> {
    /// Whether that content is sound now. One that fails leaves the others to be mended.
    pub(super) async fn mend(&mut self, damage: &Damage) -> Result<bool, Failure> {
        let digest = &damage.digest;
        let file = match self.bring(damage).await {
            Ok(Some(file)) => file,
            Ok(None) => return Ok(false),
            Err(error) => return Ok(self.failed(digest, &error)),
        };
        match self.control.ask(Mend { digest: digest.clone(), file }, drop).await {
            Ok(mended) => Ok(mended),
            Err(ControlError::Failed(error)) => Ok(self.failed(digest, &error)),
            Err(error) => Err(refused(&error)),
        }
    }

    /// Lays the content into the depot; `None` where the source hasn't got it.
    async fn bring(&mut self, damage: &Damage) -> Result<Option<UploadId>, BringError> {
        let data = &self.data;
        match &mut self.source {
            Source::Package(contents) => Ok(block_in_place(|| {
                let content = contents.find(&damage.digest)?;
                content.map(|mut content| lay(data, &mut content)).transpose()
            })?),
            Source::Registry(registry) => fetch(registry, data, damage).await,
        }
    }

    fn failed(&self, digest: &Digest, error: &(dyn Error + 'static)) -> bool {
        let Failure { message, causes, .. } = Failure::of(error);
        let why = std::iter::once(message).chain(causes).collect::<Vec<_>>().join(": ");
        self.console.note(&format!("{digest} was not mended: {why}"));
        false
    }
}

/// Fetches a content from the first repository of the same name that has it.
async fn fetch(registry: &Registry, data: &Path, damage: &Damage) -> Result<Option<UploadId>, BringError> {
    for repository in &damage.uses.manifest_of {
        let by_digest = Locator::Digest(damage.digest.clone());
        if let Some(manifest) = registry.get_manifest(repository, &by_digest).await? {
            let mut laying = Laying::begin(data)?;
            laying.add(manifest.bytes())?;
            return Ok(Some(laying.end()));
        }
    }
    for repository in &damage.uses.blob_of {
        if let Some(mut pieces) = registry.blob_pieces(repository, &damage.digest).await? {
            let mut laying = Laying::begin(data)?;
            while let Some(piece) = pieces.next().await? {
                block_in_place(|| laying.add(&piece))?;
            }
            return Ok(Some(laying.end()));
        }
    }
    Ok(None)
}
