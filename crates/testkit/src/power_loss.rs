//! Power losses, simulated below everything that writes files.
//!
//! A program runs with a small library preloaded ([`Recorder`]), which writes down what it does to
//! the files under one directory, and what it syncs. The [`Trace`] of it, cut anywhere, tells what a
//! disk would be sure to hold if the power had failed there, and what it might hold beside:
//! [`Trace::after_power_loss`] picks one of the possible [`Disk`]s by a seed. So one run gives as
//! many power losses as there are pairs of a [`Position`] and a seed, and each can be had again.
//! The same library ends the process at a call of choice ([`FailPoint`]).
//!
//! What a disk holds after a power loss:
//! - the content of a file as it was when its last sync began, if that sync has ended; of what was
//!   written later nothing, all, a beginning, any of its pieces, or zeroes in its place;
//! - the names in a directory as they were when its last sync began; of later changes none, all, those up
//!   to one of them (as journals keep them), or any. A rename is never half done in the sense that neither
//!   name is left; both may be, where they lie in different directories;
//! - nothing that lies in a directory whose own name was lost.
//!
//! That is POSIX's promise, where the file systems of Linux often keep more: syncing a new file
//! brings its name to the disk on most of them. Who relies on that is found out here.
//! Not modelled: symbolic links, changed modes, writing through mapped memory (SQLite's `-shm`, which
//! it makes anew when it opens a database after a crash, and which is left out), and programs that are
//! linked statically or call the kernel themselves. The first end the program aloud; of the others
//! [`Disk::differences`] tells, when all of the trace is replayed.

mod disk;
mod history;
mod loss;
mod rebuild;
mod recorder;
mod trace;

pub use disk::Disk;
pub use recorder::{FailPoint, Recorder, folder};
pub use trace::{Position, Trace};
