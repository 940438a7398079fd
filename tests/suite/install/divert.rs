//! Installations in place of Postfix's tools, in a copy of the machine:
//! Debian's diversions, made and ended by install and uninstall.

use std::fs;
use std::os::unix::fs::MetadataExt;

use super::{difference, look};
use crate::support::machine::{Machine, PROGRAM};
use crate::support::run::{Ended, Output};
use crate::support::{Met, Needs, require};

/// What is called by which name, once it is installed in place of Postfix's.
const COMMANDS: [&str; 4] = ["mailq", "postqueue", "postsuper", "postcat"];
pub const IN_PLACE: [&str; 4] = [PROGRAM, "install", "--prefix=/usr", "--divert"];
const BACK: [&str; 3] = ["spoolbox", "uninstall", "--prefix=/usr"];

/// A configuration for the copy: mail is taken and deferred; no network.
const MAIN_CF: &str = "\
compatibility_level = 3.6
myhostname = spoolbox.example
mydestination =
inet_interfaces = 127.0.0.1
inet_protocols = ipv4
default_transport = retry:4.4.1 nobody is there
relayhost =
alias_maps =
maillog_file = /var/log/mail.log
";
const MASTER_CF: &str = "\
pickup unix n - n 60 1 pickup
cleanup unix n - n - 0 cleanup
qmgr unix n - n 300 1 qmgr
rewrite unix - - n - - trivial-rewrite
bounce unix - - n - 0 bounce
defer unix - - n - 0 bounce
trace unix - - n - 0 bounce
error unix - - n - - error
retry unix - - n - - error
showq unix n - n - - showq
flush unix n - n 1000? 0 flush
postlog unix-dgram n - n - 1 postlogd
";

/// A copy in which Postfix is configured and runs.
pub fn with_mail_system() -> Machine {
    let machine = Machine::new();
    for (name, text) in [("main.cf", MAIN_CF), ("master.cf", MASTER_CF)] {
        let path = machine.path("/etc/postfix").join(name);
        fs::write(&path, text).expect("a configuration file");
    }
    machine.succeed(&["postfix", "start"]);
    machine
}

/// Hands a message to the mail system and waits until it is deferred;
/// returns its ID.
fn deferred_message(machine: &Machine) -> String {
    let line = "printf 'Subject: x\\n\\ntext\\n' | sendmail -f from@example.com to@example.org";
    machine.succeed(&["sh", "-c", line]);
    machine.wait_until("a deferred message", |machine| {
        machine.succeed(&["mailq"]).contains("nobody is there")
    });
    let listing = machine.succeed(&["postqueue", "-j"]);
    let (_, after) = listing.rsplit_once("\"queue_id\": \"").expect("an ID");
    after.split('"').next().expect("an ID").to_owned()
}

/// Fails unless the names are ours and the mail system works with them.
pub fn assert_ours_and_mail_flows(machine: &Machine) {
    for name in COMMANDS {
        let version = machine.succeed_as_nobody(&[name, "--version"]);
        assert!(version.contains("(spoolbox)"), "{version}");
    }
    let list = machine.succeed(&["spoolbox", "--list"]);
    if list.lines().any(|name| name == "qshape") {
        let version = machine.succeed(&["qshape", "--version"]);
        assert!(version.contains("(spoolbox)"), "{version}");
    }
    let id = deferred_message(machine);
    // An ordinary user's listing comes from the showq daemon, and is Postfix's.
    let listing = machine.succeed_as_nobody(&["mailq"]);
    assert!(listing.contains(&id), "{listing}");
    assert_eq!(
        listing,
        machine.succeed(&["/usr/sbin/postqueue.postfix", "-p"])
    );
    let content = machine.succeed(&["postcat", "-q", &id]);
    assert!(content.contains("to@example.org"), "{content}");
    let output = machine.run(&["postsuper", "-d", &id]);
    assert_eq!(output.ended, Ended::Exited(0), "{output:?}");
    let listing = machine.succeed(&["mailq"]);
    assert!(!listing.contains(&id), "{listing}");
}

/// Fails unless Postfix's own look at its installation finds no fault.
pub fn assert_postfix_finds_no_fault(machine: &Machine) {
    for verb in ["check", "set-permissions", "check", "status"] {
        let output = machine.run(&["postfix", verb]);
        assert_eq!(output.ended, Ended::Exited(0), "{verb}: {output:?}");
        let log = output.stderr_text();
        assert!(!log.contains("warning"), "{verb}: {log}");
    }
    let log = fs::read_to_string(machine.path("/var/log/mail.log")).unwrap_or_default();
    for line in log.lines() {
        let is_of_check = line.contains("postfix-script") && line.contains("warning");
        assert!(!is_of_check, "{line}");
    }
}

fn prepared() -> Option<Machine> {
    let all = [Needs::Time, Needs::Postfix];
    let is_met = all.into_iter().all(|need| require(need) == Met::Yes);
    is_met.then(with_mail_system)
}

fn refused(output: &Output) -> String {
    assert_eq!(output.ended, Ended::Exited(1), "{output:?}");
    assert_eq!(output.stdout_text(), "");
    output.stderr_text()
}

#[test]
fn postfixs_files_are_not_touched_unless_it_is_asked_for() {
    let Some(machine) = prepared() else { return };
    let before = look(&machine);
    let words = refused(&machine.run(&[PROGRAM, "install", "--prefix=/usr"]));
    for word in [
        "/usr/sbin/postqueue",
        "package postfix",
        "/usr/bin/mailq",
        "--divert",
    ] {
        assert!(words.contains(word), "{words}");
    }
    machine.succeed(&[&IN_PLACE[..], &["--dry-run"]].concat());
    assert_eq!(difference(&before, &look(&machine)), [""; 0]);
}

#[test]
fn in_front_of_postfixs_tools_ours_are_found_first_and_go_again() {
    let Some(machine) = prepared() else { return };
    let before = look(&machine);
    machine.succeed(&[PROGRAM, "install"]);
    for name in COMMANDS {
        let version = machine.succeed_as_nobody(&[name, "--version"]);
        assert!(version.contains("(spoolbox)"), "{version}");
    }
    let id = deferred_message(&machine);
    let listing = machine.succeed_as_nobody(&["mailq"]);
    assert!(listing.contains(&id), "{listing}");
    assert_eq!(listing, machine.succeed(&["/usr/bin/mailq"]));
    machine.succeed(&["spoolbox", "uninstall"]);
    assert_eq!(difference(&before, &look(&machine)), [""; 0]);
}

#[test]
fn in_place_of_postfixs_tools_mail_flows_and_uninstall_brings_them_back() {
    let Some(machine) = prepared() else { return };
    // Else its changes to other programs would be taken for ours.
    machine.succeed(&["postfix", "set-permissions"]);
    let before = look(&machine);
    machine.succeed(&IN_PLACE);
    assert_ours_and_mail_flows(&machine);
    assert_postfix_finds_no_fault(&machine);
    machine.succeed_as_nobody(&["mailq"]);
    assert_eq!(machine.succeed(&IN_PLACE), "Everything is in place.\n");
    machine.succeed(&BACK);
    assert_eq!(difference(&before, &look(&machine)), [""; 0]);
    machine.succeed(&["postfix", "status"]);
    machine.succeed_as_nobody(&["mailq"]);
}

#[test]
fn a_reinstalled_postfix_goes_aside_and_comes_back() {
    let Some(machine) = prepared() else { return };
    let package = super::package::repacked_postfix(&machine);
    machine.succeed(&["dpkg", "-i", &package]);
    let before = look(&machine);
    machine.succeed(&IN_PLACE);
    machine.succeed(&["dpkg", "-i", &package]);
    machine.succeed(&["sh", "-c", "postfix status || postfix start"]);
    assert_ours_and_mail_flows(&machine);
    machine.succeed(&BACK);
    assert_eq!(difference(&before, &look(&machine)), [""; 0]);
}

#[test]
fn there_is_a_mailq_at_every_moment() {
    let Some(machine) = prepared() else { return };
    let watch = "while [ ! -e /stop ]; do
        /usr/bin/mailq >/dev/null 2>&1; s=$?
        [ $s -lt 126 ] || echo $s; echo . >>/count
    done >/missing 2>&1 &";
    machine.succeed(&["sh", "-c", watch]);
    for _ in 0..3 {
        machine.succeed(&IN_PLACE);
        machine.succeed(&BACK);
    }
    fs::write(machine.path("/stop"), "").expect("a file");
    let missing = fs::read_to_string(machine.path("/missing")).expect("the record");
    let count = fs::read(machine.path("/count")).expect("the record").len();
    assert!(count > 20, "watched only {count} times");
    assert_eq!(missing, "");
}

#[test]
fn set_gid_comes_with_the_group_that_main_cf_names() {
    let Some(machine) = prepared() else { return };
    let text = format!("{MAIN_CF}setgid_group = $group_name\ngroup_name = mail\n");
    fs::write(machine.path("/etc/postfix/main.cf"), text).expect("main.cf");
    machine.succeed(&[PROGRAM, "install"]);
    let mail = nix::unistd::Group::from_name("mail")
        .expect("a look")
        .expect("a group");
    let found = machine
        .path("/usr/local/sbin/postqueue")
        .metadata()
        .expect("stat");
    assert_eq!(
        (found.gid(), found.mode() & 0o7777),
        (mail.gid.as_raw(), 0o2755)
    );
    fs::write(
        machine.path("/etc/postfix/main.cf"),
        "setgid_group = nobodys\n",
    )
    .expect("main.cf");
    let words = refused(&machine.run(&[PROGRAM, "install"]));
    assert!(words.contains("no group nobodys"), "{words}");
}

#[test]
fn somebody_elses_diversion_is_respected() {
    let Some(machine) = prepared() else { return };
    let theirs = [
        "dpkg-divert",
        "--package",
        "other",
        "--no-rename",
        "--divert",
    ];
    let paths = ["/usr/sbin/postcat.other", "--add", "/usr/sbin/postcat"];
    machine.succeed(&[&theirs[..], &paths].concat());
    let before = look(&machine);
    let words = refused(&machine.run(&IN_PLACE));
    assert!(words.contains("package other"), "{words}");
    assert_eq!(difference(&before, &look(&machine)), [""; 0]);
}

#[test]
fn without_dpkg_divert_that_is_the_error() {
    let Some(machine) = prepared() else { return };
    fs::remove_file(machine.path("/usr/bin/dpkg-divert")).expect("a program");
    let before = look(&machine);
    let words = refused(&machine.run(&IN_PLACE));
    assert!(words.contains("dpkg-divert"), "{words}");
    assert_eq!(difference(&before, &look(&machine)), [""; 0]);
}

/// As after `dpkg --force-all`, or an administrator's own copy.
#[test]
fn what_somebody_put_in_place_of_ours_is_not_lost() {
    let Some(machine) = prepared() else { return };
    let before = look(&machine);
    machine.succeed(&IN_PLACE);
    let path = machine.path("/usr/sbin/postcat");
    fs::remove_file(&path).expect("our link");
    fs::write(&path, "another program").expect("a file");
    let output = machine.run(&BACK);
    assert_eq!(output.ended, Ended::Exited(1), "{output:?}");
    assert!(
        output.stderr_text().contains("/usr/sbin/postcat"),
        "{output:?}"
    );
    assert_eq!(fs::read(&path).expect("the file"), b"another program");
    assert!(machine.path("/usr/sbin/postcat.postfix").exists());
    // Once that is put right, the rest is taken back.
    fs::remove_file(&path).expect("the file");
    machine.succeed(&[PROGRAM, "uninstall", "--prefix=/usr"]);
    assert_eq!(difference(&before, &look(&machine)), [""; 0]);
}

/// How many processes and threads an installation starts. The first ask who
/// diverts what, and compress pages; the last make diversions.
fn processes_started(machine: &Machine) -> u32 {
    let strace = ["strace", "-qq", "-o", "/root/trace", "-e", "trace=clone3"];
    machine.succeed(&[&strace[..], &IN_PLACE].concat());
    machine.succeed(&BACK);
    let trace = fs::read_to_string(machine.path("/root/trace")).expect("the trace");
    let started = trace.lines().filter(|line| line.contains("clone3("));
    u32::try_from(started.count()).expect("a small number")
}

/// Whatever was done when it was killed: uninstall finds it, or there was
/// nothing.
#[test]
fn diverting_cut_short_is_taken_back() {
    let Some(machine) = prepared() else { return };
    if require(Needs::Time) == Met::No || require(Needs::Strace) == Met::No {
        return;
    }
    let before = look(&machine);
    let processes = processes_started(&machine);
    let calls = [
        ("link,linkat", 1..6),
        ("unlink,unlinkat", 2..5),
        ("rename", 1..4),
        // Each of the last diversions is made by three: two ask, one adds it.
        ("clone3", processes - 5..processes + 1),
    ];
    let mut taken_back = 0;
    for (call, times) in calls {
        for n in times {
            let inject = format!("inject={call}:signal=KILL:when={n}");
            let strace = ["strace", "-qq", "-o", "/dev/null", "-e", &inject];
            let output = machine.run(&[&strace[..], &IN_PLACE].concat());
            assert_ne!(output.ended, Ended::Exited(0), "{call} {n}: {output:?}");
            // Its last child may have survived it.
            machine.wait_until("an end of dpkg-divert", |machine| {
                machine.run(&["pidof", "dpkg-divert"]).ended != Ended::Exited(0)
            });
            if machine.path("/usr/lib/spoolbox").exists() {
                machine.succeed(&[PROGRAM, "uninstall", "--prefix=/usr"]);
                taken_back += 1;
            }
            assert_eq!(difference(&before, &look(&machine)), [""; 0], "{call} {n}");
        }
    }
    assert!(taken_back > 15, "{taken_back}");
}
