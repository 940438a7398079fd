//! cargo fuzz calls `settings::main_cf`.
#![no_main]
libfuzzer_sys::fuzz_target!(|input: &[u8]| spoolbox_fuzz::settings::main_cf(input));
