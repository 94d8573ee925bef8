//! Property: names of every form that the grammars allow are taken, and what is printed reads the same.

use portolan_oci::{Platform, Reference, Repository};
use proptest::{option, prelude::*};

const COMPONENT: &str = "[a-z0-9]{1,4}((\\.|_|__|-{1,4})[a-z0-9]{1,4}){0,2}";
const HEX: &str = "[0-9a-f]{64}";

fn host() -> impl Strategy<Value = String> {
    let name = "[a-zA-Z0-9]{1,5}(-{1,2}[a-z0-9]{1,3})?\\.[a-z0-9]{1,4}";
    let host =
        prop_oneof![name.prop_map(|name| name), Just("localhost".to_owned()), Just("[fe80::1]".to_owned())];
    (host, option::of(any::<u16>())).prop_map(|(host, port)| match port {
        Some(port) => format!("{host}:{port}"),
        None => host,
    })
}

fn repository() -> impl Strategy<Value = String> {
    proptest::collection::vec(COMPONENT, 1..4).prop_map(|components| components.join("/"))
}

proptest! {
    #[test]
    fn references(
        host in host(),
        repository in repository(),
        tag in option::of("[a-zA-Z0-9_][a-zA-Z0-9_.-]{0,127}"),
        hex in option::of(HEX),
    ) {
        let tag = tag.map(|tag| format!(":{tag}")).unwrap_or_default();
        let digest = hex.map(|hex| format!("@sha256:{hex}")).unwrap_or_default();
        let text = format!("{host}/{repository}{tag}{digest}");
        let reference: Reference = text.parse().unwrap();
        prop_assert_eq!(reference.to_string(), text);
        prop_assert_eq!(reference.repository.as_str(), repository);
    }

    #[test]
    fn short_names_are_those_of_docker_hub(repository in repository(), tag in "[a-z0-9]{1,8}") {
        // The first element of a longer name may look like a host.
        prop_assume!(!repository.contains('/') || !repository.split('/').next().unwrap().contains('.'));
        let reference: Reference = format!("{repository}:{tag}").parse().unwrap();
        prop_assert_eq!(reference.registry.as_str(), "docker.io");
        prop_assert!(reference.repository.as_str().ends_with(&repository));
        prop_assert_eq!(reference.to_string().parse::<Reference>(), Ok(reference));
    }

    #[test]
    fn joining_is_writing_with_a_slash(above in repository(), below in repository()) {
        let joined = above.parse::<Repository>().unwrap().join(&below).unwrap();
        prop_assert_eq!(joined.to_string(), format!("{above}/{below}"));
    }

    #[test]
    fn platforms(
        os in "[a-zA-Z]{1,7}",
        architecture in "(x86[_-]64|amd64|arm|armhf|aarch64|arm64|i386|[a-z0-9]{1,8})",
        variant in option::of("v?[0-9]"),
    ) {
        let variant = variant.map(|variant| format!("/{variant}")).unwrap_or_default();
        let text = format!("{os}/{architecture}{variant}");
        let platform: Platform = text.parse().unwrap();
        prop_assert_eq!(platform.to_string(), text);
        let normal = platform.normalized();
        prop_assert_eq!(normal.normalized(), normal);
    }

    #[test]
    fn no_text_panics(text in "[a-z:/@.\\[\\]A-Z0-9_é-]{0,40}") {
        if let Ok(reference) = text.parse::<Reference>() {
            prop_assert_eq!(reference.to_string().parse::<Reference>(), Ok(reference));
        }
    }
}
