//! The order of a chart's versions as bytes, so that the database sorts them by itself.

use portolan_chart::ChartVersion;

/// Behind the last identifier; less than what begins another one, so that fewer identifiers are less.
const END: u8 = 0x01;
const NUMERIC: u8 = 0x02;
const ALPHANUMERIC: u8 = 0x03;

/// In place of identifiers: a version without a pre-release is above all those that have one.
const RELEASE: u8 = 0xff;

/// Ends a text; less than each of its characters.
const TEXT_END: u8 = 0x00;

/// Bytes that sort as listings do: the newest version first, by Semantic Versioning 2.0.0 (section
/// 11), then by build metadata, then by how it is written; the reverse of [`ChartVersion`]'s order.
pub(super) fn newest_first(version: &ChartVersion) -> Vec<u8> {
    let mut key = ascending(version);
    // No key is the beginning of another one, so this turns their order round.
    key.iter_mut().for_each(|byte| *byte = !*byte);
    key
}

fn ascending(version: &ChartVersion) -> Vec<u8> {
    let semantic = version.semantic();
    let mut key = Vec::new();
    for number in [semantic.major, semantic.minor, semantic.patch] {
        push_number(&mut key, number);
    }
    match semantic.pre.as_str() {
        "" => key.push(RELEASE),
        identifiers => push_identifiers(&mut key, identifiers),
    }
    push_identifiers(&mut key, semantic.build.as_str());
    push_text(&mut key, version.as_str());
    key
}

/// The bytes that count, behind how many they are.
fn push_number(key: &mut Vec<u8>, number: u64) {
    let bytes = number.to_be_bytes();
    let counting = &bytes[bytes.iter().take_while(|&&byte| byte == 0).count()..];
    key.push(u8::try_from(counting.len()).expect("because a number has eight bytes"));
    key.extend_from_slice(counting);
}

fn push_identifiers(key: &mut Vec<u8>, identifiers: &str) {
    for identifier in identifiers.split('.') {
        if identifier.bytes().all(|byte| byte.is_ascii_digit()) {
            push_digits(key, identifier);
        } else {
            key.push(ALPHANUMERIC);
            push_text(key, identifier);
        }
    }
    key.push(END);
}

/// By value, whatever its length, then by the zeros before it, which build metadata may have.
fn push_digits(key: &mut Vec<u8>, digits: &str) {
    let value = digits.trim_start_matches('0');
    key.push(NUMERIC);
    push_length(key, value);
    key.extend_from_slice(value.as_bytes());
    push_length(key, digits);
}

fn push_length(key: &mut Vec<u8>, text: &str) {
    let length = u16::try_from(text.len()).expect("because a version has at most 256 bytes");
    key.extend_from_slice(&length.to_be_bytes());
}

fn push_text(key: &mut Vec<u8>, text: &str) {
    key.extend_from_slice(text.as_bytes());
    key.push(TEXT_END);
}

#[cfg(test)]
mod tests {
    use super::*;

    /// Ascending, each of them less than the next one.
    const SORTED: [&str; 32] = [
        "0.0.0-0",
        "0",
        "0.0",
        "0.0.0",
        "0.0.0+0",
        "0.0.1",
        "0.9.0",
        "0.10.0",
        "1.0.0-0",
        "1.0.0-2",
        "1.0.0-10",
        "1.0.0-18446744073709551616",
        "1.0.0-alpha",
        "1.0.0-alpha.1",
        "1.0.0-alpha.beta",
        "1.0.0-beta",
        "1.0.0-beta.2",
        "1.0.0-beta.11",
        "1.0.0-beta-x",
        "1.0.0-rc.1",
        "1.0.0",
        "1.0.0+0",
        "1.0.0+1",
        "1.0.0+1.2",
        "1.0.0+01",
        "1.0.0+2",
        "1.0.0+a",
        "1.0.0+a.1",
        "v1.0.0+a.1",
        "1.0.255",
        "1.0.256",
        "18446744073709551615.0.0",
    ];

    #[test]
    fn keys_sort_as_versions_do_and_the_newest_comes_first() {
        let versions: Vec<ChartVersion> = SORTED.iter().map(|text| text.parse().unwrap()).collect();
        for (one, version) in versions.iter().enumerate() {
            for (other, another) in versions.iter().enumerate() {
                assert_eq!(version.cmp(another), one.cmp(&other), "{version} {another}");
                assert_eq!(
                    newest_first(another).cmp(&newest_first(version)),
                    one.cmp(&other),
                    "{version} {another}"
                );
            }
        }
    }
}
