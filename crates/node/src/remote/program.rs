//! `ctr` or `docker` on a node, run with the rights that it needs.

use std::sync::Arc;

use super::refusal::{reason, refused};
use super::{Found, of_connection};
use crate::error::RuntimeError;
use crate::ssh::{Ended, Rank, Running, Session, SshError};
use crate::survey::RuntimeKind;

/// The program of a runtime, whose daemon answered.
pub(super) struct Program {
    session: Arc<Session>,
    rank: Rank,
    /// Path and what stands before every command.
    words: Vec<String>,
    pub(super) kind: RuntimeKind,
    /// What it said of its version.
    pub(super) version: String,
}

impl Program {
    /// The program on a node, with the least rights with which its daemon answers.
    pub(super) async fn find(node: &Found<'_>, kind: RuntimeKind) -> Result<Self, RuntimeError> {
        let (name, path, words): (_, _, fn(&Found<'_>) -> Vec<String>) = match kind {
            RuntimeKind::Containerd => ("ctr", &node.machine.ctr, ctr_words),
            RuntimeKind::Docker => ("docker", &node.machine.docker, docker_words),
        };
        let Some(path) = path else {
            return Err(unreachable(node, kind, &format!("there is no {name} on its PATH")));
        };
        let words = [vec![path.clone()], words(node)].concat();
        let mut program =
            Self { session: Arc::clone(&node.session), rank: Rank::Own, words, kind, version: String::new() };
        let mut said = String::new();
        for rank in ranks(node, kind) {
            program.rank = rank;
            match program.try_run(program.version_words()).await {
                Ok(ended) if ended.is_good() => {
                    program.version = ended.text().into_owned();
                    return Ok(program);
                }
                Ok(ended) => said = reason(&ended),
                Err(error @ SshError::Sudo { .. }) => said = error.to_string(),
                Err(error) => return Err(of_connection(&error, kind.as_str(), &node.address())),
            }
        }
        Err(unreachable(node, kind, &said))
    }

    /// Where it is, for people.
    pub(super) fn address(&self) -> String {
        self.session.endpoint().to_string()
    }

    /// Runs a command to its end; one that fails is an error.
    pub(super) async fn run(&self, words: &[&str], doing: &str) -> Result<Ended, RuntimeError> {
        let ended = self.try_run(words).await.map_err(|error| self.lost(&error))?;
        match ended.is_good() {
            true => Ok(ended),
            false => Err(refused(self.kind, &self.address(), doing, &ended)),
        }
    }

    /// Starts a command that takes data.
    pub(super) async fn start(&self, words: &[&str]) -> Result<Running, RuntimeError> {
        self.rank.start(&self.session, &self.line(words)).await.map_err(|error| self.lost(&error))
    }

    /// The error of a connection that broke.
    pub(super) fn lost(&self, error: &SshError) -> RuntimeError {
        of_connection(error, self.kind.as_str(), &self.address())
    }

    async fn try_run(&self, words: &[&str]) -> Result<Ended, SshError> {
        self.rank.run(&self.session, &self.line(words)).await
    }

    fn line<'a>(&'a self, words: &[&'a str]) -> Vec<&'a str> {
        self.words.iter().map(String::as_str).chain(words.iter().copied()).collect()
    }

    /// What only a daemon can answer.
    fn version_words(&self) -> &'static [&'static str] {
        match self.kind {
            RuntimeKind::Containerd => &["version"],
            RuntimeKind::Docker => {
                &["version", "--format", "{{.Server.Version}} {{.Server.Os}} {{.Server.Arch}}"]
            }
        }
    }
}

fn ctr_words(node: &Found<'_>) -> Vec<String> {
    let socket = node.options.socket.iter().flat_map(|socket| ["--address".to_owned(), socket.clone()]);
    socket.chain(["--namespace".to_owned(), node.options.namespace.clone()]).collect()
}

fn docker_words(node: &Found<'_>) -> Vec<String> {
    let socket = node.options.socket.iter();
    socket.flat_map(|socket| ["--host".to_owned(), format!("unix://{socket}")]).collect()
}

/// What is tried, in this order. Whoever is in Docker's group needs no `sudo`.
fn ranks(node: &Found<'_>, kind: RuntimeKind) -> Vec<Rank> {
    if node.machine.is_root {
        return vec![Rank::Own];
    }
    let own = (kind == RuntimeKind::Docker).then_some(Rank::Own);
    let password = node.login.password.clone().map(Rank::SudoWithPassword);
    own.into_iter().chain([Rank::Sudo]).chain(password).collect()
}

fn unreachable(node: &Found<'_>, kind: RuntimeKind, reason: &str) -> RuntimeError {
    RuntimeError::Unreachable { runtime: kind.as_str(), address: node.address(), reason: reason.to_owned() }
}
