//! Reading and writing objects of any kind.

use kube::api::{Api, DynamicObject, ListParams, LogParams, Patch, PatchParams};
use kube::core::PartialObjectMeta;
use serde_json::Value;

use super::{Cluster, ClusterError, Kind, POD, Scope};

/// How many objects a list's page has.
const PAGE: u32 = 500;

/// How much of a container's log is read, in bytes.
const LOG_LIMIT: i64 = 16 << 10;

/// What an apply is for.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct ApplyMode<'a> {
    /// Under whose name the fields are set.
    pub manager: &'a str,
    /// Whether fields of other managers are taken over.
    pub takes_over: bool,
    /// Whether it is only tried out.
    pub dry_run: bool,
}

/// An object as the server has it after an apply.
pub type Applied = Value;

impl Cluster {
    pub(super) fn api(&self, kind: &Kind, namespace: Option<&str>) -> Api<DynamicObject> {
        let resource = kind.resource();
        match (kind.scope, namespace) {
            (Scope::Namespaced, Some(namespace)) => {
                Api::namespaced_with(self.client.clone(), namespace, &resource)
            }
            _ => Api::all_with(self.client.clone(), &resource),
        }
    }

    /// An object; `None` where there is none.
    ///
    /// # Errors
    /// [`ClusterError`] where the server doesn't give it.
    pub async fn get(
        &self,
        kind: &Kind,
        namespace: Option<&str>,
        name: &str,
    ) -> Result<Option<Value>, ClusterError> {
        let found = self.api(kind, namespace).get_opt(name).await;
        let found = found.map_err(|error| self.error(reading(kind, namespace, Some(name)), error))?;
        found.map(|object| self.json(&object, reading(kind, namespace, Some(name)))).transpose()
    }

    /// All objects of a kind with those labels (`a=b,c`), in a namespace or in all.
    ///
    /// # Errors
    /// [`ClusterError`] where the server doesn't give them.
    pub async fn list(
        &self,
        kind: &Kind,
        namespace: Option<&str>,
        labels: &str,
    ) -> Result<Vec<Value>, ClusterError> {
        let api = self.api(kind, namespace);
        let mut question = ListParams::default().labels(labels).limit(PAGE);
        let mut found = Vec::new();
        loop {
            let page = api.list(&question).await;
            let page = page.map_err(|error| self.error(reading(kind, namespace, None), error))?;
            for object in &page.items {
                found.push(self.json(object, reading(kind, namespace, None))?);
            }
            match page.metadata.continue_.filter(|token| !token.is_empty()) {
                Some(token) => question = question.continue_token(&token),
                None => return Ok(found),
            }
        }
    }

    /// As [`list`](Self::list), names, labels and annotations alone.
    pub(crate) async fn list_metadata(
        &self,
        kind: &Kind,
        namespace: Option<&str>,
        labels: &str,
    ) -> Result<Vec<PartialObjectMeta<DynamicObject>>, ClusterError> {
        let api = self.api(kind, namespace);
        let mut question = ListParams::default().labels(labels).limit(PAGE);
        let mut found = Vec::new();
        loop {
            let page = api.list_metadata(&question).await;
            let page = page.map_err(|error| self.error(reading(kind, namespace, None), error))?;
            found.extend(page.items);
            match page.metadata.continue_.filter(|token| !token.is_empty()) {
                Some(token) => question = question.continue_token(&token),
                None => return Ok(found),
            }
        }
    }

    /// Applies an object on the server's side.
    ///
    /// # Errors
    /// [`ClusterError`]; its [`reason`](ClusterError::reason) is `Conflict` where fields are others'.
    pub async fn apply(
        &self,
        kind: &Kind,
        namespace: Option<&str>,
        object: &Value,
        mode: &ApplyMode<'_>,
    ) -> Result<Applied, ClusterError> {
        let name = object.pointer("/metadata/name").and_then(Value::as_str).unwrap_or_default();
        let mut parameters = PatchParams::apply(mode.manager);
        parameters.force = mode.takes_over;
        parameters.dry_run = mode.dry_run;
        let doing = || format!("applying {}", described(kind, namespace, Some(name)));
        let applied = self.api(kind, namespace).patch(name, &parameters, &Patch::Apply(object)).await;
        self.json(&applied.map_err(|error| self.error(doing(), error))?, doing())
    }

    /// Tries out what an object would become where its lists are replaced and all else is merged (RFC 7396). Changes
    /// nothing.
    ///
    /// # Errors
    /// [`ClusterError`] where the server would refuse.
    pub(crate) async fn try_merge(
        &self,
        kind: &Kind,
        namespace: Option<&str>,
        object: &Value,
    ) -> Result<Applied, ClusterError> {
        let name = object.pointer("/metadata/name").and_then(Value::as_str).unwrap_or_default();
        let parameters = PatchParams { dry_run: true, ..PatchParams::default() };
        let merged = self.api(kind, namespace).patch(name, &parameters, &Patch::Merge(object)).await;
        let doing = || format!("merging {}", described(kind, namespace, Some(name)));
        self.json(&merged.map_err(|error| self.error(doing(), error))?, doing())
    }

    /// The last lines of a container's log; of the one `before` it, where that was started again.
    ///
    /// # Errors
    /// [`ClusterError`] where the server or the node doesn't give them.
    pub(crate) async fn last_log_lines(
        &self,
        namespace: &str,
        pod: &str,
        container: &str,
        lines: i64,
        before: bool,
    ) -> Result<Vec<String>, ClusterError> {
        let parameters = LogParams {
            container: Some(container.to_owned()),
            tail_lines: Some(lines),
            previous: before,
            limit_bytes: Some(LOG_LIMIT),
            ..LogParams::default()
        };
        let api: Api<k8s_openapi::api::core::v1::Pod> = Api::namespaced(self.client.clone(), namespace);
        let text = api.logs(pod, &parameters).await;
        let doing = || {
            format!(
                "reading the log of {container} in {}",
                described(&POD.into(), Some(namespace), Some(pod))
            )
        };
        let text = text.map_err(|error| self.error(doing(), error))?;
        Ok(text.lines().map(str::to_owned).collect())
    }

    pub(super) fn json(&self, object: &DynamicObject, doing: String) -> Result<Value, ClusterError> {
        serde_json::to_value(object).map_err(|source| in_words(doing, source))
    }
}

/// That what stands between JSON and an object's type is no such object.
pub(super) fn in_words(doing: String, source: serde_json::Error) -> ClusterError {
    ClusterError::Answer { doing, source: source.into() }
}

fn reading(kind: &Kind, namespace: Option<&str>, name: Option<&str>) -> String {
    format!("reading {}", described(kind, namespace, name))
}

/// `secrets kpanda-system/NAME`, `nodes`, …
pub(super) fn described(kind: &Kind, namespace: Option<&str>, name: Option<&str>) -> String {
    let plural = &kind.plural;
    match (namespace, name) {
        (Some(namespace), Some(name)) => format!("{plural} {namespace}/{name}"),
        (Some(namespace), None) => format!("{plural} in {namespace}"),
        (None, Some(name)) => format!("{plural} {name}"),
        (None, None) => plural.clone(),
    }
}
