//! How the parts of an image serve the platforms of a cluster's nodes.

use std::collections::BTreeSet;

use portolan_oci::Platform;
use portolan_transfer::{Part, Role};

use super::ImageState;

/// How an image is once its push brought these platforms.
pub(super) fn after_push(
    state: ImageState,
    platforms: &BTreeSet<Platform>,
    pushed: &[Platform],
) -> ImageState {
    let serves = |wanted: &Platform| pushed.iter().any(|platform| runs_on(platform, wanted));
    let unserved = |lacking: Vec<String>| match lacking.is_empty() {
        true => ImageState::Pushed,
        false => ImageState::NotFor(lacking),
    };
    match state {
        ImageState::Absent => {
            unserved(platforms.iter().filter(|wanted| !serves(wanted)).map(ToString::to_string).collect())
        }
        ImageState::NotFor(lacking) => {
            let comes =
                |text: &String| platforms.iter().any(|wanted| wanted.to_string() == *text && serves(wanted));
            unserved(lacking.into_iter().filter(|text| !comes(text)).collect())
        }
        // What the registry lost is sent again.
        ImageState::Incomplete(_) => ImageState::Pushed,
        other => other,
    }
}

/// How the parts of an image serve these platforms.
pub(super) fn state(parts: &[Part], platforms: &BTreeSet<Platform>) -> ImageState {
    let has = |wanted: &Platform| parts.iter().any(|part| serves(part, wanted));
    let lacking: Vec<String> =
        platforms.iter().filter(|wanted| !has(wanted)).map(ToString::to_string).collect();
    if !lacking.is_empty() {
        return ImageState::NotFor(lacking);
    }
    // Without any node everything has to be whole.
    let is_used = |part: &&Part| platforms.is_empty() || platforms.iter().any(|wanted| serves(part, wanted));
    let lost: BTreeSet<String> =
        parts.iter().filter(is_used).flat_map(|part| &part.lacks).map(ToString::to_string).collect();
    match lost.is_empty() {
        true => ImageState::Complete,
        false => ImageState::Incomplete(lost.into_iter().collect()),
    }
}

/// Whether a part runs on a node of that platform, which names no variant.
fn serves(part: &Part, wanted: &Platform) -> bool {
    let Role::Platform { platform } = &part.role else { return false };
    runs_on(platform, wanted)
}

fn runs_on(platform: &Platform, wanted: &Platform) -> bool {
    let platform = platform.normalized();
    platform.os == wanted.os && platform.architecture == wanted.architecture
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_a_push_leaves() {
        let platforms: BTreeSet<Platform> = ["amd64", "arm64"].map(|one| Platform::new("linux", one)).into();
        let not_for = |text: &str| ImageState::NotFor(vec![text.to_owned()]);
        let check = |state: ImageState, pushed: &[&str], expected: ImageState| {
            let pushed: Vec<Platform> = pushed.iter().map(|one| Platform::new("linux", *one)).collect();
            assert_eq!(after_push(state, &platforms, &pushed), expected);
        };
        check(ImageState::Absent, &["amd64", "arm64"], ImageState::Pushed);
        check(ImageState::Absent, &["amd64"], not_for("linux/arm64"));
        check(not_for("linux/arm64"), &["arm64"], ImageState::Pushed);
        check(not_for("linux/arm64"), &["amd64"], not_for("linux/arm64"));
        check(ImageState::Incomplete(vec!["sha256:0".to_owned()]), &["amd64"], ImageState::Pushed);
        check(ImageState::Complete, &["amd64"], ImageState::Complete);
        check(ImageState::Unknown("x".to_owned()), &[], ImageState::Unknown("x".to_owned()));
    }
}
