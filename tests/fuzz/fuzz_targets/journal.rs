//! cargo fuzz calls `logs::journal`.
#![no_main]
libfuzzer_sys::fuzz_target!(|input: &[u8]| spoolbox_fuzz::logs::journal(input));
