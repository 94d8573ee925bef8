//! What the name of an add-on package tells: `addon-offline-full-package-v0.9.0-amd64.tar.gz`.

use std::path::Path;

/// What stands before the version.
const BEGINNING: &str = "addon-offline-full-package-";

/// The version from which on the package's own tooling asks before it writes a tag (seed 000, "Architecture
/// Conflict").
const SAFE: (u64, u64) = (0, 12);

/// A note on a package whose own tooling would flatten tags of several platforms.
pub(super) fn note(package: &Path) -> Option<String> {
    let version = version(package.file_name()?.to_str()?)?;
    let number = numbers(version)?;
    (number < SAFE).then(|| {
        format!(
            "the tooling inside add-on packages below v0.12.0 turns tags of several platforms into tags of one; \
             {version} is imported without it, so tags keep the platforms that they have"
        )
    })
}

/// The version in the name, as written.
fn version(name: &str) -> Option<&str> {
    let rest = name.strip_prefix(BEGINNING)?;
    let end = rest.find(['-', '_']).unwrap_or(rest.len());
    Some(&rest[..end])
}

/// The first two numbers of `v0.9.0`.
fn numbers(version: &str) -> Option<(u64, u64)> {
    let mut numbers = version.trim_start_matches('v').split('.').map(str::parse);
    Some((numbers.next()?.ok()?, numbers.next()?.ok()?))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn packages_whose_tooling_flattens() {
        let check = |name: &str, expected: bool| {
            assert_eq!(note(Path::new(name)).is_some(), expected, "{name}");
        };
        check("/home/addon-offline-full-package-v0.9.0-amd64.tar.gz", true);
        check("addon-offline-full-package-v0.11.0-arm64.tar.gz", true);
        check("addon-offline-full-package-0.11.3_arm64.tar", true);
        check("addon-offline-full-package-v0.12.0-amd64.tar.gz", false);
        check("addon-offline-full-package-v0.12.0-rc1-amd64.tar.gz", false);
        check("addon-offline-full-package-v1.2.0-amd64.tar.gz", false);
        check("addon-offline-full-package-latest-amd64.tar.gz", false);
        check("kpanda_v0.9.0_amd64.tar", false);
        check("/", false);
    }
}
