//! The objects of a chart as the cluster has them, in few questions: several of one kind come in a list, since Helm
//! labels what it makes, and the rest one by one.

use std::collections::BTreeMap;

use futures_util::{StreamExt, TryStreamExt, stream};
use portolan_chart::ObjectName;
use serde_json::Value;

use crate::cluster::{Cluster, ClusterError, Kind, Scope};

/// How many questions are asked at once.
pub(super) const AT_ONCE: usize = 16;
/// From how many objects of a kind on they are listed.
const LISTED_FROM: usize = 4;
/// What Helm labels its objects with.
const OF_HELM: &str = "app.kubernetes.io/managed-by=Helm";

/// Where an object is, for a kind that the cluster knows.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) struct Place {
    pub(super) kind: Kind,
    /// `None` for objects of the whole cluster.
    pub(super) namespace: Option<String>,
}

/// What was found of objects that were looked for.
#[derive(Debug, Default)]
pub(crate) struct Live {
    objects: BTreeMap<ObjectName, Value>,
    places: BTreeMap<ObjectName, Place>,
}

impl Live {
    /// Looks for objects; those without a namespace are in `usual`, where their kind has one.
    ///
    /// # Errors
    /// [`ClusterError`] where the server doesn't tell.
    pub(crate) async fn read(
        cluster: &Cluster,
        names: impl IntoIterator<Item = &ObjectName>,
        usual: &str,
    ) -> Result<Self, ClusterError> {
        let mut live = Self::default();
        let mut groups: BTreeMap<(String, String, String), Vec<ObjectName>> = BTreeMap::new();
        for name in names {
            let Some(place) = place(cluster, name, usual).await? else { continue };
            let namespace = place.namespace.clone().unwrap_or_default();
            let key = (name.api_version.clone(), name.kind.clone(), namespace);
            groups.entry(key).or_default().push(name.clone());
            live.places.insert(name.clone(), place);
        }
        let lists = groups.values().filter(|group| group.len() >= LISTED_FROM);
        let lists: Vec<Vec<(ObjectName, Value)>> =
            stream::iter(lists.map(|group| list(cluster, &live.places[&group[0]], group)))
                .buffer_unordered(AT_ONCE)
                .try_collect()
                .await?;
        live.objects = lists.into_iter().flatten().collect();
        let rest: Vec<(&ObjectName, &Place)> =
            live.places.iter().filter(|(name, _)| !live.objects.contains_key(name)).collect();
        let single: Vec<Option<(ObjectName, Value)>> =
            stream::iter(rest.into_iter().map(|(name, place)| get(cluster, place, name)))
                .buffer_unordered(AT_ONCE)
                .try_collect()
                .await?;
        live.objects.extend(single.into_iter().flatten());
        Ok(live)
    }

    /// The object, where there is one.
    pub(crate) fn object(&self, name: &ObjectName) -> Option<&Value> {
        self.objects.get(name)
    }

    /// Where it is or would be; `None` where the cluster doesn't know its kind.
    pub(super) fn place(&self, name: &ObjectName) -> Option<&Place> {
        self.places.get(name)
    }
}

async fn place(cluster: &Cluster, name: &ObjectName, usual: &str) -> Result<Option<Place>, ClusterError> {
    let kind = match cluster.kind(&name.api_version, &name.kind).await {
        Ok(kind) => kind,
        Err(ClusterError::NoKind { .. }) => return Ok(None),
        Err(error) => return Err(error),
    };
    let own = if name.namespace.is_empty() { usual } else { &name.namespace };
    let namespace = (kind.scope == Scope::Namespaced).then(|| own.to_owned());
    Ok(Some(Place { kind, namespace }))
}

/// Those of a group that have Helm's label. Whoever may not list may still read.
async fn list(
    cluster: &Cluster,
    place: &Place,
    group: &[ObjectName],
) -> Result<Vec<(ObjectName, Value)>, ClusterError> {
    let found = match cluster.list(&place.kind, place.namespace.as_deref(), OF_HELM).await {
        Err(ClusterError::Forbidden { .. }) => return Ok(Vec::new()),
        found => found?,
    };
    let by_name: BTreeMap<&str, &Value> =
        found.iter().filter_map(|object| Some((object["metadata"]["name"].as_str()?, object))).collect();
    let wanted =
        |name: &ObjectName| Some((name.clone(), whole(by_name.get(name.name.as_str())?, &place.kind)));
    Ok(group.iter().filter_map(wanted).collect())
}

/// Objects of a list do without what the list says of them all.
fn whole(listed: &Value, kind: &Kind) -> Value {
    let mut object = listed.clone();
    object["apiVersion"] = kind.api_version.clone().into();
    object["kind"] = kind.kind.clone().into();
    object
}

async fn get(
    cluster: &Cluster,
    place: &Place,
    name: &ObjectName,
) -> Result<Option<(ObjectName, Value)>, ClusterError> {
    let found = cluster.get(&place.kind, place.namespace.as_deref(), &name.name).await?;
    Ok(found.map(|object| (name.clone(), object)))
}
