//! The users of a depot, as `portolan depot user list` shows them.

use portolan_depot::ProjectName;
use portolan_depot::control::{User, UserGrant, UserOrigin};
use serde::Serialize;

use super::style::Style;
use super::table::{Cell, Tone, lines};

/// Version of the document's shape; raised when a member changes its meaning or goes away.
const USERS_VERSION: u32 = 1;

/// What `--output json` prints.
#[derive(Debug, Serialize)]
#[serde(rename_all = "camelCase")]
pub struct Users<'a> {
    users_version: u32,
    users: &'a [User],
}

/// The document of `--output json`.
#[must_use]
pub fn document(users: &[User]) -> Users<'_> {
    Users { users_version: USERS_VERSION, users }
}

/// One line a user: the name, the roles, and where it is kept if not in the depot.
#[must_use]
pub fn table(users: &[User], style: Style) -> String {
    if users.is_empty() {
        return "no users: everybody on this machine may do everything, and nobody elsewhere anything"
            .to_owned();
    }
    let rows: Vec<Vec<Cell>> = users.iter().map(row).collect();
    lines(&rows, style).join("\n")
}

fn row(user: &User) -> Vec<Cell> {
    let roles: Vec<String> = user.grants.iter().map(in_words).collect();
    let roles = match roles.is_empty() {
        true => Cell::new("no role", Tone::Warn),
        false => Cell::usual(roles.join(", ")),
    };
    let origin = match user.origin {
        UserOrigin::Depot => "",
        UserOrigin::PasswordFile => "password file",
        UserOrigin::Program => "embedding program",
    };
    vec![Cell::usual(&user.name), roles, Cell::new(origin, Tone::Dim)]
}

/// A role and what for: `writer in team-a`.
#[must_use]
pub fn in_words(grant: &UserGrant) -> String {
    format!("{} {}", grant.role, place(grant.project.as_ref()))
}

/// Where a role counts: `in team-a`.
#[must_use]
pub fn place(project: Option<&ProjectName>) -> String {
    match project {
        Some(name) => format!("in {name}"),
        None => "in all projects".to_owned(),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn user(name: &str, origin: UserOrigin, roles: &[(&str, Option<&str>)]) -> User {
        let grant = |&(role, project): &(&str, Option<&str>)| UserGrant {
            role: role.parse().unwrap(),
            project: project.map(|name| name.parse().unwrap()),
        };
        User { name: name.to_owned(), origin, grants: roles.iter().map(grant).collect(), created: None }
    }

    #[test]
    fn a_line_for_each() {
        let users = [
            user("admin", UserOrigin::Depot, &[("admin", None)]),
            user("ann", UserOrigin::Depot, &[("reader", None), ("writer", Some("team-a"))]),
            user("bo", UserOrigin::Depot, &[]),
            user("site", UserOrigin::PasswordFile, &[("writer", None)]),
        ];
        let expected = "  admin  admin in all projects\n  ann    reader in all projects, writer in team-a\n  \
                        bo     no role\n  site   writer in all projects  password file";
        assert_eq!(table(&users, Style::Plain), expected);
        let json = serde_json::to_string(&document(&users[1..2])).unwrap();
        let expected = r#"{"usersVersion":1,"users":[{"name":"ann","origin":"depot","grants":[{"role":"reader"},{"role":"writer","project":"team-a"}]}]}"#;
        assert_eq!(json, expected);
    }
}
