//! The program on a terminal, with somebody who waits for questions and types.

use std::io::{Read, Write};
use std::path::Path;
use std::process::{Child, ChildStdin, ChildStdout, Command, Stdio};

use portolan_testkit::components;

use crate::site::{Ended, PROGRAM};

/// A program on a terminal of its own. One that a failed test leaves behind is killed.
pub(crate) struct Terminal {
    child: Child,
    keyboard: ChildStdin,
    screen: ChildStdout,
    shown: String,
}

impl Terminal {
    /// Runs the words of `line` in `directory`; `None` where there is no program that makes terminals.
    pub(crate) fn start(directory: &Path, line: &str) -> Option<Self> {
        Self::start_with(directory, "", line)
    }

    /// The same with words of a shell's command line before the program.
    pub(crate) fn start_with(directory: &Path, before: &str, line: &str) -> Option<Self> {
        let mut command = Command::new(components::SCRIPT.require()?);
        command.args(["-q", "-e", "-f", "-c", &format!("exec {before}{PROGRAM} {line}"), "/dev/null"]);
        command.current_dir(directory).env_clear().env("PATH", "/usr/bin:/bin");
        let mut child = command.stdin(Stdio::piped()).stdout(Stdio::piped()).spawn().unwrap();
        let (keyboard, screen) = (child.stdin.take().unwrap(), child.stdout.take().unwrap());
        Some(Self { child, keyboard, screen, shown: String::new() })
    }

    /// Reads what is shown up to `text`.
    #[track_caller]
    pub(crate) fn wait_for(&mut self, text: &str) {
        let mut byte = [0];
        let from = self.shown.len();
        while !self.shown[from..].contains(text) {
            let read = self.screen.read(&mut byte).unwrap();
            assert_eq!(read, 1, "the program ended without {text:?}:\n{}", self.shown);
            self.shown.push(char::from(byte[0]));
        }
    }

    /// Types, once the question was asked: what is typed before is thrown away.
    #[track_caller]
    pub(crate) fn answer(&mut self, question: &str, keys: &str) {
        self.wait_for(question);
        self.keyboard.write_all(keys.as_bytes()).unwrap();
    }

    /// Waits for the end; all that was shown is the standard output.
    pub(crate) fn end(mut self) -> Ended {
        let mut rest = String::new();
        self.screen.read_to_string(&mut rest).unwrap();
        let code = self.child.wait().unwrap().code().unwrap();
        Ended { code, out: std::mem::take(&mut self.shown) + &rest, err: String::new() }
    }
}

impl Drop for Terminal {
    fn drop(&mut self) {
        // Mostly it has ended long ago.
        let _ = self.child.kill();
        let _ = self.child.wait();
    }
}
