//! What ends a cluster whose test ended without dropping it, by a signal too.

use std::path::Path;
use std::process::{Child, Command, Stdio};

/// Reads until the other end of its input is closed, which the system does when the test is gone. What real
/// nodes leave is control groups, which are called after their folders.
const SCRIPT: &str = "cat >/dev/null; cat \"$1\"/*.pid 2>/dev/null | xargs -n1 kill -9; sleep 0.2
for node in \"$1\"/kubelet*/; do
  [ -d \"$node\" ] || continue
  group=portolan-$(basename \"$node\")
  find /sys/fs/cgroup -depth -type d -path \"/sys/fs/cgroup*/$group*\" -exec rmdir {} \\; 2>/dev/null
done
rm -rf \"$1\"";

/// The process that waits for the end. Dropped after all the programs, it has nothing left to do.
#[derive(Debug)]
pub(super) struct Keeper {
    child: Child,
}

impl Keeper {
    pub(super) fn start(folder: &Path) -> Self {
        let child = Command::new("sh")
            .args(["-c", SCRIPT, "keeper"])
            .arg(folder)
            .stdin(Stdio::piped())
            .stdout(Stdio::null())
            .stderr(Stdio::null())
            .spawn()
            .unwrap_or_else(|error| panic!("starting sh: {error}"));
        Self { child }
    }

    pub(super) fn id(&self) -> u32 {
        self.child.id()
    }
}

impl Drop for Keeper {
    /// The programs were ended and waited for: their numbers may be others' by now, so it must not act.
    fn drop(&mut self) {
        let _ = self.child.kill();
        let _ = self.child.wait();
    }
}

#[cfg(test)]
mod tests {
    use std::fs;

    use super::*;

    /// The programs of a test that was killed end, and its folder goes.
    #[test]
    fn nothing_outlives_whoever_held_the_other_end() {
        let folder = tempfile::tempdir().expect("a folder").keep();
        let mut programs = ["one", "two"].map(|name| {
            let program = Command::new("sleep").arg("600").spawn().expect("sleep starts");
            fs::write(folder.join(format!("{name}.pid")), format!("{}\n", program.id())).expect("a file");
            program
        });
        let mut keeper = Keeper::start(&folder);
        drop(keeper.child.stdin.take());
        assert!(keeper.child.wait().expect("it ends").success());
        assert!(!folder.exists());
        for program in &mut programs {
            assert!(!program.wait().expect("it was ended").success());
        }
    }
}
