//! The table of formats.md, section 4.

use super::*;

fn rules(registry: &str, repository: &str, prefix_registry: &str, prefix_repository: &str) -> Rules {
    fn given<T: FromStr>(text: &str) -> Option<T> {
        (!text.is_empty()).then(|| text.parse().ok().unwrap())
    }
    Rules {
        registry: given(registry),
        repository: given(repository),
        prefix_registry: given(prefix_registry),
        prefix_repository: given(prefix_repository),
        append_origin_registry: AppendOrigin::ToRepository,
    }
}

#[test]
fn the_table() {
    let check = |rules: &Rules, source: &str, registry: &str, repository: &str| {
        let destination = rules.destination(&source.parse().unwrap()).unwrap();
        assert_eq!((destination.registry.as_str(), destination.repository.as_str()), (registry, repository));
        let name = format!("{registry}/{repository}");
        assert_eq!(destination.reference.name(), name);
    };
    let source = "quay.io/a/b/c:1";
    check(&rules("", "", "", ""), source, "quay.io", "a/b/c");
    check(&rules("", "", "", ""), "nginx", "docker.io", "library/nginx");
    check(&rules("t.io", "", "", ""), source, "t.io", "a/b/c");
    check(&rules("", "x/y", "", ""), source, "quay.io", "x/y/c");
    check(&rules("t.io", "x/y", "", ""), source, "t.io", "x/y/c");
    check(&rules("", "", "t.io", ""), source, "t.io", "quay.io/a/b/c");
    check(&rules("other.io", "", "t.io:5000/m", ""), source, "t.io:5000/m", "quay.io/a/b/c");
    check(&rules("", "", "", "x/y"), source, "quay.io", "x/y/a/b/c");
    check(&rules("t.io", "", "", "x/y"), source, "t.io", "x/y/a/b/c");
    check(&rules("", "", "t.io", "x/y"), source, "t.io", "quay.io/x/y/a/b/c");
    check(&rules("", "z", "t.io", "x/y"), source, "t.io", "z/c");
    let append = |rules: Rules| Rules { append_origin_registry: AppendOrigin::ToRegistry, ..rules };
    check(&append(rules("", "", "t.io", "")), source, "t.io/quay.io", "a/b/c");
    check(&append(rules("", "", "t.io/m", "x/y")), source, "t.io/m/quay.io", "x/y/a/b/c");
    check(&append(rules("", "z", "t.io", "")), source, "t.io", "z/c");
    check(&append(rules("t.io", "", "", "")), source, "t.io", "a/b/c");
    let for_registry = |text: &str| Rules::for_registry(text.parse().unwrap());
    check(&for_registry("t.io:5000"), source, "t.io:5000", "a/b/c");
    check(&for_registry("t.io/m/n"), source, "t.io/m/n", "a/b/c");
}

#[test]
fn tag_and_digest_are_kept() {
    let digest = portolan_oci::Digest::sha256(b"");
    let source = format!("quay.io/a/b:1@{digest}").parse().unwrap();
    let target = rules("t.io", "", "", "").target(&source).unwrap();
    assert_eq!(target.to_string(), format!("t.io/a/b:1@{digest}"));
}

#[test]
fn impossible_names_are_said() {
    let error = rules("", "", "t.io", "").target(&"localhost:5000/a:1".parse().unwrap()).unwrap_err();
    assert_eq!(
        error.to_string(),
        "the target rules make the name \"t.io/localhost:5000/a\" of image localhost:5000/a:1; use containerRepository for it"
    );
}
