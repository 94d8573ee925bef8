//! Writes that hold only where nobody else wrote meanwhile.

use kube::api::{Api, DeleteParams, DynamicObject, PostParams, Preconditions};
use serde_json::Value;

use super::objects::{described, in_words};
use super::{Cluster, ClusterError, FIELD_MANAGER, Kind};

impl Cluster {
    /// Makes an object that isn't there, and gives it as the server has it.
    ///
    /// # Errors
    /// [`ClusterError`]; its [`reason`](ClusterError::reason) is `AlreadyExists` where it is.
    pub(crate) async fn create(
        &self,
        kind: &Kind,
        namespace: Option<&str>,
        object: &Value,
    ) -> Result<Value, ClusterError> {
        let doing = || format!("making {}", described(kind, namespace, name(object)));
        // Without it the server takes the name from the client's user agent.
        let how = PostParams { field_manager: Some(FIELD_MANAGER.to_owned()), ..PostParams::default() };
        let made = self.api(kind, namespace).create(&how, &parsed(object, doing)?).await;
        self.json(&made.map_err(|error| self.error(doing(), error))?, doing())
    }

    /// Replaces an object as it was read, and gives it as the server has it then.
    ///
    /// # Errors
    /// [`ClusterError`]; its [`reason`](ClusterError::reason) is `Conflict` where somebody changed it meanwhile.
    pub(crate) async fn replace(
        &self,
        kind: &Kind,
        namespace: Option<&str>,
        object: &Value,
    ) -> Result<Value, ClusterError> {
        let doing = || format!("changing {}", described(kind, namespace, name(object)));
        let api: Api<DynamicObject> = self.api(kind, namespace);
        let object_name = name(object).unwrap_or_default();
        let put = api.replace(object_name, &PostParams::default(), &parsed(object, doing)?).await;
        self.json(&put.map_err(|error| self.error(doing(), error))?, doing())
    }

    /// Replaces the status of an object of the whole cluster, as it was read.
    ///
    /// # Errors
    /// [`ClusterError`]; its [`reason`](ClusterError::reason) is `Conflict` where somebody changed it meanwhile.
    pub(crate) async fn replace_status(&self, kind: &Kind, object: &Value) -> Result<Value, ClusterError> {
        let doing = || format!("changing the status of {}", described(kind, None, name(object)));
        let bytes = parsed(object, doing)?;
        let object_name = name(object).unwrap_or_default();
        let put = self.api(kind, None).replace_status(object_name, &PostParams::default(), &bytes).await;
        self.json(&put.map_err(|error| self.error(doing(), error))?, doing())
    }

    /// Removes an object as it was read; that it is gone already is no error.
    ///
    /// # Errors
    /// [`ClusterError`]; its [`reason`](ClusterError::reason) is `Conflict` where somebody changed it meanwhile.
    pub(crate) async fn remove(
        &self,
        kind: &Kind,
        namespace: Option<&str>,
        object: &Value,
    ) -> Result<(), ClusterError> {
        let read = |key: &str| object["metadata"][key].as_str().map(str::to_owned);
        let preconditions = Preconditions { uid: read("uid"), resource_version: read("resourceVersion") };
        let how = DeleteParams { preconditions: Some(preconditions), ..DeleteParams::default() };
        let removed = self.api(kind, namespace).delete(name(object).unwrap_or_default(), &how).await;
        let doing = || format!("removing {}", described(kind, namespace, name(object)));
        match removed.map_err(|error| self.error(doing(), error)) {
            Err(error) if !error.is_not_found() => Err(error),
            _ => Ok(()),
        }
    }
}

fn name(object: &Value) -> Option<&str> {
    object["metadata"]["name"].as_str()
}

fn parsed(object: &Value, doing: impl FnOnce() -> String) -> Result<DynamicObject, ClusterError> {
    serde_json::from_value(object.clone()).map_err(|source| in_words(doing(), source))
}
