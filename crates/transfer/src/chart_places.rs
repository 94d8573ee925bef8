//! Where charts go: all into one repository, or those of each folder into one of its own.
//!
//! The folder that a bundle lies in names its chart repository where the target has one per name
//! (formats.md, section 2): a tenant of a ChartMuseum, a project of a Harbor.

use std::{
    collections::BTreeMap,
    fmt,
    sync::{Arc, Mutex},
};

use portolan_chartrepo::{ChartRepoError, ChartRepository};

use crate::held::held;

/// The chart repository, or repositories, of a target.
pub enum Charts {
    /// All charts go there, whatever folder they lie in.
    One(Arc<dyn ChartRepository>),
    /// The folder names the repository.
    ByFolder(ByFolder),
    /// Charts are left where they are: images alone are carried.
    Nowhere,
}

/// What makes the repository of a folder; nothing is asked of it then.
pub type MakeRepository = dyn Fn(&str) -> Result<Box<dyn ChartRepository>, ChartRepoError> + Send + Sync;

/// One repository for each folder, made when the first chart of it comes.
pub struct ByFolder {
    location: String,
    make: Box<MakeRepository>,
    made: Mutex<BTreeMap<String, Arc<dyn ChartRepository>>>,
}

/// Why a chart has no repository to go to.
#[derive(Debug, thiserror::Error)]
pub enum PlaceError {
    /// It lies in no folder.
    #[error(
        "the chart lies in no folder of the package, and folders name the chart repositories at {location}: move it into the folder that it belongs to, or give the folder above as the package"
    )]
    NoFolder {
        /// Where the repositories are.
        location: String,
    },
    /// Its folder has a name that is no repository's.
    #[error(
        "the chart lies in the folder {folder:?}, which would name its chart repository at {location}: only letters, digits, `.`, `_` and `-` can stand there, and no `.` first"
    )]
    FolderName {
        /// The folder.
        folder: String,
        /// Where the repositories are.
        location: String,
    },
    /// Images alone are carried.
    #[error("charts are not carried anywhere")]
    Nowhere,
    /// There is no such repository.
    #[error(transparent)]
    Repository(#[from] ChartRepoError),
}

impl Charts {
    /// One repository for all charts.
    pub fn one(repository: Box<dyn ChartRepository>) -> Self {
        Self::One(repository.into())
    }

    /// Where charts of a bundle go that lies in `folder` ([`portolan_package::Bundle::folder`]).
    ///
    /// # Errors
    /// [`PlaceError`] where the folder is to name the repository and names none.
    pub fn of(&self, folder: Option<&str>) -> Result<Arc<dyn ChartRepository>, PlaceError> {
        match self {
            Self::One(repository) => Ok(Arc::clone(repository)),
            Self::ByFolder(repositories) => repositories.of(folder),
            Self::Nowhere => Err(PlaceError::Nowhere),
        }
    }

    /// Kind and URL or path, for people; holds no secrets.
    pub fn location(&self) -> String {
        match self {
            Self::One(repository) => repository.location(),
            Self::ByFolder(repositories) => repositories.location.clone(),
            Self::Nowhere => "nowhere".to_owned(),
        }
    }
}

impl fmt::Debug for Charts {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.location())
    }
}

impl ByFolder {
    /// `location` says for people where they all are, without secrets.
    pub fn new(location: impl Into<String>, make: Box<MakeRepository>) -> Self {
        Self { location: location.into(), make, made: Mutex::default() }
    }

    fn of(&self, folder: Option<&str>) -> Result<Arc<dyn ChartRepository>, PlaceError> {
        let location = || self.location.clone();
        let folder = folder.ok_or_else(|| PlaceError::NoFolder { location: location() })?;
        if !is_name(folder) {
            return Err(PlaceError::FolderName { folder: folder.to_owned(), location: location() });
        }
        // An entry is put in whole or not at all.
        let mut made = held(&self.made);
        if let Some(repository) = made.get(folder) {
            return Ok(Arc::clone(repository));
        }
        let repository: Arc<dyn ChartRepository> = (self.make)(folder)?.into();
        made.insert(folder.to_owned(), Arc::clone(&repository));
        Ok(repository)
    }
}

/// Whether the name can stand in a URL as it is, and leads nowhere else.
fn is_name(folder: &str) -> bool {
    let may_stand = |c: char| c.is_ascii_alphanumeric() || matches!(c, '.' | '_' | '-');
    !folder.starts_with('.') && !folder.is_empty() && folder.chars().all(may_stand)
}

#[cfg(test)]
mod tests {
    use std::time::SystemTime;

    use portolan_chartrepo::local::LocalRepository;

    use super::*;
    use crate::failure::one_line;

    fn by_folder() -> Charts {
        let make = |folder: &str| -> Result<Box<dyn ChartRepository>, ChartRepoError> {
            Ok(Box::new(LocalRepository::new(folder, SystemTime::UNIX_EPOCH)))
        };
        Charts::ByFolder(ByFolder::new("LOCAL FOLDER", Box::new(make)))
    }

    #[test]
    fn a_folder_has_one_repository() {
        let charts = by_folder();
        let addon = charts.of(Some("addon")).unwrap();
        assert!(Arc::ptr_eq(&addon, &charts.of(Some("addon")).unwrap()));
        assert_eq!(addon.location(), "LOCAL addon");
        assert_eq!(charts.of(Some("system")).unwrap().location(), "LOCAL system");
        let one = Charts::One(addon);
        assert_eq!(one.of(None).unwrap().location(), "LOCAL addon");
        assert_eq!(one.of(Some("a b")).unwrap().location(), "LOCAL addon");
    }

    #[test]
    fn folders_that_name_none() {
        let check = |folder: Option<&str>, beginning: &str| {
            let error = one_line(&by_folder().of(folder).unwrap_err());
            assert!(error.starts_with(beginning), "{error}");
        };
        check(
            None,
            "the chart lies in no folder of the package, and folders name the chart repositories at LOCAL FOLDER: ",
        );
        for folder in ["", ".hidden", "a b", "a?b", "ä", "a%2fb"] {
            let name =
                format!("the chart lies in the folder {folder:?}, which would name its chart repository");
            check(Some(folder), &name);
        }
    }
}
