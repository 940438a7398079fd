//! A spool whose owner is hostile. Every command, as root, over a spool of
//! traps; while a process of the mail owner swaps files and directories under
//! its hands; with control characters in everything that is printed; with a
//! million entries. Nothing outside is touched, nothing blocks, no raw control
//! character comes out, memory has a bound.
//!
//! Short in every run; by hand as long, in minutes, as SPOOLBOX_LONG says.

mod commands;
mod many;
mod outside;
mod racer;
mod still;
mod traps;
mod words;

use crate::support::run::{Ended, Output, Tool};
use commands::Spoken;
use outside::CANARY;
use traps::Trapped;

/// What has to hold after every run, whatever it was asked to do.
fn check(trapped: &Trapped, spoken: &Spoken, output: &Output) {
    let words = format!("{:?} {:?}", spoken.tool, spoken.words);
    let ended = matches!(output.ended, Ended::Exited(_));
    assert!(ended, "{words}: {output:?}");
    assert!(
        !output.stderr_text().contains("panicked"),
        "{words}: {output:?}"
    );
    if let Some(changes) = trapped.outside.changes() {
        panic!("{words} reached outside:\n{changes}\n{output:?}");
    }
    for text in [output.stdout_text(), output.stderr_text()] {
        assert!(!text.contains(CANARY), "{words} read outside: {output:?}");
    }
    // What postcat shows is the message as it is.
    if spoken.tool != Tool::Postcat {
        check_printable(&words, &output.stdout);
    }
    check_printable(&words, &output.stderr);
}

/// No control character but the newline.
fn check_printable(words: &str, text: &[u8]) {
    let is_raw = |byte: &u8| (*byte < b' ' && *byte != b'\n') || *byte == 0x7f;
    let raw = text.iter().find(|byte| is_raw(byte));
    assert_eq!(raw, None, "{words}: {}", text.escape_ascii());
}
