//! One test for each target, over every file of its corpus.

use portolan_fuzzing::TARGETS;

use crate::files::files;

/// Runs the target on every file; the name of the one that breaks a law is in the output.
fn check(name: &str) {
    let (_, target) = TARGETS.iter().find(|(other, _)| *other == name).expect("the target is in the list");
    let files = files(name);
    assert!(!files.is_empty(), "{name} has no corpus");
    for (file, bytes) in files {
        println!("fuzz/corpus/{name}/{file}");
        target(&bytes);
    }
}

macro_rules! targets {
    ($($name:ident)*) => {
        $(
            #[test]
            fn $name() {
                check(stringify!($name));
            }
        )*

        /// Those that have a test above.
        pub(crate) const TESTED: &[&str] = &[$(stringify!($name)),*];
    };
}

targets! {
    advisories
    challenge
    chart_archive
    chart_index
    chart_metadata
    cluster_config
    configuration
    ctr_lists
    depot_exchange
    depot_request
    docker_answers
    docker_archive
    docker_config
    error_body
    headers
    hints
    known_hosts
    manifest
    oci_layout
    package
    package_stream
    plan
    provenance
    reference
    relocation
    rendered_images
    report
    tar_index
    token
    values_edit
}
