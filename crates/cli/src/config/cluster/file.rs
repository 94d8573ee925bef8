//! The file as it is written, as far as it matters here, with the lines that keys stand on.

use serde::{Deserialize, Deserializer};
use serde_saphyr::Spanned;

use super::super::file::{Key, secret};
use secrecy::SecretString;

/// The whole file.
#[derive(Debug, Default, Deserialize)]
#[serde(rename_all = "camelCase", default)]
pub(super) struct File {
    pub(super) api_version: Key<String>,
    pub(super) kind: Key<String>,
    #[serde(deserialize_with = "or_default")]
    pub(super) spec: Spec,
    /// Where the documentation of the add-on package puts it; older files have it here.
    #[serde(deserialize_with = "or_default")]
    pub(super) addon_package: AddonPackage,
}

/// `spec`.
#[derive(Debug, Default, Deserialize)]
#[serde(rename_all = "camelCase", default)]
pub(super) struct Spec {
    pub(super) cluster_name: Key<String>,
    pub(super) bootstrap_node: Key<String>,
    #[serde(deserialize_with = "or_default")]
    pub(super) tinder_kind: Bootstrap,
    #[serde(deserialize_with = "or_default")]
    pub(super) bootstrap: Bootstrap,
    #[serde(deserialize_with = "or_default")]
    pub(super) master_nodes: Vec<Spanned<Node>>,
    #[serde(deserialize_with = "or_default")]
    pub(super) worker_nodes: Vec<Spanned<Node>>,
    pub(super) private_key_path: Key<String>,
    pub(super) full_package_path: Key<String>,
    #[serde(deserialize_with = "or_default")]
    pub(super) addon_package: AddonPackage,
    pub(super) addon_offline_package_path: Key<String>,
    pub(super) images_and_charts: Option<ImagesAndCharts>,
}

/// `spec.tinderKind`, or `spec.bootstrap` in other versions: what runs on the bootstrap node.
#[derive(Debug, Default, Deserialize)]
#[serde(rename_all = "camelCase", default)]
pub(super) struct Bootstrap {
    pub(super) registry_port: Key<String>,
    pub(super) chartmuseum_port: Key<String>,
}

/// One of `spec.masterNodes` or `spec.workerNodes`.
#[derive(Debug, Default, Deserialize)]
#[serde(rename_all = "camelCase", default)]
pub(super) struct Node {
    pub(super) node_name: Key<String>,
    pub(super) ip: Key<String>,
    pub(super) ansible_user: Key<String>,
    #[serde(deserialize_with = "secret")]
    pub(super) ansible_pass: Option<SecretString>,
    #[serde(rename = "ansibleSSHPort")]
    pub(super) ansible_ssh_port: Key<String>,
}

/// `addonPackage`.
#[derive(Debug, Default, Deserialize)]
#[serde(default)]
pub(super) struct AddonPackage {
    pub(super) path: Key<String>,
}

/// `spec.imagesAndCharts`.
#[derive(Debug, Default, Deserialize)]
#[serde(rename_all = "camelCase", default)]
pub(super) struct ImagesAndCharts {
    #[serde(rename = "type")]
    pub(super) kind: Key<String>,
    pub(super) external_image_repo: Key<String>,
    pub(super) external_image_repo_username: Key<String>,
    #[serde(deserialize_with = "secret")]
    pub(super) external_image_repo_password: Option<SecretString>,
    pub(super) external_chart_repo_type: Key<String>,
    pub(super) external_chart_repo: Key<String>,
    pub(super) external_chart_repo_username: Key<String>,
    #[serde(deserialize_with = "secret")]
    pub(super) external_chart_repo_password: Option<SecretString>,
}

/// A key's value; an empty text, as the installer's samples have it, counts as absent.
pub(super) fn value(key: &Key<String>) -> Option<&Spanned<String>> {
    key.as_ref().filter(|key| !key.value.trim().is_empty())
}

/// A section that is there without any content counts as absent.
fn or_default<'de, T, D>(deserializer: D) -> Result<T, D::Error>
where
    T: Default + Deserialize<'de>,
    D: Deserializer<'de>,
{
    Ok(Option::<T>::deserialize(deserializer)?.unwrap_or_default())
}
