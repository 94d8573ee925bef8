//! Credentials from flags, environment and file, in that order, field by field as charts-syncer has it.

use std::error::Error;

use portolan_registry::Credentials;
use secrecy::{ExposeSecret, SecretString};

use super::problems::Problems;
use super::{Environment, ProblemKind, SecretSource};

/// The variables that give one login, the newer name first.
pub(super) struct Names {
    pub(super) username_key: &'static str,
    pub(super) password_key: &'static str,
    pub(super) username: &'static [&'static str],
    pub(super) password: &'static [&'static str],
}

/// `target.repo.auth`.
pub(super) const TARGET_REPO: Names = Names {
    username_key: "target.repo.auth.username",
    password_key: "target.repo.auth.password",
    username: &["TARGET_REPO_AUTH_USERNAME", "TARGET_AUTH_USERNAME"],
    password: &["TARGET_REPO_AUTH_PASSWORD", "TARGET_AUTH_PASSWORD"],
};

/// `source.containers.auth`.
pub(super) const SOURCE_CONTAINERS: Names = Names {
    username_key: "source.containers.auth.username",
    password_key: "source.containers.auth.password",
    username: &["SOURCE_CONTAINERS_AUTH_USERNAME"],
    password: &["SOURCE_CONTAINERS_AUTH_PASSWORD"],
};

/// `target.containers.auth`.
pub(super) const TARGET_CONTAINERS: Names = Names {
    username_key: "target.containers.auth.username",
    password_key: "target.containers.auth.password",
    username: &["TARGET_CONTAINERS_AUTH_USERNAME"],
    password: &["TARGET_CONTAINERS_AUTH_PASSWORD"],
};

/// The external registry of a cluster's configuration.
pub(super) const CLUSTER_IMAGES: Names = Names {
    username_key: "spec.imagesAndCharts.externalImageRepoUsername",
    password_key: "spec.imagesAndCharts.externalImageRepoPassword",
    ..TARGET_CONTAINERS
};

/// The external chart repository of a cluster's configuration.
pub(super) const CLUSTER_CHARTS: Names = Names {
    username_key: "spec.imagesAndCharts.externalChartRepoUsername",
    password_key: "spec.imagesAndCharts.externalChartRepoPassword",
    ..TARGET_REPO
};

/// User and password as one source gives them; both may be absent.
#[derive(Clone, Debug, Default)]
pub struct GivenLogin {
    /// User name.
    pub username: Option<String>,
    /// Password.
    pub password: Option<SecretString>,
}

impl GivenLogin {
    /// Both parts, or none; half a login of flags is a problem.
    pub(super) fn whole(self, problems: &mut Problems) -> Option<Credentials> {
        let why = "a user name and a password belong together";
        match (self.username, self.password) {
            (Some(username), Some(password)) => return Some(Credentials::new(username, password)),
            (None, None) => {}
            (Some(_), None) => problems.missing("--registry-password-file", why),
            (None, Some(_)) => problems.missing("--registry-username", why),
        }
        None
    }
}

/// What the command line gives.
#[derive(Clone, Debug, Default)]
pub struct Logins {
    /// For the registry.
    pub registry: GivenLogin,
    /// For the chart repository.
    pub charts: GivenLogin,
}

/// The login of `names`, or `None` where neither flags nor environment nor file have any part of one.
///
/// Half a login is a problem: it would be sent as one with an empty other half.
pub(super) fn login(
    names: &Names,
    flags: &GivenLogin,
    written: GivenLogin,
    environment: &Environment,
    problems: &mut Problems,
) -> Option<Credentials> {
    let mut variable = |names| variable(names, environment, problems);
    let username =
        flags.username.clone().or_else(|| Some(variable(names.username)?.expose_secret().to_owned()));
    let password = flags.password.clone().or_else(|| variable(names.password));
    match (username.or(written.username), password.or(written.password)) {
        (Some(username), Some(password)) => Some(Credentials::new(username, password)),
        (None, None) => None,
        (Some(_), None) => {
            half(problems, names.password_key, names.password);
            None
        }
        (None, Some(_)) => {
            half(problems, names.username_key, names.username);
            None
        }
    }
}

/// The value of the first of `names` that is set, or that names a file by its `_FILE`.
fn variable(
    names: &[&'static str],
    environment: &Environment,
    problems: &mut Problems,
) -> Option<SecretString> {
    names.iter().find_map(|name| {
        let of_file = format!("{name}_FILE");
        match (environment.secret(name), environment.get(&of_file)) {
            (Some(_), Some(_)) => {
                problems.add(&of_file, None, ProblemKind::Conflict { with: name });
                None
            }
            (Some(value), None) => Some(value),
            (None, Some(path)) => problems.accept(&of_file, None, read(path)),
            (None, None) => None,
        }
    })
}

fn read(path: &str) -> Result<SecretString, String> {
    SecretSource::File(path.into()).read().map_err(|error| match error.source() {
        Some(cause) => format!("{error}: {cause}"),
        None => error.to_string(),
    })
}

fn half(problems: &mut Problems, absent: &str, variables: &[&str]) {
    let variable = variables.first().copied().unwrap_or_default();
    let why = format!("the other half of the login is there; set it, or the variable {variable}");
    problems.missing(absent, &why);
}
