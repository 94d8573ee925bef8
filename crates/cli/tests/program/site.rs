//! A site for one test: a working directory, and the program run in it.

use std::fs;
use std::path::{Path, PathBuf};
use std::process::Command;

use tempfile::TempDir;

pub(crate) use crate::depot::Depot;
pub(crate) use crate::ended::{Ended, ended};

/// The program under test.
pub(crate) const PROGRAM: &str = env!("CARGO_BIN_EXE_portolan");

/// A working directory in which the program is run with an environment of its own.
pub(crate) struct Site {
    directory: TempDir,
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
