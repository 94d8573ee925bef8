//! See `portolan_fuzzing::error_body`.
#![no_main]

libfuzzer_sys::fuzz_target!(|bytes: &[u8]| portolan_fuzzing::error_body(bytes));
