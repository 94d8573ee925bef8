//! Names as runtimes keep them: one string that stands for one image.

use std::fmt;

use portolan_oci::{Reference, Tag};
use serde::Serialize;

/// A name in a runtime, in full form: `docker.io/library/nginx:1.25`, or `repository@sha256:…`, never both
/// at once. A pod that names tag and digest is looked up by the digest alone.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize)]
#[serde(transparent)]
pub struct NodeName(String);

impl NodeName {
    /// The text.
    pub fn as_str(&self) -> &str {
        &self.0
    }

    /// Whether it names a digest. Docker can't be given such names: it makes them itself when it pulls.
    pub fn is_by_digest(&self) -> bool {
        self.0.contains('@')
    }
}

impl fmt::Display for NodeName {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.0)
    }
}

/// The names that a reference comes to: one by its tag, and one by its digest.
pub fn node_names(reference: &Reference) -> Vec<NodeName> {
    let name = reference.name();
    let by_digest = reference.digest.as_ref().map(|digest| NodeName(format!("{name}@{digest}")));
    let by_tag = |tag: &Tag| NodeName(format!("{name}:{tag}"));
    match (&reference.tag, by_digest) {
        (Some(tag), by_digest) => [Some(by_tag(tag)), by_digest].into_iter().flatten().collect(),
        (None, Some(by_digest)) => vec![by_digest],
        (None, None) => vec![by_tag(&Tag::latest())],
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn names_in_full_form() {
        let check = |reference: &str, expected: &[&str]| {
            let names = node_names(&reference.parse().unwrap());
            assert_eq!(names.iter().map(NodeName::as_str).collect::<Vec<_>>(), expected, "{reference}");
        };
        let digest = "sha256:e3b0c44298fc1c149afbf4c8996fb92427ae41e4649b934ca495991b7852b855";
        check("nginx", &["docker.io/library/nginx:latest"]);
        check("10.1.2.3:5000/a/b:v1", &["10.1.2.3:5000/a/b:v1"]);
        check(&format!("r.example/a@{digest}"), &[&format!("r.example/a@{digest}")]);
        check(&format!("r.example/a:v1@{digest}"), &["r.example/a:v1", &format!("r.example/a@{digest}")]);
    }
}
