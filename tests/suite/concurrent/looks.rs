//! The commands that only read or wake daemons, run meanwhile: listings by root and by
//! an ordinary user, counts, contents, `-f` and `-i`. All of them succeed.

use std::os::unix::fs::MetadataExt;
use std::path::PathBuf;

use fastrand::Rng;

use crate::postsuper::{messages, names};
use crate::support::instance::Instance;
use crate::support::run::{Ended, Invocation, Output, Program, Tool, User};

/// Looks at the queue in one way or another, or wakes it.
pub fn look(instance: &Instance, rng: &mut Rng) {
    match rng.u32(0..10) {
        0 => text(&of(instance, Tool::Postqueue, &["-p"])),
        1 => json(&of(instance, Tool::Postqueue, &["-j"])),
        2 => json(&of(instance, Tool::Postqueue, &["-j", "--detail"])),
        3 => text(&as_nobody(instance, &["-p"])),
        4 => json(&as_nobody(instance, &["-j"])),
        5 => quiet(&of(instance, Tool::Postqueue, &["--count=reason"])),
        6 => quiet(&of(instance, Tool::Qshape, &["--reason", "*", "deferred"])),
        7 => quiet(&of(instance, Tool::Postqueue, &["-f"])),
        8 => flush_one(instance, rng),
        _ => contents(instance, rng),
    }
}

fn of(instance: &Instance, tool: Tool, arguments: &[&str]) -> Output {
    Invocation::new(tool, arguments)
        .env("MAIL_CONFIG", instance.etc())
        .run(Program::Ours, instance)
}

/// What the showq daemon tells: Postfix's own, which ours has to understand.
fn as_nobody(instance: &Instance, arguments: &[&str]) -> Output {
    Invocation::new(Tool::Postqueue, arguments)
        .default_etc(&instance.etc())
        .user(User::Nobody)
        .run(Program::Ours, instance)
}

fn quiet(output: &Output) {
    let fine = output.ended == Ended::Exited(0) && output.stderr.is_empty();
    assert!(fine, "{output:?}");
}

fn text(output: &Output) {
    quiet(output);
    let text = output.stdout_text();
    let last = text.lines().last().unwrap_or_default();
    let is_whole = last.starts_with("-- ") || last == "Mail queue is empty";
    assert!(is_whole, "{output:?}");
}

fn json(output: &Output) {
    quiet(output);
    for line in output.stdout_text().lines() {
        let object: Result<serde_json::Value, _> = serde_json::from_str(line);
        let has_id = object.is_ok_and(|object| object["queue_id"].is_string());
        assert!(has_id, "{line}");
    }
}

fn flush_one(instance: &Instance, rng: &mut Rng) {
    let ids = names(instance);
    if let Some(id) = rng.choice(&ids) {
        quiet(&of(instance, Tool::Postqueue, &["-i", id]));
    }
}

/// A message that is gone cannot be opened; every other that is complete is
/// shown.
fn contents(instance: &Instance, rng: &mut Rng) {
    const COMPLETE: u32 = 0o100;
    let is_complete = |path: &PathBuf| {
        let found = instance.spool().path(path).symlink_metadata();
        found.is_ok_and(|found| found.mode() & COMPLETE != 0)
    };
    let complete: Vec<_> = messages(instance).into_iter().filter(is_complete).collect();
    let Some(path) = rng.choice(&complete) else {
        return;
    };
    let id = path.file_name().unwrap_or_default().to_string_lossy();
    let id = &*id;
    let output = of(instance, Tool::Postcat, &["-q", "-e", id]);
    let gone = format!("postcat: fatal: open queue file {id}: No such file or directory\n");
    let is_gone = output.ended == Ended::Exited(1) && output.stderr_text() == gone;
    if !is_gone {
        quiet(&output);
    }
}
