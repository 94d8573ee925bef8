//! See `portolan_fuzzing::depot_exchange`.
#![no_main]

libfuzzer_sys::fuzz_target!(|bytes: &[u8]| portolan_fuzzing::depot_exchange(bytes));
