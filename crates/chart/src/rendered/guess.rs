//! Texts that read like images: in arguments, environment, annotations and configuration files.

use portolan_oci::Reference;

use super::Confidence;

/// How much of one text is looked at, in bytes: a ConfigMap has at most a mebibyte.
const TEXT_LIMIT: usize = 1 << 20;

/// The longest word that can be an image: a name of 255, a tag of 128, a digest of 135.
const WORD_LIMIT: usize = 520;

/// Whether something that goes by this name holds an image: `image`, `proxyImage`, `RELATED_IMAGE_API`,
/// `--config-reloader-image`, `example.com/sidecar-image`.
pub(super) fn is_image_name(name: &str) -> bool {
    let name = name.rsplit('/').next().unwrap_or(name);
    let lower = name.to_ascii_lowercase();
    let no_reference =
        ["pullpolicy", "pullsecret", "imageid", "pull_policy", "pull-policy", "pull_secret", "pull-secret"];
    lower.contains("image") && !no_reference.iter().any(|word| lower.contains(word))
}

/// A field that holds an image whatever its value looks like.
pub(super) fn is_image_field(name: &str) -> bool {
    let name = name.rsplit('/').next().unwrap_or(name).to_ascii_lowercase();
    ["image", "images", "imagename", "imageref", "image_name", "image_ref", "image-name"]
        .iter()
        .any(|end| name.ends_with(end))
}

/// The images that a text reads like. `name` is what the text goes by.
pub(super) fn guesses<'t>(text: &'t str, name: &str) -> Vec<(&'t str, Reference, Confidence)> {
    let text = cut(text);
    let named = is_image_name(name);
    let words = words(text).filter(|word| word.text.len() <= WORD_LIMIT && word.text.contains(['/', ':']));
    let guess = |word: Word<'t>| {
        let named = named || is_image_name(word.before);
        let (reference, confidence) = judge(word.text, named)?;
        Some((word.text, reference, confidence))
    };
    words.filter_map(guess).collect()
}

fn cut(text: &str) -> &str {
    let mut end = text.len().min(TEXT_LIMIT);
    while !text.is_char_boundary(end) {
        end -= 1;
    }
    &text[..end]
}

/// A word, and the word before it.
struct Word<'t> {
    text: &'t str,
    before: &'t str,
}

/// Words of the characters that references have. A word before `=` or `: ` is the name of the next one.
fn words(text: &str) -> impl Iterator<Item = Word<'_>> {
    let is_part = |c: char| c.is_ascii_alphanumeric() || matches!(c, '.' | '_' | '/' | ':' | '@' | '-');
    let mut before = "";
    text.split(move |c: char| !is_part(c)).filter(|word| !word.is_empty()).map(move |word| {
        let trimmed = word.trim_end_matches(['.', ':', ',', '-']);
        let word = Word { text: trimmed, before };
        before = trimmed;
        word
    })
}

fn judge(word: &str, named: bool) -> Option<(Reference, Confidence)> {
    let word = word.strip_prefix("docker://").unwrap_or(word);
    if word.contains("//") || word.starts_with(['/', '.', '-', ':']) {
        return None;
    }
    let reference: Reference = word.parse().ok()?;
    let located = reference.tag.is_some() || reference.digest.is_some();
    let has_host =
        word.split_once('/').is_some_and(|(first, _)| first == "localhost" || first.contains(['.', ':']));
    let confidence = match (has_host, located, named) {
        (_, false, false) => return None,
        _ if reference.digest.is_some() => Confidence::High,
        (true, true, _) if looks_like_service(&reference) => Confidence::Low,
        (true, _, true) | (true, true, false) => Confidence::High,
        (false, true, true) => Confidence::Medium,
        (false, false, true) if word.contains('/') => Confidence::Medium,
        (false, true, false) if word.contains('/') && looks_like_version(&reference) => Confidence::Low,
        _ => return None,
    };
    Some((reference, confidence))
}

/// Hosts of a cluster's own services: `db.ns.svc/x:v1`.
fn looks_like_service(reference: &Reference) -> bool {
    let host = reference.registry.host();
    [".svc", ".local", ".internal"].iter().any(|end| host.ends_with(end))
}

/// Tags of images have more than the digits of a port, but for years and builds.
fn looks_like_version(reference: &Reference) -> bool {
    let Some(tag) = &reference.tag else { return false };
    let tag = tag.as_str();
    let is_port = tag.len() <= 5 && tag.bytes().all(|b| b.is_ascii_digit());
    !is_port && (tag == "latest" || tag.bytes().any(|b| b.is_ascii_digit()))
}

#[cfg(test)]
mod tests {
    use super::*;
    use Confidence::{High, Low, Medium};

    #[test]
    fn what_reads_like_an_image() {
        let check = |name: &str, text: &str, expected: &[(&str, Confidence)]| {
            let found: Vec<_> = guesses(text, name).into_iter().map(|(word, _, sure)| (word, sure)).collect();
            assert_eq!(found, expected, "{name}: {text}");
        };
        check("args", "--image=quay.io/a/b:v1", &[("quay.io/a/b:v1", High)]);
        check("args", "quay.io/a/b:v1.", &[("quay.io/a/b:v1", High)]);
        check("args", "--reloader-image=a/b:v1", &[("a/b:v1", Medium)]);
        check("RELATED_IMAGE_API", "a/b", &[("a/b", Medium)]);
        check("RELATED_IMAGE_API", "localhost:5000/b", &[("localhost:5000/b", High)]);
        check("IMAGE", "nginx:1.25", &[("nginx:1.25", Medium)]);
        check("args", "a/b:v1", &[("a/b:v1", Low)]);
        let digest = format!("a/b@sha256:{}", "0".repeat(64));
        check("args", &digest, &[(&digest, High)]);
        check("data", "x: 1\nimage: \"a.io/b:1.0\"\n", &[("a.io/b:1.0", High)]);
        check("data", "image=docker://a.io/b:1.0;x", &[("docker://a.io/b:1.0", High)]);
        check("args", "db.ns.svc:5432/a:v1", &[("db.ns.svc:5432/a:v1", Low)]);
    }

    #[test]
    fn what_does_not() {
        for (name, text) in [
            ("args", "--url=http://a.io/b:8080"),
            ("args", "a/b:8080"),
            ("args", "--listen=0.0.0.0:8080"),
            ("args", "redis:6379"),
            ("args", "/var/run/x.sock:ro"),
            ("args", "application/json"),
            ("args", "apps/v1"),
            ("args", "2024-01-01T00:00:00"),
            ("imagePullPolicy", "IfNotPresent"),
            ("image.pullSecrets", "a/b"),
            ("image", ""),
            ("image", "A B C"),
            ("x", "redis+sentinel://:pw@rfs-redis.svc.cluster.local:26379/mymaster"),
            ("x", "kpanda:@tcp(mysql.svc:3306)/kpanda?charset=utf8mb4"),
        ] {
            assert!(guesses(text, name).is_empty(), "{name}: {text}: {:?}", guesses(text, name));
        }
    }
}
