//! cargo fuzz calls `texts::formats`.
#![no_main]
libfuzzer_sys::fuzz_target!(|input: &[u8]| spoolbox_fuzz::texts::formats(input));
