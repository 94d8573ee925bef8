//! Docker's credential helpers: programs that are told a server on standard input and answer with a
//! user name and a secret (the protocol of `docker-credential-helpers`).

use std::{
    env::split_paths,
    ffi::OsStr,
    io,
    path::PathBuf,
    process::{ExitStatus, Stdio},
    time::Duration,
};

use secrecy::SecretString;
use serde::Deserialize;
use tokio::{
    io::{AsyncReadExt as _, AsyncWriteExt as _},
    process::{Child, Command},
};

use crate::credentials::Credentials;

/// How long a helper may take; some ask a person.
const PATIENCE: Duration = Duration::from_secs(60);

/// Limit of an answer in bytes.
const ANSWER_LIMIT: u64 = 64 * 1024;

/// What helpers say, by their protocol, when they have nothing.
const NOT_FOUND: &str = "credentials not found";

/// Why a helper gave no answer.
#[derive(Debug, thiserror::Error)]
pub enum HelperError {
    /// The name is no plain name.
    #[error("{name:?} is no name of a credential helper")]
    Name {
        /// The name as configured.
        name: String,
    },
    /// There is no such program.
    #[error(
        "the program docker-credential-{name} is not on the search path; install it, or log in without it"
    )]
    Missing {
        /// The name as configured.
        name: String,
    },
    /// It cannot be run.
    #[error("cannot run {}", program.display())]
    Run {
        /// The program.
        program: PathBuf,
        /// What the system says.
        #[source]
        source: io::Error,
    },
    /// It takes too long.
    #[error("{} did not answer within {} s", program.display(), PATIENCE.as_secs())]
    Slow {
        /// The program.
        program: PathBuf,
    },
    /// It ended with a failure; what it said is not shown, since it may hold a secret.
    #[error("{} failed with {status}", program.display())]
    Failed {
        /// The program.
        program: PathBuf,
        /// How it ended.
        status: ExitStatus,
    },
    /// Its answer is not that of a helper.
    #[error("{} gave no answer of a credential helper", program.display())]
    Answer {
        /// The program.
        program: PathBuf,
    },
}

#[derive(Deserialize)]
#[serde(rename_all = "PascalCase")]
struct Answer {
    username: String,
    secret: SecretString,
}

/// Asks `docker-credential-NAME` for what it has on `server`; `None` where it has nothing.
pub(crate) async fn ask(
    name: &str,
    server: &str,
    search_path: &OsStr,
) -> Result<Option<Credentials>, HelperError> {
    let program = find(name, search_path)?;
    let answered = tokio::time::timeout(PATIENCE, converse(&program, server)).await;
    let (status, text) = match answered {
        Ok(Ok(answer)) => answer,
        Ok(Err(source)) => return Err(HelperError::Run { program, source }),
        Err(_) => return Err(HelperError::Slow { program }),
    };
    if status.success() {
        return parse(&text).map(Some).ok_or(HelperError::Answer { program });
    }
    if String::from_utf8_lossy(&text).contains(NOT_FOUND) {
        return Ok(None);
    }
    Err(HelperError::Failed { program, status })
}

/// Reads what a helper that succeeded has said.
pub(crate) fn parse(text: &[u8]) -> Option<Credentials> {
    let answer: Answer = serde_json::from_slice(text).ok()?;
    Some(Credentials::new(answer.username, answer.secret))
}

fn find(name: &str, search_path: &OsStr) -> Result<PathBuf, HelperError> {
    if name.is_empty() || name.contains(['/', '\\']) {
        return Err(HelperError::Name { name: name.to_owned() });
    }
    let file = format!("docker-credential-{name}");
    split_paths(search_path)
        .map(|folder| folder.join(&file))
        .find(|program| program.is_file())
        .ok_or_else(|| HelperError::Missing { name: name.to_owned() })
}

async fn converse(program: &PathBuf, server: &str) -> io::Result<(ExitStatus, Vec<u8>)> {
    let mut child = Command::new(program)
        .arg("get")
        .stdin(Stdio::piped())
        .stdout(Stdio::piped())
        .stderr(Stdio::null())
        .kill_on_drop(true)
        .spawn()?;
    tell(&mut child, server).await?;
    let mut text = Vec::new();
    if let Some(output) = child.stdout.take() {
        output.take(ANSWER_LIMIT).read_to_end(&mut text).await?;
    }
    Ok((child.wait().await?, text))
}

/// A helper that ends without reading, since it has nothing for anybody, breaks the pipe.
async fn tell(child: &mut Child, server: &str) -> io::Result<()> {
    let Some(mut input) = child.stdin.take() else { return Ok(()) };
    match input.write_all(server.as_bytes()).await {
        Err(error) if error.kind() == io::ErrorKind::BrokenPipe => Ok(()),
        outcome => outcome,
    }
}
