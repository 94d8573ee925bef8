//! What a kind is called in URLs, and whether its objects live in namespaces.

use std::sync::Arc;

use k8s_openapi::apimachinery::pkg::apis::meta::v1::APIResource;
use kube::api::ApiResource;

use super::{Cluster, ClusterError};

/// A kind that a cluster knows.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Scope {
    /// Its objects live in namespaces.
    Namespaced,
    /// Its objects belong to the whole cluster.
    Cluster,
}

/// A kind of objects, and its name in URLs.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Kind {
    /// `apps/v1`, or `v1` of the core group.
    pub api_version: String,
    /// `Deployment`
    pub kind: String,
    /// `deployments`
    pub plural: String,
    /// Where its objects live.
    pub scope: Scope,
}

/// A kind that every cluster has.
#[derive(Clone, Copy, Debug)]
pub(crate) struct WellKnown(&'static str, &'static str, &'static str, Scope);

pub(crate) const SECRET: WellKnown = WellKnown("v1", "Secret", "secrets", Scope::Namespaced);
pub(crate) const NAMESPACE: WellKnown = WellKnown("v1", "Namespace", "namespaces", Scope::Cluster);
pub(crate) const NODE: WellKnown = WellKnown("v1", "Node", "nodes", Scope::Cluster);
pub(crate) const POD: WellKnown = WellKnown("v1", "Pod", "pods", Scope::Namespaced);
pub(crate) const EVENT: WellKnown = WellKnown("v1", "Event", "events", Scope::Namespaced);
pub(crate) const LEASE: WellKnown = WellKnown("coordination.k8s.io/v1", "Lease", "leases", Scope::Namespaced);
pub(crate) const CRD: WellKnown = WellKnown(
    "apiextensions.k8s.io/v1",
    "CustomResourceDefinition",
    "customresourcedefinitions",
    Scope::Cluster,
);

pub(super) const ACCESS_REVIEW: WellKnown = WellKnown(
    "authorization.k8s.io/v1",
    "SelfSubjectAccessReview",
    "selfsubjectaccessreviews",
    Scope::Cluster,
);

impl From<WellKnown> for Kind {
    fn from(WellKnown(api_version, kind, plural, scope): WellKnown) -> Self {
        Self { api_version: api_version.into(), kind: kind.into(), plural: plural.into(), scope }
    }
}

impl Kind {
    pub(super) fn resource(&self) -> ApiResource {
        let (group, version) = self.api_version.split_once('/').unwrap_or(("", &self.api_version));
        ApiResource {
            group: group.to_owned(),
            version: version.to_owned(),
            api_version: self.api_version.clone(),
            kind: self.kind.clone(),
            plural: self.plural.clone(),
        }
    }
}

impl Cluster {
    /// What the cluster knows of a kind.
    ///
    /// # Errors
    /// [`ClusterError::NoKind`] where it has none of that name, else what went wrong.
    pub async fn kind(&self, api_version: &str, kind: &str) -> Result<Kind, ClusterError> {
        let kinds = self.kinds_of(api_version).await?;
        let found = kinds.iter().find(|known| known.kind == kind).cloned();
        found.ok_or_else(|| ClusterError::NoKind {
            doing: format!("looking for {kind}"),
            api_version: api_version.to_owned(),
            kind: kind.to_owned(),
        })
    }

    /// Forgets the kinds that were asked about: definitions have changed.
    pub(crate) async fn forget_kinds(&self) {
        self.kinds.lock().await.clear();
    }

    /// Every `apiVersion` that the cluster knows, and every `apiVersion/Kind`, as Helm names its capabilities.
    pub(crate) async fn all_kinds(&self) -> Result<Vec<String>, ClusterError> {
        let asking = |error| self.error("asking for the cluster's kinds", error);
        let groups = self.client.list_api_groups().await.map_err(asking)?.groups;
        let core = self.client.list_core_api_versions().await.map_err(asking)?.versions;
        let of_groups =
            groups.into_iter().flat_map(|group| group.versions).map(|version| version.group_version);
        let mut all = Vec::new();
        for api_version in core.into_iter().chain(of_groups) {
            let kinds = self.kinds_of(&api_version).await?;
            all.extend(kinds.iter().map(|kind| format!("{api_version}/{}", kind.kind)));
            all.push(api_version);
        }
        Ok(all)
    }

    /// Every kind whose objects live in namespaces and can be listed, in each group's preferred version.
    pub(crate) async fn listable_in_namespaces(&self) -> Result<Vec<Kind>, ClusterError> {
        let asking = |error| self.error("asking for the cluster's kinds", error);
        let groups = self.client.list_api_groups().await.map_err(asking)?.groups;
        let preferred = groups.into_iter().filter_map(|group| {
            let first = group.versions.into_iter().next();
            group.preferred_version.or(first).map(|version| version.group_version)
        });
        let mut all = Vec::new();
        for api_version in std::iter::once("v1".to_owned()).chain(preferred) {
            let resources = self.resources_of(&api_version).await?;
            let listable = resources.into_iter().filter(|one| one.verbs.iter().any(|verb| verb == "list"));
            all.extend(own_kinds(listable, &api_version).filter(|kind| kind.scope == Scope::Namespaced));
        }
        Ok(all)
    }

    /// All kinds of an `apiVersion`; none where the cluster doesn't know it.
    async fn kinds_of(&self, api_version: &str) -> Result<Arc<Vec<Kind>>, ClusterError> {
        let mut known = self.kinds.lock().await;
        if let Some(kinds) = known.get(api_version) {
            return Ok(Arc::clone(kinds));
        }
        let resources = self.resources_of(api_version).await?.into_iter();
        let kinds = Arc::new(own_kinds(resources, api_version).collect::<Vec<_>>());
        known.insert(api_version.to_owned(), Arc::clone(&kinds));
        Ok(kinds)
    }

    async fn resources_of(&self, api_version: &str) -> Result<Vec<APIResource>, ClusterError> {
        let answer = match api_version.contains('/') {
            true => self.client.list_api_group_resources(api_version).await,
            false => self.client.list_core_api_resources(api_version).await,
        };
        match answer {
            Err(kube::Error::Api(status)) if status.code == 404 => Ok(Vec::new()),
            answer => answer
                .map(|list| list.resources)
                .map_err(|error| self.error(format!("asking for the kinds of {api_version}"), error)),
        }
    }
}

/// Those that are kinds of their own: `deployments/status` and the like are none.
fn own_kinds(resources: impl Iterator<Item = APIResource>, api_version: &str) -> impl Iterator<Item = Kind> {
    let own = resources.filter(|resource| !resource.name.contains('/'));
    own.map(|resource| Kind {
        api_version: api_version.to_owned(),
        kind: resource.kind,
        plural: resource.name,
        scope: if resource.namespaced { Scope::Namespaced } else { Scope::Cluster },
    })
}
