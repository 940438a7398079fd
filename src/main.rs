//! The binary: arguments in, exit status out.

use std::process::ExitCode;

fn main() -> ExitCode {
    spoolbox::main(std::env::args_os().collect())
}
