//! What a release is, kept in files before anything is changed, and brought back from them.
//!
//! ```text
//! FOLDER/backup.json      which release and revision, and what lies beside this file
//! FOLDER/bak.yaml         the user's own overrides, as `helm get values -o yaml` prints them
//! FOLDER/values.yaml      all values, as `helm get values --all -o yaml` prints them
//! FOLDER/manifest.yaml    every object of the release
//! FOLDER/hooks.yaml       its hooks
//! FOLDER/notes.txt        what the chart tells its user
//! FOLDER/release.json     Helm's secret of this revision, from which it can be made again
//! FOLDER/crds/            custom resource definitions, a file each
//! FOLDER/resources/       their objects, a list each, where that is asked for
//! ```
//!
//! All of it may hold secrets: the folder has the mode 0700, its files 0600.

mod restore;

use std::path::{Path, PathBuf};
use std::time::SystemTime;

use serde::{Deserialize, Serialize};
use serde_json::{Value, json};

use crate::cluster::{CRD, Cluster, ClusterError, Kind, Scope};
use crate::helm::{Helm, HelmError, HelmRelease};
use crate::private::{self, FileError};
use crate::releases::secret_of;
use crate::stored::StoredRelease;
pub use restore::{RestoreError, RestoreOptions, Restored, restore, restore_task};

/// Version of the backup's shape; raised when an older program could not restore it.
pub const BACKUP_VERSION: u32 = 1;

const BACKUP: &str = "backup.json";
const OVERRIDES: &str = "bak.yaml";
const SECRET_FILE: &str = "release.json";
const CRDS: &str = "crds";
const RESOURCES: &str = "resources";

/// What is kept beside the release itself.
#[derive(Clone, Debug, Default)]
pub struct BackupOptions {
    /// Names of custom resource definitions, `baskets.example.com` each.
    pub definitions: Vec<String>,
    /// Whether all their objects are kept too.
    pub custom_resources: bool,
}

/// A backup that was written.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
#[serde(rename_all = "camelCase")]
pub struct Backup {
    /// Its folder.
    pub folder: PathBuf,
    /// The revision that it holds.
    pub revision: u32,
    /// How many definitions it holds.
    pub definitions: usize,
    /// How many of their objects it holds.
    pub custom_resources: usize,
}

/// What `backup.json` says.
#[derive(Clone, Debug, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
struct Contents {
    backup_version: u32,
    release: String,
    namespace: String,
    revision: u32,
    chart: String,
    version: String,
    created: String,
}

/// Why a backup could not be made.
#[derive(Debug, thiserror::Error)]
pub enum BackupError {
    /// A file can't be written.
    #[error(transparent)]
    File(#[from] FileError),
    /// A file is not what a backup holds.
    #[error("{} is not what a backup holds", .path.display())]
    Form {
        /// The file.
        path: PathBuf,
        /// What is wrong with it.
        #[source]
        source: serde_json::Error,
    },
    /// The cluster didn't give what is to be kept.
    #[error(transparent)]
    Cluster(#[from] ClusterError),
    /// Helm didn't give the values.
    #[error(transparent)]
    Helm(#[from] HelmError),
}

/// Writes a backup of a release's revision into `folder`, which is made.
///
/// # Errors
/// [`BackupError`]; what was written until then stays.
pub async fn back_up(
    cluster: &Cluster,
    helm: &Helm,
    release: &StoredRelease,
    options: &BackupOptions,
    folder: &Path,
) -> Result<Backup, BackupError> {
    private::folder(folder)?;
    keep_release(cluster, helm, release, folder).await?;
    let definitions = keep_definitions(cluster, &options.definitions, folder).await?;
    let custom_resources = match options.custom_resources {
        true => keep_custom_resources(cluster, &definitions, folder).await?,
        false => 0,
    };
    // Last: a folder with this file is a whole backup.
    private::write_new(&folder.join(BACKUP), &pretty(&contents(release)))?;
    let (folder, definitions) = (folder.to_owned(), definitions.len());
    Ok(Backup { folder, revision: release.version, definitions, custom_resources })
}

async fn keep_release(
    cluster: &Cluster,
    helm: &Helm,
    release: &StoredRelease,
    folder: &Path,
) -> Result<(), BackupError> {
    let named = HelmRelease::of(release);
    let (overrides, all) = tokio::try_join!(helm.overrides(&named), helm.all_values(&named))?;
    let hooks: Vec<&str> = release.hooks.iter().map(|hook| hook.manifest.trim()).collect();
    for (name, bytes) in [
        (OVERRIDES, overrides.as_slice()),
        ("values.yaml", all.as_slice()),
        ("manifest.yaml", release.manifest.as_bytes()),
        ("hooks.yaml", hooks.join("\n---\n").as_bytes()),
        ("notes.txt", release.info.notes.as_bytes()),
    ] {
        private::write_new(&folder.join(name), bytes)?;
    }
    if let Some(secret) = secret_of(cluster, release).await? {
        private::write_new(&folder.join(SECRET_FILE), &pretty(&without_servers_own(secret)))?;
    }
    Ok(())
}

/// Keeps the definitions that the cluster has, and gives them.
async fn keep_definitions(
    cluster: &Cluster,
    names: &[String],
    folder: &Path,
) -> Result<Vec<Value>, BackupError> {
    let mut kept = Vec::new();
    for name in names {
        let Some(definition) = cluster.get(&CRD.into(), None, name).await? else { continue };
        private::folder(&folder.join(CRDS))?;
        let path = folder.join(CRDS).join(format!("{name}.json"));
        private::write_new(&path, &pretty(&without_servers_own(definition.clone())))?;
        kept.push(definition);
    }
    Ok(kept)
}

async fn keep_custom_resources(
    cluster: &Cluster,
    definitions: &[Value],
    folder: &Path,
) -> Result<usize, BackupError> {
    private::folder(&folder.join(RESOURCES))?;
    let mut count = 0;
    for definition in definitions {
        let Some(kind) = stored_kind(definition) else { continue };
        let objects = cluster.list(&kind, None, "").await?;
        let objects: Vec<Value> = objects.into_iter().map(|object| named_kind(object, &kind)).collect();
        let group = kind.api_version.split('/').next().unwrap_or_default();
        let path = folder.join(RESOURCES).join(format!("{}.{group}.json", kind.plural));
        count += objects.len();
        private::write_new(&path, &pretty(&json!({"apiVersion": "v1", "kind": "List", "items": objects})))?;
    }
    Ok(count)
}

/// A definition as a backup holds it; `None` where there was none.
///
/// # Errors
/// [`BackupError`] where there is no whole backup in that folder, or the file can't be read.
pub(crate) fn kept_definition(folder: &Path, name: &str) -> Result<Option<Value>, BackupError> {
    // A folder without this file is no whole backup: what lacks there may have been in the cluster all the same.
    private::read(&folder.join(BACKUP), restore::FILE_LIMIT)?;
    let path = folder.join(CRDS).join(format!("{name}.json"));
    if !path.is_file() {
        return Ok(None);
    }
    let bytes = private::read(&path, restore::FILE_LIMIT)?;
    serde_json::from_slice(&bytes).map(Some).map_err(|source| BackupError::Form { path, source })
}

/// The kind that a definition stores, by which its objects are read without any conversion.
pub(crate) fn stored_kind(definition: &Value) -> Option<Kind> {
    let text = |pointer: &str| definition.pointer(pointer)?.as_str();
    let versions = definition.pointer("/spec/versions")?.as_array()?;
    let stored = versions.iter().find(|version| version["storage"] == true)?["name"].as_str()?;
    let scope = match text("/spec/scope")? {
        "Namespaced" => Scope::Namespaced,
        _ => Scope::Cluster,
    };
    Some(Kind {
        api_version: format!("{}/{stored}", text("/spec/group")?),
        kind: text("/spec/names/kind")?.to_owned(),
        plural: text("/spec/names/plural")?.to_owned(),
        scope,
    })
}

/// An object as it could be applied again; members of lists come without their kind.
fn named_kind(object: Value, kind: &Kind) -> Value {
    let mut object = without_servers_own(object);
    object["apiVersion"] = json!(kind.api_version);
    object["kind"] = json!(kind.kind);
    object
}

/// The object without what the server alone decides.
pub(crate) fn without_servers_own(mut object: Value) -> Value {
    if let Some(metadata) = object.get_mut("metadata").and_then(Value::as_object_mut) {
        for field in
            ["managedFields", "resourceVersion", "uid", "creationTimestamp", "generation", "selfLink"]
        {
            metadata.remove(field);
        }
    }
    if let Some(object) = object.as_object_mut() {
        object.remove("status");
    }
    object
}

fn contents(release: &StoredRelease) -> Contents {
    let metadata = &release.chart.metadata;
    Contents {
        backup_version: BACKUP_VERSION,
        release: release.name.clone(),
        namespace: release.namespace.clone(),
        revision: release.version,
        chart: metadata.name.clone(),
        version: metadata.version.clone(),
        created: humantime::format_rfc3339_seconds(SystemTime::now()).to_string(),
    }
}

fn pretty(value: &impl Serialize) -> Vec<u8> {
    let mut text = serde_json::to_vec_pretty(value).expect("because it was JSON, or is a struct of texts");
    text.push(b'\n');
    text
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_the_server_alone_decides_is_left_out() {
        let object = json!({"kind": "A", "metadata": {"name": "a", "uid": "1", "managedFields": [],
            "resourceVersion": "5", "labels": {"x": "y"}}, "spec": {}, "status": {"phase": "on"}});
        let expected = json!({"kind": "A", "metadata": {"name": "a", "labels": {"x": "y"}}, "spec": {}});
        assert_eq!(without_servers_own(object), expected);
    }

    #[test]
    fn objects_are_read_in_the_version_that_is_stored() {
        let definition = json!({"spec": {"group": "example.com", "scope": "Namespaced",
            "names": {"kind": "Basket", "plural": "baskets"},
            "versions": [{"name": "v1", "storage": false}, {"name": "v2", "storage": true}]}});
        let kind = stored_kind(&definition).unwrap();
        assert_eq!((kind.api_version.as_str(), kind.plural.as_str()), ("example.com/v2", "baskets"));
        assert_eq!(stored_kind(&json!({})), None);
    }
}
