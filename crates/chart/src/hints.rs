//! Image hints: templates over a chart's values that name its images (formats.md, section 3).

mod template;

use std::fmt;

pub use template::TemplateError;
pub(crate) use template::{Piece, Role};

use crate::yaml::{NodeId, Shape, YamlError, YamlFile};

/// How many hints a file may hold. Large charts have some hundred.
const HINTS_LIMIT: usize = 2_000;

/// The image hints of a chart, in the order of the file.
#[derive(Clone, Debug, Default)]
pub struct Hints {
    origin: String,
    hints: Vec<Hint>,
}

/// One hint: `"{{ .image.registry }}/{{ .image.repository }}:{{ .image.tag }}"`.
#[derive(Clone, Debug)]
pub struct Hint {
    text: String,
    line: usize,
    pieces: Vec<Piece>,
}

/// Why a file of hints can't be used.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[non_exhaustive]
pub enum HintsError {
    /// Not YAML.
    #[error("image hints {origin}")]
    Yaml {
        /// Which file.
        origin: String,
        /// What is wrong with it.
        #[source]
        source: YamlError,
    },
    /// Not a list.
    #[error("image hints {origin}: line {line}: is no list of templates")]
    NoList {
        /// Which file.
        origin: String,
        /// Line of what stands there.
        line: usize,
    },
    /// More entries than a chart has images.
    #[error("image hints {origin}: {count} entries, more than {HINTS_LIMIT}")]
    TooMany {
        /// Which file.
        origin: String,
        /// How many entries there are.
        count: usize,
    },
    /// An entry that is no text, for instance a template without quotes.
    #[error("image hints {origin}: line {line}: is no text; put the template in quotes")]
    NoText {
        /// Which file.
        origin: String,
        /// Line of the entry.
        line: usize,
    },
    /// An entry that is no template of an image.
    #[error("image hints {origin}: line {line}: {text:?}")]
    Template {
        /// Which file.
        origin: String,
        /// Line of the entry.
        line: usize,
        /// The entry.
        text: String,
        /// What is wrong with it.
        #[source]
        source: TemplateError,
    },
}

impl Hints {
    /// Reads `.relok8s-images.yaml` or `hints.yaml`. An empty file holds no hints. `origin` names the
    /// file in errors.
    ///
    /// # Errors
    /// [`HintsError`], see there.
    pub fn parse(origin: &str, bytes: &[u8]) -> Result<Self, HintsError> {
        let yaml_error = |source| HintsError::Yaml { origin: origin.to_owned(), source };
        let file = YamlFile::parse(bytes).map_err(yaml_error)?;
        let hints = match file.documents().first() {
            Some(root) => parse_list(origin, &file, *root)?,
            None => Vec::new(),
        };
        Ok(Self { origin: origin.to_owned(), hints })
    }

    /// All hints in the order of the file.
    pub fn iter(&self) -> impl Iterator<Item = &Hint> {
        self.hints.iter()
    }

    /// Whether there are none.
    pub fn is_empty(&self) -> bool {
        self.hints.is_empty()
    }

    /// Which file the hints come from.
    pub fn origin(&self) -> &str {
        &self.origin
    }
}

fn parse_list(origin: &str, file: &YamlFile, root: NodeId) -> Result<Vec<Hint>, HintsError> {
    let count = file.items(root).len();
    if count > HINTS_LIMIT {
        return Err(HintsError::TooMany { origin: origin.to_owned(), count });
    }
    match file.shape(root) {
        Shape::List => file.items(root).iter().map(|item| parse_item(origin, file, *item)).collect(),
        Shape::Scalar if file.resolved(root).is_some_and(|value| value.print().is_none()) => Ok(Vec::new()),
        _ => Err(HintsError::NoList { origin: origin.to_owned(), line: file.line(root) }),
    }
}

fn parse_item(origin: &str, file: &YamlFile, item: NodeId) -> Result<Hint, HintsError> {
    let (origin, line) = (origin.to_owned(), file.line(item));
    let Some(text) = file.resolved(item).and_then(|value| value.print()) else {
        return Err(HintsError::NoText { origin, line });
    };
    match template::parse(&text) {
        Ok(pieces) => Ok(Hint { text, line, pieces }),
        Err(source) => Err(HintsError::Template { origin, line, text, source }),
    }
}

impl Hint {
    /// The template as it is written.
    pub fn text(&self) -> &str {
        &self.text
    }

    /// The line it stands in, counted from 1.
    pub fn line(&self) -> usize {
        self.line
    }

    pub(crate) fn pieces(&self) -> &[Piece] {
        &self.pieces
    }

    /// Whether the template says nothing of tag and digest, so that the digest has to be appended to the
    /// repository (formats.md, section 4). A tag or digest written out counts as said.
    pub(crate) fn wants_digest(&self) -> bool {
        let named = |piece: &Piece| matches!(piece, Piece::Path { role: Role::Tag | Role::Digest, .. });
        let written = match self.pieces.last() {
            Some(Piece::Text(text)) => text.rsplit('/').next().is_some_and(|name| name.contains([':', '@'])),
            _ => false,
        };
        !written && !self.pieces.iter().any(named)
    }
}

impl fmt::Display for Hint {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{:?} (line {})", self.text, self.line)
    }
}

#[cfg(test)]
mod tests;
