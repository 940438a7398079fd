//! cargo fuzz calls `texts::texts`.
#![no_main]
libfuzzer_sys::fuzz_target!(|input: &[u8]| spoolbox_fuzz::texts::texts(input));
