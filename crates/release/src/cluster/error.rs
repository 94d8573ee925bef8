//! What goes wrong between us and an API server.

use std::path::{Path, PathBuf};

use kube::config::KubeconfigError;

/// Why the cluster did not do what it was asked for.
#[derive(Debug, thiserror::Error)]
pub enum ClusterError {
    /// There is no kubeconfig.
    #[error("there is no kubeconfig{}", place(.files))]
    NoKubeconfig {
        /// Where it was looked for.
        files: Vec<PathBuf>,
    },
    /// The kubeconfig can't be used.
    #[error("the kubeconfig{} can't be used: {reason}", place(.files))]
    Kubeconfig {
        /// Its files.
        files: Vec<PathBuf>,
        /// Why. Never what stands in it.
        reason: String,
    },
    /// The server can't be reached.
    #[error("{doing}: the API server {server} can't be reached")]
    Unreachable {
        /// What was being done.
        doing: String,
        /// Its URL.
        server: String,
        /// Why.
        #[source]
        source: Box<dyn std::error::Error + Send + Sync>,
    },
    /// The server takes us for nobody.
    #[error("{doing}: the API server {server} does not accept the kubeconfig's credentials")]
    Unauthorized {
        /// What was being done.
        doing: String,
        /// Its URL.
        server: String,
    },
    /// The right for it lacks; the server's words name verb and resource.
    #[error("{doing}: no permission: {said}")]
    Forbidden {
        /// What was being done.
        doing: String,
        /// The server's words.
        said: String,
    },
    /// The server refused.
    #[error("{doing}: the API server refuses: {said}")]
    Refused {
        /// What was being done.
        doing: String,
        /// Status of HTTP.
        code: u16,
        /// The server's word for why: `Conflict`, `Invalid`, `NotFound`, …
        reason: String,
        /// The server's words.
        said: String,
    },
    /// The cluster knows no such kind.
    #[error("{doing}: the cluster has no kind {kind} in {api_version}")]
    NoKind {
        /// What was being done.
        doing: String,
        /// `apps/v1` for instance.
        api_version: String,
        /// The kind.
        kind: String,
    },
    /// The answer can't be read.
    #[error("{doing}: the API server's answer can't be read")]
    Answer {
        /// What was being done.
        doing: String,
        /// Why.
        #[source]
        source: Box<dyn std::error::Error + Send + Sync>,
    },
}

impl ClusterError {
    /// What `error` comes to, which happened while `doing` something.
    pub(super) fn of(doing: String, server: &str, error: kube::Error) -> Self {
        let server = server.to_owned();
        match error {
            kube::Error::Api(status) => match status.code {
                401 => Self::Unauthorized { doing, server },
                403 if status.reason == "Forbidden" && !status.message.contains("admission webhook") => {
                    Self::Forbidden { doing, said: status.message }
                }
                code => Self::Refused { doing, code, reason: status.reason, said: status.message },
            },
            kube::Error::Auth(_) => Self::Unauthorized { doing, server },
            kube::Error::SerdeError(source) => Self::Answer { doing, source: source.into() },
            kube::Error::HyperError(source) => Self::Unreachable { doing, server, source: source.into() },
            kube::Error::Service(source) => Self::Unreachable { doing, server, source },
            other => Self::Answer { doing, source: other.into() },
        }
    }

    /// What is wrong with a kubeconfig. Its text may be full of secrets, so a reader's complaint, which quotes
    /// it, is not passed on.
    pub(super) fn kubeconfig(files: &[PathBuf], error: &KubeconfigError) -> Self {
        let reason = match error {
            KubeconfigError::CurrentContextNotSet => {
                "it names no current context; choose one with --context".into()
            }
            KubeconfigError::LoadContext(name) => format!("it has no context {name}"),
            KubeconfigError::LoadClusterOfContext(name) => format!("it has no cluster {name}"),
            KubeconfigError::ReadConfig(source, _) => source.to_string(),
            KubeconfigError::MissingClusterUrl => "its cluster has no server".into(),
            KubeconfigError::ParseClusterUrl(_) => "its cluster's server is no URL".into(),
            KubeconfigError::LoadCertificateAuthority(_) => "its certificate authority can't be read".into(),
            KubeconfigError::LoadClientCertificate(_) => "its client certificate can't be read".into(),
            KubeconfigError::LoadClientKey(_) => "its client key can't be read".into(),
            _ => "it is not what a kubeconfig looks like".into(),
        };
        Self::Kubeconfig { files: files.to_vec(), reason }
    }

    /// Whether the server said that what was asked for is not there.
    pub fn is_not_found(&self) -> bool {
        matches!(self, Self::Refused { code: 404, .. })
    }

    /// Whether asking again may help: the server is out of reach, or busy.
    pub fn may_pass(&self) -> bool {
        match self {
            Self::Unreachable { .. } => true,
            Self::Refused { code, .. } => matches!(code, 429 | 500 | 502..=504),
            _ => false,
        }
    }

    /// The server's word for why it refused.
    pub fn reason(&self) -> Option<&str> {
        match self {
            Self::Refused { reason, .. } => Some(reason),
            _ => None,
        }
    }
}

/// ` FILE`, or ` in FILE and FILE`.
fn place(files: &[PathBuf]) -> String {
    let names: Vec<String> = files.iter().map(|file| Path::display(file).to_string()).collect();
    match names.len() {
        0 => String::new(),
        _ => format!(" {}", names.join(", ")),
    }
}
