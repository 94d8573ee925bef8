//! See `portolan_fuzzing::docker_archive`.
#![no_main]

libfuzzer_sys::fuzz_target!(|bytes: &[u8]| portolan_fuzzing::docker_archive(bytes));
