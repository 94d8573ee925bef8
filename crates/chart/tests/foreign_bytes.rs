//! Parsers of foreign bytes end with a value or an error, whatever the bytes.

use portolan_chart::{Chart, ChartFile, Hints, Metadata, check_provenance};
use portolan_oci::Digest;
use proptest::prelude::*;

proptest! {
    #[test]
    fn nothing_panics(bytes in proptest::collection::vec(any::<u8>(), 0..300)) {
        let _ = Hints::parse("x", &bytes);
        let _ = Metadata::parse(&bytes);
        let _ = Chart::from_archive("x", bytes.as_slice());
        let _ = check_provenance(&bytes, "x-1.tgz", &Digest::sha256(b""));
    }

    #[test]
    fn no_yaml_panics(text in "([ab]|[-:?,&*!|>'\"%@#{}\\[\\] \n\t~é.0-9]|<<: |- |: |&a |\\*a ){0,40}") {
        let _ = Hints::parse("x", text.as_bytes());
        let _ = Metadata::parse(text.as_bytes());
        let signed = format!("-----BEGIN PGP SIGNED MESSAGE-----\n...\n{text}\n-----BEGIN PGP SIGNATURE-----\n");
        let _ = check_provenance(signed.as_bytes(), "a", &Digest::sha256(b""));
        let files = [("Chart.yaml", "name: a\nversion: 1.0.0\n"), ("values.yaml", &text), ("Chart.lock", &text)];
        let file = |(path, data): (&str, &str)| ChartFile { path: path.into(), data: data.to_owned().into() };
        let _ = Chart::from_files("x", files.map(file).into()).unwrap().validate();
    }
}
