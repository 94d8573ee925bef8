//! Parsers of foreign bytes end with a value or an error, whatever the bytes.

use portolan_chart::{Chart, Hints, Metadata};
use proptest::prelude::*;

proptest! {
    #[test]
    fn nothing_panics(bytes in proptest::collection::vec(any::<u8>(), 0..300)) {
        let _ = Hints::parse("x", &bytes);
        let _ = Metadata::parse(&bytes);
        let _ = Chart::from_archive("x", bytes.as_slice());
    }

    #[test]
    fn no_yaml_panics(text in "([ab]|[-:?,&*!|>'\"%@#{}\\[\\] \n\t~é.0-9]|<<: |- |: |&a |\\*a ){0,40}") {
        let _ = Hints::parse("x", text.as_bytes());
        let _ = Metadata::parse(text.as_bytes());
    }
}
