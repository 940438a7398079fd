//! What our command lines have that Postfix's do not: long options, which are
//! named when they are wrong, and are never ignored when they are in the
//! wrong place; and a line more for a person at a terminal.

mod early;
mod misplaced;
mod qshape;
mod words;

use crate::support::instance::Instance;
use crate::support::run::{Invocation, Output, Program, Tool};

/// An ID that sample::fill does not make.
const ID: &str = "0123456789A";

fn call(instance: &Instance, tool: Tool, arguments: &[&str]) -> Invocation {
    Invocation::new(tool, arguments)
        .env("MAIL_CONFIG", instance.etc())
        .env("TZ", "UTC")
}

fn run(instance: &Instance, tool: Tool, arguments: &[&str]) -> Output {
    call(instance, tool, arguments)
        .stdin(format!("{ID}\n").as_bytes())
        .run(Program::Ours, instance)
}
