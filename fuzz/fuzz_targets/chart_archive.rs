//! See `portolan_fuzzing::chart_archive`.
#![no_main]

libfuzzer_sys::fuzz_target!(|bytes: &[u8]| portolan_fuzzing::chart_archive(bytes));
