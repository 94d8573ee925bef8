//! The table of who may do what, cell by cell.

use std::sync::Arc;

use super::*;
use crate::accounts::Known;
use crate::rights::Grant;

/// The columns: what somebody was granted, `*` being everything, `p` the project in question, and
/// `q` another one. The first is somebody who didn't sign in, the second a user without any grant.
const COLUMNS: [&str; 11] = ["nobody", "", "R*", "W*", "A*", "Rp", "Wp", "Ap", "Rq", "Wq", "Aq"];

const P: Place<'static> = Place::Project("p");

/// Private projects, nothing open: `+` may, `-` may not.
const CLOSED: [(Access<'static>, &str); 12] = [
    (Access::Open, "+ + +++ +++ +++"),
    (Access::Known, "- + +++ +++ +++"),
    (Access::List, "- + +++ +++ +++"),
    (Access::PublicList, "+ + +++ +++ +++"),
    (Access::Read(P), "- - +++ +++ ---"),
    (Access::Write(P), "- - -++ -++ ---"),
    (Access::Delete(P), "- - --+ --+ ---"),
    (Access::Read(Place::Whole), "- - +++ --- ---"),
    (Access::Write(Place::Whole), "- - -++ --- ---"),
    (Access::Delete(Place::Whole), "- - --+ --- ---"),
    (Access::MakeProject, "- - -++ --- ---"),
    (Access::Watch, "- - +++ --- ---"),
];

/// What differs where the project is public.
const PUBLIC: [(Access<'static>, &str); 1] = [(Access::Read(P), "+ + +++ +++ +++")];

/// What differs where everybody may pull everything.
const PULL: [(Access<'static>, &str); 3] = [
    (Access::List, "+ + +++ +++ +++"),
    (Access::Read(P), "+ + +++ +++ +++"),
    (Access::Read(Place::Whole), "+ + +++ +++ +++"),
];

/// What differs where nobody could sign in, and everybody may pull everything.
const PULL_ALONE: [(Access<'static>, &str); 1] = [(Access::Known, "+ + +++ +++ +++")];

/// What differs where admins alone make projects.
const MAKERS: [(Access<'static>, &str); 1] = [(Access::MakeProject, "- - --+ --- ---")];

/// One state of everything but the asker, and the rows that hold in it.
struct State {
    rules: Rules,
    visibility: Option<Visibility>,
    rows: Vec<(Access<'static>, &'static str)>,
}

fn states() -> Vec<State> {
    let mut states = Vec::new();
    for anonymous_pull in [AnonymousPull::PublicProjects, AnonymousPull::Everything] {
        for project_makers in [ProjectMakers::Writers, ProjectMakers::Admins] {
            for is_guarded in [true, false] {
                for visibility in [None, Some(Visibility::Private), Some(Visibility::Public)] {
                    let rules = Rules { anonymous_pull, project_makers, is_guarded };
                    states.push(State { rules, visibility, rows: rows(rules, visibility) });
                }
            }
        }
    }
    states
}

fn rows(rules: Rules, visibility: Option<Visibility>) -> Vec<(Access<'static>, &'static str)> {
    let opens = rules.anonymous_pull == AnonymousPull::Everything;
    let differing: [(bool, &[_]); 4] = [
        (visibility == Some(Visibility::Public), &PUBLIC),
        (opens, &PULL),
        (opens && !rules.is_guarded, &PULL_ALONE),
        (rules.project_makers == ProjectMakers::Admins, &MAKERS),
    ];
    let mut rows = CLOSED.to_vec();
    for (_, differing) in differing.iter().filter(|(holds, _)| *holds) {
        for &(access, cells) in *differing {
            let row = rows.iter_mut().find(|(known, _)| *known == access).expect("a row of the table");
            row.1 = cells;
        }
    }
    rows
}

/// The user of a column; `None` for the first.
fn user(column: &str) -> Option<Arc<Known>> {
    let role = match column.get(..1) {
        Some("n") => return None,
        Some("R") => Some(Role::Reader),
        Some("W") => Some(Role::Writer),
        Some("A") => Some(Role::Admin),
        _ => None,
    };
    let grant = role.map(|role| Grant { role, domain: column[1..].parse().expect("a domain") });
    Some(Arc::new(Known::granted("ann", grant)))
}

/// Calls `check` with each cell: the state, the row's access, the column's user, and whether it may.
fn each_cell(check: impl Fn(&State, Access<'_>, Option<Arc<Known>>, bool)) {
    for state in states() {
        for &(access, cells) in &state.rows {
            let cells: Vec<char> = cells.chars().filter(|cell| *cell != ' ').collect();
            assert_eq!(cells.len(), COLUMNS.len());
            for (column, cell) in COLUMNS.iter().zip(cells) {
                check(&state, access, user(column), cell == '+');
            }
        }
    }
}

#[test]
fn the_table_has_a_row_for_all_that_can_be_asked() {
    let row = |access: Access<'_>| match access {
        Access::Open => 0,
        Access::Known => 1,
        Access::List => 2,
        Access::PublicList => 3,
        Access::Read(Place::Project(_)) => 4,
        Access::Write(Place::Project(_)) => 5,
        Access::Delete(Place::Project(_)) => 6,
        Access::Read(Place::Whole) => 7,
        Access::Write(Place::Whole) => 8,
        Access::Delete(Place::Whole) => 9,
        Access::MakeProject => 10,
        Access::Watch => 11,
    };
    let rows: Vec<usize> = CLOSED.iter().map(|(access, _)| row(*access)).collect();
    assert_eq!(rows, (0..CLOSED.len()).collect::<Vec<_>>());
}

#[test]
fn users_by_password_and_nobody() {
    each_cell(|state, access, user, may| {
        let (who, refused) = match user {
            Some(user) => (Who::User(user), Verdict::Denied),
            None => (Who::Nobody, Verdict::SignIn(None)),
        };
        let asker = Asker { who, rules: state.rules };
        let verdict = asker.may(access, state.visibility, None);
        let expected = if may { Verdict::Allowed } else { refused };
        assert_eq!(verdict, expected, "{access:?} {asker:?} {:?}", state.visibility);
        assert_eq!(asker.allows(access, state.visibility), may);
    });
}

#[test]
fn bearers_of_tokens() {
    let needed = Scope::parse("repository:p/a:pull,push").expect("a scope");
    let wide = ["repository:p/a:*"];
    let split = ["repository:p/a:push", "repository:q/b:pull", "repository:p/a:pull"];
    let narrow = ["repository:p/a:pull", "repository:q/b:pull,push", "registry:catalog:*"];
    for (scopes, permits) in [(&wide[..], true), (&split, true), (&narrow, false), (&[], false)] {
        let scopes: Vec<Scope> = scopes.iter().filter_map(|text| Scope::parse(text)).collect();
        each_cell(|state, access, user, may| {
            let is_user = user.is_some();
            let asker = Asker { who: Who::Bearer(user, scopes.clone()), rules: state.rules };
            let expected = match access {
                // A token of nobody was made by this depot all the same.
                Access::Open | Access::Known => Verdict::Allowed,
                _ if may && permits => Verdict::Allowed,
                _ if !may && is_user => Verdict::Denied,
                _ => Verdict::SignIn(Some(Fault::Scope)),
            };
            let verdict = asker.may(access, state.visibility, Some(&needed));
            assert_eq!(verdict, expected, "{access:?} {asker:?} {:?}", state.visibility);
            // What no token is for, no token opens.
            let without = asker.may(access, state.visibility, None);
            let closed = !matches!(access, Access::Open | Access::Known);
            assert_eq!(without == Verdict::Allowed, !closed, "{access:?}");
        });
    }
}

#[test]
fn impostors_and_everybody() {
    for fault in [Fault::Credentials, Fault::Token] {
        each_cell(|state, access, _, _| {
            let asker = Asker { who: Who::Impostor(fault), rules: state.rules };
            let open = access == Access::Open;
            let expected = if open { Verdict::Allowed } else { Verdict::SignIn(Some(fault)) };
            assert_eq!(asker.may(access, state.visibility, None), expected, "{access:?}");
            assert!(!asker.allows(access, state.visibility));
        });
    }
    each_cell(|state, access, _, _| {
        let asker = Asker { who: Who::Everybody, rules: state.rules };
        assert_eq!(asker.may(access, state.visibility, None), Verdict::Allowed);
        assert!(asker.allows(access, state.visibility));
    });
}
