//! Accounts: who there is, and what they may do.

mod name;

pub use name::{UserName, UserNameError};
