//! See `portolan_fuzzing::docker_config`.
#![no_main]

libfuzzer_sys::fuzz_target!(|bytes: &[u8]| portolan_fuzzing::docker_config(bytes));
