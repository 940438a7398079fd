//! maillog_file with a started mail system: what the tools send to postlogd is
//! in the file, line by line as Postfix's own tools have it there.
//!
//! What happens without postlogd is in `postsuper::together`.

use std::fs;
use std::thread;
use std::time::{Duration, Instant};

use crate::support::mail_system::MailSystem;
use crate::support::run::{Invocation, Program, Tool};
use crate::support::{Met, Needs, require, under_test};

/// Longest wait for postlogd.
const PATIENCE: Duration = Duration::from_secs(20);

/// The last line of what a call adds.
const MARK: &str = "all of it is above";

/// Calls that log at least one line each, all after main.cf is read.
const CALLS: [(Tool, &[&str]); 8] = [
    (Tool::Postqueue, &["-i", "a b\u{1b}[0m"]),
    (Tool::Postqueue, &["-s", "a..b"]),
    (Tool::Postqueue, &["-s", "not.configured.example"]),
    (Tool::Postsuper, &["-h", "no ID", "-d", "ABCDEF"]),
    (Tool::Postsuper, &["-e", "ALL", "hold"]),
    (Tool::Postsuper, &["-H", "ABC", "hold"]),
    (Tool::Sendmail, &["-qR"]),
    (Tool::Mailq, &["-n"]),
];

/// The lines that a call adds to the log, without time and process number.
fn added_by(program: Program, system: &MailSystem, tool: Tool, arguments: &[&str]) -> Vec<String> {
    let path = system.instance.root().join("mail.log");
    let before = fs::read_to_string(&path).unwrap_or_default().len();
    Invocation::new(tool, arguments)
        .default_etc(&system.instance.etc())
        .run(program, &system.instance);
    // postlogd takes lines in order: what was said before this is written
    // before it.
    system.tool("postlog", &["-t", "mark", MARK]);
    let deadline = Instant::now() + PATIENCE;
    loop {
        let text = fs::read_to_string(&path).unwrap_or_default();
        let added = text.get(before..).unwrap_or_default();
        if added.ends_with('\n') && added.contains(MARK) {
            // The mail system's own: it may have started a moment ago.
            let others = [MARK, "/master[", "/postfix-script["];
            let is_others = |line: &&str| others.iter().any(|other| line.contains(other));
            let said = added.lines().filter(|line| !is_others(line));
            return said.map(normalized).collect();
        }
        assert!(Instant::now() < deadline, "{tool:?} {arguments:?}: {added}");
        thread::sleep(Duration::from_millis(10));
    }
}

/// A line without its fifteen characters of time and the process number.
fn normalized(line: &str) -> String {
    let rest = line.get(15..).expect("a time");
    let (before, after) = rest.split_once('[').expect("a process number");
    let (number, text) = after.split_once(']').expect("a process number");
    assert!(number.bytes().all(|byte| byte.is_ascii_digit()), "{line}");
    format!("{before}[]{text}")
}

#[test]
fn postlogd_writes_the_same_lines_for_both() {
    if require(Needs::Postfix) == Met::No {
        return;
    }
    let builder = MailSystem::builder().set("multi_instance_name", "postfix-two");
    let system = MailSystem::start(builder);
    for (tool, arguments) in CALLS {
        let theirs = added_by(Program::Theirs, &system, tool, arguments);
        let ours = added_by(under_test(), &system, tool, arguments);
        assert_eq!(ours, theirs, "{tool:?} {arguments:?}");
        assert!(!theirs.is_empty(), "{tool:?} {arguments:?}");
        assert!(theirs.iter().all(|line| line.contains(" spoolbox ")));
    }
}
