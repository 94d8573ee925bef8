//! The folder into which the tool of today unpacks a package, and which it leaves behind when it fails.

use std::path::{Path, PathBuf};

const FOLDER: &str = "addon-offline-target-package";

/// A note on each such folder: beside the package, and in the working directory.
pub(super) fn notes(package: &Path) -> Vec<String> {
    let beside = package.parent().unwrap_or(Path::new("")).join(FOLDER);
    let mut folders = vec![beside, PathBuf::from(FOLDER)];
    folders.dedup();
    let left = folders.iter().filter(|folder| folder.is_dir());
    left.map(|folder| {
        format!("{} was left behind by an earlier import with another tool, and can go", folder.display())
    })
    .collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_folder_beside_the_package() {
        let folder = tempfile::tempdir().unwrap();
        let package = folder.path().join("addon.tar.gz");
        assert_eq!(notes(&package), Vec::<String>::new());
        std::fs::create_dir(folder.path().join(FOLDER)).unwrap();
        let [note] = &notes(&package)[..] else { panic!() };
        assert!(note.starts_with(&folder.path().join(FOLDER).display().to_string()), "{note}");
    }
}
