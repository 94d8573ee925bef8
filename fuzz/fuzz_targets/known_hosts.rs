//! See `portolan_fuzzing::known_hosts`.
#![no_main]

libfuzzer_sys::fuzz_target!(|bytes: &[u8]| portolan_fuzzing::known_hosts(bytes));
