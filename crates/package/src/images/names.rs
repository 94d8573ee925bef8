//! Names of images, and digests in the names of entries.

use portolan_oci::{Algorithm, Digest, Reference};

/// Adds what isn't there yet; names are equal in their full form.
pub(super) fn add(names: &mut Vec<Reference>, more: &[Reference]) {
    for name in more {
        if !names.contains(name) {
            names.push(name.clone());
        }
    }
}

/// The digest of its bytes that an entry's name claims: `sha256:<hex>`, `blobs/sha256/<hex>`.
pub(super) fn blob_digest(entry: &str) -> Option<Digest> {
    let text = match entry.strip_prefix("blobs/") {
        Some(path) => path.replacen('/', ":", 1),
        None => entry.to_owned(),
    };
    text.parse().ok()
}

/// The digest that the name of a config claims: as for a blob, or `<hex>.json`.
pub(super) fn config_digest(entry: &str) -> Option<Digest> {
    let hex = entry.strip_suffix(".json").and_then(|hex| Digest::from_hex(Algorithm::Sha256, hex).ok());
    hex.or_else(|| blob_digest(entry))
}

/// The digest of its compressed bytes that the name of a layer claims: as for a blob, or `<hex>.tar.gz`.
pub(crate) fn layer_digest(entry: &str) -> Option<Digest> {
    let hex = entry.strip_suffix(".tar.gz").and_then(|hex| Digest::from_hex(Algorithm::Sha256, hex).ok());
    hex.or_else(|| blob_digest(entry))
}

#[cfg(test)]
mod tests {
    use super::*;

    const HEX: &str = "24fb2886d6f6c5d16481dd7608b47e78a8e92a13d6e64d87d57cb16d5f766d63";

    #[test]
    fn names_that_claim_a_digest() {
        for (entry, config, layer) in [
            (format!("sha256:{HEX}"), true, true),
            (format!("blobs/sha256/{HEX}"), true, true),
            (format!("{HEX}.json"), true, false),
            (format!("{HEX}.tar.gz"), false, true),
            // skopeo's and podman's: the digest of the uncompressed layer, which the config states anyway.
            (format!("{HEX}.tar"), false, false),
            (format!("{HEX}/layer.tar"), false, false),
            (HEX.to_owned(), false, false),
            ("manifest.json".to_owned(), false, false),
        ] {
            let expected = |claimed: bool| claimed.then(|| Digest::from_hex(Algorithm::Sha256, HEX).unwrap());
            assert_eq!(config_digest(&entry), expected(config), "{entry}");
            assert_eq!(layer_digest(&entry), expected(layer), "{entry}");
        }
    }
}
