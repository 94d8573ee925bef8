//! The Helm of a run that was killed. Helm itself dies with Portolan, but one behind a wrapper may not; and while it
//! is at work, the release is pending for everybody else.
//!
//! A Helm that changes a release inherits a locked file, which is let go of when the last process that has it ends.
//! So whoever finds it locked knows that somebody is at work, without asking for process numbers.

use std::fs::{File, OpenOptions, TryLockError};
use std::io;
use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::time::Duration;

use portolan_oci::Digest;

use super::error::HelmError;
use super::release::HelmRelease;

/// How often it is looked whether the last one has ended.
const PAUSE: Duration = Duration::from_millis(200);
/// How much of a digest tells clusters apart.
const DIGITS: usize = 12;

/// Where the locked files of one cluster's releases lie.
#[derive(Clone, Debug)]
pub struct Marks {
    folder: PathBuf,
    cluster: String,
}

impl Marks {
    /// Files in `folder`, which is made when the first one is; `server` is the cluster's URL.
    #[must_use]
    pub fn new(folder: &Path, server: &str) -> Self {
        let cluster = Digest::sha256(server.as_bytes()).hex()[..DIGITS].to_owned();
        Self { folder: folder.to_owned(), cluster }
    }

    fn path(&self, release: &HelmRelease) -> PathBuf {
        let HelmRelease { name, namespace } = release;
        self.folder.join(format!("{}-{namespace}-{name}.helm", self.cluster))
    }

    /// The file of that release, locked; to be handed to the Helm that changes it.
    pub(super) fn take(&self, release: &HelmRelease) -> Result<Arc<File>, HelmError> {
        let path = self.path(release);
        let failed = |source| HelmError::Mark { path: path.clone(), source };
        std::fs::create_dir_all(&self.folder).map_err(failed)?;
        let file = OpenOptions::new().create(true).append(true).open(&path).map_err(failed)?;
        match file.try_lock() {
            Ok(()) => Ok(Arc::new(file)),
            Err(TryLockError::WouldBlock) => Err(HelmError::Left { release: release.name.to_string() }),
            Err(TryLockError::Error(source)) => Err(failed(source)),
        }
    }

    /// Whether a Helm is at work on that release. Nothing is made.
    pub(crate) fn is_taken(&self, release: &HelmRelease) -> Result<bool, HelmError> {
        let path = self.path(release);
        let failed = |source| HelmError::Mark { path: path.clone(), source };
        let file = match File::open(&path) {
            Ok(file) => file,
            Err(error) if error.kind() == io::ErrorKind::NotFound => return Ok(false),
            Err(source) => return Err(failed(source)),
        };
        match file.try_lock() {
            Ok(()) => Ok(false),
            Err(TryLockError::WouldBlock) => Ok(true),
            Err(TryLockError::Error(source)) => Err(failed(source)),
        }
    }

    /// Waits until no Helm is at work on that release any more; `tell` hears of it where there is one.
    pub(crate) async fn wait(&self, release: &HelmRelease, tell: impl FnOnce()) -> Result<(), HelmError> {
        if !self.is_taken(release)? {
            return Ok(());
        }
        tell();
        while self.is_taken(release)? {
            tokio::time::sleep(PAUSE).await;
        }
        Ok(())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[tokio::test]
    async fn who_holds_the_file_is_waited_for() {
        let folder = tempfile::tempdir().unwrap();
        let marks = Marks::new(&folder.path().join("helm"), "https://10.0.0.1:6443");
        let release =
            HelmRelease { name: "kpanda".parse().unwrap(), namespace: "kpanda-system".parse().unwrap() };
        assert!(!marks.is_taken(&release).unwrap());
        assert!(!folder.path().join("helm").exists(), "looking makes nothing");
        let taken = marks.take(&release).unwrap();
        assert!(marks.is_taken(&release).unwrap());
        assert!(matches!(marks.take(&release), Err(HelmError::Left { .. })));
        let other = HelmRelease { name: "kant".parse().unwrap(), ..release.clone() };
        assert!(!marks.is_taken(&other).unwrap());
        assert!(
            !Marks::new(&folder.path().join("helm"), "https://10.0.0.2:6443").is_taken(&release).unwrap()
        );
        let mut was_told = false;
        let letting_go = async {
            tokio::time::sleep(PAUSE / 2).await;
            drop(taken);
        };
        let (waited, ()) = tokio::join!(marks.wait(&release, || was_told = true), letting_go);
        waited.unwrap();
        assert!(was_told);
    }
}
