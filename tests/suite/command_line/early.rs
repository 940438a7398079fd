//! What is done before main.cf is read, or instead: explanations for
//! everybody, and how mailq ends that cannot begin.

use std::os::unix::fs::chown;
use std::os::unix::process::CommandExt;
use std::process::Command;

use crate::support::compare::same_output;
use crate::support::instance::{Instance, set_mode};
use crate::support::run::{Invocation, Tool, User, install_ours};
use crate::support::sample;
use crate::support::{Met, Needs, require};

#[test]
fn explanations_are_for_everybody() {
    if require(Needs::Root) == Met::No {
        return;
    }
    let directory = tempfile::Builder::new()
        .prefix("spoolbox-")
        .tempdir()
        .expect("a directory");
    set_mode(directory.path(), 0o755);
    let program = directory.path().join("spoolbox");
    install_ours(&program);
    let set_gid = directory.path().join("set-gid");
    install_ours(&set_gid);
    chown(&set_gid, Some(0), Some(2)).expect("chown");
    set_mode(&set_gid, 0o2755);
    for program in [program, set_gid] {
        for name in spoolbox::applets::table::APPLETS
            .iter()
            .map(|applet| applet.name)
        {
            for (option, word) in [("--help", "sage: "), ("--version", ".")] {
                let output = Command::new(&program)
                    .args([name, option])
                    .uid(65_534)
                    .gid(65_534)
                    .output()
                    .expect("it starts");
                let text = String::from_utf8_lossy(&output.stdout);
                let is_answer = output.status.success() && text.contains(word);
                assert!(is_answer, "{name} {option}: {output:?}");
            }
        }
    }
}

#[test]
fn mailq_that_ends_early_ends_as_sendmail() {
    if require(Needs::Time) == Met::No || require(Needs::Postfix) == Met::No {
        return;
    }
    let instance = Instance::builder().build();
    sample::fill(&instance);
    let default = Instance::builder()
        .set(
            "alternate_config_directories",
            &instance.etc().display().to_string(),
        )
        .build();
    let broken = |lines: &str| {
        let broken = Instance::builder().build();
        let file = broken.etc().join("main.cf");
        let text = std::fs::read_to_string(&file).expect("main.cf");
        std::fs::write(&file, text + lines).expect("main.cf");
        broken
    };
    let instances = [
        broken("enable_long_queue_ids = maybe\n"),
        broken("no equals sign\n"),
        broken("queue_directory = /nonexistent\n"),
        broken("mail_owner = nosuch\n"),
    ];
    let closed = Instance::builder().build();
    set_mode(&closed.etc().join("main.cf"), 0o600);
    let mut directories: Vec<String> = instances
        .iter()
        .chain([&instance, &closed])
        .map(|instance| instance.etc().display().to_string())
        .collect();
    directories.extend(["/nonexistent".to_owned(), "relative".to_owned()]);
    for directory in &directories {
        for user in [User::Caller, User::Nobody] {
            for arguments in [&[][..], &["-Z"], &["-bZ"], &["-B", "x", "operand"]] {
                let by_option = [&["-C", directory.as_str()], arguments].concat();
                let mailq = |arguments: &[&str]| {
                    Invocation::new(Tool::Mailq, arguments)
                        .default_etc(&default.etc())
                        .env("TZ", "UTC")
                        .user(user)
                };
                let calls = [
                    mailq(&by_option),
                    mailq(arguments).env("MAIL_CONFIG", directory),
                ];
                for call in calls {
                    if let Err(text) = same_output(&instance, &call) {
                        panic!("{user:?} {directory} {text}");
                    }
                }
            }
        }
    }
}
