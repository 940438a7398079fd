//! cargo fuzz calls `daemons::showq_attributes`.
#![no_main]
libfuzzer_sys::fuzz_target!(|input: &[u8]| spoolbox_fuzz::daemons::showq_attributes(input));
