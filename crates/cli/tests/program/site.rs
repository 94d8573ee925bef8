//! A site for one test: a working directory, a depot on loopback, and the program run in it.

use std::fs;
use std::net::SocketAddr;
use std::path::{Path, PathBuf};
use std::process::{Command, Output};

use portolan_depot::{Account, Options, Projects, Running};
use tempfile::TempDir;
use tokio::runtime::Runtime;

/// The program under test.
pub(crate) const PROGRAM: &str = env!("CARGO_BIN_EXE_portolan");

/// A working directory in which the program is run with an environment of its own.
pub(crate) struct Site {
    directory: TempDir,
}

/// How a run ended.
#[derive(Debug)]
pub(crate) struct Ended {
    pub(crate) code: i32,
    pub(crate) out: String,
    pub(crate) err: String,
}

impl Site {
    pub(crate) fn new() -> Self {
        Self { directory: tempfile::tempdir().unwrap() }
    }

    pub(crate) fn path(&self, name: &str) -> PathBuf {
        self.directory.path().join(name)
    }

    /// Writes a file, and the folders it lies in.
    pub(crate) fn write(&self, name: &str, content: impl AsRef<[u8]>) {
        let path = self.path(name);
        fs::create_dir_all(path.parent().unwrap()).unwrap();
        fs::write(path, content).unwrap();
    }

    /// The program, ready to run with the words of `line`; the environment is empty but for `HOME`.
    pub(crate) fn command(&self, line: &str) -> Command {
        self.command_as(Path::new(PROGRAM), line)
    }

    /// The same through a link of that name.
    #[cfg(unix)]
    pub(crate) fn through_link(&self, name: &str, line: &str) -> Command {
        let link = self.path(name);
        if !link.exists() {
            std::os::unix::fs::symlink(PROGRAM, &link).unwrap();
        }
        self.command_as(&link, line)
    }

    fn command_as(&self, program: &Path, line: &str) -> Command {
        let mut command = Command::new(program);
        command.args(line.split_whitespace()).current_dir(self.directory.path());
        command.env_clear().env("HOME", self.path("home")).env("NO_PROXY", "*");
        command
    }

    /// Runs the program to its end.
    pub(crate) fn run(&self, line: &str) -> Ended {
        ended(&mut self.command(line))
    }
}

/// Runs a command to its end.
pub(crate) fn ended(command: &mut Command) -> Ended {
    let Output { status, stdout, stderr } = command.output().unwrap();
    let text = |bytes| String::from_utf8(bytes).unwrap();
    Ended { code: status.code().unwrap(), out: text(stdout), err: text(stderr) }
}

impl Ended {
    /// Panics with both outputs unless the program ended with `code`.
    #[track_caller]
    pub(crate) fn expect(self, code: i32) -> Self {
        assert_eq!(self.code, code, "\n--- out\n{}\n--- err\n{}", self.out, self.err);
        self
    }
}

/// A depot in the background, for as long as the value lives.
pub(crate) struct Depot {
    running: Option<Running>,
    runtime: Runtime,
    _data: TempDir,
}

impl Depot {
    /// One that asks no password and knows no projects.
    pub(crate) fn open() -> Self {
        Self::with(Options::default())
    }

    /// One that behaves as Harbor: projects, and `admin` with `Harbor12345`.
    pub(crate) fn harbor() -> Self {
        let account = Some(Account::new("admin", "Harbor12345".into()));
        Self::with(Options { projects: Projects::Enforced, account, ..Options::default() })
    }

    pub(crate) fn with(options: Options) -> Self {
        let data = tempfile::tempdir().unwrap();
        let runtime = Runtime::new().unwrap();
        let address = SocketAddr::from(([127, 0, 0, 1], 0));
        let running = runtime.block_on(portolan_depot::start(data.path(), options, address)).unwrap();
        Self { running: Some(running), runtime, _data: data }
    }

    pub(crate) fn host(&self) -> String {
        self.running.as_ref().unwrap().addr().to_string()
    }
}

impl Drop for Depot {
    fn drop(&mut self) {
        if let Some(running) = self.running.take() {
            self.runtime.block_on(running.shutdown()).unwrap();
        }
    }
}
