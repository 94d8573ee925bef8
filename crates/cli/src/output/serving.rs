//! What a server says at its start: whose data it serves, and to whom.

use std::fmt;
use std::path::Path;

use serde::{Serialize, Serializer};

/// What a depot is, and who may use it.
#[derive(Debug, Clone, Copy, Serialize)]
#[serde(rename_all = "camelCase")]
pub struct Serving<'a> {
    /// The data directory.
    #[serde(serialize_with = "shown")]
    pub data: &'a Path,
    /// How many users there are, from all places.
    pub users: usize,
    /// What may be done without signing in.
    pub anonymous: Anonymous,
    /// Whether nothing can be changed.
    pub read_only: bool,
}

/// What may be done without signing in.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize)]
#[serde(rename_all = "kebab-case")]
pub enum Anonymous {
    /// Everything, by whoever is on this machine: there are no users.
    Everything,
    /// Pulling everything.
    Pull,
    /// Pulling what public projects hold.
    PullPublic,
}

impl fmt::Display for Serving<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let users = match self.users {
            0 => "no users".to_owned(),
            1 => "1 user".to_owned(),
            many => format!("{many} users"),
        };
        let open = match self.anonymous {
            Anonymous::Everything => "whoever is on this machine may do everything",
            Anonymous::Pull => "everything can be pulled without signing in",
            Anonymous::PullPublic => "what public projects hold can be pulled without signing in",
        };
        write!(f, "Serving {}: {users}, {open}", self.data.display())?;
        match self.read_only {
            true => write!(f, ", read-only"),
            false => Ok(()),
        }
    }
}

/// A path need not be text, and a record holds nothing else.
fn shown<S: Serializer>(path: &Path, serializer: S) -> Result<S::Ok, S::Error> {
    serializer.collect_str(&path.display())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn one_line_for_each_kind() {
        let check = |users, anonymous, read_only, expected: &str| {
            let serving = Serving { data: Path::new("/d"), users, anonymous, read_only };
            assert_eq!(serving.to_string(), expected);
        };
        check(
            0,
            Anonymous::Everything,
            false,
            "Serving /d: no users, whoever is on this machine may do everything",
        );
        check(
            1,
            Anonymous::Pull,
            true,
            "Serving /d: 1 user, everything can be pulled without signing in, read-only",
        );
        check(
            2,
            Anonymous::PullPublic,
            false,
            "Serving /d: 2 users, what public projects hold can be pulled without signing in",
        );
    }
}
