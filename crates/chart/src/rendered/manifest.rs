//! From the text of a manifest to its objects.

use serde_json::Value;

use super::ObjectName;
use crate::{document::YamlText, yaml::YamlError};

/// How many documents of a manifest are read. A release has at most a few thousand objects, since its secret
/// has to hold them.
const DOCUMENTS_LIMIT: usize = 20_000;

/// The annotation that makes an object a hook of Helm's.
const HOOK: &str = "helm.sh/hook";

/// The objects of a manifest.
#[derive(Clone, Debug, Default)]
pub struct Rendered {
    /// In the manifest's order; members of lists stand for themselves.
    pub objects: Vec<RenderedObject>,
    /// Documents that are none.
    pub faults: Vec<ManifestFault>,
}

/// One object, and the template that it comes from.
#[derive(Clone, Debug)]
pub struct RenderedObject {
    /// Which it is.
    pub name: ObjectName,
    /// What Helm says in `# Source:`, as in `kpanda/templates/apiserver.yaml`.
    pub source: Option<String>,
    /// When Helm runs it, where it is a hook: `pre-upgrade,post-install`.
    pub hook: Option<String>,
    /// The whole object.
    pub object: Value,
}

/// A document that holds no object.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[error("the document from line {line} on{}", from(.template))]
pub struct ManifestFault {
    /// The line of the manifest that it begins in, counted from 1.
    pub line: usize,
    /// What Helm says in `# Source:`.
    pub template: Option<String>,
    /// What is wrong with it; lines are counted from the document's own beginning.
    #[source]
    pub source: DocumentFault,
}

/// What is wrong with a document.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum DocumentFault {
    /// It can't be read.
    #[error("is no YAML")]
    Yaml(#[from] YamlError),
    /// It is a text or a list, or has no kind.
    #[error("is no object of Kubernetes: it has no kind")]
    NoObject,
    /// There are more documents than are read.
    #[error("is beyond the {DOCUMENTS_LIMIT} documents that are read")]
    TooMany,
}

fn from(template: &Option<String>) -> String {
    template.as_deref().map(|template| format!(", rendered from {template},")).unwrap_or_default()
}

/// Reads a manifest: documents divided by `---`, as Helm divides them. One that can't be read is told and
/// doesn't keep the others from being read.
#[must_use]
pub fn rendered_objects(manifest: &str) -> Rendered {
    let mut rendered = Rendered::default();
    for (number, document) in documents(manifest).enumerate() {
        if number == DOCUMENTS_LIMIT {
            rendered.faults.push(document.fault(DocumentFault::TooMany));
            break;
        }
        if let Err(source) = document.read(&mut rendered.objects) {
            rendered.faults.push(document.fault(source));
        }
    }
    rendered
}

/// A piece of the manifest.
struct Document<'a> {
    text: &'a str,
    line: usize,
}

/// Divides at lines that begin with `---`; inside of a value such a line can't stand, since it is indented.
fn documents(manifest: &str) -> impl Iterator<Item = Document<'_>> {
    let mut open = Some((manifest, 1));
    std::iter::from_fn(move || {
        let (rest, line) = open?;
        let end = boundary(rest);
        let text = &rest[..end.unwrap_or(rest.len())];
        open = end.map(|end| (after_dashes(&rest[end..]), line + text.matches('\n').count()));
        Some(Document { text, line })
    })
}

/// Where the next line of dashes begins.
fn boundary(text: &str) -> Option<usize> {
    match text.starts_with("---") {
        true => Some(0),
        false => text.find("\n---").map(|at| at + 1),
    }
}

/// What follows the dashes stays with the document: `--- # comment`, `--- {}`.
fn after_dashes(text: &str) -> &str {
    text.trim_start_matches('-')
}

impl Document<'_> {
    fn read(&self, objects: &mut Vec<RenderedObject>) -> Result<(), DocumentFault> {
        for object in YamlText::parse(self.text.as_bytes())?.documents()? {
            self.add(object, objects)?;
        }
        Ok(())
    }

    fn add(&self, mut object: Value, objects: &mut Vec<RenderedObject>) -> Result<(), DocumentFault> {
        if object.is_null() {
            return Ok(());
        }
        if let Some(items) = list_items(&mut object) {
            return items.into_iter().try_for_each(|item| self.add(item, objects));
        }
        let name = ObjectName::of(&object);
        if name.kind.is_empty() {
            return Err(DocumentFault::NoObject);
        }
        let annotation = object.get("metadata").and_then(|metadata| metadata.get("annotations")?.get(HOOK));
        let hook = annotation.and_then(Value::as_str).map(str::to_owned);
        objects.push(RenderedObject { name, source: self.template(), hook, object });
        Ok(())
    }

    /// What Helm writes at the top of each document.
    fn template(&self) -> Option<String> {
        let mut comments = self.text.lines().map(str::trim).filter(|line| !line.is_empty()).take(4);
        comments.find_map(|line| line.strip_prefix("# Source: ")).map(str::to_owned)
    }

    fn fault(&self, source: DocumentFault) -> ManifestFault {
        ManifestFault { line: self.line, template: self.template(), source }
    }
}

/// The members of a `List` of the core group, or of any other kind's list.
fn list_items(object: &mut Value) -> Option<Vec<Value>> {
    let is_list = object.get("kind").and_then(Value::as_str).is_some_and(|kind| kind.ends_with("List"));
    match object.get_mut("items").filter(|_| is_list) {
        Some(Value::Array(items)) => Some(std::mem::take(items)),
        _ => None,
    }
}
