//! See `portolan_fuzzing::package_stream`.
#![no_main]

libfuzzer_sys::fuzz_target!(|bytes: &[u8]| portolan_fuzzing::package_stream(bytes));
