//! See `portolan_fuzzing::relocation`.
#![no_main]

libfuzzer_sys::fuzz_target!(|bytes: &[u8]| portolan_fuzzing::relocation(bytes));
