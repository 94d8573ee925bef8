//! A chart that lies on this machine: an archive, or a folder as `helm upgrade NAME .` takes it.

use std::fs::{self, File};
use std::io;
use std::path::{Path, PathBuf};

use portolan_chart::{CHART_LIMIT, Chart, ChartError, ChartFile};

/// How many files and folders of a chart's folder are read: charts have at most a few hundred.
const ENTRIES_LIMIT: usize = 20_000;

/// Why a chart on this machine can't be used.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum LocalChartError {
    /// A file or folder can't be read.
    #[error("cannot read {path}")]
    Read {
        /// Which.
        path: PathBuf,
        /// What the system said.
        #[source]
        source: io::Error,
    },
    /// It holds more than any chart.
    #[error("{path} holds more than a chart does: {ENTRIES_LIMIT} files, or {} MiB; is it the chart's own folder?", CHART_LIMIT >> 20)]
    TooLarge {
        /// The folder.
        path: PathBuf,
    },
    /// A file whose name is no text.
    #[error("{path} has a name that is no UTF-8, which no chart's file has")]
    Name {
        /// The file.
        path: PathBuf,
    },
    /// It is no chart that Helm takes.
    #[error("{path} is no chart")]
    Chart {
        /// The archive or folder.
        path: PathBuf,
        /// What is wrong with it.
        #[source]
        source: ChartError,
    },
}

/// Reads a chart's archive, or its folder with all that lies in it. Links are not followed, so nothing outside
/// of the folder is read.
///
/// # Errors
/// [`LocalChartError`], see there.
pub fn local_chart(path: &Path) -> Result<Chart, LocalChartError> {
    let failed = |source| LocalChartError::Read { path: path.to_owned(), source };
    let no_chart = |source| LocalChartError::Chart { path: path.to_owned(), source };
    let origin = path.display().to_string();
    if !fs::metadata(path).map_err(failed)?.is_dir() {
        let file = File::open(path).map_err(failed)?;
        return Chart::from_archive(&origin, file).map_err(no_chart);
    }
    let mut folder = Folder { root: path, files: Vec::new(), entries: 0, bytes: 0 };
    folder.read(path)?;
    Chart::from_files(&origin, folder.files).map_err(no_chart)
}

/// A folder while it is read.
struct Folder<'a> {
    root: &'a Path,
    files: Vec<ChartFile>,
    entries: usize,
    bytes: u64,
}

impl Folder<'_> {
    fn read(&mut self, folder: &Path) -> Result<(), LocalChartError> {
        let failed = |source| LocalChartError::Read { path: folder.to_owned(), source };
        for entry in fs::read_dir(folder).map_err(failed)? {
            let entry = entry.map_err(failed)?;
            self.entries += 1;
            if self.entries > ENTRIES_LIMIT {
                return Err(self.too_large());
            }
            let (kind, path) = (entry.file_type().map_err(failed)?, entry.path());
            if kind.is_dir() {
                self.read(&path)?;
            } else if kind.is_file() {
                self.add(&path)?;
            }
        }
        Ok(())
    }

    fn add(&mut self, path: &Path) -> Result<(), LocalChartError> {
        let failed = |source| LocalChartError::Read { path: path.to_owned(), source };
        self.bytes += fs::metadata(path).map_err(failed)?.len();
        if self.bytes > CHART_LIMIT {
            return Err(self.too_large());
        }
        let data = fs::read(path).map_err(failed)?.into();
        let name = path.strip_prefix(self.root).unwrap_or(path).to_str();
        let name = name.ok_or_else(|| LocalChartError::Name { path: path.to_owned() })?;
        self.files.push(ChartFile { path: name.replace(std::path::MAIN_SEPARATOR, "/"), data });
        Ok(())
    }

    fn too_large(&self) -> LocalChartError {
        LocalChartError::TooLarge { path: self.root.to_owned() }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_folder_and_its_archive_are_one_chart() {
        let folder = tempfile::tempdir().unwrap();
        let write = |path: &str, text: &str| {
            let path = folder.path().join(path);
            fs::create_dir_all(path.parent().unwrap()).unwrap();
            fs::write(path, text).unwrap();
        };
        write("web/Chart.yaml", "apiVersion: v2\nname: web\nversion: 1.0.0\n");
        write("web/values.yaml", "a: 1\n");
        write("web/charts/db/Chart.yaml", "apiVersion: v2\nname: db\nversion: 1.0.0\n");
        std::os::unix::fs::symlink("/etc/hostname", folder.path().join("web/link")).unwrap();
        let chart = local_chart(&folder.path().join("web")).unwrap();
        assert_eq!(chart.files().len(), 3);
        let archive = folder.path().join("web.tgz");
        fs::write(&archive, chart.pack().unwrap()).unwrap();
        assert!(local_chart(&archive).unwrap().same_content(&chart));
    }

    #[test]
    fn what_is_none() {
        let folder = tempfile::tempdir().unwrap();
        let message = |path: &Path| local_chart(path).unwrap_err().to_string();
        assert_eq!(
            message(&folder.path().join("x")),
            format!("cannot read {}", folder.path().join("x").display())
        );
        assert_eq!(message(folder.path()), format!("{} is no chart", folder.path().display()));
        fs::write(folder.path().join("x.tgz"), "no archive").unwrap();
        assert!(message(&folder.path().join("x.tgz")).ends_with("x.tgz is no chart"));
    }
}
