//! Finding releases: what is installed, in which revision, and what became of it.

mod marking;

use std::collections::BTreeMap;

use futures_util::{StreamExt, TryStreamExt, stream};
use kube::api::DynamicObject;
use kube::core::PartialObjectMeta;
use serde_json::Value;

use crate::cluster::{Cluster, ClusterError, SECRET};
use crate::helm::HelmRelease;
use crate::names::{Namespace, ReleaseName, Revision};
use crate::stored::{DecodeError, Status, StoredRelease, decode};
pub(crate) use marking::{forget, mark_failed, mark_left};

/// How many secrets are fetched at once.
const FETCHES_AT_ONCE: usize = 8;
/// The labels of Helm's secrets.
const OWNER: &str = "owner=helm";

/// Why releases can't be told.
#[derive(Debug, thiserror::Error)]
pub enum ReleasesError {
    /// The cluster didn't give them.
    #[error(transparent)]
    Cluster(#[from] ClusterError),
    /// There is no release of that name.
    #[error("there is no release {name} in the namespace {namespace}{}", instead(.others))]
    NoRelease {
        /// The name.
        name: ReleaseName,
        /// The namespace.
        namespace: Namespace,
        /// Releases that are there, and may have been meant.
        others: Vec<String>,
    },
    /// The release has no such revision.
    #[error("the release {name} has no revision {revision}; there are {}", listed(.present))]
    NoRevision {
        /// The name.
        name: ReleaseName,
        /// What was asked for.
        revision: Revision,
        /// Those that are there, in their order.
        present: Vec<u32>,
    },
    /// A secret of Helm's holds what is no release.
    #[error("the secret {secret} can't be read")]
    Broken {
        /// Namespace and name.
        secret: String,
        /// What is wrong with it.
        #[source]
        source: DecodeError,
    },
}

fn instead(others: &[String]) -> String {
    match others.len() {
        0 => String::new(),
        _ => format!("; there are: {}", others.join(", ")),
    }
}

fn listed(numbers: &[u32]) -> String {
    numbers.iter().map(ToString::to_string).collect::<Vec<_>>().join(", ")
}

/// The secret of one revision, by its labels alone.
#[derive(Clone, Debug, PartialEq, Eq)]
struct Place {
    namespace: String,
    secret: String,
    release: String,
    revision: u32,
}

/// The last revision of every release of a namespace, or of all, ordered by namespace and name.
///
/// # Errors
/// [`ReleasesError`] where they can't be read.
pub async fn releases(
    cluster: &Cluster,
    namespace: Option<&Namespace>,
) -> Result<Vec<StoredRelease>, ReleasesError> {
    let places = places(cluster, namespace.map(Namespace::as_str), OWNER).await?;
    let mut newest: BTreeMap<(String, String), Place> = BTreeMap::new();
    for place in places {
        let key = (place.namespace.clone(), place.release.clone());
        if newest.get(&key).is_none_or(|known| known.revision < place.revision) {
            newest.insert(key, place);
        }
    }
    fetch_all(cluster, newest.into_values()).await
}

/// All revisions of a release, oldest first.
///
/// # Errors
/// [`ReleasesError`] where there is none of that name, or they can't be read.
pub async fn history(
    cluster: &Cluster,
    name: &ReleaseName,
    namespace: &Namespace,
) -> Result<Vec<StoredRelease>, ReleasesError> {
    fetch_all(cluster, places_of(cluster, name, namespace).await?.into_iter()).await
}

/// A revision of a release; the last one, where none is asked for.
///
/// # Errors
/// [`ReleasesError`] where there is none, or it can't be read.
pub async fn find(
    cluster: &Cluster,
    name: &ReleaseName,
    namespace: &Namespace,
    revision: Option<Revision>,
) -> Result<StoredRelease, ReleasesError> {
    let places = places_of(cluster, name, namespace).await?;
    let place = match revision {
        None => places.last(),
        Some(revision) => places.iter().find(|place| place.revision == revision.number()),
    };
    let absent = || ReleasesError::NoRevision {
        name: name.clone(),
        revision: revision.expect("because a release has a last revision"),
        present: places.iter().map(|place| place.revision).collect(),
    };
    let place = place.ok_or_else(absent)?;
    fetch(cluster, place).await?.ok_or_else(|| broken(place, DecodeError::NoKey))
}

/// The secret of a revision as it lies in the cluster, without what the server adds.
pub(crate) async fn secret_of(
    cluster: &Cluster,
    release: &StoredRelease,
) -> Result<Option<Value>, ClusterError> {
    let name = secret_name(&release.name, release.version);
    cluster.get(&SECRET.into(), Some(&release.namespace), &name).await
}

/// Whether Helm is on its way to a new revision of a release. Once it has given that up and goes back, it is not.
pub(crate) async fn is_being_upgraded(
    cluster: &Cluster,
    release: &HelmRelease,
) -> Result<bool, ClusterError> {
    let HelmRelease { name, namespace } = release;
    let labels = format!(
        "{OWNER},name={name},status in ({},{})",
        Status::PendingInstall.as_str(),
        Status::PendingUpgrade.as_str()
    );
    let found = cluster.list_metadata(&SECRET.into(), Some(namespace.as_str()), &labels).await?;
    Ok(!found.is_empty())
}

/// The name of a revision's secret.
pub(crate) fn secret_name(release: &str, revision: u32) -> String {
    format!("sh.helm.release.v1.{release}.v{revision}")
}

/// The secrets of a release, oldest revision first; never empty.
async fn places_of(
    cluster: &Cluster,
    name: &ReleaseName,
    namespace: &Namespace,
) -> Result<Vec<Place>, ReleasesError> {
    let labels = format!("{OWNER},name={name}");
    let mut places = places(cluster, Some(namespace.as_str()), &labels).await?;
    places.sort_by_key(|place| place.revision);
    match places.is_empty() {
        false => Ok(places),
        true => Err(absent(cluster, name, namespace).await?),
    }
}

/// The error about a release that isn't there, which names those that are.
async fn absent(
    cluster: &Cluster,
    name: &ReleaseName,
    namespace: &Namespace,
) -> Result<ReleasesError, ReleasesError> {
    let present = releases(cluster, Some(namespace)).await?;
    let others = present.iter().map(|other| format!("{} (chart {})", other.name, other.chart.metadata.name));
    let (name, namespace) = (name.clone(), namespace.clone());
    Ok(ReleasesError::NoRelease { name, namespace, others: others.collect() })
}

async fn places(
    cluster: &Cluster,
    namespace: Option<&str>,
    labels: &str,
) -> Result<Vec<Place>, ClusterError> {
    let found = cluster.list_metadata(&SECRET.into(), namespace, labels).await?;
    Ok(found.into_iter().filter_map(place).collect())
}

fn place(secret: PartialObjectMeta<DynamicObject>) -> Option<Place> {
    let metadata = secret.metadata;
    let labels = metadata.labels?;
    let place = Place {
        namespace: metadata.namespace?,
        release: labels.get("name")?.clone(),
        revision: labels.get("version")?.parse().ok()?,
        secret: metadata.name?,
    };
    (place.secret == secret_name(&place.release, place.revision)).then_some(place)
}

/// Those of the places that are still there: whoever uninstalls another release meanwhile is no reason to fail.
async fn fetch_all(
    cluster: &Cluster,
    places: impl Iterator<Item = Place>,
) -> Result<Vec<StoredRelease>, ReleasesError> {
    let places: Vec<Place> = places.collect();
    let fetched = stream::iter(&places).map(|place| fetch(cluster, place)).buffered(FETCHES_AT_ONCE);
    fetched.try_filter_map(|found| std::future::ready(Ok(found))).try_collect().await
}

/// What a secret holds; `None` where it is gone.
async fn fetch(cluster: &Cluster, place: &Place) -> Result<Option<StoredRelease>, ReleasesError> {
    let Some(secret) = cluster.get(&SECRET.into(), Some(&place.namespace), &place.secret).await? else {
        return Ok(None);
    };
    let data = secret.pointer("/data/release").and_then(Value::as_str);
    let decoded = data.ok_or(DecodeError::NoKey).and_then(decode);
    decoded.map(Some).map_err(|source| broken(place, source))
}

fn broken(place: &Place, source: DecodeError) -> ReleasesError {
    ReleasesError::Broken { secret: format!("{}/{}", place.namespace, place.secret), source }
}
