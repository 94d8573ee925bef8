//! Roles, what they are granted for, and what a user may do by all grants together.

use std::collections::BTreeMap;
use std::fmt;
use std::str::FromStr;

use crate::names::{NameError, ProjectName};

/// How a domain of all projects is written; no project has that name.
const ALL: &str = "*";

/// What a user may do. Each role may what the ones before it may.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum Role {
    /// Pulls images and charts.
    Reader,
    /// Pushes them, and moves tags.
    Writer,
    /// Deletes them, and changes projects; one for everything may do everything.
    Admin,
}

/// A text that is no role.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("unknown role {role:?}: it is reader, writer or admin")]
pub struct RoleError {
    /// The text as given.
    pub role: String,
}

impl Role {
    /// The name as it is written in commands and in the store.
    pub fn as_str(self) -> &'static str {
        match self {
            Self::Reader => "reader",
            Self::Writer => "writer",
            Self::Admin => "admin",
        }
    }
}

impl FromStr for Role {
    type Err = RoleError;

    fn from_str(text: &str) -> Result<Self, RoleError> {
        let roles = [Self::Reader, Self::Writer, Self::Admin];
        let found = roles.into_iter().find(|role| role.as_str() == text);
        found.ok_or_else(|| RoleError { role: text.to_owned() })
    }
}

impl fmt::Display for Role {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.as_str())
    }
}

/// What a role is granted for. Written as the project's name, or `*`.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum Domain {
    /// All projects, those to come too, and what belongs to none.
    All,
    /// One project, which need not exist yet.
    Project(ProjectName),
}

impl Domain {
    /// The project, `None` for all of them.
    pub fn project(&self) -> Option<&ProjectName> {
        match self {
            Self::All => None,
            Self::Project(name) => Some(name),
        }
    }
}

impl FromStr for Domain {
    type Err = NameError;

    fn from_str(text: &str) -> Result<Self, NameError> {
        match text {
            ALL => Ok(Self::All),
            name => name.parse().map(Self::Project),
        }
    }
}

impl fmt::Display for Domain {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.project().map_or(ALL, ProjectName::as_str))
    }
}

/// A role, and what for.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Grant {
    /// What may be done.
    pub role: Role,
    /// To what.
    pub domain: Domain,
}

impl Grant {
    /// A role in all projects.
    pub fn everywhere(role: Role) -> Self {
        Self { role, domain: Domain::All }
    }

    /// A role in one project.
    pub fn within(role: Role, project: ProjectName) -> Self {
        Self { role, domain: Domain::Project(project) }
    }
}

/// What a user may do: one role for each domain. Of a role for all and one for a project the
/// higher one counts there.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Rights(BTreeMap<Domain, Role>);

impl Rights {
    /// Gives a role; one that was given for the same domain before is replaced.
    pub fn grant(&mut self, grant: Grant) {
        self.0.insert(grant.domain, grant.role);
    }

    /// The role that counts in all projects, and for what belongs to none.
    pub fn everywhere(&self) -> Option<Role> {
        self.0.get(&Domain::All).copied()
    }

    /// The role that counts in a project of that name. Takes any text: a name that no project can
    /// have was granted to nobody.
    pub fn within(&self, project: &str) -> Option<Role> {
        let own =
            self.0.iter().find(|(domain, _)| domain.project().is_some_and(|name| name.as_str() == project));
        self.everywhere().max(own.map(|(_, &role)| role))
    }

    /// All that was granted: what is for all projects first, then by name.
    pub fn grants(&self) -> impl Iterator<Item = Grant> + '_ {
        self.0.iter().map(|(domain, &role)| Grant { role, domain: domain.clone() })
    }
}

impl FromIterator<Grant> for Rights {
    fn from_iter<I: IntoIterator<Item = Grant>>(grants: I) -> Self {
        let mut rights = Self::default();
        grants.into_iter().for_each(|grant| rights.grant(grant));
        rights
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn project(name: &str) -> ProjectName {
        name.parse().unwrap()
    }

    #[test]
    fn roles_by_name() {
        for role in [Role::Reader, Role::Writer, Role::Admin] {
            assert_eq!(role.as_str().parse(), Ok(role));
        }
        let told = "Admin".parse::<Role>().unwrap_err().to_string();
        assert_eq!(told, "unknown role \"Admin\": it is reader, writer or admin");
        assert!(Role::Reader < Role::Writer && Role::Writer < Role::Admin);
    }

    #[test]
    fn domains_are_written_as_they_are_read() {
        for text in ["*", "p", "release.daocloud.io"] {
            assert_eq!(text.parse::<Domain>().unwrap().to_string(), text);
        }
        assert_eq!("*".parse(), Ok(Domain::All));
        assert!("v2".parse::<Domain>().is_err() && "".parse::<Domain>().is_err());
    }

    #[test]
    fn the_higher_of_two_roles_counts() {
        let check = |grants: &[Grant], own: Option<Role>, other: Option<Role>, all: Option<Role>| {
            let rights: Rights = grants.iter().cloned().collect();
            assert_eq!((rights.within("p"), rights.within("q"), rights.everywhere()), (own, other, all));
        };
        let within = |role| Grant::within(role, project("p"));
        check(&[], None, None, None);
        check(&[within(Role::Writer)], Some(Role::Writer), None, None);
        check(
            &[Grant::everywhere(Role::Reader), within(Role::Admin)],
            Some(Role::Admin),
            Some(Role::Reader),
            Some(Role::Reader),
        );
        check(
            &[Grant::everywhere(Role::Admin), within(Role::Reader)],
            Some(Role::Admin),
            Some(Role::Admin),
            Some(Role::Admin),
        );
        check(&[within(Role::Admin), within(Role::Reader)], Some(Role::Reader), None, None);
    }

    #[test]
    fn grants_are_listed_in_order() {
        let rights: Rights = [
            Grant::within(Role::Writer, project("b")),
            Grant::within(Role::Reader, project("a")),
            Grant::everywhere(Role::Reader),
        ]
        .into_iter()
        .collect();
        let listed: Vec<String> =
            rights.grants().map(|Grant { role, domain }| format!("{role} of {domain}")).collect();
        assert_eq!(listed, ["reader of *", "reader of a", "writer of b"]);
    }
}
