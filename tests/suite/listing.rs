//! Listings of a spool without a mail system: ours against Postfix's own, on
//! generated spools and for every way to call them wrongly.

use std::fs;
use std::os::unix::ffi::OsStrExt;
use std::process::{Command, Stdio};
use std::time::{Duration, Instant};

use crate::support::compare::{Cases, different_lines, keep_if_asked, same, same_output, shown};
use crate::support::generate;
use crate::support::generate::{Input, Spool, pick};
use crate::support::instance::Instance;
use crate::support::postlog::Postlog;
use crate::support::run::{Ended, Invocation, Output, Program, Tool};
use crate::support::spool::NewFile;
use crate::support::{Met, Needs, require, under_test};

const GENERATED_CASES: u64 = 300;
const HOSTILE_CASES: u64 = 150;

/// Ways to say `postqueue -p` for a configuration directory.
fn text_listing(spool: &mut Spool) -> Invocation {
    let etc = spool.instance.etc();
    let etc = etc.to_str().expect("a path of ASCII");
    let joined = format!("-c{etc}");
    let group = format!("-pc{etc}");
    let calls: [&[&str]; 6] = [
        &["-c", etc, "-p"],
        &["-p", "-c", etc],
        &[&joined, "-p"],
        &[&group],
        &["-c", "/nonexistent", "-p", "-c", etc],
        &["-p", "-c", etc, "--"],
    ];
    Invocation::new(Tool::Postqueue, pick(&mut spool.rng, &calls))
}

fn json_listing(spool: &mut Spool) -> Invocation {
    let etc = spool.instance.etc();
    let etc = etc.to_str().expect("a path of ASCII");
    let calls: [&[&str]; 2] = [&["-c", etc, "-j"], &["-jc", etc]];
    Invocation::new(Tool::Postqueue, pick(&mut spool.rng, &calls))
}

fn mailq(spool: &mut Spool) -> Invocation {
    let etc = spool.instance.etc();
    let none: [&str; 0] = [];
    let file = etc.join("main.cf");
    match spool.rng.u32(0..6) {
        0 => Invocation::new(Tool::Mailq, none).env("MAIL_CONFIG", &etc),
        1 => Invocation::new(Tool::Postqueue, ["-p"]).env("MAIL_CONFIG", &etc),
        2 => Invocation::new(Tool::Mailq, ["-C".as_ref(), file.as_os_str()]),
        3 => Invocation::new(
            Tool::Sendmail,
            ["-bp".as_ref(), "-C".as_ref(), etc.as_os_str()],
        ),
        4 => Invocation::new(Tool::Sendmail, ["-bp"]).env("MAIL_CONFIG", &etc),
        _ => Invocation::new(Tool::Mailq, ["-C".as_ref(), etc.as_os_str()]),
    }
}

/// Of warnings about lines of one defer or bounce log in a row the first:
/// Postfix has one for each line, ours one for each log.
fn first_of_each_log(mut lines: Vec<String>) -> Vec<String> {
    let name = |line: &str| {
        let (before, what) = line.split_once(": warning: ")?.1.split_once(": ")?;
        let is_log = before.starts_with("defer/") || before.starts_with("bounce/");
        let is_line =
            what.starts_with("malformed record: ") || what.starts_with("unknown attribute name: ");
        (is_log && is_line).then(|| before.to_owned())
    };
    lines.dedup_by(|line, last| name(line).is_some() && name(line) == name(last));
    lines
}

/// A second link to a file is warned of from this age on.
const OLD_LINK: Duration = Duration::from_secs(60);

/// A generated spool, and when its files were made.
struct Dated {
    spool: Spool,
    first: Instant,
    last: Instant,
}

impl Dated {
    fn generate(seed: u64, case: u64) -> Self {
        let first = Instant::now();
        let spool = generate::spool(seed, case, Input::SafeFor37);
        let last = Instant::now();
        Self { spool, first, last }
    }
}

/// Compares both programs, again if they differ and a link became old between
/// the two.
fn compare(dated: &Dated, call: &Invocation, log: &Postlog) -> Result<(), String> {
    loop {
        let was_young = dated.last.elapsed() < OLD_LINK;
        let compared = compare_once(&dated.spool, call.clone(), log);
        let is_old = dated.first.elapsed() >= OLD_LINK;
        if compared.is_ok() || !(was_young && is_old) {
            return compared;
        }
    }
}

/// Runs the call with both programs; compares what they print, how they end,
/// and what they write to the mail log.
fn compare_once(spool: &Spool, call: Invocation, log: &Postlog) -> Result<(), String> {
    let call = match spool.time_zone {
        Some(zone) => call.env("TZ", zone),
        None => call,
    };
    let (theirs, theirs_log) = (call.run(Program::Theirs, &spool.instance), log.take());
    let (ours, ours_log) = (call.run(under_test(), &spool.instance), log.take());
    same(&call, &ours, &theirs)?;
    let [ours_log, theirs_log] = [ours_log, theirs_log].map(first_of_each_log);
    different_lines("log", &ours_log, &theirs_log)
        .map_err(|text| format!("{}\n{text}", shown(&call)))
}

#[test]
fn generated_spools_are_listed_alike() {
    if require(Needs::Time) == Met::No || require(Needs::Postfix) == Met::No {
        return;
    }
    let test = "listing::generated_spools_are_listed_alike";
    Cases::from_environment(GENERATED_CASES).run(test, |seed, case| {
        let mut dated = Dated::generate(seed, case);
        let log = Postlog::start(&dated.spool.instance);
        let calls = [
            text_listing(&mut dated.spool),
            json_listing(&mut dated.spool),
            mailq(&mut dated.spool),
        ];
        let mut result = Ok(());
        for call in calls {
            result = result.and_then(|()| compare(&dated, &call, &log));
        }
        drop(log);
        keep_if_asked(&mut dated.spool.instance, result)
    });
}

#[test]
fn no_spool_makes_ours_crash_hang_or_print_what_is_not_json() {
    if require(Needs::Time) == Met::No {
        return;
    }
    let test = "listing::no_spool_makes_ours_crash_hang_or_print_what_is_not_json";
    Cases::from_environment(HOSTILE_CASES).run(test, |seed, case| {
        // Other spools than those above, and of the kinds Postfix 3.7 cannot
        // be compared with.
        let mut spool = generate::spool(!seed, case, Input::Any);
        let result = [text_listing(&mut spool), json_listing(&mut spool)]
            .iter()
            .try_for_each(|call| {
                let output = call.run(Program::Ours, &spool.instance);
                sound(call, &output)
            });
        keep_if_asked(&mut spool.instance, result)
    });
}

#[test]
fn a_size_that_no_file_can_have_ends_the_listing_as_with_postfix() {
    if require(Needs::Postfix) == Met::No {
        return;
    }
    let instance = Instance::builder().build();
    let good = b"T\x0c1700000000 0S\x03s@xR\x03r@xM\0X\0E\0";
    let bad = b"C\x139223372036854775807T\x0c1700000000 0S\x03s@xR\x03r@xM\0X\0E\0";
    instance.spool().put(&NewFile::new("active", good.to_vec()));
    instance
        .spool()
        .put(&NewFile::new("deferred", bad.to_vec()));
    instance.spool().put(&NewFile::new("hold", good.to_vec()));
    for form in ["-p", "-j"] {
        let call = Invocation::new(Tool::Postqueue, [form]).env("MAIL_CONFIG", instance.etc());
        let theirs = same_output(&instance, &call).unwrap_or_else(|text| panic!("{text}"));
        assert_eq!(theirs.ended, Ended::Exited(69), "{theirs:?}");
    }
}

/// Whether a run ended as a listing may end.
fn sound(call: &Invocation, output: &Output) -> Result<(), String> {
    let wrong = |what: &str| Err(format!("{}\n  {what}: {output:?}", shown(call)));
    match output.ended {
        Ended::Exited(0) if !output.stderr_text().contains("fatal:") => {}
        Ended::Exited(69) if output.stderr_text().contains("fatal:") => {}
        _ => return wrong("status"),
    }
    if output.stderr_text().contains("panicked") {
        return wrong("panic");
    }
    let is_json = call
        .args
        .iter()
        .any(|argument| argument.as_bytes().starts_with(b"-j"));
    let text = output.stdout_text();
    let decodes = |line: &str| serde_json::from_str::<serde_json::Value>(line).is_ok();
    // A listing that breaks off may do so within a long line, as Postfix's.
    let whole = text.rfind('\n').map_or("", |end| &text[..end]);
    let lines = match output.ended {
        Ended::Exited(69) => whole,
        _ => text.as_str(),
    };
    if is_json && !lines.lines().all(decodes) {
        return wrong("not JSON");
    }
    Ok(())
}

/// Starting a thread takes longer than reading a message.
#[test]
fn a_few_messages_are_listed_without_threads() {
    if require(Needs::Strace) == Met::No {
        return;
    }
    for (messages, starts_threads) in [(0, false), (8, false), (9, true)] {
        let instance = Instance::builder().build();
        for _ in 0..messages {
            instance.spool().put(&NewFile::new("deferred", Vec::new()));
        }
        let log = instance.root().join("trace");
        let status = Command::new("strace")
            .args(["-f", "-qq", "-e", "trace=clone,clone3", "-o"])
            .arg(&log)
            .arg(Program::Ours.path(Tool::Postqueue, &instance))
            .arg("-c")
            .arg(instance.etc())
            .arg("-p")
            .stdout(Stdio::null())
            .stderr(Stdio::null())
            .status();
        assert!(status.expect("strace starts").success());
        let calls = fs::read_to_string(&log).expect("the trace");
        assert_eq!(!calls.is_empty(), starts_threads, "{messages}: {calls}");
    }
}
