//! Names of files inside of a chart.

/// What is wrong with a file's name.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
#[non_exhaustive]
pub enum PathFault {
    /// `/etc/passwd` or `C:/…`.
    #[error("an absolute path")]
    Absolute,
    /// `..` leads out of the chart.
    #[error("a path with .. in it")]
    Parent,
    /// Not UTF-8, or control characters.
    #[error("a name that is not printable text")]
    Text,
    /// Nothing is left behind the chart's folder.
    #[error("a file beside the chart's folder instead of in it")]
    Outside,
    /// An empty or `.` element.
    #[error("an empty name")]
    Empty,
}

/// Checks a name inside of a chart: relative, divided by `/`, every element a name.
///
/// # Errors
/// [`PathFault`].
pub(crate) fn check_path(path: &str) -> Result<(), PathFault> {
    if path.starts_with('/') || has_drive(path) {
        return Err(PathFault::Absolute);
    }
    if path.contains(|c: char| c.is_control() || c == '\\') {
        return Err(PathFault::Text);
    }
    path.split('/').try_for_each(|element| match element {
        "" | "." => Err(PathFault::Empty),
        ".." => Err(PathFault::Parent),
        _ => Ok(()),
    })
}

/// The name of an entry without the archive's top folder. Archives made on Windows may divide by `\`,
/// and `tar` run on a folder `./NAME` writes the dot.
///
/// # Errors
/// [`PathFault`].
pub(super) fn strip_folder(entry: &str) -> Result<String, PathFault> {
    let name = entry.replace('\\', "/");
    if name.starts_with('/') || has_drive(&name) {
        return Err(PathFault::Absolute);
    }
    let mut elements = name.split('/').skip_while(|element| *element == ".");
    if elements.next() == Some("..") {
        return Err(PathFault::Parent);
    }
    let inner: Vec<&str> = elements.filter(|element| !matches!(*element, "" | ".")).collect();
    if inner.is_empty() {
        return Err(PathFault::Outside);
    }
    let inner = inner.join("/");
    check_path(&inner).map(|()| inner)
}

fn has_drive(path: &str) -> bool {
    matches!(path.as_bytes(), [letter, b':', b'/', ..] if letter.is_ascii_alphabetic())
}
