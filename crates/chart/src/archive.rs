//! Chart archives: reading them within Helm's limits, and packing them reproducibly.

mod path;
mod read;
mod write;

pub use path::PathFault;
pub(crate) use path::check_path;
pub(crate) use read::{Budget, read};
pub(crate) use write::write;

/// The most that a chart may hold unpacked, nested archives included, in bytes (Helm's limit).
pub const CHART_LIMIT: u64 = 100 * 1024 * 1024;

/// The largest file of a chart, in bytes (Helm's limit).
pub const FILE_LIMIT: u64 = 5 * 1024 * 1024;

/// Why an archive can't be read. The caller adds which archive it is.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum ArchiveError {
    /// The gzip stream or the tar inside is damaged, cut short, or the reader failed.
    #[error("reading the gzip-compressed tar after {entries} entries")]
    Read {
        /// How many entries came before.
        entries: usize,
        /// What the reader said.
        #[source]
        source: std::io::Error,
    },
    /// All files together are too large.
    #[error("unpacked it is larger than {} MiB, which Helm refuses; take large files out of the chart", CHART_LIMIT >> 20)]
    TooLarge,
    /// One file is too large.
    #[error("entry {entry}: larger than {} MiB, which Helm refuses; take the file out of the chart", FILE_LIMIT >> 20)]
    FileTooLarge {
        /// Name of the entry.
        entry: String,
    },
    /// The name would lead out of the chart's folder, or is none.
    #[error("entry {entry}: {fault}")]
    Path {
        /// Name of the entry.
        entry: String,
        /// What is wrong with the name.
        fault: PathFault,
    },
    /// More than one chart, or files beside it.
    #[error("has the top folders {first} and {second}; a chart archive has one, that of its chart")]
    Folders {
        /// The folder of the entries before.
        first: String,
        /// The other one.
        second: String,
    },
    /// A link, a device, a sparse file or the like.
    #[error("entry {entry}: is a {kind}; a chart archive holds only files and folders")]
    Kind {
        /// Name of the entry.
        entry: String,
        /// What it is.
        kind: &'static str,
    },
    /// An extended header is too long or not as the format wants it.
    #[error("entry {entry}: its extended header is damaged or longer than {} KiB", read::HEADER_LIMIT >> 10)]
    Header {
        /// Name of the header's entry.
        entry: String,
    },
}

#[cfg(test)]
mod tests;
