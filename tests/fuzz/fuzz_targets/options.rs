//! cargo fuzz calls `command_lines::options`.
#![no_main]
libfuzzer_sys::fuzz_target!(|input: &[u8]| spoolbox_fuzz::command_lines::options(input));
