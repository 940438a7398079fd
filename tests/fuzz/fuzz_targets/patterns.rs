//! cargo fuzz calls `command_lines::patterns`.
#![no_main]
libfuzzer_sys::fuzz_target!(|input: &[u8]| spoolbox_fuzz::command_lines::patterns(input));
