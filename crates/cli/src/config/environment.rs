//! The environment variables that Portolan looks at: all of them, in one list.
//!
//! They are read once, by the program's entry; everything else takes an [`Environment`], so that no
//! library and no test depends on the process.

use std::collections::BTreeMap;
use std::fmt;

use secrecy::{ExposeSecret, SecretString};

/// Every variable that is read, with what it does.
pub const VARIABLES: &[(&str, &str)] = &[
    ("SOURCE_REPO_AUTH_USERNAME", "source.repo.auth.username"),
    ("SOURCE_REPO_AUTH_PASSWORD", "source.repo.auth.password"),
    ("SOURCE_AUTH_USERNAME", "older name of SOURCE_REPO_AUTH_USERNAME"),
    ("SOURCE_AUTH_PASSWORD", "older name of SOURCE_REPO_AUTH_PASSWORD"),
    ("TARGET_REPO_AUTH_USERNAME", "target.repo.auth.username"),
    ("TARGET_REPO_AUTH_PASSWORD", "target.repo.auth.password"),
    ("TARGET_AUTH_USERNAME", "older name of TARGET_REPO_AUTH_USERNAME"),
    ("TARGET_AUTH_PASSWORD", "older name of TARGET_REPO_AUTH_PASSWORD"),
    ("TARGET_REPO_AUTH_USERNAME_FILE", "a file with target.repo.auth.username"),
    ("TARGET_REPO_AUTH_PASSWORD_FILE", "a file with target.repo.auth.password"),
    ("TARGET_AUTH_USERNAME_FILE", "older name of TARGET_REPO_AUTH_USERNAME_FILE"),
    ("TARGET_AUTH_PASSWORD_FILE", "older name of TARGET_REPO_AUTH_PASSWORD_FILE"),
    ("SOURCE_CONTAINERS_AUTH_REGISTRY", "source.containers.auth.registry"),
    ("SOURCE_CONTAINERS_AUTH_USERNAME", "source.containers.auth.username"),
    ("SOURCE_CONTAINERS_AUTH_PASSWORD", "source.containers.auth.password"),
    ("TARGET_CONTAINERS_AUTH_USERNAME", "target.containers.auth.username"),
    ("TARGET_CONTAINERS_AUTH_PASSWORD", "target.containers.auth.password"),
    ("TARGET_CONTAINERS_AUTH_USERNAME_FILE", "a file with target.containers.auth.username"),
    ("TARGET_CONTAINERS_AUTH_PASSWORD_FILE", "a file with target.containers.auth.password"),
    ("http_proxy", "the proxy for plain HTTP"),
    ("HTTP_PROXY", "the same, where REQUEST_METHOD is not set"),
    ("https_proxy", "the proxy for TLS"),
    ("HTTPS_PROXY", "the same"),
    ("all_proxy", "the proxy for both, where there is none for one"),
    ("ALL_PROXY", "the same"),
    ("no_proxy", "hosts that are reached without a proxy"),
    ("NO_PROXY", "the same"),
    ("REQUEST_METHOD", "set by CGI, where HTTP_PROXY is a stranger's header"),
    ("HOME", "where charts-syncer.yaml, .docker/config.json and accepted certificates are looked for"),
    ("DOCKER_CONFIG", "the directory of Docker's config.json"),
    ("PATH", "where Docker's credential helpers and Helm are looked for"),
    ("KUBECONFIG", "how to reach the cluster, where --kubeconfig is not given"),
    ("KUBERNETES_SERVICE_HOST", "set in pods: the API server, for the pod's service account"),
    ("KUBERNETES_SERVICE_PORT", "set in pods: its port"),
    ("PORTOLAN_DATA", "the depot's data directory, where --data is not given"),
    ("PORTOLAN_SSH_PASSWORD", "the password on nodes, where no file is given"),
    ("PORTOLAN_SSH_PASSPHRASE", "the passphrase of the private key for nodes"),
    ("SSH_AUTH_SOCK", "the agent that keeps private keys for nodes"),
    ("XDG_DATA_HOME", "where sites are registered, in the folder portolan"),
    ("XDG_STATE_HOME", "where runs are written down, in the folder portolan"),
    ("LC_ALL", "the language of advisories: Chinese where it begins with `zh`"),
    ("LC_MESSAGES", "the same, where LC_ALL is not set"),
    ("LANG", "the same, where neither is set"),
    ("NO_COLOR", "no colours, whatever the terminal"),
    ("TERM", "`dumb` means no colours and no bars"),
];

/// The variables of [`VARIABLES`] that are set and not empty.
#[derive(Clone, Default)]
pub struct Environment {
    set: BTreeMap<&'static str, SecretString>,
}

impl Environment {
    /// Asks `lookup` for every variable of [`VARIABLES`]; an empty value counts as not set.
    pub fn read(lookup: impl Fn(&str) -> Option<String>) -> Self {
        let value = |name| lookup(name).filter(|value| !value.is_empty());
        Self {
            set: VARIABLES
                .iter()
                .filter_map(|&(name, _)| Some((name, SecretString::from(value(name)?))))
                .collect(),
        }
    }

    /// The value of `name`, where it is set.
    #[must_use]
    pub fn get(&self, name: &str) -> Option<&str> {
        self.set.get(name).map(ExposeSecret::expose_secret)
    }

    /// The first of `names` that is set: newer names stand before older ones.
    #[must_use]
    pub fn first(&self, names: &[&str]) -> Option<&str> {
        names.iter().find_map(|name| self.get(name))
    }

    /// Like [`Environment::get`], for passwords.
    #[must_use]
    pub fn secret(&self, name: &str) -> Option<SecretString> {
        self.set.get(name).cloned()
    }

    /// The home directory.
    #[must_use]
    pub fn home(&self) -> Option<&str> {
        self.get("HOME")
    }
}

/// Names only: values may be passwords.
impl fmt::Debug for Environment {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_set().entries(self.set.keys()).finish()
    }
}
