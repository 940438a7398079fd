//! postsuper's rights: who may call it, and that root's rights are dropped before the
//! spool is accessed, as strace(1) shows.

use std::process::{Command, Stdio};

use super::{call, ours, put};
use crate::support::compare::same_output;
use crate::support::instance::{Instance, make_directory};
use crate::support::run::{Ended, Program, Tool, User, install_ours};
use crate::support::{Met, Needs, require};

/// The system calls of a run, from chdir on.
fn trace(instance: &Instance, arguments: &[&str]) -> Vec<String> {
    let log = instance.root().join("trace");
    let status = Command::new("strace")
        .args(["-f", "-qq", "-o"])
        .arg(&log)
        .args(["-e", "trace=%file,%creds,fchmod"])
        .arg(Program::Ours.path(Tool::Postsuper, instance))
        .args(arguments)
        .env("MAIL_CONFIG", instance.etc())
        .stdin(Stdio::null())
        .stderr(Stdio::null())
        .status()
        .expect("strace starts");
    assert!(status.success());
    let text = std::fs::read_to_string(log).expect("the trace");
    let calls = text.lines().map(str::to_owned);
    calls.skip_while(|call| !call.contains("chdir(")).collect()
}

#[test]
fn root_becomes_the_mail_owner_before_the_spool_is_touched() {
    if require(Needs::Strace) == Met::No {
        return;
    }
    for arguments in [
        &["-d", "ALL"][..],
        &["-s"],
        &["-h", "ABCDEF"],
        &["-r", "ALL", "-p"],
        &["--trash", "-d", "ALL"],
        &["--trash", "-d", "ABCDEF"],
        &["--trash-purge", "--older=1d"],
    ] {
        let instance = Instance::builder().build();
        put(&instance, "deferred", 1);
        let calls = trace(&instance, arguments);
        let position = |what: String| {
            let found = calls.iter().position(|call| call.contains(&what));
            found.unwrap_or_else(|| panic!("no {what} in {calls:#?}"))
        };
        let owner = instance.owner();
        let group = position(format!("setgid({})", owner.gid));
        let groups = position(format!("setgroups(1, [{}])", owner.gid));
        let user = position(format!("setuid({})", owner.uid));
        assert!(group < groups && groups < user, "{calls:#?}");
        let touched = calls.iter().position(|call| {
            let queues = [
                "maildrop", "incoming", "active", "deferred", "hold", "defer", "saved",
            ];
            queues.iter().any(|q| call.contains(&format!("\"{q}")))
        });
        assert!(touched.is_some_and(|t| t > user), "{calls:#?}");
        // The way back is closed, and that was tried.
        assert!(
            calls
                .iter()
                .any(|c| c.contains("setuid(0)") && c.contains("EPERM"))
        );
    }
}

#[test]
fn who_may_not_call_it_hears_so_before_the_options_are_looked_at() {
    if require(Needs::Postfix) == Met::No {
        return;
    }
    let instance = Instance::builder().build();
    let etc = instance.etc().display().to_string();
    for arguments in [
        &["-x"][..],
        &["-c", "relative"],
        &["-c", &etc, "-d", "ALL"],
        &[],
    ] {
        let call = call(&instance, arguments, "");
        // Ours is called as itself here, without a set-gid bit.
        let theirs = call
            .clone()
            .user(User::Nobody)
            .run(Program::Theirs, &instance);
        let ours = as_nobody(&instance, arguments);
        assert_eq!(ours, theirs.stderr_text(), "{arguments:?}");
        assert_eq!(theirs.ended, Ended::Exited(1));
    }
}

fn as_nobody(instance: &Instance, arguments: &[&str]) -> String {
    // The build directory may be closed to others.
    let program = instance.root().join("postsuper");
    if !program.exists() {
        install_ours(&program);
    }
    let output = Command::new("setpriv")
        .args(["--reuid=65534", "--regid=65534", "--clear-groups", "--"])
        .arg(program)
        .args(arguments)
        .env("MAIL_CONFIG", instance.etc())
        .output()
        .expect("setpriv starts");
    assert_eq!(output.status.code(), Some(1), "{output:?}");
    String::from_utf8_lossy(&output.stderr).into_owned()
}

#[test]
fn the_mail_owner_may_work_on_his_own_spool_if_he_names_it() {
    if require(Needs::Root) == Met::No {
        return;
    }
    let instance = Instance::builder().build();
    let message = put(&instance, "deferred", 1);
    let owner = instance.owner().clone();
    let program = instance.root().join("postsuper");
    install_ours(&program);
    let hold = |named: bool| {
        let mut command = Command::new("setpriv");
        command
            .arg(format!("--reuid={}", owner.uid))
            .arg(format!("--regid={}", owner.gid))
            .args(["--clear-groups", "--"])
            .arg(&program);
        if named {
            command.arg("-c").arg(instance.etc());
        }
        command
            .args(["-h", &message.id()])
            .env("MAIL_CONFIG", instance.etc());
        let output = command.output().expect("setpriv starts");
        String::from_utf8_lossy(&output.stderr).into_owned()
    };
    let refused = "postsuper: fatal: use of this command is reserved for the superuser\n";
    assert_eq!(hold(false), refused);
    assert_eq!(hold(true), refused, "the queue directory is root's");
    std::os::unix::fs::chown(instance.queue_directory(), Some(owner.uid), None).expect("chown");
    assert_eq!(hold(false), refused);
    assert!(hold(true).contains("placed on hold"));
}

#[test]
fn wrong_options_are_answered_alike() {
    if require(Needs::Time) == Met::No || require(Needs::Postfix) == Met::No {
        return;
    }
    let instance = Instance::builder().build();
    make_directory(&instance.root().join("empty"), 0o755);
    let etc = instance.etc().display().to_string();
    for arguments in [
        &["-x"][..],
        &["-d"],
        &["-sx"],
        &["-dALL", "-c"],
        &["-c", "relative"],
        &["-c", ""],
        &["-c", "relative", "-x"],
        &["-c", "/nonexistent", "-x"],
        &["-c", "/nonexistent"],
        &["nosuch"],
        &["-d", "X", "nosuch"],
        &["-c", &etc, "-pc", &etc],
        &["-?"],
        &["-d", "-d"],
        &["-d", "--", "-p"],
    ] {
        if let Err(text) = same_output(&instance, &call(&instance, arguments, "")) {
            panic!("{text}");
        }
    }
}

#[test]
fn help_and_version_explain() {
    if require(Needs::Root) == Met::No {
        return;
    }
    let instance = Instance::builder().build();
    let help = ours(&instance, &["--help"], "").stdout_text();
    for option in ["-d ID", "-S", "--notify", "--help", "--version"] {
        assert!(help.contains(option), "{help}");
    }
    let version = ours(&instance, &["--version"], "").stdout_text();
    assert!(version.starts_with("postsuper (spoolbox) "), "{version}");
}

/// A maillog_file in a directory of the mail owner's, and a file of root's that
/// is none of theirs.
fn instance_with_log(log: &str) -> Instance {
    let instance = Instance::builder()
        .set("maillog_file", log)
        .set("maillog_file_prefixes", "@ROOT@")
        .build();
    let theirs = instance.root().join("theirs");
    make_directory(&theirs, 0o755);
    std::os::unix::fs::chown(&theirs, Some(instance.owner().uid), None).expect("chown");
    make_directory(&instance.root().join("roots"), 0o755);
    std::fs::write(instance.root().join("roots/victim"), "before").expect("a file");
    instance
}

#[test]
fn root_appends_to_no_file_that_the_mail_owner_chose() {
    if require(Needs::Root) == Met::No {
        return;
    }
    let link = std::os::unix::fs::symlink::<&str, std::path::PathBuf>;
    for (log, make) in [
        // A link in the place of the file, and one on the way.
        ("@ROOT@/theirs/mail.log", "../roots/victim"),
        ("@ROOT@/theirs/log/victim", "../roots"),
        ("@ROOT@/theirs/hard", ""),
    ] {
        let instance = instance_with_log(log);
        let theirs = instance.root().join("theirs");
        let victim = instance.root().join("roots/victim");
        match log {
            "@ROOT@/theirs/mail.log" => link(make, theirs.join("mail.log")).expect("a link"),
            "@ROOT@/theirs/log/victim" => link(make, theirs.join("log")).expect("a link"),
            _ => std::fs::hard_link(&victim, theirs.join("hard")).expect("a link"),
        }
        let id = put(&instance, "deferred", 1).id();
        let output = call(&instance, &["-h", &id], "").run(Program::Ours, &instance);
        assert_eq!(output.ended, Ended::Exited(0), "{output:?}");
        assert_eq!(
            std::fs::read(&victim).expect("the file"),
            b"before",
            "{log}"
        );
    }
    // A file of its own there is written to with the mail owner's rights.
    let instance = instance_with_log("@ROOT@/theirs/mail.log");
    let id = put(&instance, "deferred", 1).id();
    let output = call(&instance, &["-h", &id], "").run(Program::Ours, &instance);
    assert_eq!(output.ended, Ended::Exited(0), "{output:?}");
    let log = instance.root().join("theirs/mail.log");
    let text = std::fs::read_to_string(&log).expect("a log");
    assert!(text.contains("Placed on hold: 1 message"), "{text}");
    let owner = std::os::unix::fs::MetadataExt::uid(&log.metadata().expect("a log"));
    assert_eq!(owner, instance.owner().uid);
}
