//! Helm's provenance files: a signed text whose first part is the chart's `Chart.yaml`.

use crate::names::ChartStem;

/// The chart that a provenance file speaks of; `None` where it is no provenance file.
///
/// The signature is not checked here: that needs the signer's key, which only Helm's user has.
pub(crate) fn chart_of(content: &[u8]) -> Option<ChartStem> {
    let text = std::str::from_utf8(content).ok()?;
    let signed = text.split_once("-----BEGIN PGP SIGNED MESSAGE-----")?.1;
    // The metadata ends with YAML's end of document, the digests of files follow it.
    let metadata = signed.split("\n...").next()?;
    ChartStem::new(field(metadata, "name")?, field(metadata, "version")?).ok()
}

/// A top-level field of a plain YAML map as Helm writes it, one line each.
fn field<'a>(metadata: &'a str, key: &str) -> Option<&'a str> {
    let value = metadata.lines().find_map(|line| line.strip_prefix(key)?.strip_prefix(':'))?;
    Some(value.trim().trim_matches(['"', '\'']))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn finds_the_chart_of_a_provenance_file() {
        let check = |text: &str, expected: Option<&str>| {
            assert_eq!(chart_of(text.as_bytes()).as_ref().map(ChartStem::as_str), expected, "{text}");
        };
        let signed = "-----BEGIN PGP SIGNED MESSAGE-----\nHash: SHA512\n\napiVersion: v2\nname: demo\nversion: \"1.20\"\n\n...\nfiles:\n  demo-1.20.tgz: sha256:00\n-----BEGIN PGP SIGNATURE-----\n";
        check(signed, Some("demo-1.20"));
        check(&signed.replace("name: demo", "name: ../demo"), None);
        check(&signed.replace("version", "other"), None);
        check("name: demo\nversion: 1\n", None);
        check("", None);
    }
}
