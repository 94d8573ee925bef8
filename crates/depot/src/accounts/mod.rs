//! Accounts: who there is, with which password, and what they may do.
//!
//! They come from three places: the depot's own (`portolan depot user`), a password file, and one
//! that an embedding program may give. All are in memory, since one process alone has the depot
//! open and every change passes through here; so nothing is read to answer a request.
//!
//! What is kept of a password is its argon2id hash. That is slow by design, so a login that was
//! right is remembered for minutes (by a mark under a key of this process, never itself), and no
//! two hashes are computed at once: the memory of one is all that signing in ever takes.

mod directory;
mod doorkeeper;
mod htpasswd;
mod manage;
mod name;
mod password;
mod password_file;
mod remembered;
mod seal;
mod sign_in;
#[cfg(test)]
mod tests;
mod token;

pub(crate) use directory::Known;
pub use directory::Origin;
pub(crate) use doorkeeper::Doorkeeper;
pub use htpasswd::{HtpasswdError, LineFault};
pub use manage::{AccountEntry, AccountError, Accounts, NewAccount};
pub use name::{UserName, UserNameError};
pub use password::{Password, PasswordError};
pub(crate) use sign_in::{Login, SignInFault};
