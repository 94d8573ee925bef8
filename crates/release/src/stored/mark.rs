//! A record of Helm's with another state in it, all else as it was.

use std::io::Write;

use base64::Engine;
use base64::engine::general_purpose::STANDARD;
use flate2::Compression;
use flate2::write::GzEncoder;
use serde_json::{Value, json};

use super::Status;
use super::decode::{DecodeError, json_of};

/// The value of the key `release` again, in that state and with that description.
pub(crate) fn with_status(data: &str, status: Status, description: &str) -> Result<String, DecodeError> {
    let mut release: Value = serde_json::from_slice(&json_of(data)?).map_err(DecodeError::Json)?;
    release["info"]["status"] = json!(status.as_str());
    release["info"]["description"] = json!(description);
    let json = release.to_string();
    let mut encoder = GzEncoder::new(Vec::new(), Compression::best());
    encoder.write_all(json.as_bytes()).map_err(DecodeError::Gzip)?;
    let packed = encoder.finish().map_err(DecodeError::Gzip)?;
    Ok(STANDARD.encode(STANDARD.encode(packed)))
}

#[cfg(test)]
mod tests {
    use super::super::decode::decode;
    use super::*;

    #[test]
    fn all_else_stays() {
        let text = r#"{"name":"kpanda","namespace":"a","version":3,"info":{"status":"pending-upgrade","last_deployed":"t"},"chart":{"metadata":{"name":"kpanda","version":"0.21.0"}},"odd":[1.5,null]}"#;
        let data = STANDARD.encode(STANDARD.encode(text));
        let marked = with_status(&data, Status::Failed, "broken off").unwrap();
        let release = decode(&marked).unwrap();
        assert_eq!((release.info.status, release.info.last_deployed.as_str()), (Status::Failed, "t"));
        let again: Value = serde_json::from_slice(&json_of(&marked).unwrap()).unwrap();
        assert_eq!(
            (&again["odd"], &again["info"]["description"]),
            (&json!([1.5, null]), &json!("broken off"))
        );
    }
}
