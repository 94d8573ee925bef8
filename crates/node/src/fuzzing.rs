//! Doors to private parsers for the fuzz targets; no part of the crate's interface, and nothing else
//! may use them.

use portolan_oci::Digest;

use crate::{
    content::chain_ids,
    docker::{Inspected, answers},
    remote::lists,
    ssh::{Endpoint, known_hosts},
};

/// A line of `known_hosts`: its number, and the type and bytes of its key.
pub type HostLine = (usize, String, Vec<u8>);

/// The lines of a `known_hosts` file that know a host, and those that revoke keys under its name.
pub fn known_hosts(host: &Endpoint, text: &str) -> (Vec<HostLine>, Vec<HostLine>) {
    let found = known_hosts::HostLines::about(host, text);
    let plain = |lines: Vec<known_hosts::HostLine>| {
        lines.into_iter().map(|line| (line.number, line.kind, line.key)).collect()
    };
    (plain(found.known), plain(found.revoked))
}

/// The line that is written for a host's key.
pub fn known_hosts_line(host: &Endpoint, kind: &str, key: &[u8]) -> String {
    known_hosts::line_for(host, kind, key)
}

/// What is read out of one text, taken as each of the lists of `ctr`.
#[derive(Debug, PartialEq, Eq)]
pub struct CtrLists {
    /// Name, what it stands for, and whether it is pinned; by name.
    pub images: Vec<(String, Digest, bool)>,
    /// Contents.
    pub digests: Vec<Digest>,
    /// Unpacked layers.
    pub committed: Vec<Digest>,
    /// The server's version.
    pub version: Option<String>,
    /// Whether kubelets are served.
    pub has_cri: bool,
}

/// The text as each of the lists of `ctr`.
pub fn ctr_lists(text: &str) -> CtrLists {
    let images = lists::images(text).into_iter();
    let mut images: Vec<_> = images.map(|(name, line)| (name, line.target, line.is_pinned)).collect();
    images.sort();
    CtrLists {
        images,
        digests: lists::digests(text).collect(),
        committed: lists::committed(text).collect(),
        version: lists::server_version(text).map(str::to_owned),
        has_cri: lists::has_cri(text),
    }
}

/// Why Docker refused, as it is shown.
pub fn docker_refusal(body: &[u8]) -> Option<String> {
    answers::refusal_in(body).map(|refusal| answers::plain_line(&refusal))
}

/// The names, the layers and the chain IDs of an image that Docker tells of.
pub fn docker_image(body: &[u8]) -> Option<(Vec<String>, Vec<Digest>, Vec<Digest>)> {
    let image: Inspected = serde_json::from_slice(body).ok()?;
    let names = image.names().map(|name| name.to_string()).collect();
    let chains = chain_ids(&image.root_fs.layers);
    Some((names, image.root_fs.layers, chains))
}

/// Version and platform in Docker's answer about itself, and the IDs in its list of images.
pub fn docker_words(body: &[u8]) -> Vec<String> {
    let version = serde_json::from_slice::<answers::Version>(body).ok();
    let listed = serde_json::from_slice::<Vec<answers::Listed>>(body).unwrap_or_default();
    let platform = version.map(|version| [version.version, version.os, version.arch]);
    platform.into_iter().flatten().chain(listed.into_iter().map(|image| image.id)).collect()
}
