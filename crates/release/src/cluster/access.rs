//! From a kubeconfig to a connection.

use std::path::{Path, PathBuf};
use std::time::Duration;

use kube::config::{KubeConfigOptions, Kubeconfig};
use kube::{Client, Config};

use super::{Cluster, ClusterError};

/// How long the server may take to begin an answer. Longer than its own limit for a request.
const PATIENCE: Duration = Duration::from_secs(75);

/// Which cluster, and as whom.
#[derive(Clone, Debug)]
pub struct ClusterAccess {
    /// The kubeconfig's files; of what several of them say, the first counts.
    pub files: Vec<PathBuf>,
    /// A context of theirs; `None` is the current one.
    pub context: Option<String>,
}

impl Cluster {
    /// Makes a client. The server is not asked for anything yet.
    ///
    /// # Errors
    /// [`ClusterError`] where the files can't be read, name no such context, or hold what is no certificate.
    pub async fn connect(access: &ClusterAccess) -> Result<Self, ClusterError> {
        let kubeconfig = read(&access.files)?;
        let options = KubeConfigOptions { context: access.context.clone(), ..KubeConfigOptions::default() };
        let config = Config::from_custom_kubeconfig(kubeconfig, &options).await;
        let mut config = config.map_err(|error| ClusterError::kubeconfig(&access.files, &error))?;
        config.read_timeout = Some(PATIENCE);
        config.reset_reader_on_write = true;
        let server = config.cluster_url.to_string();
        let namespace = config.default_namespace.as_str().into();
        let client = Client::try_from(config)
            .map_err(|error| ClusterError::of("connecting".to_owned(), &server, error))?;
        Ok(Self { client, server: server.trim_end_matches('/').into(), namespace, kinds: Default::default() })
    }
}

/// All files as one. A file of several that isn't there is left out, as `kubectl` does.
fn read(files: &[PathBuf]) -> Result<Kubeconfig, ClusterError> {
    let present: Vec<&Path> = files.iter().map(PathBuf::as_path).filter(|file| file.is_file()).collect();
    if present.is_empty() {
        return Err(ClusterError::NoKubeconfig { files: files.to_vec() });
    }
    present.into_iter().try_fold(Kubeconfig::default(), |all, file| {
        let read = Kubeconfig::read_from(file).and_then(|next| all.merge(next));
        read.map_err(|error| ClusterError::kubeconfig(&[file.to_owned()], &error))
    })
}
