//! Property: whatever files a chart has, packing and reading gives them back, and packing is reproducible.

use std::collections::BTreeMap;

use portolan_chart::{Chart, ChartFile};
use proptest::{collection, prelude::*};

/// A path of one to four names, short ones and such as no tar header holds.
fn path() -> impl Strategy<Value = String> {
    let name = prop_oneof![4 => "[a-zA-Z0-9._ -]{0,6}[a-z]", 1 => "[a-zé世]{1,8}", 1 => "[a-z]{90,130}"];
    collection::vec(name, 1..5).prop_map(|names| names.join("/"))
}

fn files() -> impl Strategy<Value = BTreeMap<String, Vec<u8>>> {
    collection::btree_map(path(), collection::vec(any::<u8>(), 0..1200), 0..8)
}

fn chart(files: BTreeMap<String, Vec<u8>>) -> Chart {
    let metadata = ("Chart.yaml".to_owned(), b"apiVersion: v2\nname: a\nversion: 1.0.0\n".to_vec());
    // The chart's own file of dependencies has a form of its own.
    let others = files.into_iter().filter(|(path, _)| path != "requirements.yaml");
    let files = others.chain([metadata]).map(|(path, data)| ChartFile { path, data: data.into() });
    Chart::from_files("a", files.collect()).expect("because every path stays inside")
}

proptest! {
    #[test]
    fn what_was_packed_is_read(files in files()) {
        let chart = chart(files);
        let packed = chart.pack().expect("because every path can be written");
        let read = Chart::from_archive("packed", packed.as_ref()).expect("because it was packed just now");
        prop_assert_eq!(read.files(), chart.files());
        prop_assert!(read.same_content(&chart));
        prop_assert_eq!(read.pack().expect("because it was packed before"), packed);
    }
}
