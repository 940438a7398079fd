//! Runs postcat with both streams in one file, so that their order shows, and
//! compares ours with Postfix's.

use std::fs;
use std::fs::{File, OpenOptions};
use std::path::PathBuf;
use std::process::{Child, Stdio};
use std::time::{Duration, Instant};

use crate::support::compare::{first_different_line, shown};
use crate::support::instance::Instance;
use crate::support::run::{Ended, Invocation, Program, Tool};
use crate::support::under_test;

/// Longest run of Postfix's, which goes round for ever on some files.
const PATIENCE: Duration = Duration::from_secs(5);
/// Longest run of ours, which never does, on a machine that is busy.
const PATIENCE_WITH_OURS: Duration = Duration::from_secs(90);

/// What standard input is.
#[derive(Clone, Debug)]
pub enum Stdin {
    Nothing,
    File(PathBuf),
    Pipe(Vec<u8>),
}

/// How a run ended and what it printed, both streams in order.
#[derive(Debug, PartialEq, Eq)]
pub struct Printed {
    pub ended: Ended,
    pub text: Vec<u8>,
}

/// A call of postcat in the instance's own directory.
pub fn call(instance: &Instance, args: &[String]) -> Invocation {
    Invocation::new(Tool::Postcat, args)
        .env("MAIL_CONFIG", instance.etc())
        .env("TZ", "Europe/Berlin")
        .cwd(instance.root())
}

pub fn run(call: &Invocation, stdin: &Stdin, program: Program, instance: &Instance) -> Printed {
    let path = instance.root().join(format!("printed-{program:?}"));
    let out = OpenOptions::new()
        .append(true)
        .create(true)
        .open(&path)
        .expect("a file for the output");
    let mut command = call.command(program, instance);
    command.stdout(out.try_clone().expect("dup")).stderr(out);
    command.stdin(match stdin {
        Stdin::Nothing => Stdio::null(),
        Stdin::File(path) => File::open(path).expect("the input").into(),
        Stdin::Pipe(_) => Stdio::piped(),
    });
    let mut child = command.spawn().expect("a program that starts");
    let feeder = match (child.stdin.take(), stdin) {
        (Some(mut pipe), Stdin::Pipe(bytes)) => {
            let bytes = bytes.clone();
            Some(std::thread::spawn(move || {
                // The program may end without reading.
                let _ = std::io::Write::write_all(&mut pipe, &bytes);
            }))
        }
        _ => None,
    };
    let ended = match program {
        Program::Ours => wait(&mut child, PATIENCE_WITH_OURS),
        Program::Theirs => wait(&mut child, PATIENCE),
    };
    drop(feeder.map(std::thread::JoinHandle::join));
    let text = fs::read(&path).expect("the output");
    fs::remove_file(&path).expect("removal of the output");
    Printed { ended, text }
}

fn wait(child: &mut Child, patience: Duration) -> Ended {
    let deadline = Instant::now() + patience;
    loop {
        if let Some(status) = child.try_wait().expect("waitpid") {
            return status.into();
        }
        if Instant::now() > deadline {
            child.kill().expect("a child to kill");
            child.wait().expect("waitpid");
            return Ended::TimedOut;
        }
        std::thread::sleep(Duration::from_millis(2));
    }
}

/// Runs ours and theirs; of theirs without what debugging adds.
pub fn run_both(call: &Invocation, stdin: &Stdin, instance: &Instance) -> (Printed, Printed) {
    let mut theirs = run(call, stdin, Program::Theirs, instance);
    theirs.text = without_debugging(&theirs.text);
    (run(call, stdin, under_test(), instance), theirs)
}

/// Runs both programs and says how they differ.
///
/// Left out is what 3.7 does wrongly: it loops for ever on a size record that
/// leads back, crashes on a year beyond an int, takes five length bytes.
/// Of a file that leads back ours shows less. Its debugging lines under -v are not ours.
pub fn same(instance: &Instance, call: &Invocation, stdin: &Stdin) -> Result<(), String> {
    let (ours, theirs) = run_both(call, stdin, instance);
    let is_wrong = matches!(theirs.ended, Ended::TimedOut | Ended::Killed(11))
        || contains(&ours.text, b": too many length bits, ");
    if is_wrong && matches!(ours.ended, Ended::Exited(0 | 1)) {
        return Ok(());
    }
    if ours == theirs || breaks_off(&ours, &theirs) {
        return Ok(());
    }
    let line = first_different_line(&ours.text, &theirs.text).unwrap_or_default();
    Err(format!(
        "{}\n  stdin: {stdin:?}\n  ended: ours {:?}, theirs {:?}\n  {line}",
        shown(call),
        ours.ended,
        theirs.ended
    ))
}

/// Whether both end for the same reason, that a file leads back too often, and
/// ours has shown the beginning of what theirs has.
fn breaks_off(ours: &Printed, theirs: &Printed) -> bool {
    let shown = |printed: &Printed| {
        let fatal = b"postcat: fatal: record read error\n";
        let text = printed.text.strip_suffix(fatal)?;
        let text = text.strip_suffix(b": too many reverse jump records\n")?;
        let start = text
            .iter()
            .rposition(|&b| b == b'\n')
            .map_or(0, |at| at + 1);
        Some(text[..start].to_vec())
    };
    match (shown(ours), shown(theirs)) {
        (Some(ours_shown), Some(theirs_shown)) => {
            ours.ended == theirs.ended && theirs_shown.starts_with(&ours_shown)
        }
        _ => false,
    }
}

fn contains(text: &[u8], part: &[u8]) -> bool {
    text.windows(part.len()).any(|window| window == part)
}

/// Postfix's output without what -v adds to standard error.
fn without_debugging(text: &[u8]) -> Vec<u8> {
    let lines = text.split_inclusive(|&b| b == b'\n');
    let is_debugging = |line: &&[u8]| {
        [
            &b"postcat: name_mask: "[..],
            b"postcat: inet_addr_local: ",
            b"postcat: been_here: ",
            b"postcat: mynetworks_core: ",
        ]
        .iter()
        .any(|start| line.starts_with(start))
    };
    lines
        .filter(|line| !is_debugging(line))
        .collect::<Vec<_>>()
        .concat()
}
