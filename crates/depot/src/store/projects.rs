//! Projects, where they exist on their own.

use super::durable;
use super::error::StoreError;
use super::metadata::Metadata;
use crate::names::ProjectName;
use crate::options::Visibility;

impl Metadata {
    /// Makes a project; `false` where it exists, whatever its visibility.
    pub fn create_project(&self, name: &ProjectName, visibility: Visibility) -> Result<bool, StoreError> {
        if self.visibility(name.as_str())?.is_some() {
            return Ok(false);
        }
        let text = match visibility {
            Visibility::Public => "public\n",
            Visibility::Private => "private\n",
        };
        durable::replace(&self.scratch, &self.projects.join(name.as_str()), text.as_bytes())?;
        Ok(true)
    }

    /// A project's visibility, `None` where no such project was made.
    ///
    /// Takes any text: what is no project's name is no project.
    pub fn visibility(&self, name: &str) -> Result<Option<Visibility>, StoreError> {
        let Ok(name) = name.parse::<ProjectName>() else {
            return Ok(None);
        };
        let line = durable::read_line(&self.projects.join(name.as_str()))?;
        // Whatever is not plainly public is private.
        Ok(line.map(|line| if line == "public" { Visibility::Public } else { Visibility::Private }))
    }

    /// The projects that were made, by name.
    pub fn projects(&self) -> Result<Vec<String>, StoreError> {
        durable::names(&self.projects)
    }
}
