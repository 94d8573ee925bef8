//! Properties of merging: nothing is lost, nothing is done twice, and who comes first makes no difference.

use std::collections::{BTreeMap, HashSet};

use bytes::Bytes;
use portolan_oci::{Clashing, Descriptor, Digest, Manifest, MediaType, Merge, Merged, Platform, Side, merge};
use proptest::prelude::*;

const PLATFORMS: [&str; 6] =
    ["linux/amd64", "linux/arm64", "linux/arm/v6", "linux/arm/v7", "linux/s390x", "windows/amd64"];

/// An image of one platform, or the entry for it.
#[derive(Clone, Debug)]
struct Part {
    platform: &'static str,
    content: u8,
    is_docker: bool,
}

impl Part {
    fn manifest(&self) -> Manifest {
        let media_type = if self.is_docker { MediaType::DOCKER_MANIFEST } else { MediaType::OCI_MANIFEST };
        let config = Digest::sha256(&[self.content]);
        // The platform is the config's in truth; here it only makes the digests differ.
        let text = format!(
            r#"{{"schemaVersion":2,"mediaType":"{media_type}","config":{{"mediaType":"{}","digest":"{config}","size":1}}}}"#,
            self.platform,
        );
        Manifest::parse(Bytes::from(text), Some(&media_type)).expect("a manifest")
    }

    fn entry(&self) -> Descriptor {
        Descriptor {
            platform: Some(self.platform.parse().expect("a platform")),
            ..self.manifest().descriptor()
        }
    }
}

/// A tag's document, with the platform of a single image.
type Document = (Manifest, Option<Platform>);

fn part() -> impl Strategy<Value = Part> {
    (0..PLATFORMS.len(), 0..3_u8, any::<bool>()).prop_map(|(platform, content, is_docker)| Part {
        platform: PLATFORMS[platform],
        content,
        is_docker,
    })
}

fn single() -> impl Strategy<Value = Document> {
    part().prop_map(|part| (part.manifest(), part.platform.parse().ok()))
}

fn index() -> impl Strategy<Value = Document> {
    let parts = proptest::collection::vec(part(), 0..5);
    (parts, "[ \n\t]{0,3}", proptest::option::of("[a-z]{1,4}")).prop_map(|(parts, space, note)| {
        let mut seen = HashSet::new();
        let entries = parts.iter().filter(|part| seen.insert(part.platform));
        let entries: Vec<String> =
            entries.map(|part| serde_json::to_string(&part.entry()).expect("an entry")).collect();
        let list = entries.join(&format!("{space},{space}"));
        let note = note.map(|note| format!(r#","annotations":{{"{note}":"x"}}"#)).unwrap_or_default();
        let media_type = MediaType::OCI_INDEX;
        let text = format!(
            r#"{{"mediaType":"{media_type}","manifests":[{space}{list}{space}],"schemaVersion":2{note}}}"#
        );
        (Manifest::parse(Bytes::from(text), Some(&media_type)).expect("a manifest"), None)
    })
}

fn document() -> impl Strategy<Value = Document> {
    prop_oneof![single(), index()]
}

fn run(found: &Document, ours: &Document, clashing: Clashing) -> Merge {
    fn side(document: &Document) -> Side<'_> {
        Side { manifest: &document.0, platform: document.1.as_ref() }
    }
    merge(side(found), side(ours), clashing, &HashSet::new()).expect("two images")
}

/// What the tag names after a merge.
fn after(found: &Document, ours: &Document, clashing: Clashing) -> Document {
    match run(found, ours, clashing).document {
        Merged::Found => found.clone(),
        Merged::Ours => ours.clone(),
        Merged::Made(manifest) => (manifest, None),
    }
}

/// By platform in its one spelling: what runs there.
fn platforms((manifest, platform): &Document) -> BTreeMap<String, Digest> {
    let single = platform.iter().map(|platform| (platform, manifest.digest()));
    let entries = manifest.index().into_iter().flat_map(|index| &index.manifests);
    let entries = entries.filter_map(|entry| Some((entry.platform.as_ref()?, &entry.digest)));
    single.chain(entries).map(|(on, digest)| (on.normalized().to_string(), digest.clone())).collect()
}

/// Adds what the map lacks.
fn with(mut found: BTreeMap<String, Digest>, ours: BTreeMap<String, Digest>) -> BTreeMap<String, Digest> {
    for (platform, digest) in ours {
        found.entry(platform).or_insert(digest);
    }
    found
}

proptest! {
    #[test]
    fn nothing_found_is_lost_and_what_lacks_is_added(found in document(), ours in document()) {
        let result = after(&found, &ours, Clashing::Keep);
        prop_assert_eq!(platforms(&result), with(platforms(&found), platforms(&ours)));
    }

    #[test]
    fn replacing_makes_ours_win_and_touches_no_other_platform(found in document(), ours in document()) {
        let result = after(&found, &ours, Clashing::Replace);
        prop_assert_eq!(platforms(&result), with(platforms(&ours), platforms(&found)));
    }

    #[test]
    fn merging_again_does_nothing(found in document(), ours in document(), replaces in any::<bool>()) {
        let clashing = if replaces { Clashing::Replace } else { Clashing::Keep };
        let result = after(&found, &ours, clashing);
        prop_assert_eq!(run(&result, &ours, clashing).document, Merged::Found);
    }

    #[test]
    fn two_single_images_give_one_document_whoever_was_first(one in single(), other in single()) {
        let (first, second) = (after(&one, &other, Clashing::Keep), after(&other, &one, Clashing::Keep));
        if platforms(&one).keys().ne(platforms(&other).keys()) {
            prop_assert_eq!(first, second);
        } else {
            prop_assert_eq!((first, second), (one, other));
        }
    }

    #[test]
    fn an_index_keeps_its_entries_and_their_order(found in index(), ours in document()) {
        let entries = |document: &Document| document.0.index().unwrap().manifests.clone();
        if let Merged::Made(made) = run(&found, &ours, Clashing::Keep).document {
            let (before, now) = (entries(&found), entries(&(made.clone(), None)));
            prop_assert_eq!(&now[..before.len()], &before[..]);
            prop_assert_eq!(&made.index().unwrap().annotations, &found.0.index().unwrap().annotations);
            prop_assert_eq!(made.media_type(), found.0.media_type());
        }
    }
}
