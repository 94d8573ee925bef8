//! Images that stand in several fields: `registry`, `repository`, `image`, `tag`, `version`, `digest`.

use serde_json::{Map, Value};

/// An image put together.
#[derive(Debug, PartialEq, Eq)]
pub(super) struct Joined {
    /// The reference as it would be pulled.
    pub(super) text: String,
    /// The field that names the repository.
    pub(super) field: &'static str,
}

/// Fields that are part of an image where one is put together, and nothing on their own.
pub(super) const PARTS: &[&str] =
    &["registry", "repository", "image", "tag", "imageTag", "version", "digest", "sha"];

/// The image that the fields of a map make together. `is_called_image` says whether the map's own key does.
pub(super) fn joined(map: &Map<String, Value>, is_called_image: bool) -> Option<Joined> {
    let field = |name: &str| map.get(name).and_then(scalar_text).filter(|text| !text.is_empty());
    let (registry, repository, image) = (field("registry"), field("repository"), field("image"));
    let tag = field("tag").or_else(|| field("imageTag"));
    let digest = field("digest").or_else(|| field("sha")).filter(|digest| digest.starts_with("sha"));
    let version = field("version");
    let name = match (repository, image) {
        // NVIDIA's operators: repository: nvcr.io/nvidia, image: driver, version: 550.54.15
        (Some(repository), Some(image)) if !repository.contains("://") => {
            let tag = tag.or(version);
            return Some(Joined {
                text: suffixed(under(Some(&repository), &image), tag, digest),
                field: "image",
            });
        }
        (_, Some(image)) if registry.is_some() || tag.is_some() || digest.is_some() => (image, "image"),
        (Some(repository), None)
            if registry.is_some() || tag.is_some() || digest.is_some() || is_called_image =>
        {
            (repository, "repository")
        }
        _ => return None,
    };
    let tag = tag.or(version.filter(|_| is_called_image));
    let (name, field) = name;
    (!name.contains("://"))
        .then(|| Joined { text: suffixed(under(registry.as_deref(), &name), tag, digest), field })
}

/// A scalar as the text that a template would print.
fn scalar_text(value: &Value) -> Option<String> {
    match value {
        Value::String(text) => Some(text.trim().to_owned()),
        Value::Number(number) => Some(number.to_string()),
        _ => None,
    }
}

/// `name` under `prefix`, unless it names a host of its own.
fn under(prefix: Option<&str>, name: &str) -> String {
    let has_host = name.split_once('/').is_some_and(|(first, _)| first.contains(['.', ':']));
    match prefix {
        Some(prefix) if !has_host => {
            format!("{}/{}", prefix.trim_end_matches('/'), name.trim_start_matches('/'))
        }
        _ => name.to_owned(),
    }
}

/// With the tag and the digest that it doesn't have yet.
fn suffixed(mut name: String, tag: Option<String>, digest: Option<String>) -> String {
    let has_tag = name.rsplit('/').next().is_some_and(|last| last.contains([':', '@']));
    if has_tag {
        return name;
    }
    for (mark, part) in [(':', tag), ('@', digest)] {
        if let Some(part) = part {
            name.push(mark);
            name.push_str(&part);
        }
    }
    name
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    #[test]
    fn puts_parts_together() {
        let check = |map: Value, is_called_image: bool, expected: Option<&str>| {
            let found = joined(map.as_object().unwrap(), is_called_image).map(|joined| joined.text);
            assert_eq!(found.as_deref(), expected, "{map}");
        };
        let digest = format!("sha256:{}", "a".repeat(64));
        check(json!({"registry": "r.io", "repository": "a/b", "tag": "v1"}), false, Some("r.io/a/b:v1"));
        check(json!({"registry": "r.io/p", "repository": "a/b"}), false, Some("r.io/p/a/b"));
        check(json!({"registry": "", "repository": "q.io/a/b", "tag": 1}), false, Some("q.io/a/b:1"));
        check(json!({"registry": "r.io", "repository": "q.io/a/b", "tag": "v1"}), false, Some("q.io/a/b:v1"));
        check(json!({"repository": "a/b", "digest": digest}), false, Some(&format!("a/b@{digest}")));
        check(json!({"repository": "a/b"}), true, Some("a/b"));
        check(json!({"repository": "a/b"}), false, None);
        check(json!({"repository": "a/b", "version": "1"}), true, Some("a/b:1"));
        check(json!({"repository": "https://charts.example.com", "tag": "v1"}), false, None);
        let nvidia = json!({"repository": "nvcr.io/nvidia", "image": "driver", "version": "550.54"});
        check(nvidia, false, Some("nvcr.io/nvidia/driver:550.54"));
        check(json!({"image": "q.io/a/b", "tag": "v1"}), false, Some("q.io/a/b:v1"));
        check(json!({"image": "q.io/a/b:v2", "tag": "v1"}), false, Some("q.io/a/b:v2"));
        check(json!({"image": "q.io/a/b:v2", "version": "v1"}), false, None);
        check(json!({"registry": "r.io", "tag": "v1"}), false, None);
        check(json!({"registry": {}, "repository": [], "tag": true}), true, None);
    }
}
