//! Rights: given up in the right order, before anything in the spool is
//! opened; watched with strace(1).

use std::process::Command;

use crate::support::instance::Instance;
use crate::support::run::{Program, Tool};
use crate::support::sample;
use crate::support::{Met, Needs, require};

/// Names in the spool that only the mail owner may open.
const QUEUES: [&str; 6] = [
    "maildrop", "active", "incoming", "deferred", "hold", "defer/",
];

/// The system calls of a run that matter here, in order.
fn trace(instance: &Instance, arguments: &[&str]) -> Vec<String> {
    let log = instance.root().join("trace");
    let program = Program::Ours.path(Tool::Postqueue, instance);
    let output = Command::new("strace")
        .args(["-f", "-qq", "-o"])
        .arg(&log)
        .args([
            "-e",
            "trace=open,openat,connect,setuid,setgid,setgroups,setresgid,setresuid",
        ])
        .args([
            "-e",
            "trace=open,openat,openat2,connect,setuid,setgid,setgroups,chdir",
        ])
        .arg(program)
        .args(arguments)
        .output()
        .expect("strace starts");
    assert!(output.status.success(), "{output:?}");
    let text = std::fs::read_to_string(log).expect("the trace");
    text.lines().map(str::to_owned).collect()
}

fn position(calls: &[String], what: &str) -> usize {
    calls
        .iter()
        .position(|call| call.contains(what))
        .unwrap_or_else(|| panic!("no {what} in {calls:#?}"))
}

#[test]
fn root_becomes_the_mail_owner_before_the_spool_is_opened() {
    if require(Needs::Strace) == Met::No {
        return;
    }
    let instance = Instance::builder().build();
    sample::fill(&instance);
    let etc = instance.etc().display().to_string();
    let calls = trace(&instance, &["-c", &etc, "-p"]);
    let group = position(&calls, &format!("setgid({})", instance.owner().gid));
    let groups = position(&calls, "setgroups(1");
    let user = position(&calls, &format!("setuid({})", instance.owner().uid));
    assert!(group < groups && groups < user, "{calls:#?}");
    let opened = calls
        .iter()
        .position(|call| {
            call.contains("open") && QUEUES.iter().any(|q| call.contains(&format!("\"{q}")))
        })
        .expect("the spool is opened");
    assert!(user < opened, "{calls:#?}");
}

#[test]
fn nothing_in_the_spool_is_opened_through_a_link_or_by_an_absolute_path() {
    if require(Needs::Strace) == Met::No {
        return;
    }
    let instance = Instance::builder().build();
    sample::fill(&instance);
    let etc = instance.etc().display().to_string();
    let calls = trace(&instance, &["-c", &etc, "-j"]);
    let user = position(&calls, "setuid(");
    let queue_directory = instance.queue_directory().display().to_string();
    for call in calls
        .iter()
        .skip(user + 1)
        .filter(|call| call.contains("openat("))
    {
        assert!(!call.contains(&format!("\"{queue_directory}")), "{call}");
        let is_queue = QUEUES
            .iter()
            .any(|queue| call.contains(&format!("\"{queue}\"")));
        let is_ours = call.contains("AT_FDCWD, \"/") || is_queue;
        assert!(is_ours || call.contains("O_NOFOLLOW"), "{call}");
    }
}
