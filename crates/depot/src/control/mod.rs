//! What whoever looks after a depot asks of it, beside what clients ask over the network.
//!
//! ```text
//!               ┌─ a server has the depot open ─▶ DATA/control.sock ─▶ Call::carry_out in the server
//! Control::ask ─┤
//!               └─ nobody has ──────────────────▶ it is opened ──────▶ Call::carry_out here
//! ```
//!
//! Each question is a type that implements [`Call`]; the same function carries it out either way, so a command
//! doesn't know which way it went. On the socket a call is `POST /v1/NAME` with JSON, and the answer is a line of
//! JSON for each event and one for the end (`wire`).
//!
//! Who may write the data directory may ask everything: there is no sign-in. The socket has mode 0600, and a
//! process of another user is turned away even so.

mod check;
mod client;
mod collect;
mod error;
mod projects;
mod server;
mod socket;
#[cfg(test)]
mod tests;
mod users;
mod wire;
mod work;

use std::ops::ControlFlow;
use std::path::{Path, PathBuf};
use std::sync::Arc;

use serde::Serialize;
use serde::de::DeserializeOwned;

use crate::options::Options;
use crate::server::{Depot, DepotError};
use crate::store::StoreError;
pub use check::{CheckAll, Mend};
use client::Client;
pub use collect::Collect;
pub use error::{ControlError, Failed};
pub use projects::{ListProjects, Project, Quota, SetProject};
pub(crate) use server::ControlServer;
pub use users::{
    AddUser, GrantRole, ListUsers, RemoveUser, RevokeRole, SetPassword, User, UserGrant, UserOrigin,
};
use work::{Work, joined};

/// Something that can be asked of a depot.
pub trait Call: Serialize + DeserializeOwned + Send + 'static {
    /// Its name in the path on the socket; a call that changes its meaning gets another one.
    const NAME: &'static str;
    /// What is told on the way.
    type Event: Serialize + DeserializeOwned + Send + 'static;
    /// What it ends with.
    type Answer: Serialize + DeserializeOwned + Send + 'static;

    /// Does it. Blocks.
    ///
    /// # Errors
    ///
    /// [`Failed`], with what the user who asked should know.
    fn carry_out(self, depot: &Depot, tell: Tell<'_, Self::Event>) -> Result<Self::Answer, Failed>;
}

/// Takes what happens on the way. Where it breaks, nobody waits for the answer any more or the server stops: the
/// work ends at the next point where nothing is left half done.
pub type Tell<'a, E> = &'a mut dyn FnMut(E) -> ControlFlow<()>;

/// What to do with a directory that holds no depot.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Absent {
    /// It is made one.
    Create,
    /// There is nothing to ask then.
    Refuse,
}

/// The way to one depot.
#[derive(Debug)]
pub struct Control {
    way: Way,
}

#[derive(Debug)]
enum Way {
    Served(Client),
    Own(Depot),
}

impl Control {
    /// Finds the server that has the depot in `dir` open, or opens it where none has.
    ///
    /// # Errors
    ///
    /// [`ControlError`]: the server can't be reached, the directory is no depot, is another user's, or is held by
    /// a process that serves nobody.
    pub async fn open(dir: &Path, absent: Absent) -> Result<Self, ControlError> {
        if let Some(client) = Client::find(dir).await? {
            return Ok(Self { way: Way::Served(client) });
        }
        match open_own(dir, absent).await {
            // A server may have begun or ended meanwhile.
            Err(ControlError::Open {
                source: DepotError::Open { source: locked @ StoreError::Locked { .. } },
            }) => match Client::find(dir).await? {
                Some(client) => Ok(Self { way: Way::Served(client) }),
                None => Err(DepotError::Open { source: locked }.into()),
            },
            opened => Ok(Self { way: Way::Own(opened?) }),
        }
    }

    /// Whether a server that runs is asked.
    pub fn is_served(&self) -> bool {
        matches!(self.way, Way::Served(_))
    }

    /// Asks, and takes what is told on the way. Dropping the future ends the work at its next stop.
    ///
    /// # Errors
    ///
    /// [`ControlError::Failed`] where the work failed, the others where the server is out of reach.
    pub async fn ask<C: Call>(&self, call: C, told: impl FnMut(C::Event)) -> Result<C::Answer, ControlError> {
        match &self.way {
            Way::Served(client) => client.ask(call, told).await,
            Way::Own(depot) => carry_out_here(depot.clone(), call, told).await,
        }
    }
}

async fn open_own(dir: &Path, absent: Absent) -> Result<Depot, ControlError> {
    let dir = dir.to_owned();
    joined(tokio::task::spawn_blocking(move || {
        refuse_absent(&dir, absent)?;
        socket::refuse_others(&dir)?;
        Ok(Depot::open(&dir, Options::default())?)
    }))
    .await
}

fn refuse_absent(dir: &Path, absent: Absent) -> Result<(), ControlError> {
    match absent == Absent::Create || format_file(dir).is_file() {
        true => Ok(()),
        false => Err(ControlError::Absent { dir: dir.to_owned() }),
    }
}

fn format_file(dir: &Path) -> PathBuf {
    dir.join("format")
}

async fn carry_out_here<C: Call>(
    depot: Depot,
    call: C,
    mut told: impl FnMut(C::Event),
) -> Result<C::Answer, ControlError> {
    let mut work = Work::begin(depot, call, Arc::default());
    while let Some(event) = work.events.recv().await {
        told(event);
    }
    Ok(joined(work.end).await?)
}
