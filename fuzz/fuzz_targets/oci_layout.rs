//! See `portolan_fuzzing::oci_layout`.
#![no_main]

libfuzzer_sys::fuzz_target!(|bytes: &[u8]| portolan_fuzzing::oci_layout(bytes));
