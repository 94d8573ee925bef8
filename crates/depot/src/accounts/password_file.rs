//! The password file of a depot that runs: read again as it changes.

use std::mem;
use std::path::PathBuf;

use super::htpasswd::{self, HtpasswdError, Users};

/// A password file, and what was last found in it.
#[derive(Debug)]
pub(super) struct PasswordFile {
    path: PathBuf,
    content: Vec<u8>,
    users: Users,
    /// Why what is there now is not taken, so that it is logged once.
    fault: Option<String>,
}

impl PasswordFile {
    /// Reads it for the first time.
    pub(super) fn open(path: PathBuf) -> Result<Self, HtpasswdError> {
        let content = htpasswd::read(&path)?;
        let users = htpasswd::parse(&path, &content)?;
        Ok(Self { path, content, users, fault: None })
    }

    pub(super) fn users(&self) -> &Users {
        &self.users
    }

    /// Reads it again, and gives whether it has other users now. One that cannot be read or holds a
    /// line that is none changes nothing: a file is often seen while somebody writes it.
    pub(super) fn reread(&mut self) -> bool {
        match self.read() {
            Ok(None) => false,
            Ok(Some(users)) => {
                self.fault = None;
                tracing::info!(path = %self.path.display(), users = users.len(), "the password file was read");
                mem::replace(&mut self.users, users) != self.users
            }
            Err(error) => {
                self.complain(&error);
                false
            }
        }
    }

    /// The users of a content that is another one than the last.
    fn read(&mut self) -> Result<Option<Users>, HtpasswdError> {
        let content = htpasswd::read(&self.path)?;
        if content == self.content && self.fault.is_none() {
            return Ok(None);
        }
        let users = htpasswd::parse(&self.path, &content)?;
        self.content = content;
        Ok(Some(users))
    }

    fn complain(&mut self, error: &HtpasswdError) {
        let fault = error.to_string();
        if self.fault.as_ref() != Some(&fault) {
            tracing::error!(error = %fault, "the password file is not taken: its users stay as they were");
            self.fault = Some(fault);
        }
    }
}
