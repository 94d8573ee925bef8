//! See `portolan_fuzzing::chart_index`.
#![no_main]

libfuzzer_sys::fuzz_target!(|bytes: &[u8]| portolan_fuzzing::chart_index(bytes));
