//! Runs qshape, ours and Postfix's, and compares what they print.
//!
//! Two things are not compared: the order among equal rows, which is random
//! in the original, and the path in front of what they say, because they lie
//! in different directories. Ages change while a test runs: a comparison that
//! failed is made again, in case a message got older in between.

use std::fs;
use std::os::unix::fs::{MetadataExt, lchown};
use std::path::Path;
use std::thread;
use std::time::Duration;

use nix::unistd::geteuid;

use crate::support::compare::{difference, shown};
use crate::support::instance::Instance;
use crate::support::run::{Ended, Invocation, Output, Program, Tool};
use crate::support::under_test;

/// Longest run; Postfix's goes round for ever where pointers do.
const PATIENCE: Duration = Duration::from_secs(8);
/// How often a comparison is made before it counts as failed: between the two
/// runs a message can grow too old for a column of the table.
const ATTEMPTS: usize = 30;
/// Attempts that follow at once. Before each later one the messages grow older
/// for this long, and cross the limits of columns, which double, less often.
const QUICK_ATTEMPTS: usize = 4;
const PAUSE: Duration = Duration::from_secs(1);

/// A call of qshape in the instance's own directory.
pub fn call<A: AsRef<std::ffi::OsStr>>(
    instance: &Instance,
    args: impl IntoIterator<Item = A>,
) -> Invocation {
    let mut call = Invocation::new(Tool::Qshape, args)
        .env("MAIL_CONFIG", instance.etc())
        .cwd(instance.root());
    call.timeout = PATIENCE;
    call
}

/// Runs the program under test.
pub fn ours(instance: &Instance, args: &[&str]) -> Output {
    call(instance, args).run(under_test(), instance)
}

/// Runs both programs and says how they differ.
pub fn same(instance: &Instance, call: &Invocation) -> Result<(), String> {
    give_to_mail_owner(instance);
    let mut last = String::new();
    for attempt in 0..ATTEMPTS {
        if attempt >= QUICK_ATTEMPTS {
            thread::sleep(PAUSE);
        }
        let theirs = canonical(Program::Theirs, instance, call);
        let ours = canonical(under_test(), instance, call);
        if theirs.ended == Ended::TimedOut && ours.ended == Ended::Exited(0) {
            return Ok(());
        }
        if refuses_number(&ours) {
            return Ok(());
        }
        match difference(&ours, &theirs) {
            None => return Ok(()),
            Some(text) => last = text,
        }
    }
    Err(format!("{}\n{last}", shown(call)))
}

/// What a program prints, with what is not compared made the same.
pub fn canonical(program: Program, instance: &Instance, call: &Invocation) -> Output {
    let mut output = call.run(program, instance);
    let path = program.path(Tool::Qshape, instance);
    output.stdout = in_order(&output.stdout);
    output.stderr = replace(&output.stderr, path.as_os_str().as_encoded_bytes(), b"PROG");
    output.stderr = comparable(&output.stderr);
    output
}

/// Standard error without Perl's warnings, which are a listed difference: what
/// cannot be read is reported by its cause alone.
pub fn comparable(stderr: &[u8]) -> Vec<u8> {
    const BY_PERL: &[u8] = b" at PROG line ";
    let contains = |line: &[u8]| line.windows(BY_PERL.len()).any(|part| part == BY_PERL);
    let mut lines: Vec<Vec<u8>> = Vec::new();
    for line in stderr.split_inclusive(|&b| b == b'\n') {
        if line.starts_with(BY_PERL) {
            // The line before begins File::Find's warning.
            let start = lines.pop().unwrap_or_default();
            lines.push(unread(&start));
        } else if line.starts_with(b"PROG: cannot read ") {
            lines.push(unread(line));
        } else if !contains(line) {
            lines.push(line.to_vec());
        }
    }
    lines.concat()
}

fn unread(line: &[u8]) -> Vec<u8> {
    let text = String::from_utf8_lossy(line);
    let text = text.split("; did you mean ").next().unwrap_or_default();
    let cause = text.trim_end().rsplit(": ").next().unwrap_or_default();
    format!("cannot read: {cause}\n").into_bytes()
}

/// Whether the program refuses a number, and that is none: a listed
/// difference.
pub fn refuses_number(output: &Output) -> bool {
    let text = output.stderr_text();
    let refused = text.strip_prefix("PROG: bad value for -");
    let Some((letter, rest)) = refused.and_then(|rest| rest.split_once(": ")) else {
        return false;
    };
    let value = rest.split("\nUsage: ").next().unwrap_or_default();
    assert!(value.trim().parse::<f64>().is_err(), "{text}");
    assert_eq!(letter.len(), 1, "{text}");
    output.ended == Ended::Exited(255) && output.stdout.is_empty()
}

/// The rows with those that are equal in order; if names hold line ends, all
/// lines in order.
pub fn in_order(text: &[u8]) -> Vec<u8> {
    let mut lines: Vec<&[u8]> = text.split_inclusive(|&b| b == b'\n').collect();
    let is_table = lines.windows(2).all(|pair| pair[0].len() == pair[1].len());
    let columns = lines.first().map_or(0, |heading| words(heading).len());
    match is_table {
        true => lines
            .chunk_by_mut(|a, b| count(a, columns) == count(b, columns))
            .for_each(|rows| put_in_order(rows, columns)),
        false => lines.sort_unstable(),
    }
    lines.concat()
}

/// Rows of one count: they are ordered by the length of the name. A name can
/// begin with a blank, and nobody sees that it is longer then: where one is
/// not ordinary, lengths are not looked at.
fn put_in_order(rows: &mut [&[u8]], columns: usize) {
    let blanks = |row: &[u8]| row.iter().take_while(|&&b| b == b' ').count();
    match rows.iter().all(|row| has_ordinary_name(row, columns)) {
        true => rows
            .chunk_by_mut(|a, b| blanks(a) == blanks(b))
            .for_each(<[&[u8]]>::sort_unstable),
        false => rows.sort_unstable(),
    }
}

fn words(line: &[u8]) -> Vec<&[u8]> {
    let words = line.split(|&b| b == b' ' || b == b'\n');
    words.filter(|word| !word.is_empty()).collect()
}

/// The first of the numbers at the end of a row.
fn count(line: &[u8], columns: usize) -> Vec<u8> {
    let words = words(line);
    let at = words.len().checked_sub(columns);
    at.map_or(Vec::new(), |at| words[at].to_vec())
}

fn has_ordinary_name(line: &[u8], columns: usize) -> bool {
    let words = words(line);
    match words.len().checked_sub(columns) {
        Some(0) => true,
        Some(1) => words[0].iter().all(u8::is_ascii_graphic),
        _ => false,
    }
}

pub fn replace(text: &[u8], from: &[u8], to: &[u8]) -> Vec<u8> {
    let mut done = Vec::new();
    let mut rest = text;
    while let Some(at) = rest.windows(from.len()).position(|w| w == from) {
        done.extend_from_slice(&rest[..at]);
        done.extend_from_slice(to);
        rest = &rest[at + from.len()..];
    }
    [done.as_slice(), rest].concat()
}

/// Gives all of the spool to the mail owner: Postfix's qshape reads it as
/// root, ours does not.
pub fn give_to_mail_owner(instance: &Instance) {
    if geteuid().is_root() {
        for queue in [
            "maildrop", "incoming", "active", "deferred", "hold", "saved",
        ] {
            give(instance, &instance.queue_directory().join(queue));
        }
    }
}

fn give(instance: &Instance, path: &Path) {
    let Ok(found) = path.symlink_metadata() else {
        return;
    };
    let owner = instance.owner();
    if found.uid() != owner.uid {
        lchown(path, Some(owner.uid), None).expect("lchown in the spool");
        if !found.is_symlink() {
            // A change of owner clears the set-id bits.
            crate::support::instance::set_mode(path, found.mode() & 0o7777);
        }
    }
    if found.is_dir() {
        for entry in fs::read_dir(path).expect("a directory") {
            give(instance, &entry.expect("an entry").path());
        }
    }
}
