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
    /// `./` where the chart's folder should be named: for Helm that is the folder's name.
    #[error("a name that begins with ./ instead of the chart's folder; pack the chart with `helm package`")]
    Dot,
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

/// The archive's top folder and the name of an entry in it. Archives made on Windows may divide by `\`.
///
/// # Errors
/// [`PathFault`].
pub(super) fn split_folder(entry: &str) -> Result<(String, String), PathFault> {
    let name = entry.replace('\\', "/");
    if name.starts_with('/') || has_drive(&name) {
        return Err(PathFault::Absolute);
    }
    let (folder, inner) = name.split_once('/').ok_or(PathFault::Outside)?;
    match folder {
        ".." => return Err(PathFault::Parent),
        "." => return Err(PathFault::Dot),
        _ if inner.starts_with('/') => return Err(PathFault::Absolute),
        _ => {}
    }
    let inner: Vec<&str> = inner.split('/').filter(|element| !matches!(*element, "" | ".")).collect();
    if inner.is_empty() {
        return Err(PathFault::Outside);
    }
    let inner = inner.join("/");
    check_path(&inner).map(|()| (folder.to_owned(), inner))
}

fn has_drive(path: &str) -> bool {
    matches!(path.as_bytes(), [letter, b':', b'/', ..] if letter.is_ascii_alphabetic())
}
