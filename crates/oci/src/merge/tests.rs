use std::collections::HashSet;

use bytes::Bytes;

use super::*;
use crate::MediaType;

fn digest(name: &str) -> Digest {
    Digest::sha256(name.as_bytes())
}

fn document(text: &str) -> Manifest {
    Manifest::parse(Bytes::copy_from_slice(text.as_bytes()), None).unwrap()
}

/// The manifest of a single image, told from others by its name.
fn image(name: &str, media_type: &MediaType) -> Manifest {
    let config = digest(name);
    document(&format!(
        r#"{{"schemaVersion":2,"mediaType":"{media_type}","config":{{"mediaType":"c","digest":"{config}","size":2}},"layers":[]}}"#
    ))
}

fn oci(name: &str) -> Manifest {
    image(name, &MediaType::OCI_MANIFEST)
}

fn docker(name: &str) -> Manifest {
    image(name, &MediaType::DOCKER_MANIFEST)
}

/// An entry for the image of that name.
fn entry(name: &str, platform: &str) -> String {
    let (os, architecture) = platform.split_once('/').unwrap();
    let (architecture, variant) = architecture.split_once('/').unwrap_or((architecture, ""));
    let variant = if variant.is_empty() { String::new() } else { format!(r#","variant":"{variant}""#) };
    let (digest, size) = (oci(name).digest().clone(), oci(name).bytes().len());
    format!(
        r#"{{"mediaType":"{}","digest":"{digest}","size":{size},"platform":{{"os":"{os}","architecture":"{architecture}"{variant}}}}}"#,
        MediaType::OCI_MANIFEST
    )
}

/// What BuildKit writes beside the image of that name.
fn attestation(name: &str, subject: &str) -> String {
    let subject = oci(subject).digest().clone();
    format!(
        r#"{{"mediaType":"{}","digest":"{}","size":5,"annotations":{{"vnd.docker.reference.digest":"{subject}","vnd.docker.reference.type":"attestation-manifest"}},"platform":{{"architecture":"unknown","os":"unknown"}}}}"#,
        MediaType::OCI_MANIFEST,
        digest(name)
    )
}

fn index(entries: &[String]) -> Manifest {
    let list = entries.join(",");
    document(&format!(r#"{{"schemaVersion":2,"mediaType":"{}","manifests":[{list}]}}"#, MediaType::OCI_INDEX))
}

fn merged(found: (&Manifest, &str), ours: (&Manifest, &str), clashing: Clashing) -> Merge {
    let platforms = [found.1, ours.1].map(|text| text.parse::<Platform>().ok());
    let [found_on, ours_on] = &platforms;
    let found = Side { manifest: found.0, platform: found_on.as_ref() };
    let ours = Side { manifest: ours.0, platform: ours_on.as_ref() };
    merge(found, ours, clashing, &HashSet::new()).unwrap()
}

fn made(merge: Merge) -> Manifest {
    match merge.document {
        Merged::Made(manifest) => manifest,
        other => panic!("{other:?}"),
    }
}

fn texts(platforms: &[Platform]) -> Vec<String> {
    platforms.iter().map(ToString::to_string).collect()
}

#[test]
fn two_single_images_become_an_index_whoever_was_first() {
    let (amd, arm) = (oci("amd"), oci("arm"));
    let one = merged((&amd, "linux/amd64"), (&arm, "linux/arm64/v8"), Clashing::Keep);
    assert_eq!(texts(&one.added), ["linux/arm64/v8"]);
    let other = merged((&arm, "linux/arm64/v8"), (&amd, "linux/amd64"), Clashing::Keep);
    assert_eq!(texts(&other.added), ["linux/amd64"]);
    let (one, other) = (made(one), made(other));
    assert_eq!(one, other);
    let expected = format!(
        r#"{{"schemaVersion":2,"mediaType":"application/vnd.oci.image.index.v1+json","manifests":[{{"mediaType":"application/vnd.oci.image.manifest.v1+json","digest":"{}","size":{},"platform":{{"os":"linux","architecture":"amd64"}}}},{{"mediaType":"application/vnd.oci.image.manifest.v1+json","digest":"{}","size":{},"platform":{{"os":"linux","architecture":"arm64","variant":"v8"}}}}]}}"#,
        amd.digest(),
        amd.bytes().len(),
        arm.digest(),
        arm.bytes().len()
    );
    assert_eq!(std::str::from_utf8(one.bytes()).unwrap(), expected);
}

#[test]
fn the_kind_of_the_parts_is_the_kind_of_the_index() {
    let check = |found: &Manifest, ours: &Manifest, expected: MediaType| {
        let merge = merged((found, "linux/amd64"), (ours, "linux/arm64"), Clashing::Keep);
        assert_eq!(*made(merge).media_type(), expected);
    };
    check(&docker("a"), &docker("b"), MediaType::DOCKER_LIST);
    check(&docker("a"), &oci("b"), MediaType::OCI_INDEX);
    check(&oci("a"), &docker("b"), MediaType::OCI_INDEX);
}

#[test]
fn a_docker_list_stays_one_as_long_as_its_parts_are_dockers() {
    let amd = docker("amd");
    let list = made(merged((&amd, "linux/amd64"), (&docker("arm"), "linux/arm64"), Clashing::Keep));
    let longer = made(merged((&list, ""), (&docker("s390x"), "linux/s390x"), Clashing::Keep));
    assert_eq!(*longer.media_type(), MediaType::DOCKER_LIST);
    let mixed = made(merged((&list, ""), (&oci("ppc"), "linux/ppc64le"), Clashing::Keep));
    assert_eq!(*mixed.media_type(), MediaType::OCI_INDEX);
    assert!(mixed.bytes().starts_with(br#"{"schemaVersion":2,"mediaType":"application/vnd.oci"#));
}

#[test]
fn what_was_there_stays_byte_for_byte() {
    let found = format!(
        "{{\n  \"annotations\": {{\"a\": \"b\"}},\n  \"schemaVersion\": 2,\n  \"manifests\": [\n    {},\n    {}\n  ],\n  \"x-unknown\": 1.50\n}}\n",
        entry("amd", "linux/amd64").replace("\"size\"", "\"x-more\": [1e3], \"size\""),
        attestation("note", "amd"),
    );
    let merge = merged((&document(&found), ""), (&oci("arm"), "linux/arm64"), Clashing::Keep);
    let platform = r#""platform":{"os":"linux","architecture":"arm64"}"#;
    let (digest, size) = (oci("arm").digest().clone(), oci("arm").bytes().len());
    let added = format!(
        r#"{{"mediaType":"application/vnd.oci.image.manifest.v1+json","digest":"{digest}","size":{size},{platform}}}"#
    );
    let expected = found.replace("\n  ],", &format!(",\n    {added}\n  ],"));
    assert_eq!(std::str::from_utf8(made(merge).bytes()).unwrap(), expected);
}

#[test]
fn nothing_is_to_be_done_where_it_is_all_there() {
    let both = index(&[entry("amd", "linux/amd64"), entry("arm", "linux/arm64")]);
    for (found, ours) in [(&both, &both), (&both, &oci("arm")), (&oci("arm"), &oci("arm"))] {
        let merge = merged((found, "linux/arm64"), (ours, "linux/arm64"), Clashing::Replace);
        assert_eq!(merge, Merge { document: Merged::Found, added: vec![], replaced: vec![], kept: vec![] });
    }
}

#[test]
fn an_index_that_holds_all_that_was_found_is_taken_as_it_is() {
    let both = index(&[entry("amd", "linux/amd64"), entry("arm", "linux/arm64"), attestation("note", "arm")]);
    let ours = |found: &Manifest| merged((found, "linux/amd64"), (&both, ""), Clashing::Keep).document;
    assert_eq!(ours(&oci("amd")), Merged::Ours, "what was flattened is whole again");
    assert_eq!(ours(&index(&[entry("arm", "linux/arm64")])), Merged::Ours);
    let more = format!(
        r#"{{"schemaVersion":2,"annotations":{{"a":"b"}},"manifests":[{}]}}"#,
        entry("arm", "linux/arm64")
    );
    assert!(matches!(ours(&document(&more)), Merged::Made(_)), "its annotations would be lost");
}

#[test]
fn spellings_of_one_platform_are_one_platform() {
    let check = |found: &str, ours: &str, clashes: bool| {
        let merge = merged((&oci("a"), found), (&oci("b"), ours), Clashing::Keep);
        assert_eq!(merge.kept.len(), usize::from(clashes), "{found} {ours}");
        assert_eq!(matches!(merge.document, Merged::Found), clashes, "{found} {ours}");
    };
    check("linux/arm64", "linux/arm64/v8", true);
    check("linux/amd64", "linux/x86_64", true);
    check("linux/arm", "linux/arm/v7", true);
    check("linux/arm/v6", "linux/arm/v7", false);
    check("linux/amd64", "linux/amd64/v3", false);
}

#[test]
fn windows_is_told_apart_by_its_version_and_linux_is_not() {
    let of = |os: &str, version: &str| Platform {
        os_version: Some(version.to_owned()),
        ..Platform::new(os, "amd64")
    };
    let check = |os: &str, expected: usize| {
        let (found, ours) = (of(os, "10.0.1"), of(os, "10.0.2"));
        let (a, b) = (oci("a"), oci("b"));
        let side = |manifest, platform| Side { manifest, platform: Some(platform) };
        let merge = merge(side(&a, &found), side(&b, &ours), Clashing::Keep, &HashSet::new()).unwrap();
        assert_eq!(merge.added.len(), expected, "{os}");
    };
    check("windows", 1);
    check("linux", 0);
}

#[test]
fn other_content_for_a_platform_is_kept_or_takes_the_place_of_that_one_alone() {
    let entries = [
        entry("arm", "linux/arm64"),
        attestation("note", "arm"),
        entry("amd", "linux/amd64"),
        attestation("n", "amd"),
    ];
    let found = index(&entries);
    let ours = index(&[entry("arm2", "linux/arm64"), attestation("note2", "arm2")]);
    let clash = Clash {
        platform: "linux/arm64".parse().unwrap(),
        found: oci("arm").digest().clone(),
        ours: oci("arm2").digest().clone(),
    };
    let kept = merged((&found, ""), (&ours, ""), Clashing::Keep);
    assert_eq!((&kept.document, kept.kept.as_slice()), (&Merged::Found, [clash.clone()].as_slice()));
    let replaced = merged((&found, ""), (&ours, ""), Clashing::Replace);
    assert_eq!(replaced.replaced, [clash]);
    let expected = index(&[
        entry("arm2", "linux/arm64"),
        entry("amd", "linux/amd64"),
        attestation("n", "amd"),
        attestation("note2", "arm2"),
    ]);
    assert_eq!(made(replaced), expected);
}

#[test]
fn a_single_image_of_the_same_platform_is_replaced_by_a_single_image() {
    let merge = merged((&oci("old"), "linux/amd64"), (&oci("new"), "linux/amd64"), Clashing::Replace);
    assert_eq!((merge.document, merge.replaced.len()), (Merged::Ours, 1));
}

#[test]
fn what_is_lost_is_left_out_with_all_that_speaks_of_it() {
    let found =
        index(&[entry("gone", "linux/amd64"), attestation("note", "gone"), entry("arm", "linux/arm64")]);
    let ours = oci("amd");
    let side = |manifest, platform| Side { manifest, platform };
    let platform = Platform::new("linux", "amd64");
    let lost = HashSet::from([oci("gone").digest().clone()]);
    let merge = merge(side(&found, None), side(&ours, Some(&platform)), Clashing::Keep, &lost).unwrap();
    assert_eq!((texts(&merge.added), merge.kept.len()), (vec!["linux/amd64".to_owned()], 0));
    assert_eq!(
        made(merge).index().unwrap().manifests.iter().map(|entry| &entry.digest).collect::<Vec<_>>(),
        [oci("arm").digest(), oci("amd").digest()]
    );
}

#[test]
fn artifacts_are_refused() {
    let (a, b) = (oci("a"), oci("b"));
    let side = |manifest| Side { manifest, platform: None };
    let refused = merge(side(&a), side(&b), Clashing::Keep, &HashSet::new());
    assert_eq!(refused, Err(MergeError::NoPlatform { digest: a.digest().clone() }));
}

#[test]
fn what_registries_would_not_take_is_not_made() {
    let room = crate::MANIFEST_LIMIT as usize - 400;
    let padding = "x".repeat(room - entry("a", "linux/amd64").len());
    let list = entry("a", "linux/amd64");
    let found = document(&format!(
        r#"{{"schemaVersion":2,"annotations":{{"a":"{padding}"}},"manifests":[{list},{list}]}}"#
    ));
    let (ours, platform) = (oci("b"), Platform::new("linux", "arm64"));
    let (found, ours) =
        (Side { manifest: &found, platform: None }, Side { manifest: &ours, platform: Some(&platform) });
    let refused = merge(found, ours, Clashing::Keep, &HashSet::new());
    assert!(
        matches!(refused, Err(MergeError::TooLarge { size }) if size > crate::MANIFEST_LIMIT as usize),
        "{refused:?}"
    );
}
