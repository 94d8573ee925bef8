//! See `portolan_fuzzing::cluster_config`.
#![no_main]

libfuzzer_sys::fuzz_target!(|bytes: &[u8]| portolan_fuzzing::cluster_config(bytes));
