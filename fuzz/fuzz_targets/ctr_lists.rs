//! See `portolan_fuzzing::ctr_lists`.
#![no_main]

libfuzzer_sys::fuzz_target!(|bytes: &[u8]| portolan_fuzzing::ctr_lists(bytes));
