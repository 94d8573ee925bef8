//! Accounts of an open depot, and signing in to it.

use std::fs;
use std::path::Path;
use std::sync::Arc;
use std::time::Duration;

use secrecy::{ExposeSecret as _, SecretString};
use tempfile::TempDir;

use super::*;
use crate::options::{Account, Options};
use crate::protocol::Scope;
use crate::rights::{Domain, Grant, Role};
use crate::store::Store;

/// A store with a doorkeeper before it.
struct House {
    store: Store,
    doorkeeper: Arc<Doorkeeper>,
    dir: TempDir,
}

impl House {
    fn with(options: &Options) -> Self {
        Self::on(tempfile::tempdir().unwrap(), options)
    }

    fn on(dir: TempDir, options: &Options) -> Self {
        let store = Store::open(dir.path()).unwrap();
        let doorkeeper = Doorkeeper::new(store.accounts.all().unwrap(), options).unwrap();
        Self { store, doorkeeper: Arc::new(doorkeeper), dir }
    }

    fn accounts(&self) -> Accounts<'_> {
        Accounts::new(&self.store, &self.doorkeeper)
    }

    fn add(&self, user: &str, password: &str, grants: &[Grant]) -> Result<(), AccountError> {
        let grants = grants.to_vec();
        self.accounts().add(&NewAccount { name: name(user), password: secret(password), grants })
    }

    async fn signs_in(&self, name: &str, password: &str) -> Result<Arc<Known>, SignInFault> {
        let login = Login { name: name.to_owned(), password: SecretString::from(password) };
        self.doorkeeper.sign_in(login).await
    }

    async fn role(&self, name: &str, password: &str) -> Option<Role> {
        self.signs_in(name, password).await.unwrap().rights.everywhere()
    }
}

fn name(text: &str) -> UserName {
    text.parse().unwrap()
}

fn secret(text: &str) -> Password {
    Password::new(text.into()).unwrap()
}

fn listed(house: &House) -> Vec<String> {
    let line = |entry: AccountEntry| {
        let grants: Vec<String> =
            entry.grants.iter().map(|grant| format!(" {}@{}", grant.role, grant.domain)).collect();
        format!("{} {:?} {}{}", entry.name, entry.origin, entry.created.is_some(), grants.concat())
    };
    house.accounts().list().into_iter().map(line).collect()
}

#[tokio::test]
async fn an_account_signs_in_with_its_own_password_alone() {
    let house = House::with(&Options::default());
    house.add("ann", "s3:cret", &[Grant::everywhere(Role::Writer)]).unwrap();
    assert_eq!(house.role("ann", "s3:cret").await, Some(Role::Writer));
    // A second time from memory, right and wrong alike.
    for _ in 0..2 {
        assert_eq!(house.role("ann", "s3:cret").await, Some(Role::Writer));
        for (user, password) in [("ann", "s3"), ("ann", ""), ("Ann", "s3:cret"), ("bob", "s3:cret"), ("", "")]
        {
            assert_eq!(
                house.signs_in(user, password).await.unwrap_err(),
                SignInFault::Wrong,
                "{user} {password}"
            );
        }
    }
}

#[tokio::test]
async fn what_changes_counts_at_once() {
    let house = House::with(&Options::default());
    assert!(!house.accounts().is_guarded());
    house.add("ann", "old", &[]).unwrap();
    house.add("bob", "bobs", &[]).unwrap();
    assert!(house.accounts().is_guarded());
    assert_eq!(house.role("ann", "old").await, None);
    assert_eq!(house.signs_in("ann", "new").await.unwrap_err(), SignInFault::Wrong);
    house.accounts().grant(&name("ann"), &Grant::everywhere(Role::Reader)).unwrap();
    assert_eq!(house.role("ann", "old").await, Some(Role::Reader));
    house.accounts().set_password(&name("ann"), &secret("new")).unwrap();
    assert_eq!(house.signs_in("ann", "old").await.unwrap_err(), SignInFault::Wrong);
    assert_eq!(house.role("ann", "new").await, Some(Role::Reader));
    house.accounts().revoke(&name("ann"), &Domain::All).unwrap();
    assert_eq!(house.role("ann", "new").await, None);
    house.accounts().remove(&name("ann")).unwrap();
    assert_eq!(house.signs_in("ann", "new").await.unwrap_err(), SignInFault::Wrong);
}

#[test]
fn accounts_are_kept_and_listed() {
    let house = House::with(&Options::default());
    let project: Grant = Grant::within(Role::Admin, "p".parse().unwrap());
    house.add("bob", "b", &[project, Grant::everywhere(Role::Reader)]).unwrap();
    house.add("ann", "a", &[]).unwrap();
    let House { store, doorkeeper, dir } = house;
    drop((store, doorkeeper));
    let options = Options { account: Some(Account::new("zoe", "z".into())), ..Options::default() };
    let house = House::on(dir, &options);
    let expected = ["ann Depot true", "bob Depot true reader@* admin@p", "zoe Options false admin@*"];
    assert_eq!(listed(&house), expected);
}

#[test]
fn what_cannot_be_done_is_said() {
    let folder = tempfile::tempdir().unwrap();
    let told = |result: Result<(), AccountError>| result.unwrap_err().to_string();
    let house = House::with(&Options::default());
    house.add("ann", "a", &[]).unwrap();
    assert_eq!(told(house.add("ann", "b", &[])), "user ann is there already");
    let unknown = "there is no user bob";
    let accounts = house.accounts();
    assert_eq!(told(accounts.remove(&name("bob"))), unknown);
    assert_eq!(told(accounts.set_password(&name("bob"), &secret("x"))), unknown);
    assert_eq!(told(accounts.grant(&name("bob"), &Grant::everywhere(Role::Reader))), unknown);
    assert_eq!(told(accounts.revoke(&name("bob"), &Domain::All)), unknown);
    assert_eq!(told(accounts.revoke(&name("ann"), &Domain::All)), "user ann was granted nothing for *");
    assert_eq!(
        told(accounts.remove(&name("ann"))),
        "user ann is the last one, and without any everybody on this machine may do everything: add another one first"
    );
    let house = House::with(&with_file(folder.path(), &["bob:bobs"]));
    assert_eq!(
        told(house.accounts().remove(&name("bob"))),
        "user bob stands in the password file: change it there"
    );
    // With a password file nobody is trusted for being on this machine.
    house.add("ann", "a", &[]).unwrap();
    house.accounts().remove(&name("ann")).unwrap();
    assert!(house.accounts().is_guarded());
}

/// Options with a password file of `NAME:PASSWORD` users.
fn with_file(folder: &Path, users: &[&str]) -> Options {
    let mut options = Options::default();
    options.access.password_file = Some(folder.join("htpasswd"));
    write(folder, users);
    options
}

fn write(folder: &Path, users: &[&str]) {
    let line = |user: &&str| {
        let (name, password) = user.split_once(':').unwrap();
        format!("{name}:{}\n", bcrypt::hash(password, 4).unwrap())
    };
    fs::write(folder.join("htpasswd"), users.iter().map(line).collect::<String>()).unwrap();
}

#[tokio::test]
async fn users_of_a_password_file_write_everywhere() {
    let folder = tempfile::tempdir().unwrap();
    let house = House::with(&with_file(folder.path(), &["ann:a", "bob:b"]));
    assert_eq!(house.role("ann", "a").await, Some(Role::Writer));
    assert_eq!(house.signs_in("ann", "b").await.unwrap_err(), SignInFault::Wrong);
    // The depot's own account counts in place of that of the file, and its password too.
    house.add("ann", "other", &[Grant::everywhere(Role::Reader)]).unwrap();
    assert_eq!(house.role("ann", "other").await, Some(Role::Reader));
    assert_eq!(house.signs_in("ann", "a").await.unwrap_err(), SignInFault::Wrong);
    assert_eq!(listed(&house), ["ann Depot true reader@*", "bob PasswordFile false writer@*"]);
}

#[tokio::test]
async fn a_password_file_is_read_again_as_it_changes() {
    let folder = tempfile::tempdir().unwrap();
    let house = House::with(&with_file(folder.path(), &["ann:a"]));
    let path = folder.path().join("htpasswd");
    let good = fs::read(&path).unwrap();
    assert_eq!(house.role("ann", "a").await, Some(Role::Writer));
    // What is no such file changes nothing, nor does one that is gone.
    fs::write(&path, "ann:plain\n").unwrap();
    house.doorkeeper.reread();
    assert_eq!(house.role("ann", "a").await, Some(Role::Writer));
    fs::remove_file(&path).unwrap();
    house.doorkeeper.reread();
    assert_eq!(house.role("ann", "a").await, Some(Role::Writer));
    write(folder.path(), &["bob:b"]);
    house.doorkeeper.reread();
    assert_eq!(house.signs_in("ann", "a").await.unwrap_err(), SignInFault::Wrong);
    assert_eq!(house.role("bob", "b").await, Some(Role::Writer));
    fs::write(&path, good).unwrap();
    house.doorkeeper.reread();
    assert_eq!(house.role("ann", "a").await, Some(Role::Writer));
    // An empty one lets nobody in, and opens nothing.
    fs::write(&path, "").unwrap();
    house.doorkeeper.reread();
    assert_eq!(listed(&house), Vec::<String>::new());
    assert!(house.accounts().is_guarded());
}

#[test]
fn a_password_file_that_is_none_is_refused_at_the_start() {
    let folder = tempfile::tempdir().unwrap();
    let options = with_file(folder.path(), &["ann:a"]);
    fs::write(folder.path().join("htpasswd"), "ann:{SHA}x\n").unwrap();
    assert!(matches!(Doorkeeper::new(vec![], &options), Err(HtpasswdError::Line { line: 1, .. })));
    fs::remove_file(folder.path().join("htpasswd")).unwrap();
    assert!(matches!(Doorkeeper::new(vec![], &options), Err(HtpasswdError::Read { .. })));
}

#[tokio::test]
async fn a_damaged_hash_lets_nobody_in_and_leaves_the_name_taken() {
    let folder = tempfile::tempdir().unwrap();
    let dir = tempfile::tempdir().unwrap();
    let store = Store::open(dir.path()).unwrap();
    store.accounts.add(&name("ann"), &"$argon2id$nonsense".into(), &[]).unwrap();
    drop(store);
    let house = House::on(dir, &with_file(folder.path(), &["ann:a"]));
    for password in ["a", "", "$argon2id$nonsense"] {
        assert_eq!(house.signs_in("ann", password).await.unwrap_err(), SignInFault::Wrong);
    }
    house.accounts().set_password(&name("ann"), &secret("new")).unwrap();
    assert_eq!(house.role("ann", "new").await, None);
}

#[tokio::test]
async fn too_many_logins_at_once_are_turned_away_and_the_others_get_in() {
    let house = House::with(&Options::default());
    house.add("ann", "a", &[]).unwrap();
    house.add("bob", "b", &[]).unwrap();
    // Whoever has the turn keeps all others waiting.
    let turn = Arc::clone(&house.doorkeeper.turn).acquire_owned().await.unwrap();
    let sign_in = |user: &str, password: String| {
        let doorkeeper = Arc::clone(&house.doorkeeper);
        let login = Login { name: user.to_owned(), password: password.into() };
        tokio::spawn(async move { doorkeeper.sign_in(login).await.map(|known| known.name.clone()) })
    };
    let same: Vec<_> = (0..64).map(|_| sign_in("ann", "a".to_owned())).collect();
    while house.doorkeeper.waiting.load(std::sync::atomic::Ordering::Relaxed) < 64 {
        tokio::task::yield_now().await;
    }
    assert_eq!(house.signs_in("bob", "b").await.unwrap_err(), SignInFault::Busy);
    drop(turn);
    for one in same {
        assert_eq!(one.await.unwrap().unwrap(), "ann");
    }
    assert_eq!(house.signs_in("bob", "b").await.unwrap().name, "bob");
}

#[test]
fn a_token_is_of_an_account_as_it_is() {
    let house = House::with(&Options::default());
    house.add("ann", "a", &[]).unwrap();
    house.add("bob", "b", &[]).unwrap();
    let directory = house.doorkeeper.directory();
    let ann = directory.get("ann").unwrap();
    let scopes = vec![Scope::parse("repository:p/a:pull").unwrap()];
    let token = house.doorkeeper.issue(Some(ann), scopes.clone(), Duration::from_secs(60));
    let open = || {
        let opened = house.doorkeeper.open_token(token.expose_secret());
        opened.map(|(user, scopes)| (user.unwrap().rights.everywhere(), scopes))
    };
    assert_eq!(open(), Ok((None, scopes.clone())));
    // Rights are those of the moment, whatever they were when it was made.
    house.accounts().grant(&name("ann"), &Grant::everywhere(Role::Writer)).unwrap();
    assert_eq!(open(), Ok((Some(Role::Writer), scopes)));
    house.accounts().set_password(&name("ann"), &secret("a")).unwrap();
    assert!(open().is_err());
    house.accounts().remove(&name("ann")).unwrap();
    assert!(open().is_err());
}

#[test]
fn a_token_without_time_has_ended() {
    let house = House::with(&Options::default());
    let token = house.doorkeeper.issue(None, vec![], Duration::ZERO);
    assert!(house.doorkeeper.open_token(token.expose_secret()).is_err());
    let token = house.doorkeeper.issue(None, vec![], Duration::from_secs(60));
    assert!(house.doorkeeper.open_token(token.expose_secret()).unwrap().0.is_none());
    assert!(House::with(&Options::default()).doorkeeper.open_token(token.expose_secret()).is_err());
}

#[test]
fn nothing_shows_a_password() {
    let options = Options { account: Some(Account::new("zoe", "s3cret".into())), ..Options::default() };
    let house = House::with(&options);
    house.add("ann", "s3cret", &[]).unwrap();
    let shown = format!("{:?} {:?} {options:?}", house.accounts(), house.store);
    assert!(!shown.contains("s3cret") && !shown.contains("argon2id$v"), "{shown}");
}
