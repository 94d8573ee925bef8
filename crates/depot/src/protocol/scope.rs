//! What a token permits, as registries write it (CNCF distribution, "Token Scope Documentation"):
//! `repository:NAME:pull,push`.

use std::fmt;

use portolan_oci::Repository;

/// Something, and what may be done to it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Scope {
    /// To what.
    pub resource: Resource,
    /// What.
    pub actions: Actions,
}

/// What a scope is about.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Resource {
    /// `repository:NAME`.
    Repository(Repository),
    /// `registry:catalog`: the list of all repositories.
    Catalog,
}

/// What may be done.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub struct Actions {
    /// Reading.
    pub pull: bool,
    /// Writing.
    pub push: bool,
    /// Removing.
    pub delete: bool,
}

impl Actions {
    /// `*`.
    pub const ALL: Self = Self { pull: true, push: true, delete: true };
    /// What reading needs.
    pub const PULL: Self = Self { pull: true, push: false, delete: false };
    /// What writing needs: who pushes asks what is there.
    pub const PUSH: Self = Self { pull: true, push: true, delete: false };
    /// What removing needs.
    pub const DELETE: Self = Self { pull: false, push: false, delete: true };

    fn parse(text: &str) -> Self {
        text.split(',').map(Self::one).fold(Self::default(), Self::and)
    }

    /// An action that the depot doesn't know permits nothing.
    fn one(text: &str) -> Self {
        match text {
            "*" => Self::ALL,
            "pull" => Self::PULL,
            "push" => Self { push: true, ..Self::default() },
            "delete" => Self::DELETE,
            _ => Self::default(),
        }
    }

    /// What either permits.
    pub fn and(self, other: Self) -> Self {
        Self {
            pull: self.pull || other.pull,
            push: self.push || other.push,
            delete: self.delete || other.delete,
        }
    }

    /// What both permit.
    pub fn only(self, other: Self) -> Self {
        Self {
            pull: self.pull && other.pull,
            push: self.push && other.push,
            delete: self.delete && other.delete,
        }
    }

    /// Whether all of `needed` is permitted.
    pub fn cover(self, needed: Self) -> bool {
        self.only(needed) == needed
    }

    /// Whether nothing is permitted.
    pub fn is_empty(self) -> bool {
        self == Self::default()
    }
}

impl fmt::Display for Actions {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let named = [(self.pull, "pull"), (self.push, "push"), (self.delete, "delete")];
        let named: Vec<&str> = named.iter().filter(|(is_set, _)| *is_set).map(|&(_, name)| name).collect();
        f.write_str(&named.join(","))
    }
}

impl Scope {
    /// What a request on a repository needs.
    pub fn of(repository: &Repository, actions: Actions) -> Self {
        Self { resource: Resource::Repository(repository.clone()), actions }
    }

    /// What the catalog needs.
    pub fn catalog() -> Self {
        Self { resource: Resource::Catalog, actions: Actions::ALL }
    }

    /// Reads one scope; `None` for a resource that the depot doesn't have. A class in brackets,
    /// `repository(plugin)`, says what kind of thing a repository holds and changes nothing.
    pub fn parse(text: &str) -> Option<Self> {
        let (resource, actions) = text.rsplit_once(':')?;
        let (kind, name) = resource.split_once(':')?;
        let resource = match (kind.split('(').next()?, name) {
            ("repository", name) => Resource::Repository(name.parse().ok()?),
            ("registry", "catalog") => Resource::Catalog,
            _ => return None,
        };
        Some(Self { resource, actions: Actions::parse(actions) })
    }
}

impl fmt::Display for Scope {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match &self.resource {
            Resource::Repository(name) => write!(f, "repository:{name}:{}", self.actions),
            Resource::Catalog => f.write_str("registry:catalog:*"),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn scopes_of_clients() {
        let check = |text: &str, expected: Option<&str>| {
            assert_eq!(Scope::parse(text).map(|scope| scope.to_string()).as_deref(), expected, "{text}");
        };
        check("repository:p/a:pull", Some("repository:p/a:pull"));
        check("repository:p/a:push,pull", Some("repository:p/a:pull,push"));
        check("repository:p/a:*", Some("repository:p/a:pull,push,delete"));
        check("repository:p/a:delete,fly", Some("repository:p/a:delete"));
        check("repository(plugin):p/a:pull", Some("repository:p/a:pull"));
        check("registry:catalog:*", Some("registry:catalog:*"));
        check("repository:p/a:", Some("repository:p/a:"));
        for nothing in [
            "",
            "repository",
            "repository:p/a",
            "repository:P:pull",
            "repository:../a:pull",
            "registry:other:*",
            "artifact:p/a:pull",
        ] {
            check(nothing, None);
        }
    }
}
