//! Who may call what: root, the mail owner and others, with and without the
//! set-gid bit, by the program's own name and by a wrong one.

use std::fs;
use std::os::unix::fs::chown;
use std::thread;

use super::programs::{Bits, NOBODY, Programs, Run};
use crate::support::instance::{Instance, set_mode};
use crate::support::run::Ended;
use crate::support::{Met, Needs, require, sample};

/// Command lines whose outcome depends on whose rights the program has.
const POSTQUEUE: [&[&str]; 6] = [
    &["-p"],
    &["-j"],
    &["-f"],
    &["-i", "ABC"],
    &["-s", "example.com"],
    &["-x"],
];

#[test]
fn postqueue_gives_everybody_the_same_answer_with_and_without_its_group() {
    if require(Needs::Postfix) == Met::No {
        return;
    }
    let instance = Instance::builder()
        .set("relay_domains", "example.com")
        .build();
    sample::fill(&instance);
    let programs = Programs::of(&instance);
    let owner = instance.owner().uid;
    let pairs = [Bits::Plain, Bits::SetGid].map(|bits| {
        let theirs = programs.theirs("postqueue", bits);
        (bits, theirs, programs.ours("postqueue", bits))
    });
    thread::scope(|scope| {
        for (bits, theirs, ours) in &pairs {
            for user in [0, owner, NOBODY, 4242] {
                let etc = instance.etc();
                scope.spawn(move || {
                    for arguments in POSTQUEUE {
                        // The mail owner lists the spool directly: a deliberate
                        // difference.
                        if user == owner && ["-p", "-j"].contains(&arguments[0]) {
                            continue;
                        }
                        let theirs = Run::new(theirs, arguments, user).run(&etc);
                        let ours = Run::new(ours, arguments, user).run(&etc);
                        assert_eq!(ours, theirs, "{bits:?} user {user} {arguments:?}");
                    }
                });
            }
        }
    });
}

#[test]
fn postsuper_and_postfix_refuse_everybody_alike() {
    if require(Needs::Time) == Met::No || require(Needs::Postfix) == Met::No {
        return;
    }
    let instance = Instance::builder().build();
    let programs = Programs::of(&instance);
    let owner = instance.owner().uid;
    for name in ["postsuper", "postfix"] {
        for bits in [Bits::Plain, Bits::SetGid] {
            let (theirs, ours) = (programs.theirs(name, bits), programs.ours(name, bits));
            for user in [owner, NOBODY, 4242] {
                for arguments in [&["-x"][..], &["-d", "ALL"], &[]] {
                    let theirs = Run::new(&theirs, arguments, user).run(&instance.etc());
                    let ours = Run::new(&ours, arguments, user).run(&instance.etc());
                    assert_eq!(ours, theirs, "{name} {bits:?} user {user} {arguments:?}");
                    assert_eq!(theirs.ended, Ended::Exited(1));
                }
            }
        }
    }
}

#[test]
fn root_works_with_a_set_gid_copy_as_with_any_other() {
    if require(Needs::Postfix) == Met::No {
        return;
    }
    let instance = Instance::builder().build();
    let programs = Programs::of(&instance);
    for (name, arguments) in [
        ("postsuper", &["-d", "ABCDEF"][..]),
        ("postfix", &["flush"]),
        ("postqueue", &["-p"]),
    ] {
        let theirs = programs.theirs(name, Bits::SetGid);
        let ours = programs.ours(name, Bits::SetGid);
        let theirs = Run::new(&theirs, arguments, 0).run(&instance.etc());
        let ours = Run::new(&ours, arguments, 0).run(&instance.etc());
        assert_eq!(ours, theirs, "{name}");
    }
}

/// A file that only the group of the set-gid copy may read.
fn secret(instance: &Instance) -> String {
    let path = instance.root().join("secret");
    fs::write(&path, "S\u{6}secret").expect("a file");
    chown(&path, Some(0), Some(instance.owner().drop_gid)).expect("chown");
    set_mode(&path, 0o640);
    path.display().to_string()
}

#[test]
fn a_wrong_name_for_the_set_gid_copy_lends_nothing() {
    if require(Needs::Root) == Met::No {
        return;
    }
    let instance = Instance::builder().build();
    sample::fill(&instance);
    let programs = Programs::of(&instance);
    let secret = secret(&instance);
    let run = |name: &str, arguments: &[&str]| {
        let link = programs.link_to_ours(name);
        Run::new(&link, arguments, NOBODY).run(&instance.etc())
    };
    // One that may lend it: the check of this test's own.
    let group = instance.owner().drop_gid.to_string();
    let readable = std::process::Command::new("setpriv")
        .args(["--reuid=65534", "--regid", &group, "--clear-groups"])
        .args(["cat", &secret])
        .output();
    assert!(readable.is_ok_and(|output| output.status.success()));
    for name in ["postcat", "spoolbox"] {
        let arguments = match name {
            "postcat" => vec![secret.as_str()],
            _ => vec!["postcat", secret.as_str()],
        };
        let output = run(name, &arguments);
        let words = format!("postcat: fatal: open {secret}: Permission denied\n");
        assert!(output.stderr_text().ends_with(&words), "{name}: {output:?}");
        assert_eq!(output.ended, Ended::Exited(1), "{name}");
    }
    let output = run("postsuper", &["-d", "ALL"]);
    assert_eq!(
        output.stderr_text(),
        "postsuper: fatal: this postfix command must not run as a set-uid process\n"
    );
    assert_eq!(run("postfix", &["flush"]).ended, Ended::Exited(1));
    let directory = instance.root().join("made");
    let output = run("spoolbox", &["demo", &directory.display().to_string()]);
    assert_ne!(output.ended, Ended::Exited(0), "{output:?}");
    assert!(!directory.exists());
    // A name that is nobody's is the front, which only explains.
    let output = run("mailq2", &["--source=spool"]);
    assert_eq!(output.ended, Ended::Exited(64), "{output:?}");
}

#[test]
fn options_that_choose_what_is_read_are_refused_to_a_set_gid_program() {
    if require(Needs::Root) == Met::No {
        return;
    }
    let instance = Instance::builder().build();
    let programs = Programs::of(&instance);
    let ours = programs.ours("postqueue", Bits::SetGid);
    let output = Run::new(&ours, &["--source=spool", "-p"], NOBODY).run(&instance.etc());
    assert_eq!(output.ended, Ended::Exited(69), "{output:?}");
    assert!(output.stderr_text().contains("set-gid"), "{output:?}");
}
