//! From the bytes of a secret to a release: base64 around gzip around JSON (Helm, `pkg/storage/driver`).

use std::io::Read;

use base64::Engine;
use base64::engine::general_purpose::STANDARD;
use flate2::read::GzDecoder;

use super::StoredRelease;

/// How large a release may be once it is inflated. A secret has at most 1 MiB, and gzip makes a thousandth of
/// text at best; real ones have some 10 MiB.
pub const RELEASE_LIMIT: u64 = 64 << 20;

/// What a release begins with once base64 is taken off; old ones are not compressed.
const GZIP: [u8; 3] = [0x1f, 0x8b, 0x08];

/// Why a secret holds no release.
#[derive(Debug, thiserror::Error)]
pub enum DecodeError {
    /// It has no such key.
    #[error("it has no key `release`")]
    NoKey,
    /// It is no base64.
    #[error("its key `release` is no base64")]
    Base64(#[source] base64::DecodeError),
    /// It can't be inflated.
    #[error("its key `release` is broken gzip")]
    Gzip(#[source] std::io::Error),
    /// It is too large.
    #[error("its release has more than {RELEASE_LIMIT} bytes")]
    TooLarge,
    /// It is no release.
    #[error("its release is not what Helm writes")]
    Json(#[source] serde_json::Error),
}

/// Reads the value of the key `release`, as the API server gives it: in base64 once more.
///
/// # Errors
/// [`DecodeError`] with what is wrong with it.
pub(crate) fn decode(data: &str) -> Result<StoredRelease, DecodeError> {
    serde_json::from_slice(&json_of(data)?).map_err(DecodeError::Json)
}

/// The JSON in it.
pub(super) fn json_of(data: &str) -> Result<Vec<u8>, DecodeError> {
    let inner = STANDARD.decode(data).map_err(DecodeError::Base64)?;
    let packed = STANDARD.decode(inner.trim_ascii()).map_err(DecodeError::Base64)?;
    if packed.starts_with(&GZIP) { inflate(&packed) } else { Ok(packed) }
}

fn inflate(packed: &[u8]) -> Result<Vec<u8>, DecodeError> {
    let mut json = Vec::new();
    GzDecoder::new(packed).take(RELEASE_LIMIT + 1).read_to_end(&mut json).map_err(DecodeError::Gzip)?;
    match json.len() as u64 > RELEASE_LIMIT {
        true => Err(DecodeError::TooLarge),
        false => Ok(json),
    }
}

#[cfg(test)]
mod tests {
    use std::io::Write;

    use flate2::Compression;
    use flate2::write::GzEncoder;

    use super::*;
    use crate::stored::Status;

    const RELEASE: &str = r#"{"name":"kpanda","namespace":"kpanda-system","version":3,
        "info":{"first_deployed":"2026-01-01T00:00:00Z","status":"pending-upgrade","notes":"hello"},
        "chart":{"metadata":{"name":"kpanda","version":"0.21.0","appVersion":"v0.21.0"},"values":null},
        "config":null,"manifest":"---\n","hooks":null}"#;

    fn gzip(bytes: &[u8]) -> Vec<u8> {
        let mut encoder = GzEncoder::new(Vec::new(), Compression::fast());
        encoder.write_all(bytes).unwrap();
        encoder.finish().unwrap()
    }

    fn twice(bytes: &[u8]) -> String {
        STANDARD.encode(STANDARD.encode(bytes))
    }

    #[test]
    fn releases_packed_and_not() {
        for bytes in [gzip(RELEASE.as_bytes()), RELEASE.as_bytes().to_vec()] {
            let release = decode(&twice(&bytes)).unwrap();
            assert_eq!((release.name.as_str(), release.version), ("kpanda", 3));
            assert_eq!(release.info.status, Status::PendingUpgrade);
            assert_eq!(release.chart.metadata.app_version, "v0.21.0");
            assert!(release.config.is_empty() && release.hooks.is_empty());
        }
    }

    #[test]
    fn what_is_no_release() {
        let check = |data: &str, expected: &str| assert_eq!(decode(data).unwrap_err().to_string(), expected);
        check("!", "its key `release` is no base64");
        check(&STANDARD.encode("!"), "its key `release` is no base64");
        check(&twice(&[0x1f, 0x8b, 0x08, 1]), "its key `release` is broken gzip");
        check(&twice(b"{}"), "its release is not what Helm writes");
        let bomb = gzip(&vec![b' '; RELEASE_LIMIT as usize + 1]);
        check(&twice(&bomb), "its release has more than 67108864 bytes");
    }

    #[test]
    fn a_state_of_a_later_helm_is_unknown() {
        let text = RELEASE.replace("pending-upgrade", "resting");
        assert_eq!(decode(&twice(text.as_bytes())).unwrap().info.status, Status::Unknown);
    }
}
