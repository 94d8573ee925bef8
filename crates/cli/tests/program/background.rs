//! The program running beside the test, which follows its records and sends it signals.

use std::io::{BufRead, BufReader, Lines, Read};
use std::process::{Child, ChildStderr, Command, Stdio};

use crate::site::Ended;

/// A running program. One that a failed test leaves behind is killed.
pub(crate) struct Background {
    child: Child,
    lines: Lines<BufReader<ChildStderr>>,
    err: String,
}

impl Background {
    pub(crate) fn start(command: &mut Command) -> Self {
        let mut child = command.stdout(Stdio::piped()).stderr(Stdio::piped()).spawn().unwrap();
        let lines = BufReader::new(child.stderr.take().unwrap()).lines();
        Self { child, lines, err: String::new() }
    }

    /// Reads standard error up to a line with `text` in it, and gives that line.
    #[track_caller]
    pub(crate) fn wait_for(&mut self, text: &str) -> String {
        for line in self.lines.by_ref() {
            let line = line.unwrap();
            self.err += &format!("{line}\n");
            if line.contains(text) {
                return line;
            }
        }
        panic!("the program ended without {text:?}:\n{}", self.err);
    }

    pub(crate) fn id(&self) -> u32 {
        self.child.id()
    }

    pub(crate) fn has_ended(&mut self) -> bool {
        self.child.try_wait().unwrap().is_some()
    }

    /// Sends a signal by its name: `INT`, `TERM`.
    #[track_caller]
    pub(crate) fn signal(&self, name: &str) {
        let kill = Command::new("kill").args([&format!("-{name}"), &self.id().to_string()]).status();
        assert!(kill.unwrap().success());
    }

    /// `kill -9`.
    pub(crate) fn kill(mut self) {
        self.child.kill().unwrap();
        self.child.wait().unwrap();
    }

    /// Waits for the end.
    pub(crate) fn end(mut self) -> Ended {
        let mut out = String::new();
        self.child.stdout.take().unwrap().read_to_string(&mut out).unwrap();
        let rest: String = self.lines.by_ref().map(|line| line.unwrap() + "\n").collect();
        let code = self.child.wait().unwrap().code().unwrap();
        Ended { code, out, err: std::mem::take(&mut self.err) + &rest }
    }
}

impl Drop for Background {
    fn drop(&mut self) {
        // Mostly it has ended long ago.
        let _ = self.child.kill();
        let _ = self.child.wait();
    }
}
