//! cargo fuzz calls `queue_files::records`.
#![no_main]
libfuzzer_sys::fuzz_target!(|input: &[u8]| spoolbox_fuzz::queue_files::records(input));
