//! What we may do, as the server says it.

use serde_json::json;

use super::kinds::ACCESS_REVIEW;
use super::{Cluster, ClusterError, Kind};

impl Cluster {
    /// Whether the server would let us do `verb` to objects of a kind, or to the one of that name. Nothing is kept of
    /// the question; a server that answers nobody is taken for one that would.
    ///
    /// # Errors
    /// [`ClusterError`] where it can't be asked.
    pub(crate) async fn may(
        &self,
        verb: &str,
        kind: &Kind,
        namespace: Option<&str>,
        name: Option<&str>,
    ) -> Result<bool, ClusterError> {
        let group = kind.api_version.split_once('/').map_or("", |(group, _)| group);
        let asked = json!({"verb": verb, "group": group, "resource": kind.plural,
            "namespace": namespace.unwrap_or_default(), "name": name.unwrap_or_default()});
        let review = json!({"apiVersion": "authorization.k8s.io/v1", "kind": "SelfSubjectAccessReview",
            "metadata": {}, "spec": {"resourceAttributes": asked}});
        match self.create(&ACCESS_REVIEW.into(), None, &review).await {
            Ok(answer) => Ok(answer.pointer("/status/allowed").is_none_or(|allowed| allowed != false)),
            Err(ClusterError::Forbidden { .. }) => Ok(true),
            Err(error) if error.is_not_found() => Ok(true),
            Err(error) => Err(error),
        }
    }
}
