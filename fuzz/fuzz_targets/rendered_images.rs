//! See `portolan_fuzzing::rendered_images`.
#![no_main]

libfuzzer_sys::fuzz_target!(|bytes: &[u8]| portolan_fuzzing::rendered_images(bytes));
