//! See `portolan_fuzzing::values_edit`.
#![no_main]

libfuzzer_sys::fuzz_target!(|bytes: &[u8]| portolan_fuzzing::values_edit(bytes));
