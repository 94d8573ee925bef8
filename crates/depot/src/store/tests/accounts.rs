//! Accounts as they are kept.

use secrecy::{ExposeSecret as _, SecretString};

use super::*;
use crate::accounts::UserName;
use crate::rights::{Domain, Grant, Role};

fn name(text: &str) -> UserName {
    text.parse().unwrap()
}

fn within(role: Role, project: &str) -> Grant {
    Grant::within(role, project.parse().unwrap())
}

/// `NAME HASH ROLE@DOMAIN…` of all accounts.
fn listed(store: &Store) -> Vec<String> {
    let all = store.accounts.all().unwrap();
    let line = |account: StoredAccount| {
        let grants: Vec<String> =
            account.grants.iter().map(|grant| format!(" {}@{}", grant.role, grant.domain)).collect();
        format!("{} {}{}", account.name, account.hash.expose_secret(), grants.concat())
    };
    all.into_iter().map(line).collect()
}

#[test]
fn accounts_are_made_once_and_kept() {
    let (dir, store) = store();
    let hash = SecretString::from("h1");
    let grants = [within(Role::Writer, "p"), Grant::everywhere(Role::Reader), within(Role::Admin, "p")];
    assert!(store.accounts.add(&name("bob"), &hash, &grants).unwrap());
    assert!(store.accounts.add(&name("ann"), &hash, &[]).unwrap());
    assert!(!store.accounts.add(&name("ann"), &"h2".into(), &grants).unwrap());
    let expected = ["ann h1", "bob h1 reader@* admin@p"];
    assert_eq!(listed(&store), expected);
    assert!(!format!("{:?}", store.accounts.all().unwrap()).contains("h1"));
    drop(store);
    assert_eq!(listed(&Store::open(dir.path()).unwrap()), expected);
}

#[test]
fn accounts_change() {
    let (_dir, store) = store();
    let accounts = &store.accounts;
    accounts.add(&name("ann"), &"h1".into(), &[]).unwrap();
    assert!(accounts.set_hash(&name("ann"), &"h2".into()).unwrap());
    assert!(accounts.grant(&name("ann"), &within(Role::Reader, "p")).unwrap());
    assert!(accounts.grant(&name("ann"), &within(Role::Writer, "p")).unwrap());
    assert!(accounts.grant(&name("ann"), &within(Role::Reader, "q")).unwrap());
    assert_eq!(listed(&store), ["ann h2 writer@p reader@q"]);
    assert!(accounts.revoke(&name("ann"), &Domain::Project("p".parse().unwrap())).unwrap());
    assert!(!accounts.revoke(&name("ann"), &Domain::All).unwrap());
    assert_eq!(listed(&store), ["ann h2 reader@q"]);
    assert!(accounts.remove(&name("ann")).unwrap());
    assert!(!accounts.remove(&name("ann")).unwrap());
    // Nothing of it comes back with the next one of that name.
    accounts.add(&name("ann"), &"h3".into(), &[]).unwrap();
    assert_eq!(listed(&store), ["ann h3"]);
}

#[test]
fn nobody_is_changed_in_place_of_somebody_who_is_not_there() {
    let (_dir, store) = store();
    let accounts = &store.accounts;
    assert!(!accounts.set_hash(&name("ann"), &"h".into()).unwrap());
    assert!(!accounts.grant(&name("ann"), &within(Role::Reader, "p")).unwrap());
    assert!(!accounts.revoke(&name("ann"), &Domain::All).unwrap());
    assert_eq!(listed(&store), Vec::<String>::new());
}
