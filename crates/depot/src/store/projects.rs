//! Projects: the first path element of every repository, and what Harbor's interface makes.

use rusqlite::{OptionalExtension, Row, params};

use super::database::{Key, Value, Writing, bytes, now};
use super::error::StoreError;
use super::metadata::Metadata;
use crate::names::ProjectName;
use crate::options::Visibility;

/// What a project holds, and what it may.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct ProjectState {
    /// Its name; empty for the root of the chart repository.
    pub name: String,
    /// Bytes of all that it holds, every content counted once.
    pub bytes: u64,
    /// Bytes that it may hold; `None` is any number.
    pub quota: Option<u64>,
    /// Who may read it; `None` where nobody made it by name.
    pub visibility: Option<Visibility>,
}

impl Metadata {
    /// Makes a project; `false` where it was made before, whatever its visibility. One that is
    /// merely there, since something was pushed into it, becomes one that was made.
    pub fn create_project(&self, name: &ProjectName, visibility: Visibility) -> Result<bool, StoreError> {
        let name = name.clone();
        self.database.write("make a project in", move |writing| {
            writing.changes(Key::Project(name.as_str().into()));
            let mut insert = writing.prepare_cached(
                "INSERT INTO project (name, visibility, created) VALUES (?1, ?2, ?3)
                 ON CONFLICT (name) DO UPDATE SET visibility = ?2 WHERE project.visibility IS NULL",
            )?;
            Ok(insert.execute(params![name.as_str(), text(visibility), now()])? > 0)
        })
    }

    /// A project's visibility, `None` where no such project was made. Blocks, unless
    /// [`Self::cached_visibility`] knows.
    ///
    /// Takes any text: what is no project's name is no project.
    pub fn visibility(&self, name: &str) -> Result<Option<Visibility>, StoreError> {
        if name.parse::<ProjectName>().is_err() {
            return Ok(None);
        }
        let asked = self.database.cache().asking();
        let found = self.database.read("look for a project in", |connection| {
            let mut find = connection.prepare_cached("SELECT visibility FROM project WHERE name = ?1")?;
            find.query_row([name], |row| Ok(row.get_ref(0)?.as_str_or_null()?.map(visibility))).optional()
        })?;
        if let Some(found) = found {
            self.database.cache().keep(asked, Key::Project(name.into()), Value::Project(found));
        }
        Ok(found.flatten())
    }

    /// The same of a project that holds something, or was made, and was asked for lately; the outer
    /// `None` says nothing. Never waits.
    pub fn cached_visibility(&self, name: &str) -> Option<Option<Visibility>> {
        match self.database.cache().get(&Key::Project(name.into()))? {
            Value::Project(visibility) => Some(visibility),
            _ => None,
        }
    }

    /// The projects that were made, by name.
    pub fn projects(&self) -> Result<Vec<String>, StoreError> {
        self.database.read("list the projects of", |connection| {
            let mut list = connection
                .prepare_cached("SELECT name FROM project WHERE visibility IS NOT NULL ORDER BY name")?;
            list.query_map([], |row| row.get(0))?.collect()
        })
    }

    /// Says who may read a project; it is made where it is missing.
    pub fn set_visibility(&self, name: &ProjectName, visibility: Visibility) -> Result<(), StoreError> {
        let name = name.clone();
        self.database.write("change a project in", move |writing| {
            let id = ensure_project(writing, name.as_str())?;
            writing.changes(Key::Project(name.as_str().into()));
            let mut update = writing.prepare_cached("UPDATE project SET visibility = ?2 WHERE id = ?1")?;
            update.execute(params![id, text(visibility)]).map(drop)
        })
    }

    /// All projects, by name: those that were made, and those that hold something or may hold only so
    /// much.
    pub fn project_states(&self) -> Result<Vec<ProjectState>, StoreError> {
        self.database.read("list the projects of", |connection| {
            let mut list = connection.prepare_cached(
                "SELECT name, bytes, quota, visibility FROM project
                 WHERE bytes > 0 OR quota IS NOT NULL OR visibility IS NOT NULL ORDER BY name",
            )?;
            list.query_map([], state)?.collect()
        })
    }

    /// The projects that were made and are public, in no order.
    pub fn public_projects(&self) -> Result<Vec<String>, StoreError> {
        self.database.read("list the public projects of", |connection| {
            let mut list =
                connection.prepare_cached("SELECT name FROM project WHERE visibility = 'public'")?;
            list.query_map([], |row| row.get(0))?.collect()
        })
    }

    /// Bytes of all that a project holds, every content counted once; 0 where it holds nothing.
    pub fn usage(&self, project: &ProjectName) -> Result<u64, StoreError> {
        self.database.read("measure a project in", |connection| {
            let mut find = connection.prepare_cached("SELECT bytes FROM project WHERE name = ?1")?;
            Ok(find.query_row([project.as_str()], |row| bytes(row, 0)).optional()?.unwrap_or_default())
        })
    }
}

fn state(row: &Row<'_>) -> rusqlite::Result<ProjectState> {
    let quota = row.get::<_, Option<i64>>(2)?.map(|_| bytes(row, 2));
    let visibility = row.get_ref(3)?.as_str_or_null()?.map(visibility);
    Ok(ProjectState { name: row.get(0)?, bytes: bytes(row, 1)?, quota: quota.transpose()?, visibility })
}

/// A project's id; it is made where it is missing, as one that nobody made by name.
pub(super) fn ensure_project(writing: &Writing<'_>, name: &str) -> rusqlite::Result<i64> {
    let mut find = writing.prepare_cached("SELECT id FROM project WHERE name = ?1")?;
    if let Some(id) = find.query_row([name], |row| row.get(0)).optional()? {
        return Ok(id);
    }
    let mut insert = writing.prepare_cached("INSERT INTO project (name, created) VALUES (?1, ?2)")?;
    insert.insert(params![name, now()])
}

fn text(visibility: Visibility) -> &'static str {
    match visibility {
        Visibility::Public => "public",
        Visibility::Private => "private",
    }
}

/// Whatever is not plainly public is private.
fn visibility(text: &str) -> Visibility {
    if text == "public" { Visibility::Public } else { Visibility::Private }
}
