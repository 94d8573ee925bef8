//! The corpora of `fuzz/corpus`, as ordinary tests: every file that lies there goes through its target, and
//! the seeds among them are those that this code writes.

#![expect(clippy::unwrap_used, reason = "a panic is how a test fails")]
#![expect(clippy::print_stdout, reason = "the file that breaks a law is named before it does")]

mod every_file;
mod files;
mod mutated;
mod seeds;
mod whole;
