//! Accounts and what they were granted.

use std::str::FromStr;

use rusqlite::{Connection, ErrorCode, Row, params};
use secrecy::{ExposeSecret as _, SecretString};

use super::database::{Database, Writing, now, unreadable};
use super::error::StoreError;
use crate::accounts::UserName;
use crate::rights::{Domain, Grant};

/// The tables of accounts.
#[derive(Debug)]
pub struct AccountTable {
    database: Database,
}

/// An account as it is kept.
#[derive(Debug, Clone)]
pub struct StoredAccount {
    /// Who signs in.
    pub name: UserName,
    /// The hash of the password, a PHC string.
    pub hash: SecretString,
    /// When it was made, in seconds since 1970.
    pub created: i64,
    /// What it may do: one grant for each domain.
    pub grants: Vec<Grant>,
}

impl AccountTable {
    pub(super) fn new(database: Database) -> Self {
        Self { database }
    }

    /// All accounts, by name.
    pub fn all(&self) -> Result<Vec<StoredAccount>, StoreError> {
        self.database.read("list the accounts of", |connection| {
            let mut list =
                connection.prepare_cached("SELECT name, hash, created FROM account ORDER BY name")?;
            let accounts = list.query_map([], |row| account(connection, row))?;
            accounts.collect()
        })
    }

    /// Makes an account; `false` where there is one of that name.
    pub fn add(&self, name: &UserName, hash: &SecretString, grants: &[Grant]) -> Result<bool, StoreError> {
        let (name, hash, grants) = (name.clone(), hash.clone(), grants.to_vec());
        self.database.write("make an account in", move |writing| {
            let mut insert = writing.prepare_cached(
                "INSERT INTO account (name, hash, created) VALUES (?1, ?2, ?3) ON CONFLICT DO NOTHING",
            )?;
            let is_new = insert.execute(params![name.as_str(), hash.expose_secret(), now()])? > 0;
            if is_new {
                grants.iter().try_for_each(|grant| set_grant(writing, &name, grant))?;
            }
            Ok(is_new)
        })
    }

    /// Removes an account with its grants; `false` where there is none.
    pub fn remove(&self, name: &UserName) -> Result<bool, StoreError> {
        let name = name.clone();
        self.database.write("remove an account from", move |writing| {
            let mut remove = writing.prepare_cached("DELETE FROM account WHERE name = ?1")?;
            Ok(remove.execute([name.as_str()])? > 0)
        })
    }

    /// Gives an account another password; `false` where there is none.
    pub fn set_hash(&self, name: &UserName, hash: &SecretString) -> Result<bool, StoreError> {
        let (name, hash) = (name.clone(), hash.clone());
        self.database.write("set a password in", move |writing| {
            let mut update = writing.prepare_cached("UPDATE account SET hash = ?2 WHERE name = ?1")?;
            Ok(update.execute([name.as_str(), hash.expose_secret()])? > 0)
        })
    }

    /// Gives an account a role in place of the one it has for that domain; `false` where there is
    /// no such account.
    pub fn grant(&self, name: &UserName, grant: &Grant) -> Result<bool, StoreError> {
        let (name, grant) = (name.clone(), grant.clone());
        self.database.write("grant a role in", move |writing| match set_grant(writing, &name, &grant) {
            Ok(()) => Ok(true),
            Err(error) if error.sqlite_error_code() == Some(ErrorCode::ConstraintViolation) => Ok(false),
            Err(error) => Err(error),
        })
    }

    /// Takes an account's role for a domain; `false` where it has none.
    pub fn revoke(&self, name: &UserName, domain: &Domain) -> Result<bool, StoreError> {
        let (name, domain) = (name.clone(), domain.to_string());
        self.database.write("take a role in", move |writing| {
            let mut remove =
                writing.prepare_cached("DELETE FROM account_grant WHERE account = ?1 AND project = ?2")?;
            Ok(remove.execute([name.as_str(), &domain])? > 0)
        })
    }
}

fn set_grant(writing: &Writing<'_>, name: &UserName, grant: &Grant) -> rusqlite::Result<()> {
    let mut insert = writing.prepare_cached(
        "INSERT INTO account_grant (account, project, role) VALUES (?1, ?2, ?3)
         ON CONFLICT (account, project) DO UPDATE SET role = ?3",
    )?;
    insert.execute([name.as_str(), &grant.domain.to_string(), grant.role.as_str()])?;
    Ok(())
}

fn account(connection: &Connection, row: &Row<'_>) -> rusqlite::Result<StoredAccount> {
    let name: UserName = parsed(row, 0)?;
    let mut list = connection
        .prepare_cached("SELECT role, project FROM account_grant WHERE account = ?1 ORDER BY project")?;
    let grants =
        list.query_map([name.as_str()], |row| Ok(Grant { role: parsed(row, 0)?, domain: parsed(row, 1)? }))?;
    let grants = grants.collect::<rusqlite::Result<_>>()?;
    Ok(StoredAccount { name, hash: row.get::<_, String>(1)?.into(), created: row.get(2)?, grants })
}

/// A text that the store itself wrote.
fn parsed<T>(row: &Row<'_>, column: usize) -> rusqlite::Result<T>
where
    T: FromStr<Err: std::error::Error + Send + Sync + 'static>,
{
    row.get_ref(column)?.as_str()?.parse().map_err(|error| unreadable(column, error))
}
