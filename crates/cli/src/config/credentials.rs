//! Credentials from environment and file, in that order, field by field as charts-syncer has it.

use portolan_registry::Credentials;
use secrecy::SecretString;

use super::Environment;
use super::problems::Problems;

/// The variables that give one login, the newer name first.
pub(super) struct Names {
    pub(super) key: &'static str,
    pub(super) username: &'static [&'static str],
    pub(super) password: &'static [&'static str],
}

/// `target.repo.auth`.
pub(super) const TARGET_REPO: Names = Names {
    key: "target.repo.auth",
    username: &["TARGET_REPO_AUTH_USERNAME", "TARGET_AUTH_USERNAME"],
    password: &["TARGET_REPO_AUTH_PASSWORD", "TARGET_AUTH_PASSWORD"],
};

/// `target.containers.auth`.
pub(super) const TARGET_CONTAINERS: Names = Names {
    key: "target.containers.auth",
    username: &["TARGET_CONTAINERS_AUTH_USERNAME"],
    password: &["TARGET_CONTAINERS_AUTH_PASSWORD"],
};

/// User and password as the file has them; both may be absent.
#[derive(Default)]
pub(super) struct Written {
    pub(super) username: Option<String>,
    pub(super) password: Option<SecretString>,
}

/// The login of `names`, or `None` where neither environment nor file has any part of one.
///
/// Half a login is a problem: it would be sent as one with an empty other half.
pub(super) fn login(
    names: &Names,
    written: Written,
    environment: &Environment,
    problems: &mut Problems,
) -> Option<Credentials> {
    let username = environment.first(names.username).map(str::to_owned).or(written.username);
    let password = environment.secret(names.password).or(written.password);
    match (username, password) {
        (Some(username), Some(password)) => Some(Credentials::new(username, password)),
        (None, None) => None,
        (Some(_), None) => {
            half(problems, names, "password", names.password);
            None
        }
        (None, Some(_)) => {
            half(problems, names, "username", names.username);
            None
        }
    }
}

fn half(problems: &mut Problems, names: &Names, absent: &str, variables: &[&str]) {
    let variable = variables.first().copied().unwrap_or_default();
    let why = format!("the other half of the login is there; set it, or the variable {variable}");
    problems.missing(&format!("{}.{absent}", names.key), &why);
}
