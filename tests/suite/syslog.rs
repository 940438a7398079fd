//! The mail log through syslog: what both programs send to /dev/log, line by
//! line.
//!
//! The listener is the test's own; the tools see its socket as /dev/log in a
//! private mount namespace. Nothing of the machine's /dev is touched.

use std::fs;
use std::os::unix::net::UnixDatagram;
use std::path::Path;
use std::process::{Command, Stdio};
use std::thread;
use std::time::Duration;

use nix::sys::stat::{Mode, SFlag, makedev, mknod};

use crate::support::instance::{Instance, set_mode};
use crate::support::run::{Program, Tool, collect};
use crate::support::sample;
use crate::support::{Met, Needs, require};

/// Mounts its first argument over /dev and runs the rest.
const IN_NAMESPACE: &str = "mount --rbind \"$0\" /dev && exec \"$@\"";

/// A call: the tool, main.cf settings, environment, arguments (`@ETC@`).
#[derive(Debug)]
struct Call {
    tool: Tool,
    settings: &'static str,
    environment: &'static [(&'static str, &'static str)],
    arguments: &'static [&'static str],
}

const fn call(
    settings: &'static str,
    environment: &'static [(&'static str, &'static str)],
    arguments: &'static [&'static str],
) -> Call {
    Call {
        tool: Tool::Postqueue,
        settings,
        environment,
        arguments,
    }
}

/// A call of another tool.
const fn of(tool: Tool, settings: &'static str, arguments: &'static [&'static str]) -> Call {
    Call {
        tool,
        ..call(settings, &[], arguments)
    }
}

const LIST: &[&str] = &["-c", "@ETC@", "-p"];

const CALLS: [Call; 66] = [
    call("", &[], LIST),
    call("", &[], &["-x"]),
    call("", &[], &["-c", "/nonexistent\u{e9}", "-p"]),
    call("", &[("MAIL_LOGTAG", "tag")], &["-x"]),
    call("", &[("MAIL_LOGTAG", "")], &["-x"]),
    call("", &[("MAIL_LOGTAG", "tag")], LIST),
    call("", &[("POSTLOG_SERVICE", "/nonexistent")], LIST),
    call("multi_instance_name = postfix-two", &[], LIST),
    call(
        "multi_instance_name = postfix-two\nsyslog_name = other",
        &[],
        LIST,
    ),
    call("syslog_name = other\nsyslog_facility = local3", &[], LIST),
    call(
        "syslog_facility = local3\nenable_long_queue_ids = maybe",
        &[],
        LIST,
    ),
    call(
        "syslog_facility = local3\na = b\na = c\nhash_queue_depth = x",
        &[],
        LIST,
    ),
    call("syslog_facility = local3\nqueue_directory = $(", &[], LIST),
    call("syslog_facility = nope", &[], LIST),
    call("syslog_facility = kern", &[], LIST),
    call("syslog_facility = kern\nhash_queue_depth = x", &[], LIST),
    call("syslog_name = other\nmaillog_file = /nope/x", &[], LIST),
    call("duplicate_filter_limit = x", &[], LIST),
    call("queue_directory = /nonexistent", &[], LIST),
    call("import_environment = =x", &[], LIST),
    call(
        "syslog_name = other\nimport_environment = {x",
        &[],
        &["-c", "@ETC@", "-f"],
    ),
    call(
        "syslog_name = other\nauthorized_mailq_users = ${",
        &[],
        LIST,
    ),
    call("showq_service_name = nosuch", &[], LIST),
    call(
        "showq_service_name = nosuch\nsyslog_name = other\nsyslog_facility = local3",
        &[("MAIL_LOGTAG", "tag")],
        LIST,
    ),
    call("", &[], &["-c", "@ETC@", "-f"]),
    call("", &[], &["-c", "@ETC@", "-i", "ABC"]),
    call("", &[], &["-c", "@ETC@", "-i", "a\u{1b}-\u{e9}"]),
    call("syslog_name = other", &[], &["-c", "@ETC@", "-s", "a..b"]),
    call(
        "fast_flush_domains = x # y",
        &[],
        &["-c", "@ETC@", "-s", "x"],
    ),
    of(Tool::Postsuper, "", &["-x"]),
    of(Tool::Postsuper, "", &["-c", "relative"]),
    of(Tool::Postsuper, "", &["-c", "@ETC@", "-d", "ALL"]),
    of(
        Tool::Postsuper,
        "syslog_name = other",
        &["-c", "@ETC@", "-h", "no-ID", "-r", "ALL"],
    ),
    of(
        Tool::Postsuper,
        "syslog_facility = local3",
        &["-c", "@ETC@", "-d", "ABC", "nowhere"],
    ),
    of(
        Tool::Postsuper,
        "multi_instance_name = two",
        &["-c", "@ETC@", "-ps", "-H", "ALL"],
    ),
    of(
        Tool::Postsuper,
        "hash_queue_names = maildrop",
        &["-c", "@ETC@", "-s"],
    ),
    Call {
        environment: &[("MAIL_LOGTAG", "tag")],
        ..of(Tool::Postsuper, "", &["-c", "@ETC@", "-e", "ALL"])
    },
    Call {
        environment: &[("MAIL_LOGTAG", "tag")],
        ..of(Tool::Postsuper, "", &["-y"])
    },
    of(
        Tool::Postsuper,
        "syslog_name = other\nsyslog_facility = local3\nimport_environment = =x",
        &["-c", "@ETC@", "-p"],
    ),
    of(
        Tool::Postsuper,
        "syslog_name = other\nsetgid_group = nosuch\nimport_environment = =x",
        &["-c", "@ETC@", "-p"],
    ),
    of(
        Tool::Postsuper,
        "syslog_name = other\nmaillog_file = /nope/x",
        &["-c", "@ETC@", "-p"],
    ),
    of(
        Tool::Postsuper,
        "process_name = x",
        &["-c", "@ETC@", "-d", "no-ID"],
    ),
    of(
        Tool::Mailq,
        "syslog_name = other\nmaillog_file = /nope/x\nimport_environment = =x",
        &["-C", "@ETC@"],
    ),
    of(
        Tool::Sendmail,
        "syslog_name = other\nimport_environment = {x}y\nqueue_directory = /nonexistent",
        &["-C", "@ETC@", "-q"],
    ),
    of(
        Tool::Mailq,
        "syslog_name = other\nprocess_name = x\nsyslog_facility = nope",
        &["-C", "@ETC@"],
    ),
    of(
        Tool::Mailq,
        "showq_service_name = nosuch\nsyslog_name = other",
        &["-C", "@ETC@"],
    ),
    of(
        Tool::Postfix,
        "syslog_name = other\nimport_environment = =x",
        &["-c", "@ETC@", "flush"],
    ),
    of(
        Tool::Postfix,
        "maillog_file = /nope/x\nimport_environment = =x",
        &["-c", "@ETC@", "flush"],
    ),
    of(
        Tool::Postfix,
        "queue_directory = /nonexistent\nimport_environment = {x",
        &["-c", "@ETC@", "flush"],
    ),
    of(Tool::Postfix, "process_name = x", &["-c", "@ETC@", "flush"]),
    of(
        Tool::Postfix,
        "queue_directory = /nonexistent$process_name",
        &["-c", "@ETC@", "flush"],
    ),
    of(Tool::Sendmail, "", &["-C", "@ETC@", "-bp", "x"]),
    of(Tool::Sendmail, "", &["-C", "@ETC@", "-q"]),
    of(
        Tool::Sendmail,
        "syslog_name = other",
        &["-C", "@ETC@", "-qR"],
    ),
    of(Tool::Sendmail, "", &["-C", "/nonexistent", "-q"]),
    of(
        Tool::Sendmail,
        "syslog_name = other\na = b\na = c",
        &["-C", "@ETC@", "-q"],
    ),
    of(
        Tool::Mailq,
        "multi_instance_name = two\na = b\na = c",
        &["-C", "@ETC@"],
    ),
    of(Tool::Mailq, "", &["-C", "@ETC@", "-n"]),
    of(Tool::Mailq, "", &["-C", "@ETC@"]),
    of(Tool::Postfix, "", &["-x"]),
    of(Tool::Postfix, "", &["-c", "relative", "flush"]),
    of(Tool::Postfix, "", &["-c", "@ETC@", "flush"]),
    of(
        Tool::Postfix,
        "syslog_name = other\nhash_queue_depth = x",
        &["-c", "@ETC@", "flush"],
    ),
    of(
        Tool::Postfix,
        "syslog_name = other\na = b\na = c",
        &["-c", "@ETC@", "flush"],
    ),
    of(
        Tool::Postfix,
        "syslog_name = other\nqueue_directory = /nonexistent",
        &["-c", "@ETC@", "flush"],
    ),
    Call {
        environment: &[("MAIL_LOGTAG", "tag")],
        ..of(Tool::Postfix, "", &["-x"])
    },
];

#[test]
fn syslog_gets_the_same_lines() {
    if require(Needs::Postfix) == Met::No || require(Needs::Root) == Met::No {
        return;
    }
    thread::scope(|scope| {
        for call in &CALLS {
            scope.spawn(move || {
                let theirs = lines(Program::Theirs, call);
                let ours = lines(Program::Ours, call);
                assert_eq!(ours, theirs, "{call:?}");
                assert!(!theirs.is_empty(), "nothing was logged: {call:?}");
            });
        }
    });
}

#[test]
fn a_line_has_priority_time_tag_and_process() {
    if require(Needs::Root) == Met::No {
        return;
    }
    let logged = raw_lines(Program::Ours, &call("syslog_facility = local3", &[], LIST));
    let line = String::from_utf8_lossy(logged.first().expect("a line")).into_owned();
    let rest = line.strip_prefix("<156>").expect("local3, warning");
    assert_eq!(rest.as_bytes().get(3), Some(&b' '), "{line}");
    assert!(
        rest.get(15..)
            .is_some_and(|r| r.starts_with(" postfix/postqueue[")),
        "{line}"
    );
    assert!(rest.contains("]: warning: Mail system is down"), "{line}");
}

/// The lines of a run, with the time and the process number blanked.
fn lines(program: Program, call: &Call) -> Vec<String> {
    raw_lines(program, call)
        .iter()
        .map(|line| normalized(line))
        .collect()
}

/// `<PRI>` and what follows the fifteen characters of the time; digits
/// between brackets are the process number. The number of main.cf's directory
/// differs from run to run.
fn normalized(line: &[u8]) -> String {
    let line = String::from_utf8_lossy(line).into_owned();
    let (priority, rest) = line.split_once('>').expect("a priority");
    let rest = rest.get(15..).expect("a time stamp");
    let (before, after) = rest.split_once('[').expect("a process number");
    let (_, text) = after.split_once(']').expect("a process number");
    let text: Vec<&str> = text
        .split('/')
        .map(|part| {
            if part.starts_with("spoolbox-") {
                "@ROOT@"
            } else {
                part
            }
        })
        .collect();
    format!("{priority}> {before}[]{}", text.join("/"))
}

fn raw_lines(program: Program, call: &Call) -> Vec<Vec<u8>> {
    let instance = Instance::builder()
        .append(&format!("{}\n", call.settings))
        .build();
    sample::fill(&instance);
    let dev = instance.root().join("dev");
    let socket = private_dev(&dev);
    let etc = instance.etc().display().to_string();
    let child = Command::new("unshare")
        .args([
            "--mount",
            "--propagation",
            "private",
            "--",
            "sh",
            "-c",
            IN_NAMESPACE,
        ])
        .arg(&dev)
        .arg(program.path(call.tool, &instance))
        .args(call.arguments.iter().map(|a| a.replace("@ETC@", &etc)))
        .env_clear()
        .env("PATH", "/usr/sbin:/usr/bin:/sbin:/bin")
        .env("TZ", "UTC")
        .envs(call.environment.iter().copied())
        .stdin(Stdio::null())
        .stdout(Stdio::piped())
        .stderr(Stdio::piped())
        .spawn()
        .expect("unshare starts");
    collect(child, b"", Duration::from_secs(60));
    let mut lines = Vec::new();
    let mut buffer = vec![0; 1 << 16];
    socket.set_nonblocking(true).expect("fcntl");
    while let Ok(length) = socket.recv(&mut buffer) {
        lines.push(buffer.get(..length).unwrap_or_default().to_vec());
    }
    lines
}

/// A directory that can stand for /dev, with a listening `log`.
fn private_dev(dev: &Path) -> UnixDatagram {
    fs::create_dir(dev).expect("a directory");
    let mode = Mode::from_bits_truncate(0o666);
    for (name, minor) in [("null", 3), ("zero", 5), ("random", 8), ("urandom", 9)] {
        let path = dev.join(name);
        mknod(&path, SFlag::S_IFCHR, mode, makedev(1, minor)).expect("a device node");
        set_mode(&path, 0o666);
    }
    let path = dev.join("log");
    let socket = UnixDatagram::bind(&path).expect("a socket");
    set_mode(&path, 0o666);
    socket
}
