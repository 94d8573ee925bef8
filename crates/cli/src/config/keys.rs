//! Every key of the configuration file, for suggestions and for the test that the manual names them all.

/// The keys with their full paths, in the order of the manual.
pub const KEYS: &[&str] = &[
    "source.repo.kind",
    "source.repo.url",
    "source.repo.path",
    "source.repo.auth.username",
    "source.repo.auth.password",
    "source.repo.chartsIndex",
    "source.repo.disableChartsIndex",
    "source.repo.useChartsIndex",
    "source.intermediateBundlesPath",
    "source.containers.auth.registry",
    "source.containers.auth.username",
    "source.containers.auth.password",
    "target.repo.kind",
    "target.repo.url",
    "target.repo.path",
    "target.repo.auth.username",
    "target.repo.auth.password",
    "target.repo.chartsIndex",
    "target.repo.disableChartsIndex",
    "target.repo.useChartsIndex",
    "target.intermediateBundlesPath",
    "target.containerRegistry",
    "target.containerRepository",
    "target.containerPrefixRegistry",
    "target.containerPrefixRepository",
    "target.appendOriginRegistry",
    "target.repoName",
    "target.containers.kind",
    "target.containers.url",
    "target.containers.auth.registry",
    "target.containers.auth.username",
    "target.containers.auth.password",
    "target.containers.tokenServers",
    "charts.name",
    "charts.versions",
    "charts.skipImages",
    "skipCharts",
    "relocateContainerImages",
    "containerPlatforms",
    "skipArtifacts",
];

/// How far a misspelled key may be from a known one to be taken for it: a third of its letters.
const NEAR: usize = 3;

/// What the writer of an unknown key may have meant, as a sentence.
///
/// `allowed` are the keys known at that place. A key that belongs elsewhere is named with its full path.
pub(super) fn suggestion(unknown: &str, allowed: &[&str]) -> Option<String> {
    if let Some(near) = nearest(unknown, allowed.iter().copied()) {
        return Some(format!("did you mean `{near}`?"));
    }
    elsewhere(unknown)
}

/// The one of `known` that is near enough to be meant.
pub(crate) fn nearest<'a>(unknown: &str, known: impl Iterator<Item = &'a str>) -> Option<&'a str> {
    let folded = unknown.to_lowercase();
    known
        .map(|key| (strsim::damerau_levenshtein(&folded, &key.to_lowercase()), key))
        .filter(|(distance, key)| distance * NEAR <= key.len())
        .min()
        .map(|(_, key)| key)
}

fn elsewhere(unknown: &str) -> Option<String> {
    let places: Vec<String> = KEYS
        .iter()
        .filter(|path| path.rsplit('.').next() == Some(unknown))
        .map(|path| format!("`{path}`"))
        .collect();
    (!places.is_empty()).then(|| format!("that key belongs at {}", places.join(" or ")))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_unknown_key_gets_the_nearest_known_one() {
        let target = ["repo", "containerRegistry", "containerRepository", "repoName"];
        let check =
            |unknown, expected: Option<&str>| assert_eq!(suggestion(unknown, &target).as_deref(), expected);
        check("containerRegisty", Some("did you mean `containerRegistry`?"));
        check("containerregistry", Some("did you mean `containerRegistry`?"));
        check("reponame", Some("did you mean `repoName`?"));
        check("skipImages", Some("that key belongs at `charts.skipImages`"));
        check("skipCharts", Some("that key belongs at `skipCharts`"));
        check(
            "kind",
            Some("that key belongs at `source.repo.kind` or `target.repo.kind` or `target.containers.kind`"),
        );
        check("colour", None);
    }
}
