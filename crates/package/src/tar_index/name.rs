//! Names of tar entries: brought to one form, and refused where they would leave the archive.

use super::Fault;

/// The longest name that is taken, in bytes: what Linux takes as a path.
const NAME_LIMIT: usize = 4096;

/// The entry's name with `/` between its parts, without `.` parts and a trailing slash; empty for the root
/// folder.
///
/// Refused are names that are absolute, go up (`..`), are no UTF-8, hold a NUL, or are longer than a path
/// may be (design.md, decision 11).
pub(super) fn entry_name(raw: &[u8]) -> Result<String, Fault> {
    if raw.len() > NAME_LIMIT {
        return Err(Fault::NameTooLong { length: raw.len(), limit: NAME_LIMIT });
    }
    let name = text(raw)?;
    if name.starts_with('/') {
        return Err(Fault::AbsoluteName);
    }
    join("", name).ok_or(Fault::NameGoesUp).and_then(|joined| {
        match name.split('/').any(|part| part == "..") {
            true => Err(Fault::NameGoesUp),
            false => Ok(joined),
        }
    })
}

/// Where a symbolic link at `link` points inside the archive.
pub(super) fn symlink_target(link: &str, raw: &[u8]) -> Result<String, Fault> {
    let target = link_text(raw)?;
    let folder = link.rsplit_once('/').map_or("", |(folder, _)| folder);
    join(folder, target).ok_or_else(|| Fault::LinkLeaves { target: target.to_owned() })
}

/// Which entry a hard link names; it counts from the archive's root.
pub(super) fn hardlink_target(raw: &[u8]) -> Result<String, Fault> {
    let target = link_text(raw)?;
    join("", target).ok_or_else(|| Fault::LinkLeaves { target: target.to_owned() })
}

fn link_text(raw: &[u8]) -> Result<&str, Fault> {
    let target = text(raw)?;
    match target.len() <= NAME_LIMIT && !target.starts_with('/') {
        true => Ok(target),
        false => Err(Fault::LinkLeaves { target: target.chars().take(NAME_LIMIT).collect() }),
    }
}

fn text(raw: &[u8]) -> Result<&str, Fault> {
    std::str::from_utf8(raw).ok().filter(|text| !text.contains('\0')).ok_or(Fault::NameNotText)
}

/// `path` seen from `folder`, with `.` and `..` worked out; nothing where it leaves the root.
fn join(folder: &str, path: &str) -> Option<String> {
    let mut parts: Vec<&str> = folder.split('/').filter(|part| !part.is_empty()).collect();
    for part in path.split('/') {
        match part {
            "" | "." => {}
            ".." => drop(parts.pop()?),
            part => parts.push(part),
        }
    }
    Some(parts.join("/"))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn names_take_one_form() {
        for (raw, expected) in [
            ("a", "a"),
            ("./a/b", "a/b"),
            ("a//b/", "a/b"),
            (".", ""),
            ("./", ""),
            ("a/..b", "a/..b"),
            ("sha256:00", "sha256:00"),
        ] {
            assert_eq!(entry_name(raw.as_bytes()).unwrap(), expected, "{raw}");
        }
    }

    #[test]
    fn names_that_leave_are_refused() {
        for raw in ["/a", "..", "../a", "a/../b", "a/..", "a\0b", "./../a"] {
            assert!(entry_name(raw.as_bytes()).is_err(), "{raw}");
        }
        assert!(entry_name(b"\xff").is_err());
        assert!(entry_name(&[b'a'; 5000]).is_err());
    }

    #[test]
    fn links_are_seen_from_their_folder() {
        for (link, target, expected) in [
            ("b/layer.tar", "../a/layer.tar", Some("a/layer.tar")),
            ("l", "a", Some("a")),
            ("b/l", "./x", Some("b/x")),
            ("l", "../a", None),
            ("b/l", "../../a", None),
            ("l", "/etc/passwd", None),
        ] {
            assert_eq!(
                symlink_target(link, target.as_bytes()).ok().as_deref(),
                expected,
                "{link} -> {target}"
            );
        }
        assert_eq!(hardlink_target(b"./a/b").unwrap(), "a/b");
        assert!(hardlink_target(b"../a").is_err());
        assert_eq!(hardlink_target(b"a\0b"), Err(Fault::NameNotText));
        assert_eq!(symlink_target("l", b"a\0b"), Err(Fault::NameNotText));
    }
}
