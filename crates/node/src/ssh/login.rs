//! Signing in: private keys first, then the agent, then the password.

use std::path::PathBuf;

use russh::MethodKind;
use russh::client::{AuthResult, Handle, KeyboardInteractiveAuthResponse};
use russh::keys::agent::{AgentIdentity, client::AgentClient};
use russh::keys::{Algorithm, HashAlg, PrivateKeyWithHashAlg};
use secrecy::{ExposeSecret, SecretString};

use super::address::Endpoint;
use super::error::SshError;
use super::private_key::KeyFile;
use super::session::Checks;

/// How many keys are shown at most; servers end the connection after six refusals (`MaxAuthTries`).
const KEYS_SHOWN: usize = 4;

/// How many questions of a server are answered with the password before it counts as refused.
const QUESTIONS: usize = 4;

/// Who signs in, and with what.
#[derive(Clone, Debug)]
pub struct Login {
    /// The user.
    pub user: String,
    /// The password; also what `sudo` is given.
    pub password: Option<SecretString>,
    /// Private keys, in the order in which they are tried.
    pub keys: Vec<KeyFile>,
    /// Socket of the agent, whose keys are tried after those.
    pub agent: Option<PathBuf>,
}

/// A login that goes on: what was tried so far.
pub(super) struct SigningIn<'a> {
    endpoint: &'a Endpoint,
    login: &'a Login,
    handle: &'a mut Handle<Checks>,
    tried: Vec<String>,
    offered: Vec<MethodKind>,
    keys_shown: usize,
}

impl<'a> SigningIn<'a> {
    pub(super) fn new(endpoint: &'a Endpoint, login: &'a Login, handle: &'a mut Handle<Checks>) -> Self {
        Self { endpoint, login, handle, tried: Vec::new(), offered: Vec::new(), keys_shown: 0 }
    }

    /// Tries all there is.
    pub(super) async fn run(mut self) -> Result<(), SshError> {
        let asked = self.handle.authenticate_none(&self.login.user).await;
        let done = self.is_in(asked)?
            || self.with_files().await?
            || self.with_agent().await?
            || self.with_password().await?
            || self.with_answers().await?;
        if done { Ok(()) } else { Err(self.refused()) }
    }

    async fn with_files(&mut self) -> Result<bool, SshError> {
        for key in &self.login.keys {
            if !self.takes(MethodKind::PublicKey) || self.keys_shown == KEYS_SHOWN {
                break;
            }
            let hash = self.hash_for(&key.key.algorithm()).await?;
            self.shown(format!("key {}", key.path.display()));
            let key = PrivateKeyWithHashAlg::new(key.key.clone(), hash);
            let answer = self.handle.authenticate_publickey(&self.login.user, key).await;
            if self.is_in(answer)? {
                return Ok(true);
            }
        }
        Ok(false)
    }

    /// An agent that is not there, or doesn't answer, has no keys.
    async fn with_agent(&mut self) -> Result<bool, SshError> {
        let Some(socket) = &self.login.agent else { return Ok(false) };
        let Ok(mut agent) = AgentClient::connect_uds(socket).await else { return Ok(false) };
        for identity in agent.request_identities().await.unwrap_or_default() {
            let AgentIdentity::PublicKey { key, comment } = identity else { continue };
            if !self.takes(MethodKind::PublicKey) || self.keys_shown == KEYS_SHOWN {
                break;
            }
            let hash = self.hash_for(&key.algorithm()).await?;
            self.shown(format!("key {comment:?} of the agent"));
            let signing =
                self.handle.authenticate_publickey_with(&self.login.user, key, hash, &mut agent).await;
            if signing.is_ok_and(|answer| self.is_in(Ok(answer)).unwrap_or(false)) {
                return Ok(true);
            }
        }
        Ok(false)
    }

    async fn with_password(&mut self) -> Result<bool, SshError> {
        let Some(password) = self.login.password.clone() else { return Ok(false) };
        if !self.takes(MethodKind::Password) {
            return Ok(false);
        }
        self.tried.push("password".to_owned());
        let answer = self.handle.authenticate_password(&self.login.user, password.expose_secret()).await;
        self.is_in(answer)
    }

    /// Servers that ask by way of PAM take the password as the answer to a question.
    async fn with_answers(&mut self) -> Result<bool, SshError> {
        let Some(password) = self.login.password.clone() else { return Ok(false) };
        if !self.takes(MethodKind::KeyboardInteractive) {
            return Ok(false);
        }
        self.tried.push("password as an answer".to_owned());
        let user = self.login.user.clone();
        let mut answer = self.handle.authenticate_keyboard_interactive_start(user, None).await;
        for _ in 0..QUESTIONS {
            let prompts = match self.alive(answer)? {
                KeyboardInteractiveAuthResponse::Success => return Ok(true),
                KeyboardInteractiveAuthResponse::Failure { .. } => return Ok(false),
                KeyboardInteractiveAuthResponse::InfoRequest { prompts, .. } => prompts,
            };
            let answers =
                prompts.iter().map(|prompt| if prompt.echo { "" } else { password.expose_secret() });
            let answers = answers.map(str::to_owned).collect();
            answer = self.handle.authenticate_keyboard_interactive_respond(answers).await;
        }
        Ok(false)
    }

    /// RSA keys sign with the best hash that the server takes; SHA-1 isn't one.
    async fn hash_for(&self, algorithm: &Algorithm) -> Result<Option<HashAlg>, SshError> {
        if !matches!(algorithm, Algorithm::Rsa { .. }) {
            return Ok(None);
        }
        let best = self.alive(self.handle.best_supported_rsa_hash().await)?;
        Ok(Some(best.flatten().unwrap_or(HashAlg::Sha256)))
    }

    fn shown(&mut self, what: String) {
        self.keys_shown += 1;
        self.tried.push(what);
    }

    /// Before the server named its methods, each may be one.
    fn takes(&self, method: MethodKind) -> bool {
        self.offered.is_empty() || self.offered.contains(&method)
    }

    fn is_in(&mut self, answer: Result<AuthResult, russh::Error>) -> Result<bool, SshError> {
        match self.alive(answer)? {
            AuthResult::Success => Ok(true),
            AuthResult::Failure { remaining_methods, .. } => {
                self.offered = remaining_methods.iter().copied().collect();
                Ok(false)
            }
        }
    }

    fn alive<T>(&self, answer: Result<T, russh::Error>) -> Result<T, SshError> {
        answer
            .map_err(|_| SshError::Broken { endpoint: self.endpoint.clone(), doing: "signing in".to_owned() })
    }

    fn refused(&self) -> SshError {
        let listed =
            |words: &[String], none: &str| if words.is_empty() { none.to_owned() } else { words.join(", ") };
        let offered: Vec<_> = self.offered.iter().map(String::from).collect();
        SshError::Refused {
            endpoint: self.endpoint.clone(),
            user: self.login.user.clone(),
            tried: listed(&self.tried, "nothing, since there is no key and no password"),
            offered: listed(&offered, "nothing more"),
        }
    }
}
