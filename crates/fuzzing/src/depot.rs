//! The depot: request lines and ranges by themselves, and whole requests against a depot of their own.

use std::path::Path;

use percent_encoding::{NON_ALPHANUMERIC, percent_decode_str, utf8_percent_encode};
use portolan_depot::{
    Depot, Options,
    fuzzing::{Answered, Asked, exchange},
    protocol::{Access, ChartCall, Place, Request, Wanted, chunk_range},
};
use portolan_oci::{Digest, Hasher};
use reqwest::{Method, StatusCode, header};
use serde_json::Value;

use crate::{
    images::files,
    laws::{can_be_told, stays_inside},
};

/// Stands for the hex digest of the body that follows.
const OWN: &str = "@self";

/// A request line, and behind it the value of a range's header.
pub fn depot_request(bytes: &[u8]) {
    let text = String::from_utf8_lossy(bytes);
    let (line, range) = text.split_once('\n').unwrap_or((&text, ""));
    ranges_lie_within(range);
    let Some((method, target)) = line.split_once(' ') else { return };
    let Ok(method) = method.parse::<Method>() else { return };
    let (path, query) = target.split_once('?').map_or((target, None), |(path, query)| (path, Some(query)));
    let asked = Request::parse(&method, path, query);
    assert_eq!(Request::parse(&method, &spelled_out(path), query), asked, "{path:?} with every byte encoded");
    match asked {
        Ok(request) => names_stay_inside(&request),
        Err(error) => can_be_told(&error),
    }
}

/// The same path with every byte percent-encoded that may be.
fn spelled_out(path: &str) -> String {
    let element = |element: &str| match percent_decode_str(element).decode_utf8() {
        Ok(decoded) => utf8_percent_encode(&decoded, NON_ALPHANUMERIC).to_string(),
        Err(_) => element.to_owned(),
    };
    path.split('/').map(element).collect::<Vec<_>>().join("/")
}

fn names_stay_inside(request: &Request) {
    match request {
        Request::Repository(repository, _) => stays_inside(repository.as_str()),
        Request::Charts(_, ChartCall::Download(stem) | ChartCall::Provenance(stem)) => {
            stays_inside(stem.as_str());
            assert!(!stem.as_str().contains('/'), "{stem} is one element");
        }
        _ => {}
    }
    if let Access::Read(place) | Access::Write(place) | Access::Delete(place) = request.access() {
        is_one_element(place);
    }
}

fn is_one_element(place: Place<'_>) {
    if let Place::Project(project) = place {
        stays_inside(project);
        assert!(!project.is_empty() && !project.contains('/'), "{project:?} is one element");
    }
}

fn ranges_lie_within(header: &str) {
    for length in [0, 1, 10, u64::MAX] {
        if let Wanted::Part(part) = Wanted::parse(Some(header), length) {
            assert!(
                part.start() <= part.end() && *part.end() < length,
                "{header:?} of {length} bytes: {part:?}"
            );
        }
    }
    if let Some(range) = chunk_range(header) {
        assert!(range.start() <= range.end());
        assert_eq!(chunk_range(&format!("{}-{}", range.start(), range.end())), Some(range));
    }
}

/// Requests divided by lines of `%%`, each its line, headers behind ` | `, and its body. They are sent from
/// the last to the first, so that `@N` and `#N` in the earlier ones are what was sent before them; `@self` in
/// a line is the digest of its own body.
pub fn depot_exchange(bytes: &[u8]) {
    let requests: Vec<Asked> = files(bytes).into_iter().rev().filter_map(request).collect();
    let folder = tempfile::tempdir().expect("because there is room for a depot");
    let depot = Depot::open(folder.path(), Options::default()).expect("because its folder is empty");
    for (asked, answered) in requests.iter().zip(exchange(&depot, &requests)) {
        if let Some(answered) = answered {
            holds(folder.path(), asked, &answered);
        }
    }
}

fn request((line, body): (String, Vec<u8>)) -> Option<Asked> {
    let line = line.replace(OWN, Digest::sha256(&body).hex());
    let mut pieces = line.split(" | ");
    let (method, target) = pieces.next()?.split_once(' ')?;
    let headers = pieces.filter_map(|piece| piece.split_once(": "));
    Some(Asked {
        method: method.to_owned(),
        target: target.to_owned(),
        headers: headers.map(|(name, value)| (name.to_owned(), value.to_owned())).collect(),
        body: body.into(),
    })
}

fn holds(folder: &Path, asked: &Asked, answered: &Answered) {
    let status = answered.status;
    assert!(!status.is_server_error(), "{asked:?}: {status}");
    if status == StatusCode::METHOD_NOT_ALLOWED {
        assert!(answered.headers.contains_key(header::ALLOW), "{asked:?}");
    }
    if status.is_client_error() && asked.method != "HEAD" {
        says_why(folder, asked, answered);
    }
    if status == StatusCode::OK && asked.method == "GET" {
        has_its_digest(asked, answered);
    }
}

/// In the words of the interface, and without the machine's own paths.
fn says_why(folder: &Path, asked: &Asked, answered: &Answered) {
    let body: Value = serde_json::from_slice(&answered.body).unwrap_or_default();
    let words = [&body["errors"][0]["message"], &body["error"]];
    let told = words.into_iter().filter_map(Value::as_str).any(|text| !text.is_empty());
    assert!(told, "{asked:?}: {}", String::from_utf8_lossy(&answered.body));
    let path = folder.to_str().expect("because temporary folders have names of text");
    assert!(!String::from_utf8_lossy(&answered.body).contains(path), "{asked:?} is told {path}");
}

fn has_its_digest(asked: &Asked, answered: &Answered) {
    let Some(named) = answered.headers.get("docker-content-digest") else { return };
    let named: Digest =
        named.to_str().ok().and_then(|text| text.parse().ok()).expect("because it is a digest");
    let mut hasher = Hasher::new(named.algorithm());
    hasher.update(&answered.body);
    assert_eq!(hasher.finish(), named, "{asked:?}");
}
