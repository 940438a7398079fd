//! The group that the set-gid program lends: no program is started with it,
//! and nothing is read from a daemon while it is there.

use std::fs;
use std::path::Path;
use std::process::{Command, Stdio};

use super::programs::{Bits, Programs};
use crate::support::instance::Instance;
use crate::support::public;
use crate::support::public::{Service, read_until, send};
use crate::support::{Met, Needs, require};

const EMPTY: &[u8] = b"protocol\0mail_queue_list_protocol\0\0\0";
const GREETING: &[u8] = b"protocol\0queue_flush_protocol\0\0";
const FLUSHED: &[u8] = b"status\x000\0\0";

/// A showq that lists nothing, or a flush daemon that does what it is asked
/// for, once.
fn serve(instance: &Instance, name: &str) -> Service {
    let path = public::directory(instance).join(name);
    let is_flush = name == "flush";
    Service::listen(&path, move |mut stream| match is_flush {
        true => {
            send(&mut stream, GREETING);
            let request = read_until(&mut stream, b"\0\0");
            send(&mut stream, FLUSHED);
            request
        }
        false => {
            send(&mut stream, EMPTY);
            // Until the caller has gone.
            read_until(&mut stream, b"\0\0")
        }
    })
}

/// The system calls of the set-gid program, called by nobody, one a line.
fn trace(instance: &Instance, program: &Path, arguments: &[&str]) -> Vec<String> {
    let log = instance.root().join("trace");
    let mut command = Command::new("unshare");
    command.args(["--mount", "--propagation", "private", "--", "sh", "-c"]);
    command.arg("mount --bind \"$0\" /etc/postfix && exec \"$@\"");
    command.arg(instance.etc());
    command.args(["strace", "-f", "-qq", "-u", "nobody", "-o"]);
    command.arg(&log).arg(program).args(arguments);
    command.stdin(Stdio::null());
    let output = command.output().expect("strace starts");
    assert!(output.status.success(), "{arguments:?} {output:?}");
    let text = fs::read_to_string(&log).expect("the trace");
    text.lines().map(str::to_owned).collect()
}

/// The call of a line, after the process number.
fn call(line: &str) -> &str {
    line.split_once(' ')
        .map_or(line, |(_, call)| call.trim_start())
}

/// The process number of a line.
fn process(line: &str) -> &str {
    line.split(' ').next().unwrap_or_default()
}

#[test]
fn the_set_gid_program_starts_no_program() {
    if require(Needs::Strace) == Met::No {
        return;
    }
    let other = Instance::builder().build();
    let directory = other.etc().display().to_string();
    let instance = Instance::builder()
        .set("multi_instance_directories", &directory)
        .build();
    let programs = Programs::of(&instance);
    let ours = programs.ours("postqueue", Bits::SetGid);
    for arguments in [
        &["--all-instances", "-p"][..],
        &["--all-instances", "--count", "-j"],
    ] {
        let daemons = [serve(&instance, "showq"), serve(&other, "showq")];
        let calls = trace(&instance, &ours, arguments);
        for daemon in daemons {
            daemon.taken();
        }
        let started = calls.iter().filter(|line| call(line).starts_with("execve"));
        assert_eq!(started.count(), 1, "{arguments:?}: {calls:#?}");
        for instance in [&instance, &other] {
            fs::remove_file(instance.queue_directory().join("public/showq")).expect("a socket");
        }
    }
}

#[test]
fn nothing_is_read_from_a_daemon_with_the_group_that_was_lent() {
    if require(Needs::Strace) == Met::No {
        return;
    }
    let instance = Instance::builder()
        .set("fast_flush_domains", "example.com")
        .build();
    let programs = Programs::of(&instance);
    let ours = programs.ours("postqueue", Bits::SetGid);
    for (arguments, name) in [
        (&["-p"][..], "showq"),
        (&["--count=to"], "showq"),
        (&["-i", "ABC"], "flush"),
        (&["-s", "example.com"], "flush"),
    ] {
        let daemon = serve(&instance, name);
        let calls = trace(&instance, &ours, arguments);
        daemon.taken();
        fs::remove_file(public::directory(&instance).join(name)).expect("a socket");
        let at = |what: &str| {
            let found = calls.iter().position(|line| call(line).starts_with(what));
            found.unwrap_or_else(|| panic!("{arguments:?}: no {what}: {calls:#?}"))
        };
        let connected = calls
            .iter()
            .position(|line| call(line).contains(&format!("public/{name}\"")))
            .expect("a connection");
        let given_up = at("setresgid");
        let read = calls.iter().skip(connected).position(|line| {
            let is_read = ["recv", "read("]
                .iter()
                .any(|start| call(line).starts_with(start));
            is_read && line.contains("protocol")
        });
        let read = read.expect("the daemon's words") + connected;
        assert!(connected < given_up, "{arguments:?}: {calls:#?}");
        assert!(given_up < read, "{arguments:?}: {calls:#?}");
        assert_eq!(process(&calls[given_up]), process(&calls[read]));
    }
}
