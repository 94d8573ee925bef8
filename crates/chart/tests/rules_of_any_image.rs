//! Property: where rules name the place, relocating twice is relocating once; where they put a prefix before
//! what is there, each time puts it there once more.

use portolan_chart::{AppendOrigin, Rules};
use portolan_oci::Reference;
use proptest::{option, prelude::*};

const HOST: &str = "[a-z]{1,8}\\.(io|example)(:5[0-9]{3})?";
const PATH: &str = "[a-z0-9]{1,6}((\\.|_|__|-{1,3})[a-z0-9]{1,4})?(/[a-z0-9]{1,6}){0,2}";

fn image() -> impl Strategy<Value = Reference> {
    let digest = option::of(Just("@sha256:e3b0c44298fc1c149afbf4c8996fb92427ae41e4649b934ca495991b7852b855"));
    (option::of(HOST), PATH, option::of(":[a-zA-Z0-9_][a-zA-Z0-9._-]{0,10}"), digest).prop_map(
        |(host, path, tag, digest)| {
            let host = host.map(|host| format!("{host}/")).unwrap_or_default();
            let text = format!("{host}{path}{}{}", tag.unwrap_or_default(), digest.unwrap_or_default());
            text.parse().expect("because the text follows the grammar")
        },
    )
}

fn parsed<T: std::str::FromStr>(text: Option<String>) -> Option<T> {
    text.map(|text| text.parse().ok().expect("because the text follows the grammar"))
}

fn rules() -> impl Strategy<Value = Rules> {
    let prefix = (HOST, option::of(PATH)).prop_map(|(host, path)| match path {
        Some(path) => format!("{host}/{path}"),
        None => host,
    });
    let append = prop_oneof![Just(AppendOrigin::ToRepository), Just(AppendOrigin::ToRegistry)];
    (option::of(HOST), option::of(PATH), option::of(prefix), option::of(PATH), append).prop_map(
        |(registry, repository, prefix_registry, prefix_repository, append_origin_registry)| Rules {
            registry: parsed(registry),
            repository: parsed(repository),
            prefix_registry: parsed(prefix_registry),
            prefix_repository: parsed(prefix_repository),
            append_origin_registry,
        },
    )
}

/// `repository` wins over every prefix, so with it the place is named; without any prefix it is too.
fn names_the_place(rules: &Rules) -> bool {
    let has_prefix = rules.prefix_registry.is_some() || rules.prefix_repository.is_some();
    rules.repository.is_some() || !has_prefix
}

proptest! {
    #[test]
    fn twice_is_once_or_one_prefix_more(source in image(), rules in rules()) {
        // A source registry's port can't become a part of a path.
        let Ok(once) = rules.target(&source) else { return Ok(()) };
        prop_assert_eq!((&once.tag, &once.digest), (&source.tag, &source.digest));
        let Ok(twice) = rules.target(&once) else { return Ok(()) };
        match names_the_place(&rules) {
            true => prop_assert_eq!(twice, once),
            false => {
                let (once, twice) = (once.repository.as_str(), twice.repository.as_str());
                prop_assert!(twice.len() > once.len() && twice.ends_with(source.repository.as_str()));
            }
        }
    }

    #[test]
    fn a_target_reads_as_it_is_written(source in image(), rules in rules()) {
        let Ok(target) = rules.target(&source) else { return Ok(()) };
        prop_assert_eq!(target.to_string().parse::<Reference>(), Ok(target));
    }
}
