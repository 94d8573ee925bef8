//! Programs that run beside a test: started, waited for, ended with the value that holds them.

use std::fs::{self, File};
use std::path::{Path, PathBuf};
use std::process::{Child, Command, Output, Stdio};
use std::time::{Duration, Instant};

/// How long a program may take until it is ready. Generous: two cores, shared with a build.
const PATIENCE: Duration = Duration::from_secs(60);
const PAUSE: Duration = Duration::from_millis(10);
/// How much of a log a failure shows.
const TAIL: usize = 4000;

/// A running program. Dropped, it is killed and waited for.
#[derive(Debug)]
pub struct Daemon {
    name: String,
    child: Child,
    log: PathBuf,
}

impl Daemon {
    /// Starts `command` with standard output and error in the file `log`, and nothing as input.
    ///
    /// # Panics
    /// Where the program cannot be started.
    pub fn start(mut command: Command, log: &Path) -> Self {
        let name = program(&command);
        let file = File::create(log).unwrap_or_else(|error| panic!("log {}: {error}", log.display()));
        let copy = file.try_clone().expect("a file's handle can be duplicated");
        let child = command
            .stdin(Stdio::null())
            .stdout(file)
            .stderr(copy)
            .spawn()
            .unwrap_or_else(|error| panic!("starting {name}: {error}"));
        Self { name, child, log: log.to_owned() }
    }

    /// Waits until `ready` finds in the log what it looks for.
    ///
    /// # Panics
    /// With the log's end, where the program ends first or takes too long.
    pub fn wait_for<T>(&mut self, ready: impl Fn(&str) -> Option<T>) -> T {
        let deadline = Instant::now() + PATIENCE;
        loop {
            if let Some(found) = ready(&self.log()) {
                return found;
            }
            self.assert_running(deadline);
            std::thread::sleep(PAUSE);
        }
    }

    fn assert_running(&mut self, deadline: Instant) {
        let ended = self.child.try_wait().expect("a child can be asked for its state");
        if let Some(status) = ended {
            panic!("{} ended with {status} before it was ready:\n{}", self.name, tail(&self.log()));
        }
        let late = Instant::now() > deadline;
        assert!(!late, "{} was not ready in {PATIENCE:?}:\n{}", self.name, tail(&self.log()));
    }

    /// All that the program has printed so far.
    pub fn log(&self) -> String {
        fs::read(&self.log).map(|bytes| String::from_utf8_lossy(&bytes).into_owned()).unwrap_or_default()
    }

    /// Asks the program to end and waits until it did, so that it can undo what it did to the system.
    ///
    /// # Panics
    /// With the log's end, where it takes too long.
    pub fn terminate(&mut self) {
        // Where it is gone already there is nobody to tell.
        outcome(Command::new("kill").arg(self.id().to_string()));
        let deadline = Instant::now() + PATIENCE;
        while self.child.try_wait().expect("a child can be asked for its state").is_none() {
            let late = Instant::now() > deadline;
            assert!(!late, "{} did not end in {PATIENCE:?}:\n{}", self.name, tail(&self.log()));
            std::thread::sleep(PAUSE);
        }
    }

    /// The process' number.
    pub fn id(&self) -> u32 {
        self.child.id()
    }
}

impl Drop for Daemon {
    fn drop(&mut self) {
        // Nothing is left to be done about either failure: the process is gone already.
        let _ = self.child.kill();
        let _ = self.child.wait();
    }
}

/// Runs a program to its end and gives its standard output.
///
/// # Panics
/// With everything that it printed, where it fails.
pub fn run(command: &mut Command) -> Vec<u8> {
    let output = outcome(command);
    assert!(
        output.status.success(),
        "{:?}: {}\n{}\n{}",
        command,
        output.status,
        tail(&String::from_utf8_lossy(&output.stdout)),
        tail(&String::from_utf8_lossy(&output.stderr)),
    );
    output.stdout
}

/// Runs a program to its end, whatever that is.
///
/// # Panics
/// Where it cannot be started.
pub fn outcome(command: &mut Command) -> Output {
    let name = program(command);
    command.stdin(Stdio::null()).output().unwrap_or_else(|error| panic!("starting {name}: {error}"))
}

fn program(command: &Command) -> String {
    Path::new(command.get_program()).file_name().unwrap_or_default().to_string_lossy().into_owned()
}

pub(crate) fn tail(text: &str) -> &str {
    let from = text.len().saturating_sub(TAIL);
    let from = (from..text.len()).find(|at| text.is_char_boundary(*at)).unwrap_or(text.len());
    &text[from..]
}
