//! Kind `LOCAL`: a directory of `NAME-VERSION.tgz` files with an `index.yaml`, as `helm repo index`
//! makes it. Served by any web server it is a Helm chart repository.
//!
//! ```text
//! DIR/index.yaml              entries of all archives; those of other programs stay
//! DIR/NAME-VERSION.tgz
//! DIR/NAME-VERSION.tgz.prov   where a chart has a provenance file
//! DIR/.FILE.part              while FILE is being written
//! ```

mod archives;
mod directory;
mod disk;
mod error;

use std::{path::PathBuf, sync::Arc, time::SystemTime};

use async_trait::async_trait;
use bytes::Bytes;
use portolan_chart::ChartVersion;

use crate::{ChartRepoError, ChartRepository, PackedChart, Published, packed::ArchiveName};
use directory::Directory;
pub use error::LocalError;

/// A directory as chart repository.
#[derive(Clone, Debug)]
pub struct LocalRepository {
    directory: Arc<Directory>,
}

impl LocalRepository {
    /// The directory `path`, made with the first push where it is missing.
    ///
    /// `now` is the time that new index entries bear.
    pub fn new(path: impl Into<PathBuf>, now: SystemTime) -> Self {
        Self { directory: Arc::new(Directory::new(path.into(), now)) }
    }

    /// Runs file work where it may block.
    async fn blocking<T, F>(&self, work: F) -> Result<T, ChartRepoError>
    where
        T: Send + 'static,
        F: FnOnce(&Directory) -> Result<T, ChartRepoError> + Send + 'static,
    {
        let directory = Arc::clone(&self.directory);
        match tokio::task::spawn_blocking(move || work(&directory)).await {
            Ok(result) => result,
            Err(failed) => std::panic::resume_unwind(failed.into_panic()),
        }
    }
}

#[async_trait]
impl ChartRepository for LocalRepository {
    fn location(&self) -> String {
        format!("LOCAL {}", self.directory.path().display())
    }

    fn target_of(&self, name: &str, version: &ChartVersion) -> String {
        self.directory.path().join(format!("{name}-{version}.tgz")).display().to_string()
    }

    fn takes(&self, name: &str, version: &ChartVersion) -> Result<(), ChartRepoError> {
        Ok(ArchiveName::new(name, version).map(drop)?)
    }

    async fn check(&self) -> Result<(), ChartRepoError> {
        self.blocking(|directory| Ok(directory.check()?)).await
    }

    async fn find(&self, name: &str, version: &ChartVersion) -> Result<Option<Published>, ChartRepoError> {
        let file = ArchiveName::new(name, version)?;
        self.blocking(move |directory| Ok(directory.digest_of(&file)?.map(Published::with_digest))).await
    }

    async fn versions(&self, name: &str) -> Result<Vec<ChartVersion>, ChartRepoError> {
        let name = name.to_owned();
        self.blocking(move |directory| Ok(directory.versions(&name)?)).await
    }

    async fn fetch(&self, name: &str, version: &ChartVersion) -> Result<Option<Bytes>, ChartRepoError> {
        let file = ArchiveName::new(name, version)?;
        self.blocking(move |directory| Ok(directory.read(&file)?)).await
    }

    async fn fetch_provenance(
        &self,
        name: &str,
        version: &ChartVersion,
    ) -> Result<Option<Bytes>, ChartRepoError> {
        let file = ArchiveName::new(name, version)?;
        self.blocking(move |directory| Ok(directory.read_provenance(&file)?)).await
    }

    async fn push(&self, chart: &PackedChart) -> Result<(), ChartRepoError> {
        let chart = chart.clone();
        self.blocking(move |directory| directory.push(&chart)).await
    }

    async fn finish(&self) -> Result<(), ChartRepoError> {
        self.blocking(|directory| Ok(directory.update_index()?)).await
    }
}
