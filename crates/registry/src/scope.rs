//! What a token has to permit (distribution's token authentication, "Token Scope").

use std::fmt;

use portolan_oci::Repository;

/// What is done to a repository.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum Access {
    /// Reading.
    #[default]
    Pull,
    /// Reading and writing.
    PullPush,
}

/// One repository and what is done to it.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub(crate) struct Scope {
    repository: Repository,
    access: Access,
}

impl Scope {
    pub(crate) fn new(repository: &Repository, access: Access) -> Self {
        Self { repository: repository.clone(), access }
    }
}

impl fmt::Display for Scope {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let actions = match self.access {
            Access::Pull => "pull",
            Access::PullPush => "pull,push",
        };
        write!(f, "repository:{}:{actions}", self.repository)
    }
}
