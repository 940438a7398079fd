//! cargo fuzz calls `names::queue_ids`.
#![no_main]
libfuzzer_sys::fuzz_target!(|input: &[u8]| spoolbox_fuzz::names::queue_ids(input));
