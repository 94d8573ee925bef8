//! The socket `control.sock` in the data directory: bound and found, also where its path is too long for one.

use std::fs::{self, File, Permissions};
use std::io;
use std::os::fd::AsRawFd;
use std::os::unix::ffi::OsStrExt;
use std::os::unix::fs::{MetadataExt, PermissionsExt};
use std::path::{Path, PathBuf};

use rustix::process::geteuid;
use tokio::net::{UnixListener, UnixStream};

use super::ControlError;

/// Its name in the data directory.
const NAME: &str = "control.sock";

/// The longest path that an address of a socket holds (unix(7): 108 bytes with the NUL at the end).
const PATH_LIMIT: usize = 107;

/// Where the socket of a depot is.
pub(super) fn path(dir: &Path) -> PathBuf {
    dir.join(NAME)
}

/// Binds it for this user alone, in place of one that a killed server left. The caller holds the depot's lock, so
/// that nobody listens there.
pub(super) fn bind(dir: &Path) -> io::Result<UnixListener> {
    remove(dir)?;
    let listener = reach(dir, |address| UnixListener::bind(address))?;
    fs::set_permissions(path(dir), Permissions::from_mode(0o600))?;
    Ok(listener)
}

/// Removes it, where it is there.
pub(super) fn remove(dir: &Path) -> io::Result<()> {
    match fs::remove_file(path(dir)) {
        Err(error) if error.kind() != io::ErrorKind::NotFound => Err(error),
        _ => Ok(()),
    }
}

/// Connects to the server that listens there, where one does.
pub(super) async fn connect(dir: &Path) -> io::Result<Option<UnixStream>> {
    use io::ErrorKind::{ConnectionRefused, NotADirectory, NotFound};
    let connected = match in_reach(dir) {
        Ok((address, _held)) => UnixStream::connect(address).await,
        Err(error) => Err(error),
    };
    match connected {
        Ok(stream) => Ok(Some(stream)),
        Err(error) if matches!(error.kind(), ConnectionRefused | NotADirectory | NotFound) => Ok(None),
        Err(error) => Err(error),
    }
}

fn reach<T>(dir: &Path, with: impl FnOnce(&Path) -> io::Result<T>) -> io::Result<T> {
    let (address, _held) = in_reach(dir)?;
    with(&address)
}

/// The socket's path as an address can hold it: a long one goes through the descriptor of the directory, which is
/// held open for as long.
fn in_reach(dir: &Path) -> io::Result<(PathBuf, Option<File>)> {
    let path = path(dir);
    if path.as_os_str().as_bytes().len() <= PATH_LIMIT {
        return Ok((path, None));
    }
    let held = File::open(dir)?;
    Ok((PathBuf::from(format!("/proc/self/fd/{}/{NAME}", held.as_raw_fd())), Some(held)))
}

/// Whether the process at the other end runs as this user, or as root.
pub(super) fn is_trusted(stream: &UnixStream) -> bool {
    stream.peer_cred().is_ok_and(|peer| peer.uid() == 0 || peer.uid() == geteuid().as_raw())
}

/// Refuses a directory of another user: files of this one would be out of its reach.
pub(super) fn refuse_others(dir: &Path) -> Result<(), ControlError> {
    // What isn't there or can't be looked at is told by whoever opens it.
    let Ok(found) = fs::metadata(dir) else { return Ok(()) };
    let (owner, own) = (found.uid(), geteuid().as_raw());
    match owner == own {
        true => Ok(()),
        false => Err(ControlError::Owner { dir: dir.to_owned(), owner, own }),
    }
}
