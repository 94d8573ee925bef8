//! A session with one node: connected, its host key checked, signed in.

use std::borrow::Cow;
use std::sync::Arc;
use std::time::Duration;

use russh::client::{self, Handle, Handler};
use russh::keys::PublicKeyOrCertificate;
use russh::{Channel, Disconnect, Preferred, cipher, compression};
use tokio::net::TcpStream;
use tokio::sync::Semaphore;
use tokio::time::timeout;

use super::address::Endpoint;
use super::error::{HostKeyError, Inner, SshError};
use super::exec::Running;
use super::host_keys::HostKeys;
use super::login::{Login, SigningIn};

/// How long a node may take to answer a connection.
const CONNECT_PATIENCE: Duration = Duration::from_secs(15);

/// How long it may take until a session stands, and until a login is decided: servers look up names
/// of their clients, and wait after a wrong password.
const LOGIN_PATIENCE: Duration = Duration::from_secs(60);

/// How often a silent server is asked whether it is there.
const KEEPALIVE: Duration = Duration::from_secs(10);

/// How many such questions may go without an answer.
const KEEPALIVES_MISSED: usize = 3;

/// After how long data that nobody acknowledges breaks a connection. The questions above can't tell while
/// data waits to be sent.
const UNACKNOWLEDGED: Duration = Duration::from_secs(40);

/// How many commands run at once: OpenSSH allows ten (`MaxSessions`).
const COMMANDS_AT_ONCE: usize = 8;

/// What AES instructions carry fastest, on this side and on the node; the others for servers without.
const CIPHERS: &[cipher::Name] = &[
    cipher::AES_128_GCM,
    cipher::AES_256_GCM,
    cipher::CHACHA20_POLY1305,
    cipher::AES_256_CTR,
    cipher::AES_128_CTR,
];

/// A session with one node. Dropped, it ends.
pub struct Session {
    endpoint: Endpoint,
    user: String,
    handle: Handle<Checks>,
    /// For commands that run at once.
    places: Arc<Semaphore>,
}

impl std::fmt::Debug for Session {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("Session")
            .field("endpoint", &self.endpoint)
            .field("user", &self.user)
            .finish_non_exhaustive()
    }
}

impl Session {
    /// Connects, checks the host key, and signs in.
    ///
    /// # Errors
    /// [`SshError`], which names the node and what was being done.
    pub async fn open(endpoint: &Endpoint, login: &Login, keys: &Arc<HostKeys>) -> Result<Self, SshError> {
        let socket = connect(endpoint).await?;
        let config = Arc::new(config(keys.algorithms(endpoint)?));
        let checks = Checks { endpoint: endpoint.clone(), keys: Arc::clone(keys) };
        let shaking = client::connect_stream(config, socket, checks);
        let silent = |doing, patience: Duration| SshError::Silent {
            endpoint: endpoint.clone(),
            doing,
            seconds: patience.as_secs(),
        };
        let shaken = timeout(LOGIN_PATIENCE, shaking).await;
        let mut handle = shaken
            .map_err(|_| silent("agreeing on a session", LOGIN_PATIENCE))?
            .map_err(|error| error.at(endpoint))?;
        let signing_in = SigningIn::new(endpoint, login, &mut handle).run();
        timeout(LOGIN_PATIENCE, signing_in).await.map_err(|_| silent("signing in", LOGIN_PATIENCE))??;
        let places = Arc::new(Semaphore::new(COMMANDS_AT_ONCE));
        Ok(Self { endpoint: endpoint.clone(), user: login.user.clone(), handle, places })
    }

    /// Where it goes.
    pub fn endpoint(&self) -> &Endpoint {
        &self.endpoint
    }

    /// As whom it was signed in.
    pub fn user(&self) -> &str {
        &self.user
    }

    /// Starts a command, which the user's shell on the node takes apart. Waits for others to end where many run.
    ///
    /// # Errors
    /// [`SshError`] where the connection broke or the server runs no commands.
    pub async fn start(&self, command: &str) -> Result<Running, SshError> {
        let place = Arc::clone(&self.places).acquire_owned().await;
        let place = place.expect("because nobody closes the semaphore");
        let channel = self.handle.channel_open_session().await.map_err(|error| self.unopened(&error))?;
        let mut running = Running::new(channel, place, self.endpoint.clone(), command);
        running.begin(command).await?;
        Ok(running)
    }

    /// Says good-bye. What fails here has no consequence.
    pub async fn close(self) {
        let _ = self.handle.disconnect(Disconnect::ByApplication, "", "en").await;
    }

    fn unopened(&self, error: &russh::Error) -> SshError {
        let endpoint = self.endpoint.clone();
        match error {
            russh::Error::ChannelOpenFailure(_) => SshError::NoCommands { endpoint },
            _ => SshError::Broken { endpoint, doing: "starting a command".to_owned() },
        }
    }
}

/// One channel of a session.
pub(super) type SessionChannel = Channel<client::Msg>;

/// What the library asks while it shakes hands.
pub(super) struct Checks {
    endpoint: Endpoint,
    keys: Arc<HostKeys>,
}

impl Handler for Checks {
    type Error = Inner;

    async fn check_server_key(&mut self, shown: &PublicKeyOrCertificate) -> Result<bool, Inner> {
        let PublicKeyOrCertificate::PublicKey { key, .. } = shown else { return Ok(false) };
        self.judge(key).map_err(Inner::HostKey)?;
        Ok(true)
    }
}

impl Checks {
    fn judge(&self, key: &russh::keys::PublicKey) -> Result<(), HostKeyError> {
        self.keys.check(&self.endpoint, key)
    }
}

fn config(keys: Vec<russh::keys::Algorithm>) -> client::Config {
    client::Config {
        preferred: Preferred {
            key: Cow::Owned(keys),
            cipher: Cow::Borrowed(CIPHERS),
            compression: Cow::Borrowed(&[compression::NONE]),
            ..Preferred::DEFAULT
        },
        keepalive_interval: Some(KEEPALIVE),
        keepalive_max: KEEPALIVES_MISSED,
        ..client::Config::default()
    }
}

async fn connect(endpoint: &Endpoint) -> Result<TcpStream, SshError> {
    let connecting = TcpStream::connect((endpoint.host(), endpoint.port()));
    let connected = timeout(CONNECT_PATIENCE, connecting).await.map_err(|_| SshError::Silent {
        endpoint: endpoint.clone(),
        doing: "connecting",
        seconds: CONNECT_PATIENCE.as_secs(),
    })?;
    let failed = |source| SshError::Connect { endpoint: endpoint.clone(), source };
    let socket = connected.map_err(failed)?;
    socket.set_nodelay(true).map_err(failed)?;
    bound_silence(&socket).map_err(failed)?;
    Ok(socket)
}

#[cfg(target_os = "linux")]
fn bound_silence(socket: &TcpStream) -> std::io::Result<()> {
    let milliseconds = u32::try_from(UNACKNOWLEDGED.as_millis()).expect("because it is below a minute");
    Ok(rustix::net::sockopt::set_tcp_user_timeout(socket, milliseconds)?)
}

/// Other systems give up by themselves, later.
#[cfg(not(target_os = "linux"))]
fn bound_silence(_: &TcpStream) -> std::io::Result<()> {
    Ok(())
}
