//! A YAML text as trees of values, the way that Helm reads it, with the lines that its parts stand in.

use serde_json::Value;

use crate::{
    path::{Step, ValuePath},
    yaml::{NodeId, YamlError, YamlFile},
};

/// A YAML text of one or several documents. Scalars mean what they mean to Helm (YAML 1.1 with Go's numbers).
#[derive(Clone, Debug)]
pub struct YamlText(YamlFile);

impl YamlText {
    /// Reads a text.
    ///
    /// # Errors
    /// [`YamlError`] where it is not UTF-8, no YAML, too large, or has a number that JSON has not.
    pub fn parse(bytes: &[u8]) -> Result<Self, YamlError> {
        let file = YamlFile::parse(bytes)?;
        file.check_numbers()?;
        Ok(Self(file))
    }

    /// Its documents in their order; none where it holds only comments.
    ///
    /// # Errors
    /// [`YamlError`] where aliases blow it up, or a key is a map or list.
    pub fn documents(&self) -> Result<Vec<Value>, YamlError> {
        self.0.documents().iter().map(|root| self.0.to_json(*root)).collect()
    }

    /// The one document; null where there is none.
    ///
    /// # Errors
    /// [`YamlError`] as for [`Self::documents`], and with the line of a second document.
    pub fn document(&self) -> Result<Value, YamlError> {
        match self.0.documents() {
            [] => Ok(Value::Null),
            [root] => self.0.to_json(*root),
            [_, second, ..] => Err(YamlError::new(self.0.line(*second), "a second document begins here")),
        }
    }

    /// The line of what stands at a path of the first document, or of the nearest thing on the way there that
    /// is written; counted from 1.
    #[must_use]
    pub fn line_of(&self, path: &ValuePath) -> usize {
        let Some(root) = self.0.documents().first() else { return 1 };
        let mut at = Place { node: *root, line: self.0.line(*root) };
        for step in path.steps() {
            let Some(next) = self.step(at.node, step) else { break };
            at = next;
        }
        at.line
    }

    /// The first key that is written twice in one map, with the line of the second.
    #[must_use]
    pub fn repeated_key(&self) -> Option<(String, usize)> {
        self.0.repeated_key().map(|node| (self.0.key(node).unwrap_or_default(), self.0.line(node)))
    }

    fn step(&self, node: NodeId, step: &Step) -> Option<Place> {
        match step {
            Step::Key(key) => {
                let entries = self.0.entries(node).iter().rev();
                let mut found = entries.filter(|(name, _)| self.0.key(*name).as_deref() == Some(key));
                found.next().map(|(name, value)| Place { node: *value, line: self.0.line(*name) })
            }
            Step::Index(index) => {
                let item = *self.0.items(node).get(*index)?;
                Some(Place { node: item, line: self.0.line(item) })
            }
        }
    }
}

/// A node, and the line that a person would look for it in: that of its key.
struct Place {
    node: NodeId,
    line: usize,
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    #[test]
    fn scalars_are_those_of_helm() {
        let text = YamlText::parse(b"a: 1\nb: 1.0\nc: '1'\nd: yes\ne:\nf: 0x10\ng: 1_000\n").unwrap();
        let expected = json!({"a": 1, "b": 1.0, "c": "1", "d": true, "e": null, "f": 16, "g": 1000});
        assert_eq!(text.document().unwrap(), expected);
    }

    #[test]
    fn lines_of_paths() {
        let text = YamlText::parse(b"a:\n  b:\n    - x: 1\n    - w:\n        z: 2\n").unwrap();
        let check = |path: &str, line: usize| {
            assert_eq!(text.line_of(&path.parse().unwrap()), line, "{path}");
        };
        check("", 1);
        check("a.b", 2);
        check("a.b[0].x", 3);
        check("a.b[1].w.z", 5);
        check("a.b[1].nothing", 4);
        check("a.b[7]", 2);
    }

    #[test]
    fn keys_written_twice() {
        let check = |text: &str, expected: Option<(&str, usize)>| {
            let found = YamlText::parse(text.as_bytes()).unwrap().repeated_key();
            assert_eq!(found, expected.map(|(key, line)| (key.to_owned(), line)), "{text}");
        };
        check("a: 1\nb:\n  a: 1\n", None);
        check("a: 1\nb:\n  c: 1\n  d: 1\n  c: 2\n", Some(("c", 5)));
    }

    #[test]
    fn one_document_is_wanted() {
        assert_eq!(YamlText::parse(b"# nothing\n").unwrap().document().unwrap(), Value::Null);
        let error = YamlText::parse(b"a: 1\n---\nb: 2\n").unwrap().document().unwrap_err();
        assert_eq!(error.to_string(), "line 3: a second document begins here");
    }
}
