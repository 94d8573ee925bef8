//! All accounts as they are at one moment, wherever they come from.

use std::collections::HashMap;
use std::sync::Arc;

use secrecy::{ExposeSecret as _, SecretString};
use serde::{Deserialize, Serialize};

use super::htpasswd::BcryptHash;
use super::name::UserName;
use super::password::PasswordHash;
use super::password_file::PasswordFile;
use super::seal::{Seal, is_same};
use crate::options::Account;
use crate::rights::{Grant, Rights, Role};
use crate::store::StoredAccount;

/// Bytes of a stamp: enough that no two passwords share one.
const STAMP: usize = 16;

/// Tells one password of an account from the next one without telling anything of either.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
pub(crate) struct Stamp([u8; STAMP]);

impl Stamp {
    pub(crate) fn of(seal: &Seal, secret: &str) -> Self {
        let mut stamp = [0; STAMP];
        stamp.copy_from_slice(&seal.mark("stamp", &[secret.as_bytes()])[..STAMP]);
        Self(stamp)
    }
}

/// Where an account comes from.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Origin {
    /// The depot's own, made by `portolan depot user add`.
    Depot,
    /// A line of the password file.
    PasswordFile,
    /// What the program that embeds the depot gave it.
    Options,
}

/// What an account's password is compared with.
#[derive(Debug, Clone)]
pub(crate) enum Secret {
    Argon2(PasswordHash),
    Bcrypt(BcryptHash),
    Plain(SecretString),
    /// What was stored is no hash: nobody is let in, but the name stays taken.
    Damaged,
}

impl Secret {
    /// Whether it is that password's; slow where only a hash is known.
    pub(crate) fn is_of(&self, password: &SecretString) -> bool {
        match self {
            Self::Argon2(hash) => hash.is_of(password.expose_secret()),
            Self::Bcrypt(hash) => hash.is_of(password.expose_secret()),
            Self::Plain(own) => is_same(own.expose_secret().as_bytes(), password.expose_secret().as_bytes()),
            Self::Damaged => false,
        }
    }

    fn stamp(&self, seal: &Seal) -> Stamp {
        match self {
            Self::Argon2(hash) => Stamp::of(seal, hash.as_str()),
            Self::Bcrypt(hash) => Stamp::of(seal, hash.as_str()),
            Self::Plain(own) => Stamp::of(seal, own.expose_secret()),
            Self::Damaged => Stamp::of(seal, ""),
        }
    }
}

/// An account, whole.
#[derive(Debug)]
pub(crate) struct Known {
    pub(crate) name: String,
    pub(crate) secret: Secret,
    pub(crate) rights: Rights,
    pub(crate) origin: Origin,
    pub(crate) stamp: Stamp,
    /// In seconds since 1970.
    pub(crate) created: Option<i64>,
}

/// All accounts by name.
#[derive(Debug, Default)]
pub(crate) struct Directory {
    accounts: HashMap<String, Arc<Known>>,
    /// Counts up with every change.
    pub(crate) generation: u64,
    /// Whether anybody was ever told apart here, so that being on this machine isn't enough.
    pub(crate) is_guarded: bool,
}

/// What a directory is made of.
#[derive(Debug)]
pub(crate) struct Sources {
    pub(crate) options: Option<Account>,
    pub(crate) depot: Vec<StoredAccount>,
    /// `None` where no password file is set: an empty one guards as well.
    pub(super) file: Option<PasswordFile>,
}

impl Directory {
    /// Of accounts with one name that of the options counts, then the depot's own.
    pub(crate) fn new(seal: &Seal, sources: &Sources, generation: u64) -> Self {
        let is_guarded = sources.options.is_some() || !sources.depot.is_empty() || sources.file.is_some();
        let mut directory = Self { accounts: HashMap::new(), generation, is_guarded };
        let options = sources.options.iter().map(|account| Known::of_options(seal, account));
        let depot = sources.depot.iter().map(|account| Known::of_depot(seal, account));
        let users = sources.file.iter().flat_map(PasswordFile::users);
        let file = users.map(|(name, hash)| Known::of_file(seal, name, hash));
        for known in options.chain(depot).chain(file) {
            directory.accounts.entry(known.name.clone()).or_insert_with(|| Arc::new(known));
        }
        directory
    }

    /// The account of that name.
    pub(crate) fn get(&self, name: &str) -> Option<&Arc<Known>> {
        self.accounts.get(name)
    }

    /// All of them, by name.
    pub(crate) fn sorted(&self) -> Vec<&Known> {
        let mut all: Vec<&Known> = self.accounts.values().map(AsRef::as_ref).collect();
        all.sort_unstable_by(|one, other| one.name.cmp(&other.name));
        all
    }
}

impl Known {
    /// A user that a test needs no password of.
    #[cfg(test)]
    pub(crate) fn granted(name: &str, grants: impl IntoIterator<Item = Grant>) -> Self {
        let rights = grants.into_iter().collect();
        Self::new(&Seal::random(), name, Secret::Damaged, rights, Origin::Depot)
    }

    fn new(seal: &Seal, name: &str, secret: Secret, rights: Rights, origin: Origin) -> Self {
        let stamp = secret.stamp(seal);
        Self { name: name.to_owned(), secret, rights, origin, stamp, created: None }
    }

    /// May do everything.
    fn of_options(seal: &Seal, account: &Account) -> Self {
        let secret = Secret::Plain(account.password().clone());
        Self::new(seal, account.username(), secret, everywhere(Role::Admin), Origin::Options)
    }

    fn of_depot(seal: &Seal, account: &StoredAccount) -> Self {
        let secret = PasswordHash::parse(account.hash.expose_secret()).map(Secret::Argon2);
        if secret.is_none() {
            tracing::error!(user = %account.name, "the hash of this user's password is damaged: set it anew");
        }
        let rights = account.grants.iter().cloned().collect();
        let name = account.name.as_str();
        let known = Self::new(seal, name, secret.unwrap_or(Secret::Damaged), rights, Origin::Depot);
        Self { created: Some(account.created), ..known }
    }

    /// Writes everywhere: such files know no roles.
    fn of_file(seal: &Seal, name: &UserName, hash: &BcryptHash) -> Self {
        let secret = Secret::Bcrypt(hash.clone());
        Self::new(seal, name.as_str(), secret, everywhere(Role::Writer), Origin::PasswordFile)
    }
}

fn everywhere(role: Role) -> Rights {
    [Grant::everywhere(role)].into_iter().collect()
}
