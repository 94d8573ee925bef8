//! Doors to private parsers for the fuzz targets; no part of the crate's interface, and nothing else
//! may use them.

use std::{collections::BTreeMap, ops::Range};

use crate::yaml::{self, EditError, NodeId, YamlError, YamlFile};

/// A YAML file whose values can be edited.
#[derive(Debug)]
pub struct Yaml(YamlFile);

/// A scalar of a file that relocation might rewrite.
#[derive(Clone, Copy, Debug)]
pub struct Place(NodeId);

impl Yaml {
    /// Reads the file.
    ///
    /// # Errors
    /// [`YamlError`] where Helm wouldn't read it either.
    pub fn parse(bytes: &[u8]) -> Result<Self, YamlError> {
        YamlFile::parse(bytes).map(Self)
    }

    /// The text as it was read.
    pub fn text(&self) -> &str {
        self.0.text()
    }

    /// The scalars that stand behind a key.
    pub fn places(&self) -> Vec<Place> {
        self.0.scalar_values().into_iter().map(Place).collect()
    }

    /// The bytes that belong to a place: from the end of what stands before it to its own end.
    pub fn span(&self, place: Place) -> Range<usize> {
        self.0.span_with_gap(place.0)
    }

    /// One line for each node, in the order of the file: what it is and says, and which node an alias
    /// stands for.
    pub fn outline(&self) -> Vec<String> {
        self.0.outline()
    }

    /// The file with this text at these places.
    ///
    /// # Errors
    /// [`EditError`], see there.
    pub fn replace(&self, places: &[Place], text: &str) -> Result<Self, EditError> {
        let texts: BTreeMap<_, _> = places.iter().map(|place| (place.0, text.to_owned())).collect();
        yaml::replace(&self.0, &texts).map(Self)
    }

    /// The file with a key path added to its last document and set to this text.
    ///
    /// # Errors
    /// [`EditError`], see there.
    pub fn insert(&self, keys: &[&str], text: &str) -> Result<Self, EditError> {
        yaml::insert(&self.0, keys, text).map(Self)
    }

    /// The text at a key path of the last document.
    pub fn text_at(&self, keys: &[&str]) -> Option<String> {
        let root = *self.0.documents().last()?;
        let node = keys.iter().try_fold(root, |map, key| self.0.get_own(map, key))?;
        self.0.resolved(node)?.print()
    }
}

impl Place {
    /// Which line of [`Yaml::outline`] is about it.
    pub fn index(self) -> usize {
        self.0.index()
    }
}
