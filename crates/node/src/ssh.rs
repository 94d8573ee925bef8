//! A client of one SSH server: enough of it to run commands on nodes and to feed them.
//!
//! The `ssh` program isn't called: it would take its own way through configuration files and prompts, and
//! passwords of nodes, which installers' configurations hold, couldn't be handed to it.
//!
//! | module | subject |
//! | --- | --- |
//! | `address` | `user@host:port` |
//! | `known_hosts`, `host_keys` | whether a server is who it should be |
//! | `private_key`, `login` | who signs in, and with what |
//! | `session`, `exec` | a connection, and commands over it |
//! | `shell` | words of command lines |
//! | `sudo` | commands as root where the user is another |

mod address;
mod error;
mod exec;
mod host_keys;
pub(crate) mod known_hosts;
mod login;
mod private_key;
mod session;
mod shell;
mod sudo;

pub use address::{Endpoint, NodeAddress, NodeAddressError, SSH_PORT};
pub use error::{HostKeyError, SshError};
pub use exec::{Ended, Running, Status};
pub use host_keys::HostKeys;
pub use login::Login;
pub use private_key::{KeyFile, KeyFileError};
pub use session::Session;
pub(crate) use shell::command_line;
pub use sudo::Rank;
