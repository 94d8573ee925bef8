//! See `portolan_fuzzing::docker_answers`.
#![no_main]

libfuzzer_sys::fuzz_target!(|bytes: &[u8]| portolan_fuzzing::docker_answers(bytes));
