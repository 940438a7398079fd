//! A hostile environment: variables that a set-gid program must not trust.

use std::fs;
use std::os::unix::net::UnixDatagram;
use std::process::{Command, Stdio};
use std::thread;

use super::programs::{Bits, NOBODY, Programs, Run};
use crate::support::instance::{Instance, set_mode};
use crate::support::run::Ended;
use crate::support::{Met, Needs, require, sample};

/// Variables that change what the tools do for those who own their rights,
/// with `@ROOT@`.
const VARIABLES: [(&str, &str); 14] = [
    ("MAIL_CONFIG", "@ROOT@/hostile"),
    ("MAIL_CONFIG", "/nonexistent"),
    ("MAIL_LOGTAG", "hostile"),
    ("MAIL_VERBOSE", "1"),
    ("MAIL_DEBUG", "1"),
    ("POSTLOG_SERVICE", "@ROOT@/hostile/log"),
    ("POSTLOG_HOSTNAME", "hostile"),
    ("TZ", "EST5"),
    ("TZ", ":@ROOT@/hostile/zone"),
    ("TZ", "../../../../../../etc/shadow"),
    ("TZDIR", "@ROOT@/hostile"),
    ("LANG", "../../hostile"),
    ("LD_PRELOAD", "@ROOT@/hostile/lib.so"),
    ("LD_LIBRARY_PATH", "@ROOT@/hostile"),
];

/// An instance, and beside it a directory that only its caller trusts.
fn instance_beside_hostile_files() -> Instance {
    let instance = Instance::builder().build();
    let hostile = instance.root().join("hostile");
    fs::create_dir(&hostile).expect("a directory");
    fs::write(hostile.join("main.cf"), "queue_directory = /tmp\n").expect("main.cf");
    fs::write(hostile.join("zone"), "TZif2").expect("a zone");
    fs::write(hostile.join("lib.so"), "no library").expect("a file");
    set_mode(&hostile, 0o755);
    instance
}

fn variable(instance: &Instance, (name, value): (&'static str, &str)) -> (&'static str, String) {
    let root = instance.root().display().to_string();
    (name, value.replace("@ROOT@", &root))
}

#[test]
fn each_variable_changes_as_little_as_with_postfix() {
    if require(Needs::Time) == Met::No || require(Needs::Postfix) == Met::No {
        return;
    }
    thread::scope(|scope| {
        for hostile in VARIABLES {
            scope.spawn(move || same_answers(hostile));
        }
    });
}

/// Both set-gid programs under one variable, with every command.
fn same_answers(hostile: (&'static str, &str)) {
    let instance = instance_beside_hostile_files();
    let programs = Programs::of(&instance);
    let theirs = programs.theirs("postqueue", Bits::SetGid);
    let ours = programs.ours("postqueue", Bits::SetGid);
    let (name, value) = variable(&instance, hostile);
    for arguments in [&["-p"][..], &["-f"], &["-i", "x-"], &["-v", "-j"], &["-x"]] {
        let run = |program| {
            let environment = [(name, value.as_str())];
            let run = Run {
                environment: &environment,
                ..Run::new(program, arguments, NOBODY)
            };
            run.run(&instance.etc())
        };
        let (theirs, ours) = (run(&theirs), run(&ours));
        assert_eq!(ours, theirs, "{hostile:?} {arguments:?}");
    }
}

#[test]
fn the_log_of_a_set_gid_program_goes_where_main_cf_says() {
    if require(Needs::Root) == Met::No {
        return;
    }
    let instance = instance_beside_hostile_files();
    let path = instance.root().join("hostile/log");
    let listener = UnixDatagram::bind(&path).expect("a socket");
    set_mode(&path, 0o777);
    listener.set_nonblocking(true).expect("fcntl");
    let programs = Programs::of(&instance);
    let socket = path.display().to_string();
    let environment = [("POSTLOG_SERVICE", socket.as_str())];
    let logs = |bits| {
        let ours = programs.ours("postqueue", bits);
        let run = Run {
            environment: &environment,
            ..Run::new(&ours, &["-x"], NOBODY)
        };
        assert_eq!(run.run(&instance.etc()).ended, Ended::Exited(69));
        listener.recv(&mut [0; 4096]).is_ok()
    };
    assert!(!logs(Bits::SetGid), "the caller's socket was believed");
    assert!(logs(Bits::Plain), "the caller's own program believes him");
}

/// Every path that the set-gid program looks up, when all is hostile at once.
#[test]
fn no_path_of_the_caller_is_opened_by_a_set_gid_program() {
    if require(Needs::Strace) == Met::No {
        return;
    }
    let instance = instance_beside_hostile_files();
    sample::fill(&instance);
    let programs = Programs::of(&instance);
    let ours = programs.ours("postqueue", Bits::SetGid);
    let hostile = instance.root().join("hostile").display().to_string();
    for arguments in [
        &["-p"][..],
        &["-j", "-v"],
        &["-f"],
        &["-c", &hostile, "-p"],
        &["-i", "ABC"],
        &["--source=showq", "-p"],
    ] {
        let log = instance.root().join("trace");
        let mut command = Command::new("unshare");
        command.args(["--mount", "--propagation", "private", "--", "sh", "-c"]);
        command.arg("mount --bind \"$0\" /etc/postfix && exec \"$@\"");
        command.arg(instance.etc());
        command.args([
            "strace",
            "-f",
            "-qq",
            "-u",
            "nobody",
            "-e",
            "trace=%file,connect",
        ]);
        command.arg("-o").arg(&log);
        for hostile in VARIABLES {
            let (name, value) = variable(&instance, hostile);
            command.arg("-E").arg(format!("{name}={value}"));
        }
        command.arg(&ours).args(arguments).stdin(Stdio::null());
        let output = command.output().expect("strace starts");
        let calls = fs::read_to_string(&log).expect("the trace");
        assert!(calls.contains("\"/etc/postfix/main.cf\""), "{output:?}");
        let believed: Vec<_> = calls
            .lines()
            .filter(|call| !call.contains("execve("))
            .filter(|call| call.contains("hostile") || call.contains("shadow"))
            .collect();
        assert!(believed.is_empty(), "{arguments:?}: {believed:#?}");
    }
}
