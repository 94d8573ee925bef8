//! Who may do what: one table, closed unless a line here opens it.

mod challenge;
mod identify;
mod sight;
#[cfg(test)]
mod tests;
pub(super) mod token;

use std::sync::Arc;

use super::App;
use crate::accounts::Known;
use crate::options::{AccessOptions, AnonymousPull, ProjectMakers, Visibility};
use crate::protocol::{Access, Actions, Place, Scope};
use crate::rights::{Rights, Role};
pub(super) use challenge::refuse;
pub(super) use identify::identify;
pub(super) use sight::Sight;

/// Who sends a request.
#[derive(Debug, Clone)]
pub(super) enum Who {
    /// Somebody on this machine, while there are no accounts: may do everything.
    Everybody,
    /// Nobody signed in.
    Nobody,
    /// A user, by password.
    User(Arc<Known>),
    /// The bearer of a token, which narrows what a user may do, or what is open to all.
    Bearer(Option<Arc<Known>>, Vec<Scope>),
    /// Somebody tried to sign in and failed.
    Impostor(Fault),
}

/// What was wrong with an attempt to sign in.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Fault {
    /// The name, the password, or the header they stand in.
    Credentials,
    /// The token: forged, too old, or its user is gone.
    Token,
    /// The token permits other things than this one.
    Scope,
}

/// What was set for everybody.
#[derive(Debug, Clone, Copy)]
pub(super) struct Rules {
    pub(super) anonymous_pull: AnonymousPull,
    pub(super) project_makers: ProjectMakers,
    /// Whether there is anybody who could sign in.
    pub(super) is_guarded: bool,
}

/// Who asks, under which rules.
#[derive(Debug, Clone)]
pub(super) struct Asker {
    pub(super) who: Who,
    pub(super) rules: Rules,
}

/// Whether something may be done.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Verdict {
    /// It may.
    Allowed,
    /// Not so, but signing in, or another token, can help (401).
    SignIn(Option<Fault>),
    /// Not by this user (403).
    Denied,
}

impl Rules {
    fn of(app: &App) -> Self {
        let AccessOptions { anonymous_pull, project_makers, .. } = app.options.access;
        Self { anonymous_pull, project_makers, is_guarded: app.doorkeeper.directory().is_guarded }
    }

    /// Whether somebody with these rights may do that; `None` is somebody who didn't sign in.
    /// `visibility` is that of the project that `access` is about, where projects are made.
    fn allow(self, rights: Option<&Rights>, access: Access<'_>, visibility: Option<Visibility>) -> bool {
        let has = |place, least| rights.and_then(|rights| role(rights, place)) >= Some(least);
        let reads_all = self.anonymous_pull == AnonymousPull::Everything;
        match access {
            Access::Open | Access::PublicList => true,
            // Where nobody could sign in, a client that is told to would give up.
            Access::Known => rights.is_some() || (reads_all && !self.is_guarded),
            Access::List => rights.is_some() || reads_all,
            Access::Read(place) => {
                let is_public = place != Place::Whole && visibility == Some(Visibility::Public);
                has(place, Role::Reader) || reads_all || is_public
            }
            Access::Write(place) => has(place, Role::Writer),
            Access::Delete(place) => has(place, Role::Admin),
            Access::MakeProject => has(Place::Whole, self.project_maker()),
            Access::Watch => has(Place::Whole, Role::Reader),
        }
    }

    fn project_maker(self) -> Role {
        match self.project_makers {
            ProjectMakers::Writers => Role::Writer,
            ProjectMakers::Admins => Role::Admin,
        }
    }
}

fn role(rights: &Rights, place: Place<'_>) -> Option<Role> {
    match place {
        Place::Whole => rights.everywhere(),
        Place::Project(name) => rights.within(name),
    }
}

impl Asker {
    /// Somebody of whom nothing is asked.
    pub(super) fn nobody(app: &App) -> Self {
        Self { who: Who::Nobody, rules: Rules::of(app) }
    }

    /// Whether that may be done; `scope` is what a token has to permit for it, `None` where tokens
    /// open nothing but that their bearer is known.
    pub(super) fn may(
        &self,
        access: Access<'_>,
        visibility: Option<Visibility>,
        scope: Option<&Scope>,
    ) -> Verdict {
        let allowed =
            |user: Option<&Known>| self.rules.allow(user.map(|user| &user.rights), access, visibility);
        match &self.who {
            _ if access == Access::Open => Verdict::Allowed,
            Who::Everybody => Verdict::Allowed,
            Who::Impostor(fault) => Verdict::SignIn(Some(*fault)),
            Who::Nobody if allowed(None) => Verdict::Allowed,
            Who::Nobody => Verdict::SignIn(None),
            Who::User(user) if allowed(Some(user)) => Verdict::Allowed,
            Who::User(_) => Verdict::Denied,
            Who::Bearer(..) if access == Access::Known => Verdict::Allowed,
            Who::Bearer(user, scopes) => match (allowed(user.as_deref()), user) {
                (true, _) if scope.is_some_and(|scope| permits(scopes, scope)) => Verdict::Allowed,
                (false, Some(_)) => Verdict::Denied,
                _ => Verdict::SignIn(Some(Fault::Scope)),
            },
        }
    }

    /// Whether that may be done but for what a token narrows: what goes into a token, what a list
    /// shows, and from where a blob is mounted, which is not what a token for its target is about.
    pub(super) fn allows(&self, access: Access<'_>, visibility: Option<Visibility>) -> bool {
        match &self.who {
            Who::Everybody => true,
            Who::Impostor(_) => false,
            _ => self.rules.allow(self.rights(), access, visibility),
        }
    }

    /// The name of who signed in.
    pub(super) fn name(&self) -> Option<&str> {
        self.user().map(|user| user.name.as_str())
    }

    /// Whether the asker may do everything.
    pub(super) fn is_admin(&self) -> bool {
        self.allows(Access::Delete(Place::Whole), None)
    }

    /// What the user was granted, where one signed in.
    fn rights(&self) -> Option<&Rights> {
        self.user().map(|user| &user.rights)
    }

    fn user(&self) -> Option<&Known> {
        match &self.who {
            Who::User(user) | Who::Bearer(Some(user), _) => Some(user),
            Who::Everybody | Who::Nobody | Who::Bearer(None, _) | Who::Impostor(_) => None,
        }
    }
}

/// Whether the scopes of a token together permit all that is needed.
fn permits(scopes: &[Scope], needed: &Scope) -> bool {
    let same = scopes.iter().filter(|scope| scope.resource == needed.resource);
    same.fold(Actions::default(), |all, scope| all.and(scope.actions)).cover(needed.actions)
}
