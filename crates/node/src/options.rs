//! What a load is told to do.

use portolan_oci::Platform;
use portolan_registry::Stop;

/// All that decides a load beside the package and the nodes.
#[derive(Clone, Debug)]
pub struct LoadOptions {
    /// Whether images get the names that the package gives them too (`--keep-original-names`).
    pub keeps_original_names: bool,
    /// What becomes of names that stand for another content.
    pub overwrite: Overwrite,
    /// Whether kubelets are told to leave the images when they make room (`--pin`).
    pub pins: bool,
    /// The platform to load, where it is not the node's own (`--platform`).
    pub platform: Option<Platform>,
    /// How many images are brought to one node at once; at least 1.
    pub jobs: usize,
    /// Once requested, nothing new is begun.
    pub stop: Stop,
}

/// What becomes of names that stand for another content.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum Overwrite {
    /// They stay, and that is reported.
    #[default]
    Keep,
    /// They stand for ours after that (`--overwrite`).
    Replace,
}

/// How many images are brought to one node at once unless `--jobs` says otherwise.
const JOBS: usize = 4;

impl Default for LoadOptions {
    fn default() -> Self {
        Self {
            keeps_original_names: false,
            overwrite: Overwrite::Keep,
            pins: false,
            platform: None,
            jobs: JOBS,
            stop: Stop::default(),
        }
    }
}
