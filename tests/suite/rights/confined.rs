//! Restricted systems: no capability to change the user, no threads, no /dev/null, files
//! on an overlay. Postfix's tools work there.

use std::fs;
use std::os::unix::process::CommandExt;
use std::process::{Command, Stdio};
use std::time::Duration;

use crate::support::instance::{Instance, set_mode};
use crate::support::mail_system::MailSystem;
use crate::support::run::{Ended, Output, Program, Tool, collect};
use crate::support::{Met, Needs, require, sample};

/// Takes root the right to become another user, for good.
const WITHOUT_SETUID: [&str; 5] = [
    "setpriv",
    "--bounding-set",
    "-setuid,-setgid",
    "--inh-caps",
    "-all",
];

/// Runs a tool with this before it on the command line.
fn run(
    before: &[&str],
    program: Program,
    tool: Tool,
    instance: &Instance,
    arguments: &[&str],
) -> Output {
    let mut command = Command::new(before[0]);
    command.args(&before[1..]);
    command.arg(program.path(tool, instance)).args(arguments);
    command
        .env_clear()
        .env("PATH", "/usr/sbin:/usr/bin:/sbin:/bin");
    command.env("MAIL_CONFIG", instance.etc()).env("TZ", "UTC");
    command
        .stdin(Stdio::piped())
        .stdout(Stdio::piped())
        .stderr(Stdio::piped());
    command.process_group(0);
    let child = command.spawn().expect("a program");
    collect(child, b"", Duration::from_secs(60))
}

#[test]
fn root_that_cannot_become_the_mail_owner_lists_through_the_daemon() {
    if require(Needs::Postfix) == Met::No {
        return;
    }
    let system = MailSystem::start(MailSystem::builder());
    let instance = &system.instance;
    sample::fill(instance);
    for (tool, arguments) in [
        (Tool::Postqueue, &["-p"][..]),
        (Tool::Postqueue, &["-j"]),
        (Tool::Mailq, &[]),
    ] {
        let [theirs, ours] = [Program::Theirs, Program::Ours]
            .map(|program| run(&WITHOUT_SETUID, program, tool, instance, arguments));
        assert_eq!(ours, theirs, "{tool:?} {arguments:?}");
        assert!(theirs.stdout.len() > 200, "{theirs:?}");
    }
    // What would need the queue files is refused, by Postfix's tool too.
    for (tool, arguments, status) in [
        (Tool::Postqueue, &["--source=spool", "-p"][..], 69),
        (Tool::Postqueue, &["--count", "--subject", "x"], 69),
        (Tool::Qshape, &["deferred"], 1),
        (Tool::Postsuper, &["-h", "ALL"], 1),
    ] {
        let ours = run(&WITHOUT_SETUID, Program::Ours, tool, instance, arguments);
        assert_eq!(ours.ended, Ended::Exited(status), "{tool:?} {ours:?}");
        assert_eq!(ours.stdout_text(), "", "{tool:?}");
        assert_ne!(ours.stderr_text(), "", "{tool:?}");
    }
    let [theirs, ours] = [Program::Theirs, Program::Ours].map(|program| {
        let arguments = ["-h", "ALL"];
        run(
            &WITHOUT_SETUID,
            program,
            Tool::Postsuper,
            instance,
            &arguments,
        )
    });
    assert_eq!(ours, theirs);
}

#[test]
fn root_that_cannot_become_the_mail_owner_opens_nothing_in_the_spool() {
    if require(Needs::Strace) == Met::No {
        return;
    }
    let instance = Instance::builder().build();
    sample::fill(&instance);
    let log = instance.root().join("trace");
    let log_name = log.display().to_string();
    let mut before = WITHOUT_SETUID.to_vec();
    before.extend(["strace", "-f", "-qq", "-e", "trace=%file", "-o", &log_name]);
    for (tool, arguments) in [
        (Tool::Postqueue, &["-p"][..]),
        (Tool::Postqueue, &["--check", "--warn", "1"]),
        (Tool::Qshape, &["deferred"]),
        (Tool::Postsuper, &["-d", "ALL"]),
    ] {
        let ours = run(&before, Program::Ours, tool, &instance, arguments);
        assert_ne!(ours.ended, Ended::Exited(0), "{ours:?}");
        let calls = fs::read_to_string(&log).expect("a trace");
        let opened = calls
            .lines()
            .filter(|line| !line.contains("execve"))
            .find(|line| line.contains("\"deferred") || line.contains("\"incoming"));
        assert_eq!(opened, None, "{tool:?}");
        assert!(calls.contains("main.cf"), "{calls}");
    }
}

/// The words of a line; marks of a queue may or may not fill their column.
fn words(line: &str) -> Vec<&str> {
    line.split_whitespace().collect()
}

/// Lets every clone(2) fail, as under a limit or a filter of system calls.
const WITHOUT_THREADS: [&str; 6] = [
    "strace",
    "-f",
    "-o",
    "/dev/null",
    "-e",
    "inject=clone,clone3:error=EAGAIN",
];

#[test]
fn without_a_thread_the_calling_one_does_the_work() {
    if require(Needs::Time) == Met::No || require(Needs::Strace) == Met::No {
        return;
    }
    let calls: [(Tool, &[&str]); 16] = [
        (Tool::Postqueue, &["-p"]),
        (Tool::Postqueue, &["-j", "--sort", "size"]),
        (Tool::Postqueue, &["--count=from"]),
        (Tool::Postqueue, &["-p", "--sort", "age", "--limit", "2"]),
        (Tool::Mailq, &[]),
        (Tool::Qshape, &["deferred", "hold", "incoming"]),
        (Tool::Qshape, &["--by=reason", "deferred"]),
        (Tool::Postsuper, &["-h", "ALL"]),
        (Tool::Postsuper, &["-H", "MATCH", "--from", "*"]),
        (Tool::Postsuper, &["-e", "ALL"]),
        (Tool::Postsuper, &["-r", "ALL", "deferred"]),
        (Tool::Postsuper, &["-d", "ABCDEF", "-h", "no ID"]),
        (
            Tool::Postsuper,
            &["-d", "MATCH", "--from", "*", "--dry-run"],
        ),
        (Tool::Postsuper, &["-d", "ALL", "deferred"]),
        (Tool::Postqueue, &["-p"]),
        (Tool::Postsuper, &["-p", "-s"]),
    ];
    let (with, without) = (Instance::builder().build(), Instance::builder().build());
    let samples = [&with, &without].map(sample::fill);
    // IDs have inode numbers in them, and the order of a walk follows them.
    let normalized = |output: &Output, sample: &sample::Sample| {
        let [mut stdout, mut stderr] = [output.stdout_text(), output.stderr_text()];
        for (number, placed) in sample.all().iter().enumerate() {
            for text in [&mut stdout, &mut stderr] {
                *text = text.replace(&placed.id(), &format!("ID{number}"));
            }
        }
        let sorted = |text: String| {
            let mut lines: Vec<String> = text.lines().map(|line| words(line).join(" ")).collect();
            lines.sort();
            lines
        };
        (output.ended, sorted(stdout), sorted(stderr))
    };
    for (tool, arguments) in calls {
        let expected = run(&["env"], Program::Ours, tool, &with, arguments);
        let ours = run(&WITHOUT_THREADS, Program::Ours, tool, &without, arguments);
        let [with, without] = &samples;
        let (left, right) = (normalized(&ours, without), normalized(&expected, with));
        assert_eq!(left, right, "{tool:?} {arguments:?}");
        assert!(!ours.stderr_text().contains("thread"), "{ours:?}");
    }
}

#[test]
fn a_process_without_one_more_to_be_had_says_so() {
    if require(Needs::Strace) == Met::No {
        return;
    }
    let instance = Instance::builder().build();
    let arguments = ["-p", "--all-instances"];
    let ours = run(
        &WITHOUT_THREADS,
        Program::Ours,
        Tool::Postqueue,
        &instance,
        &arguments,
    );
    assert_eq!(ours.ended, Ended::Exited(69), "{ours:?}");
    let text = "postqueue: fatal: cannot start a process: Resource temporarily unavailable";
    assert!(ours.stderr_text().contains(text), "{ours:?}");
}

#[test]
fn nothing_needs_dev_null_if_the_standard_descriptors_are_open() {
    if require(Needs::Postfix) == Met::No {
        return;
    }
    let script = "mount -t tmpfs none /dev && exec \"$0\" \"$@\"";
    let before = [
        "unshare",
        "--mount",
        "--propagation",
        "private",
        "sh",
        "-c",
        script,
    ];
    let instance = Instance::builder().build();
    sample::fill(&instance);
    for (tool, arguments) in [
        (Tool::Postqueue, &["-f"][..]),
        (Tool::Postqueue, &["-i", "x-"]),
        (Tool::Postsuper, &["-h", "ALL"]),
    ] {
        let theirs = run(&before, Program::Theirs, tool, &instance, arguments);
        let ours = run(&before, Program::Ours, tool, &instance, arguments);
        match tool {
            // All of it is on hold by now.
            Tool::Postsuper => assert_eq!(ours.ended, theirs.ended, "{ours:?}"),
            _ => assert_eq!(ours, theirs, "{tool:?} {arguments:?}"),
        }
    }
    let listed = run(&before, Program::Ours, Tool::Postqueue, &instance, &["-p"]);
    assert_eq!(listed.ended, Ended::Exited(0), "{listed:?}");
    assert!(listed.stdout.len() > 200, "{listed:?}");
}

#[test]
fn a_lock_is_seen_on_an_overlay_too() {
    if require(Needs::Root) == Met::No {
        return;
    }
    let instance = Instance::builder().build();
    sample::fill(&instance);
    // A file that is no socket: a connection to it would fail.
    let socket = instance.queue_directory().join("public/showq");
    fs::write(&socket, "").expect("a file");
    set_mode(&socket, 0o777);
    let upper = tempfile::tempdir_in("/dev/shm").expect("a directory in memory");
    for name in ["upper", "work"] {
        fs::create_dir(upper.path().join(name)).expect("a directory");
    }
    // The device of stat(2) is not that in /proc/locks there.
    let script = "mount -t overlay overlay -o lowerdir=$1,upperdir=$2/upper,workdir=$2/work $1 \
                  || exit 99; cd $1; : > pid/master.pid; chmod 600 pid/master.pid; \
                  [ $3 = free ] || { exec 9< pid/master.pid; flock -x 9; }; shift 3; exec \"$@\"";
    let spool = instance.queue_directory().display().to_string();
    let upper = upper.path().display().to_string();
    for (user, lock, is_up) in [
        ("0", "held", true),
        ("0", "free", false),
        (&instance.owner().uid.to_string(), "held", true),
    ] {
        let before = [
            "unshare",
            "--mount",
            "--propagation",
            "private",
            "sh",
            "-c",
            script,
            "sh",
            &spool,
            &upper,
            lock,
            "setpriv",
            "--reuid",
            user,
            "--clear-groups",
            "env",
        ];
        let output = run(&before, Program::Ours, Tool::Postqueue, &instance, &["-p"]);
        assert_ne!(output.ended, Ended::Exited(99), "no overlay can be mounted");
        assert!(
            output.stdout_text().contains("in 6 Requests."),
            "{output:?}"
        );
        let is_silent = output.stderr_text().is_empty();
        assert_eq!(is_silent, is_up, "{user} {lock}: {output:?}");
    }
}
