//! Calls about who may sign in, and what they may do then.

use std::fmt::Display;
use std::str::FromStr;

use axum::Router;
use jiff::Timestamp;
use serde::de::Error as _;
use serde::{Deserialize, Deserializer, Serialize, Serializer};

use super::server::{Room, with_call};
use super::{Call, Failed, Tell};
use crate::accounts::{AccountEntry, NewAccount, Origin, Password, UserName};
use crate::names::ProjectName;
use crate::rights::{Domain, Grant, Role};
use crate::server::Depot;

/// Makes a user.
#[derive(Debug, Serialize, Deserialize)]
pub struct AddUser {
    /// Who signs in.
    #[serde(with = "text")]
    pub name: UserName,
    /// With what.
    #[serde(with = "password")]
    pub password: Password,
    /// What they may do.
    pub grants: Vec<UserGrant>,
}

/// Gives a user another password.
#[derive(Debug, Serialize, Deserialize)]
pub struct SetPassword {
    /// Whose.
    #[serde(with = "text")]
    pub name: UserName,
    /// The new one.
    #[serde(with = "password")]
    pub password: Password,
}

/// Gives a user a role, in place of the one they have for the same.
#[derive(Debug, Serialize, Deserialize)]
pub struct GrantRole {
    /// Who gets it.
    #[serde(with = "text")]
    pub name: UserName,
    /// Which, and for what.
    pub grant: UserGrant,
}

/// Takes a user's role away.
#[derive(Debug, Serialize, Deserialize)]
pub struct RevokeRole {
    /// From whom.
    #[serde(with = "text")]
    pub name: UserName,
    /// For this project; absent means the one for all projects.
    #[serde(default, with = "optional_text", skip_serializing_if = "Option::is_none")]
    pub project: Option<ProjectName>,
}

/// Removes a user.
#[derive(Debug, Serialize, Deserialize)]
pub struct RemoveUser {
    /// Who can't sign in any more.
    #[serde(with = "text")]
    pub name: UserName,
}

/// Lists the users.
#[derive(Debug, Serialize, Deserialize)]
pub struct ListUsers {}

/// A role, and what for.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct UserGrant {
    /// What may be done.
    #[serde(with = "text")]
    pub role: Role,
    /// In this project; absent means in all of them.
    #[serde(default, with = "optional_text", skip_serializing_if = "Option::is_none")]
    pub project: Option<ProjectName>,
}

/// A user as it is listed.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct User {
    /// Who signs in.
    pub name: String,
    /// Where the user is kept.
    pub origin: UserOrigin,
    /// What they may do: in all projects first, then by the project's name.
    pub grants: Vec<UserGrant>,
    /// When they were made (RFC 3339); known of the depot's own alone.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub created: Option<String>,
}

/// Where a user is kept.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum UserOrigin {
    /// In the depot, where these calls change them.
    Depot,
    /// In the password file.
    PasswordFile,
    /// In the program that has the depot open.
    Program,
}

/// The calls of this module.
pub(super) fn calls(calls: Router<Room>) -> Router<Room> {
    let calls = with_call::<AddUser>(calls);
    let calls = with_call::<SetPassword>(calls);
    let calls = with_call::<GrantRole>(calls);
    let calls = with_call::<RevokeRole>(calls);
    let calls = with_call::<RemoveUser>(calls);
    with_call::<ListUsers>(calls)
}

impl Call for AddUser {
    const NAME: &'static str = "add-user";
    type Event = ();
    type Answer = ();

    fn carry_out(self, depot: &Depot, _: Tell<'_, ()>) -> Result<(), Failed> {
        let grants = self.grants.into_iter().map(Grant::from).collect();
        let new = NewAccount { name: self.name, password: self.password, grants };
        depot.accounts().add(&new).map_err(|error| Failed::from(&error))
    }
}

impl Call for SetPassword {
    const NAME: &'static str = "set-password";
    type Event = ();
    type Answer = ();

    fn carry_out(self, depot: &Depot, _: Tell<'_, ()>) -> Result<(), Failed> {
        let changed = depot.accounts().set_password(&self.name, &self.password);
        changed.map_err(|error| Failed::from(&error))
    }
}

impl Call for GrantRole {
    const NAME: &'static str = "grant-role";
    type Event = ();
    type Answer = ();

    fn carry_out(self, depot: &Depot, _: Tell<'_, ()>) -> Result<(), Failed> {
        let granted = depot.accounts().grant(&self.name, &self.grant.into());
        granted.map_err(|error| Failed::from(&error))
    }
}

impl Call for RevokeRole {
    const NAME: &'static str = "revoke-role";
    type Event = ();
    type Answer = ();

    fn carry_out(self, depot: &Depot, _: Tell<'_, ()>) -> Result<(), Failed> {
        let revoked = depot.accounts().revoke(&self.name, &domain(self.project));
        revoked.map_err(|error| Failed::from(&error))
    }
}

impl Call for RemoveUser {
    const NAME: &'static str = "remove-user";
    type Event = ();
    type Answer = ();

    fn carry_out(self, depot: &Depot, _: Tell<'_, ()>) -> Result<(), Failed> {
        depot.accounts().remove(&self.name).map_err(|error| Failed::from(&error))
    }
}

impl Call for ListUsers {
    const NAME: &'static str = "list-users";
    type Event = ();
    type Answer = Vec<User>;

    fn carry_out(self, depot: &Depot, _: Tell<'_, ()>) -> Result<Vec<User>, Failed> {
        Ok(depot.accounts().list().into_iter().map(User::from).collect())
    }
}

fn domain(project: Option<ProjectName>) -> Domain {
    project.map_or(Domain::All, Domain::Project)
}

impl From<UserGrant> for Grant {
    fn from(grant: UserGrant) -> Self {
        Self { role: grant.role, domain: domain(grant.project) }
    }
}

impl From<Grant> for UserGrant {
    fn from(grant: Grant) -> Self {
        Self { role: grant.role, project: grant.domain.project().cloned() }
    }
}

impl From<AccountEntry> for User {
    fn from(entry: AccountEntry) -> Self {
        Self {
            name: entry.name,
            origin: entry.origin.into(),
            grants: entry.grants.into_iter().map(UserGrant::from).collect(),
            created: entry.created.and_then(rfc3339),
        }
    }
}

/// A time in seconds since 1970; none where it is beyond all calendars.
fn rfc3339(seconds: i64) -> Option<String> {
    Timestamp::from_second(seconds).ok().map(|time| time.to_string())
}

impl From<Origin> for UserOrigin {
    fn from(origin: Origin) -> Self {
        match origin {
            Origin::Depot => Self::Depot,
            Origin::PasswordFile => Self::PasswordFile,
            Origin::Options => Self::Program,
        }
    }
}

/// What is written as a text and has a grammar.
pub(super) mod text {
    use super::*;

    pub(in crate::control) fn serialize<T: Display, S: Serializer>(
        value: &T,
        serializer: S,
    ) -> Result<S::Ok, S::Error> {
        serializer.collect_str(value)
    }

    pub(in crate::control) fn deserialize<'de, T, D>(deserializer: D) -> Result<T, D::Error>
    where
        T: FromStr<Err: Display>,
        D: Deserializer<'de>,
    {
        String::deserialize(deserializer)?.parse().map_err(D::Error::custom)
    }
}

/// The same where it may be absent.
mod optional_text {
    use super::*;

    pub(super) fn serialize<T, S>(value: &Option<T>, serializer: S) -> Result<S::Ok, S::Error>
    where
        T: Display,
        S: Serializer,
    {
        value.as_ref().map(ToString::to_string).serialize(serializer)
    }

    pub(super) fn deserialize<'de, T, D>(deserializer: D) -> Result<Option<T>, D::Error>
    where
        T: FromStr<Err: Display>,
        D: Deserializer<'de>,
    {
        let text = Option::<String>::deserialize(deserializer)?;
        text.map(|text| text.parse().map_err(D::Error::custom)).transpose()
    }
}

/// A password on its way to the server, which is a socket of this user alone.
mod password {
    use secrecy::SecretString;

    use super::*;

    pub(super) fn serialize<S: Serializer>(password: &Password, serializer: S) -> Result<S::Ok, S::Error> {
        serializer.serialize_str(password.expose())
    }

    pub(super) fn deserialize<'de, D: Deserializer<'de>>(deserializer: D) -> Result<Password, D::Error> {
        let text = SecretString::from(String::deserialize(deserializer)?);
        Password::new(text).map_err(D::Error::custom)
    }
}
