//! A program that is held in the middle of its work, at a place that its files tell: behind the n-th sync of one of
//! them. Nothing in the program knows of it.

use std::fs;
use std::path::{Path, PathBuf};
use std::process::Command;

use crate::preload;

const SOURCE: &str = include_str!("held.c");

/// Where a program is held, and whether it is.
#[derive(Clone, Debug)]
pub struct Held {
    library: PathBuf,
    mark: PathBuf,
    go: PathBuf,
}

impl Held {
    /// Prepares it; `folder` takes two files. `None` where there is no C compiler and the test is to be skipped.
    pub fn new(folder: &Path) -> Option<Self> {
        let library = preload::library("held", SOURCE)?;
        Some(Self { library, mark: folder.join("held"), go: folder.join("go") })
    }

    /// Has `command` held behind its sync number `at` of the file whose path ends with `file`. Those before a hold
    /// that is over are forgotten.
    pub fn attach(&self, command: &mut Command, file: &str, at: u32) {
        for path in [&self.mark, &self.go] {
            // Neither is there the first time.
            let _ = fs::remove_file(path);
        }
        command.env("LD_PRELOAD", &self.library);
        command.env("HELD_FILE", file).env("HELD_AT", at.to_string());
        command.env("HELD_MARK", &self.mark).env("HELD_GO", &self.go);
    }

    /// Has the wall clock of `command` jump by so many seconds once it is let go.
    pub fn jump(command: &mut Command, seconds: i64) {
        command.env("HELD_CLOCK", seconds.to_string());
    }

    /// Has the disk of all files with `part` in their paths be full for `command` once it is let go.
    pub fn fill(command: &mut Command, part: &str) {
        command.env("HELD_FULL", part);
    }

    /// Whether the program is held.
    pub fn is_held(&self) -> bool {
        self.mark.is_file()
    }

    /// Lets it go on.
    ///
    /// # Panics
    /// Where the folder is gone.
    pub fn let_go(&self) {
        fs::write(&self.go, "").expect("the folder takes a file");
    }
}
