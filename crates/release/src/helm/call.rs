//! One run of Helm's program: arguments, standard input, and what came of it.

use std::ffi::{OsStr, OsString};
use std::fs::File;
use std::io;
use std::path::{Path, PathBuf};
use std::process::{ExitStatus, Stdio};
use std::sync::Arc;

use portolan_registry::Stop;
use secrecy::{ExposeSecret, SecretSlice};
use tokio::io::{AsyncRead, AsyncReadExt, AsyncWriteExt};
use tokio::process::{Child, Command};

use super::error::{HelmError, said};

/// How much of each output stream is kept: a rendered chart is smaller.
const OUTPUT_LIMIT: u64 = 64 << 20;

/// What Helm is given on standard input: values, or a password.
pub type Input = SecretSlice<u8>;

/// A run of Helm's program that is yet to begin.
#[derive(Debug)]
pub(super) struct Call {
    program: PathBuf,
    doing: String,
    arguments: Vec<OsString>,
    environment: Vec<(&'static str, OsString)>,
    input: Option<Input>,
    /// Once requested, the program is asked to stop.
    stop: Option<Stop>,
    /// A locked file that it inherits.
    held: Option<Arc<File>>,
}

/// What a run that succeeded has printed.
#[derive(Debug)]
pub struct Output {
    doing: String,
    /// Standard output.
    pub bytes: Vec<u8>,
    /// Standard error: warnings.
    pub warnings: String,
}

impl Call {
    /// A run that is told of in errors as `doing`.
    pub(super) fn new(program: &Path, doing: impl Into<String>) -> Self {
        Self {
            program: program.to_owned(),
            doing: doing.into(),
            arguments: Vec::new(),
            environment: Vec::new(),
            input: None,
            stop: None,
            held: None,
        }
    }

    /// The same with more arguments. None of them may be a secret: others on this machine see them.
    pub(super) fn with(mut self, arguments: impl IntoIterator<Item = impl AsRef<OsStr>>) -> Self {
        self.arguments.extend(arguments.into_iter().map(|argument| argument.as_ref().to_owned()));
        self
    }

    /// The same with an environment variable, where there is a value for it.
    pub(super) fn environment(mut self, name: &'static str, value: Option<&OsStr>) -> Self {
        self.environment.extend(value.map(|value| (name, value.to_owned())));
        self
    }

    /// The same with something on standard input.
    pub(super) fn input(mut self, input: Input) -> Self {
        self.input = Some(input);
        self
    }

    /// The same, asked to stop once that is requested: by an interrupt, which `helm upgrade` answers by marking the
    /// release failed, and taking it back where it was told to.
    pub(super) fn until(mut self, stop: &Stop) -> Self {
        self.stop = Some(stop.clone());
        self
    }

    /// The same, holding a locked file for as long as any process of it lives.
    pub(super) fn holding(mut self, file: Option<Arc<File>>) -> Self {
        self.held = file;
        self
    }

    /// Runs it to its end.
    ///
    /// # Errors
    /// [`HelmError`] where it can't be started, or fails; its own words are in it.
    pub(super) async fn run(self) -> Result<Output, HelmError> {
        let doing = self.doing.clone();
        let ended = self.outcome().await?;
        match ended.status.success() {
            true => Ok(Output { doing, bytes: ended.out, warnings: ended.err }),
            false => Err(HelmError::Failed { doing, said: said(&ended.err, ended.status) }),
        }
    }

    async fn outcome(self) -> Result<Ended, HelmError> {
        let cannot = |source| HelmError::Start { program: self.program.clone(), source };
        let mut child = self.command().spawn().map_err(cannot)?;
        let process = child.id();
        let talk = talk(&mut child, self.input.as_ref());
        let talked = match &self.stop {
            None => talk.await,
            Some(stop) => unless_stopped(talk, stop, process).await,
        };
        let (out, err) = talked.map_err(|source| HelmError::Talk { doing: self.doing.clone(), source })?;
        let status =
            child.wait().await.map_err(|source| HelmError::Talk { doing: self.doing.clone(), source })?;
        Ok(Ended { status, out, err: String::from_utf8_lossy(&err).into_owned() })
    }

    fn command(&self) -> Command {
        let mut command = std::process::Command::new(&self.program);
        command.args(&self.arguments);
        command.envs(self.environment.iter().map(|(name, value)| (name, value)));
        let stdin = if self.input.is_some() { Stdio::piped() } else { Stdio::null() };
        command.stdin(stdin).stdout(Stdio::piped()).stderr(Stdio::piped());
        dies_with_us(&mut command, self.held.clone());
        let mut command = Command::from(command);
        command.kill_on_drop(true);
        command
    }
}

impl Output {
    /// Standard output as text.
    ///
    /// # Errors
    /// [`HelmError`] where it is none.
    pub fn text(self) -> Result<String, HelmError> {
        String::from_utf8(self.bytes).map_err(|_| HelmError::NoText { doing: self.doing })
    }

    /// Standard output as JSON.
    ///
    /// # Errors
    /// [`HelmError`] where it is none, or of another shape.
    pub fn json<T: serde::de::DeserializeOwned>(self) -> Result<T, HelmError> {
        serde_json::from_slice(&self.bytes).map_err(|source| HelmError::Json { doing: self.doing, source })
    }
}

struct Ended {
    status: ExitStatus,
    out: Vec<u8>,
    err: String,
}

/// Gives a child its input while its outputs are read, since either side may wait for the other.
async fn talk(child: &mut Child, input: Option<&Input>) -> io::Result<(Vec<u8>, Vec<u8>)> {
    let (stdin, stdout, stderr) = (child.stdin.take(), child.stdout.take(), child.stderr.take());
    let give = async {
        if let (Some(mut stdin), Some(input)) = (stdin, input) {
            // A child that ends before it has read all says why by itself.
            let _ = stdin.write_all(input.expose_secret()).await;
        }
        io::Result::Ok(())
    };
    let ((), out, err) = tokio::try_join!(give, read(stdout), read(stderr))?;
    Ok((out, err))
}

/// Goes on with the talk to its end; where a stop is requested meanwhile, the program gets an interrupt.
async fn unless_stopped<T>(talk: impl Future<Output = T>, stop: &Stop, process: Option<u32>) -> T {
    let mut talk = std::pin::pin!(talk);
    tokio::select! {
        biased;
        talked = &mut talk => talked,
        () = stop.requested() => {
            interrupt(process);
            talk.await
        }
    }
}

/// Asks the program to stop, and whatever it has started: it is in a group of its own, so that a wrapper's Helm is
/// reached too.
#[cfg(unix)]
fn interrupt(process: Option<u32>) {
    use rustix::process::{Pid, Signal, kill_process_group};

    let group = process.and_then(|id| Pid::from_raw(i32::try_from(id).ok()?));
    if let Some(group) = group {
        // One that has ended by itself needs no signal.
        let _ = kill_process_group(group, Signal::INT);
    }
}

#[cfg(not(unix))]
fn interrupt(_: Option<u32>) {}

/// Reads a stream up to the limit; what comes after that is an error, since half an answer is none.
async fn read(stream: Option<impl AsyncRead + Unpin>) -> io::Result<Vec<u8>> {
    let mut bytes = Vec::new();
    if let Some(stream) = stream {
        stream.take(OUTPUT_LIMIT + 1).read_to_end(&mut bytes).await?;
    }
    match bytes.len() as u64 > OUTPUT_LIMIT {
        true => Err(io::Error::other(format!("it printed more than {OUTPUT_LIMIT} bytes"))),
        false => Ok(bytes),
    }
}

/// The child is in a group of its own, so that Ctrl-C reaches it through Portolan alone, and is killed when
/// Portolan is: an upgrade that nobody watches would go on otherwise. What it has started itself may live on, and
/// then `held` stays locked.
#[cfg(target_os = "linux")]
#[expect(unsafe_code, reason = "only between fork and exec can a process say what its parent's death means")]
fn dies_with_us(command: &mut std::process::Command, held: Option<Arc<File>>) {
    use std::os::unix::process::CommandExt;

    use rustix::io::{FdFlags, fcntl_setfd};

    use rustix::process::{Signal, getpid, getppid, set_parent_process_death_signal};

    let parent = getpid();
    command.process_group(0);
    let say = move || {
        set_parent_process_death_signal(Some(Signal::KILL))?;
        if let Some(held) = &held {
            // Kept over the exec, in the child alone.
            fcntl_setfd(held, FdFlags::empty())?;
        }
        // The parent may have gone before that was said.
        match getppid() == Some(parent) {
            true => Ok(()),
            false => Err(io::Error::other("Portolan has ended")),
        }
    };
    // SAFETY: all are plain system calls, which may be made in a forked child of a program with threads.
    unsafe { command.pre_exec(say) };
}

#[cfg(not(target_os = "linux"))]
fn dies_with_us(_: &mut std::process::Command, _: Option<Arc<File>>) {}
