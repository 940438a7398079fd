//! cargo fuzz calls `logs::defer_log`.
#![no_main]
libfuzzer_sys::fuzz_target!(|input: &[u8]| spoolbox_fuzz::logs::defer_log(input));
