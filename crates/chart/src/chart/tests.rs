//! Loading, packing, comparing.

use super::*;

fn chart(files: &[(&str, &[u8])]) -> Result<Chart, ChartError> {
    let file = |(path, data): &(&str, &[u8])| ChartFile {
        path: (*path).to_owned(),
        data: Bytes::copy_from_slice(data),
    };
    Chart::from_files("x.tgz", files.iter().map(file).collect())
}

const METADATA: &[u8] = b"apiVersion: v2\nname: 0-ad\nversion: 1.2\n";

#[test]
fn loads_what_it_packs() {
    let files: [(&str, &[u8]); 4] = [
        (".helmignore", b"values.yaml\n"),
        ("values.yaml", b"a: b\n"),
        ("Chart.yaml", METADATA),
        (HINTS_FILE, b""),
    ];
    let original = chart(&files).unwrap();
    let again = Chart::from_archive("y.tgz", original.pack().unwrap().as_ref()).unwrap();
    assert_eq!(again.files(), original.files());
    assert_eq!((again.name(), again.version().as_str()), ("0-ad", "1.2"));
    assert!(again.hints_file().is_some());
    assert!(again.file("missing").is_none());
    assert!(again.same_content(&original));
    assert_eq!(again.pack().unwrap(), original.pack().unwrap());
}

#[test]
fn default_values_are_a_map_whatever_the_file_is() {
    let values = |content: Option<&[u8]>| {
        let mut files = vec![("Chart.yaml", METADATA)];
        files.extend(content.map(|content| ("values.yaml", content)));
        chart(&files).unwrap().default_values().map(|values| serde_json::Value::from(values).to_string())
    };
    let check = |content, expected: &str| assert_eq!(values(content).unwrap(), expected);
    check(Some(b"a:\n  b: [1, x]\nc: 0x10\n"), r#"{"a":{"b":[1,"x"]},"c":16}"#);
    for nothing in [None, Some(&b""[..]), Some(b"# nothing\n"), Some(b"- a list\n"), Some(b"text")] {
        check(nothing, "{}");
    }
    assert_eq!(values(Some(b"a: 1\nb: ]\n")).unwrap_err().line(), 2);
}

#[test]
fn requirements_count_as_dependencies() {
    let requirements = b"dependencies:\n- name: db\n  alias: a\n";
    let chart = chart(&[("Chart.yaml", METADATA), ("requirements.yaml", requirements)]).unwrap();
    assert_eq!(chart.metadata().dependencies()[0].name, "db");
}

#[test]
fn packed_sub_charts_are_compared_by_content() {
    let inner = chart(&[("Chart.yaml", b"name: db\nversion: 1.0.0\n")]).unwrap();
    let packed = inner.pack().unwrap();
    let mut other = flate2::write::GzEncoder::new(Vec::new(), flate2::Compression::none());
    let mut tar = Vec::new();
    flate2::read::GzDecoder::new(packed.as_ref()).read_to_end(&mut tar).unwrap();
    std::io::Write::write_all(&mut other, &tar).unwrap();
    let other = other.finish().unwrap();
    let with = |data: &[u8]| chart(&[("Chart.yaml", METADATA), ("charts/db.tgz", data)]).unwrap();
    assert!(with(&packed).same_content(&with(&other)));
    assert!(!with(&packed).same_content(&with(b"damaged")));
    assert!(!with(&packed).same_content(&chart(&[("Chart.yaml", METADATA)]).unwrap()));
}

#[test]
fn errors_name_origin_and_file() {
    let check = |files: &[(&str, &[u8])], expected: &str| {
        assert_eq!(chart(files).unwrap_err().to_string(), expected);
    };
    check(&[("values.yaml", b"")], "chart x.tgz: has no Chart.yaml in its top folder");
    check(&[("Chart.yaml", b"name: [")], "chart x.tgz: Chart.yaml");
    check(&[("Chart.yaml", METADATA), ("requirements.yaml", b"- a\n")], "chart x.tgz: requirements.yaml");
    check(&[("../a", b"")], "chart x.tgz: file \"../a\": a path with .. in it");
    check(&[("/a", b"")], "chart x.tgz: file \"/a\": an absolute path");
    check(&[("a//b", b"")], "chart x.tgz: file \"a//b\": an empty name");
    let big = vec![0; FILE_LIMIT as usize + 1];
    let error = chart(&[("big", &big)]).unwrap_err();
    assert_eq!(
        std::error::Error::source(&error).unwrap().to_string(),
        "entry big: larger than 5 MiB, which Helm refuses; take the file out of the chart"
    );
}
