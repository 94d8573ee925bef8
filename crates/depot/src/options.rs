//! What a depot can be told: everything comes in here, nothing is read from the environment.

mod access;
mod operations;

use secrecy::SecretString;

pub use access::{
    AccessOptions, AnonymousPull, Challenge, ProjectMakers, PublicUrl, PublicUrlError, TokenLife,
};

use crate::serve::Limits;
pub use operations::{MetricsAccess, MinFree, Mode};

/// How a depot behaves. The default asks no password, knows no projects and keeps charts per
/// project: what the embedded default on loopback needs.
#[derive(Debug, Clone, Default)]
pub struct Options {
    /// Whether a repository's project must exist before something is pushed into it.
    pub projects: Projects,
    /// Where charts are found (ChartMuseum's `--depth`).
    pub chart_depth: ChartDepth,
    /// Whether Harbor's paths of chart repositories are there.
    pub harbor_charts: HarborCharts,
    /// What happens to manifests that name what their repository does not hold.
    pub missing_parts: MissingParts,
    /// An account that may do everything, beside those of the store and of the password file.
    /// As long as there is none at all, everybody on this machine may, and the depot refuses to
    /// listen anywhere but on loopback.
    pub account: Option<Account>,
    /// What clients may ask at once, and how long they may take.
    pub limits: Limits,
    /// Whether it takes anything new.
    pub mode: Mode,
    /// Who may read `/metrics`.
    pub metrics: MetricsAccess,
    /// How much of the disk is left alone.
    pub min_free: MinFree,
    /// Who may do what, and how they sign in.
    pub access: AccessOptions,
}

/// Whether projects are things that exist on their own, as in Harbor.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub enum Projects {
    /// A project is there as soon as something is pushed into it; Harbor's interface is absent.
    #[default]
    Implicit,
    /// Harbor's interface is there, and a push into a project that does not exist is refused as
    /// Harbor refuses it (formats.md, section 6).
    Enforced,
}

/// How many path elements stand before a chart repository.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub enum ChartDepth {
    /// Depth 0: one chart repository, at the server's root.
    Root,
    /// Depth 1: one chart repository for each project.
    #[default]
    Project,
}

/// Whether a depot that shows Harbor's interface has its chart repositories too.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub enum HarborCharts {
    /// `/chartrepo/PROJECT` and what belongs to it, as up to Harbor 2.7.
    #[default]
    Served,
    /// All of them are 404, as from Harbor 2.8 on: charts go into the registry.
    Absent,
}

/// What happens to a manifest with parts (config, layers, members of an image index) that its
/// repository does not hold; the specification leaves it to the registry (OCI Distribution 1.1, "Push").
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub enum MissingParts {
    /// It is refused, so that what a tag names can be pulled.
    #[default]
    Refused,
    /// It is taken: a copy of some platforms keeps the image index of all ("sparse").
    Taken,
}

/// Whether a project's content may be read without signing in.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub enum Visibility {
    /// Anybody may read.
    Public,
    /// Only accounts may read.
    #[default]
    Private,
}

/// What an upload does with a chart that is there already.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Existing {
    /// It stays, and the upload is refused.
    Keep,
    /// It is replaced (`?force`).
    Replace,
}

/// A user and a password, who may do everything.
#[derive(Debug, Clone)]
pub struct Account {
    username: String,
    password: SecretString,
}

impl Account {
    /// The account `username`, who signs in with `password`.
    pub fn new(username: impl Into<String>, password: SecretString) -> Self {
        Self { username: username.into(), password }
    }

    pub(crate) fn username(&self) -> &str {
        &self.username
    }

    pub(crate) fn password(&self) -> &SecretString {
        &self.password
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_accounts_password_is_not_shown() {
        assert!(!format!("{:?}", Account::new("admin", SecretString::from("s3cret"))).contains("s3cret"));
    }
}
