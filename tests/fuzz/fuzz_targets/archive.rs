//! cargo fuzz calls `archives::archive`.
#![no_main]
libfuzzer_sys::fuzz_target!(|input: &[u8]| spoolbox_fuzz::archives::archive(input));
