//! Making, listing, changing and removing accounts.

use std::sync::Arc;

use super::directory::{Known, Origin};
use super::doorkeeper::{Change, Doorkeeper};
use super::name::UserName;
use super::password::Password;
use crate::rights::{Domain, Grant};
use crate::store::{Store, StoreError, StoredAccount};

/// Why something cannot be done about accounts.
#[derive(Debug, thiserror::Error)]
pub enum AccountError {
    /// The store failed.
    #[error("cannot change the depot's accounts")]
    Store {
        /// What happened.
        #[from]
        source: StoreError,
    },
    /// There is one of that name.
    #[error("user {name} is there already")]
    Exists {
        /// The name.
        name: UserName,
    },
    /// There is none of that name.
    #[error("there is no user {name}")]
    Unknown {
        /// The name.
        name: UserName,
    },
    /// It is not the depot's own.
    #[error("user {name} stands in the password file: change it there")]
    InPasswordFile {
        /// The name.
        name: UserName,
    },
    /// Nobody would be left.
    #[error(
        "user {name} is the last one, and without any everybody on this machine may do everything: add another one first"
    )]
    Last {
        /// The name.
        name: UserName,
    },
    /// The user has no role there.
    #[error("user {name} was granted nothing for {domain}")]
    NoGrant {
        /// The name.
        name: UserName,
        /// Where the role was looked for.
        domain: Domain,
    },
}

/// An account to be made.
#[derive(Debug, Clone)]
pub struct NewAccount {
    /// Who signs in.
    pub name: UserName,
    /// With what.
    pub password: Password,
    /// What they may do; of several roles for one domain the last one counts.
    pub grants: Vec<Grant>,
}

/// An account as it is listed.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct AccountEntry {
    /// Who signs in.
    pub name: String,
    /// Where it is kept.
    pub origin: Origin,
    /// What they may do: for all projects first, then by the project's name.
    pub grants: Vec<Grant>,
    /// When it was made, in seconds since 1970; known of the depot's own alone.
    pub created: Option<i64>,
}

/// The accounts of an open depot. What is changed counts from the next request on, also for who
/// has signed in already. All functions block: on the disk, and on hashing.
#[derive(Debug)]
pub struct Accounts<'a> {
    store: &'a Store,
    doorkeeper: &'a Arc<Doorkeeper>,
}

impl<'a> Accounts<'a> {
    pub(crate) fn new(store: &'a Store, doorkeeper: &'a Arc<Doorkeeper>) -> Self {
        Self { store, doorkeeper }
    }

    /// Makes an account.
    ///
    /// # Errors
    /// [`AccountError::Exists`] where the depot has one of that name. One of the password file is no
    /// hindrance: the depot's own counts in its place.
    pub fn add(&self, new: &NewAccount) -> Result<(), AccountError> {
        let hash = self.doorkeeper.hash(&new.password);
        let change = self.doorkeeper.change();
        match self.store.accounts.add(&new.name, &hash, &new.grants)? {
            true => self.changed(change),
            false => Err(AccountError::Exists { name: new.name.clone() }),
        }
    }

    /// All accounts, by name.
    pub fn list(&self) -> Vec<AccountEntry> {
        let entry = |known: &Known| AccountEntry {
            name: known.name.clone(),
            origin: known.origin,
            grants: known.rights.grants().collect(),
            created: known.created,
        };
        self.doorkeeper.directory().sorted().into_iter().map(entry).collect()
    }

    /// Removes an account.
    ///
    /// # Errors
    /// [`AccountError::Last`] where none would be left, [`AccountError::Unknown`] or
    /// [`AccountError::InPasswordFile`] where it is not the depot's own.
    pub fn remove(&self, name: &UserName) -> Result<(), AccountError> {
        let change = self.doorkeeper.change();
        if change.is_last(name) {
            return Err(AccountError::Last { name: name.clone() });
        }
        match self.store.accounts.remove(name)? {
            true => self.changed(change),
            false => Err(self.not_ours(name)),
        }
    }

    /// Gives an account another password; who signed in with the old one is signed out.
    ///
    /// # Errors
    /// [`AccountError::Unknown`] or [`AccountError::InPasswordFile`] where it is not the depot's own.
    pub fn set_password(&self, name: &UserName, password: &Password) -> Result<(), AccountError> {
        let hash = self.doorkeeper.hash(password);
        let change = self.doorkeeper.change();
        match self.store.accounts.set_hash(name, &hash)? {
            true => self.changed(change),
            false => Err(self.not_ours(name)),
        }
    }

    /// Gives an account a role, in place of the one it has for the same domain.
    ///
    /// # Errors
    /// [`AccountError::Unknown`] or [`AccountError::InPasswordFile`] where it is not the depot's own.
    pub fn grant(&self, name: &UserName, grant: &Grant) -> Result<(), AccountError> {
        let change = self.doorkeeper.change();
        match self.store.accounts.grant(name, grant)? {
            true => self.changed(change),
            false => Err(self.not_ours(name)),
        }
    }

    /// Takes an account's role for a domain away.
    ///
    /// # Errors
    /// [`AccountError::NoGrant`] where it has none there, and as for [`Accounts::grant`].
    pub fn revoke(&self, name: &UserName, domain: &Domain) -> Result<(), AccountError> {
        let change = self.doorkeeper.change();
        match self.store.accounts.revoke(name, domain)? {
            true => self.changed(change),
            false if change.has(name) => {
                Err(AccountError::NoGrant { name: name.clone(), domain: domain.clone() })
            }
            false => Err(self.not_ours(name)),
        }
    }

    /// Whether users are told apart: there is an account, or a password file is set. Until then
    /// everybody on this machine may do everything.
    pub fn is_guarded(&self) -> bool {
        self.doorkeeper.directory().is_guarded
    }

    fn changed(&self, change: Change<'_>) -> Result<(), AccountError> {
        let stored: Vec<StoredAccount> = self.store.accounts.all()?;
        self.doorkeeper.take(change, stored);
        Ok(())
    }

    fn not_ours(&self, name: &UserName) -> AccountError {
        let name = name.clone();
        let origin = self.doorkeeper.directory().get(name.as_str()).map(|known| known.origin);
        match origin {
            Some(Origin::PasswordFile) => AccountError::InPasswordFile { name },
            _ => AccountError::Unknown { name },
        }
    }
}
