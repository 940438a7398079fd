//! cargo fuzz calls `daemons::flush_attributes`.
#![no_main]
libfuzzer_sys::fuzz_target!(|input: &[u8]| spoolbox_fuzz::daemons::flush_attributes(input));
