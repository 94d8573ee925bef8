//! Signing in, by password and by token.

use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::time::{Duration, Instant};

use secrecy::{ExposeSecret as _, SecretString};
use tokio::task::spawn_blocking;

use super::directory::{Directory, Known};
use super::doorkeeper::Doorkeeper;
use super::password::PasswordHash;
use super::seal::MARK;
use super::token::{Claims, TokenFault};
use crate::protocol::Scope;

/// Logins that may wait to be looked into. A hash takes tens of milliseconds, so the last of them
/// waits for a few seconds.
const WAITING: usize = 64;

/// How often the password file is looked at, in milliseconds, while anybody signs in.
const LOOK_EVERY: u64 = 1000;

/// A hash of no password at all, as expensive as any other: what a name that nobody has is
/// compared with, so that the time taken doesn't tell names.
const NOBODYS: &str =
    "$argon2id$v=19$m=7168,t=5,p=1$bm9ib2R5c3NhbHRub2JvZA$AAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAA";

/// A name and a password as they came. `Debug` hides the password.
#[derive(Debug)]
pub(crate) struct Login {
    pub(crate) name: String,
    pub(crate) password: SecretString,
}

/// Why somebody is not signed in.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum SignInFault {
    /// No such user, or another password.
    Wrong,
    /// Too many logins wait to be looked into.
    Busy,
}

impl Doorkeeper {
    /// Who that is. What was looked into lately is answered at once; else a thread is taken for it.
    pub(crate) async fn sign_in(self: &Arc<Self>, login: Login) -> Result<Arc<Known>, SignInFault> {
        self.look_at_file().await;
        let mark = self.mark(&login);
        if let Some(answer) = self.recalled(&login, &mark) {
            return answer;
        }
        let _waiting = Waiting::enter(&self.waiting)?;
        let turn = Arc::clone(&self.turn).acquire_owned().await;
        let turn = turn.expect("because nobody closes it");
        // Whoever had the turn before may have asked the same.
        if let Some(answer) = self.recalled(&login, &mark) {
            return answer;
        }
        let doorkeeper = Arc::clone(self);
        let looked_into = spawn_blocking(move || {
            // Kept until the work is done, also where the client is gone by then.
            let _turn = turn;
            doorkeeper.look_into(&login, mark)
        });
        looked_into.await.unwrap_or(Err(SignInFault::Wrong))
    }

    /// A token for what was asked, of somebody who signed in, or of nobody.
    pub(crate) fn issue(&self, user: Option<&Known>, scopes: Vec<Scope>, life: Duration) -> SecretString {
        let user = user.map(|known| (known.name.clone(), known.stamp));
        Claims { user, scopes, ends: self.now() + life.as_secs() }.seal(&self.seal)
    }

    /// Who a token was made for, and what it narrows to.
    pub(crate) fn open_token(&self, token: &str) -> Result<(Option<Arc<Known>>, Vec<Scope>), TokenFault> {
        let Claims { user, scopes, .. } = Claims::open(&self.seal, token, self.now())?;
        let Some((name, stamp)) = user else { return Ok((None, scopes)) };
        let directory = self.directory();
        let known = directory.get(&name).filter(|known| known.stamp == stamp);
        known.map(|known| (Some(Arc::clone(known)), scopes)).ok_or(TokenFault::Expired)
    }

    /// Looks at the password file where that was not done lately, before anything is said of anybody.
    pub(crate) async fn look_at_file(self: &Arc<Self>) {
        if !self.has_file || !self.is_time_to_look() {
            return;
        }
        let doorkeeper = Arc::clone(self);
        // A panic in it is logged, and leaves the users as they were.
        let _ = spawn_blocking(move || doorkeeper.reread()).await;
    }

    fn is_time_to_look(&self) -> bool {
        let now = u64::try_from(self.started.elapsed().as_millis()).unwrap_or(u64::MAX);
        let looked = self.looked.load(Ordering::Relaxed);
        // One of those who see that it is time does it.
        now >= looked + LOOK_EVERY
            && self.looked.compare_exchange(looked, now, Ordering::Relaxed, Ordering::Relaxed).is_ok()
    }

    fn mark(&self, login: &Login) -> [u8; MARK] {
        self.seal.mark("login", &[login.name.as_bytes(), login.password.expose_secret().as_bytes()])
    }

    fn recalled(&self, login: &Login, mark: &[u8; MARK]) -> Option<Result<Arc<Known>, SignInFault>> {
        let directory = self.directory();
        let is_right = self.remembered.recall(mark, directory.generation, Instant::now())?;
        Some(answer(&directory, login, is_right))
    }

    fn look_into(&self, login: &Login, mark: [u8; MARK]) -> Result<Arc<Known>, SignInFault> {
        let directory = self.directory();
        let is_right = self.alone(|| matches(&directory, login));
        self.remembered.keep(mark, is_right, directory.generation, Instant::now());
        answer(&directory, login, is_right)
    }

    /// Seconds since the start.
    fn now(&self) -> u64 {
        self.started.elapsed().as_secs()
    }
}

fn matches(directory: &Directory, login: &Login) -> bool {
    match directory.get(&login.name) {
        Some(known) => known.secret.is_of(&login.password),
        None => {
            let nobodys = PasswordHash::parse(NOBODYS).expect("because the tests parse it");
            nobodys.is_of(login.password.expose_secret());
            false
        }
    }
}

fn answer(directory: &Directory, login: &Login, is_right: bool) -> Result<Arc<Known>, SignInFault> {
    directory.get(&login.name).filter(|_| is_right).map(Arc::clone).ok_or(SignInFault::Wrong)
}

/// One that waits, for as long as the value lives.
struct Waiting<'a>(&'a AtomicUsize);

impl<'a> Waiting<'a> {
    fn enter(count: &'a AtomicUsize) -> Result<Self, SignInFault> {
        let entered = Self(count);
        if count.fetch_add(1, Ordering::Relaxed) >= WAITING { Err(SignInFault::Busy) } else { Ok(entered) }
    }
}

impl Drop for Waiting<'_> {
    fn drop(&mut self) {
        self.0.fetch_sub(1, Ordering::Relaxed);
    }
}
