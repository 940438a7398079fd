//! Several processes at once: two postsupers on the same messages, the mail log, and
//! the daemons that are woken.

use std::collections::BTreeSet;
use std::fs;
use std::io::Read;
use std::os::unix::fs::OpenOptionsExt;
use std::os::unix::net::UnixListener;
use std::thread;

use nix::sys::stat::Mode;

use super::{messages, ours, put};
use crate::support::instance::Instance;
use crate::support::postlog;
use crate::support::run::Ended;
use crate::support::spool::{Name, NewFile, Placed};
use crate::support::{Met, Needs, require};

fn many(instance: &Instance, count: u32) -> Vec<Placed> {
    let put = |number: u32| {
        let name = Name::Short {
            microseconds: number * 997,
        };
        let file = NewFile::new("deferred", Vec::new()).named(name);
        instance.spool().put(&file)
    };
    (0..count).map(put).collect()
}

#[test]
fn two_that_delete_the_same_delete_each_message_once() {
    if require(Needs::Root) == Met::No {
        return;
    }
    let instance = Instance::builder().build();
    let placed = many(&instance, 2_000);
    let stdin: String = placed.iter().map(|p| format!("{}\n", p.id())).collect();
    let outputs = thread::scope(|scope| {
        let run = || ours(&instance, &["-d", "-"], &stdin);
        let other = scope.spawn(run);
        [run(), other.join().expect("a run")]
    });
    let mut removed = Vec::new();
    for output in &outputs {
        assert_eq!(output.ended, Ended::Exited(0), "{output:?}");
        let text = output.stderr_text();
        removed.extend(
            text.lines()
                .filter(|l| l.ends_with(": removed"))
                .map(str::to_owned),
        );
    }
    let distinct: BTreeSet<_> = removed.iter().collect();
    assert_eq!((removed.len(), distinct.len()), (2_000, 2_000));
    assert!(messages(&instance).is_empty());
}

#[test]
fn those_that_move_against_each_other_lose_nothing() {
    if require(Needs::Root) == Met::No {
        return;
    }
    let instance = Instance::builder().build();
    let placed = many(&instance, 500);
    thread::scope(|scope| {
        for option in ["-h", "-H", "-h", "-r"] {
            let instance = &instance;
            scope.spawn(move || {
                let output = ours(instance, &[option, "ALL"], "");
                assert_eq!(output.ended, Ended::Exited(0), "{output:?}");
            });
        }
    });
    let names: BTreeSet<String> = messages(&instance)
        .iter()
        .filter_map(|path| Some(path.file_name()?.to_string_lossy().into_owned()))
        .collect();
    let expected: BTreeSet<String> = placed.iter().map(Placed::id).collect();
    assert_eq!(names, expected);
    assert_eq!(messages(&instance).len(), placed.len());
}

#[test]
fn what_postlogd_does_not_take_is_appended_to_its_file() {
    if require(Needs::Root) == Met::No {
        return;
    }
    let instance = postlog::configure(Instance::builder()).build();
    let first = put(&instance, "hold", 1);
    let second = put(&instance, "hold", 2);
    for message in [&first, &second] {
        let output = ours(&instance, &["-d", &message.id()], "");
        assert_eq!(output.ended, Ended::Exited(0), "{output:?}");
    }
    let path = instance.root().join("mail.log");
    let text = fs::read_to_string(&path).expect("the log");
    let lines: Vec<_> = text.lines().collect();
    assert_eq!(lines.len(), 4, "{text}");
    assert!(
        lines[0].ends_with(&format!("]: {}: removed", first.id())),
        "{text}"
    );
    assert!(lines[0].contains(" postfix/postsuper["), "{text}");
    assert!(lines[3].ends_with("]: Deleted: 1 message"), "{text}");
    use std::os::unix::fs::MetadataExt;
    assert_eq!(path.metadata().expect("stat").mode() & 0o7777, 0o600);
}

#[test]
fn daemons_are_woken_on_request_after_something_was_moved() {
    if require(Needs::Root) == Met::No {
        return;
    }
    let instance = Instance::builder().build();
    let public = instance.queue_directory().join("public");
    // One of either kind.
    nix::unistd::mkfifo(&public.join("pickup"), Mode::S_IRWXU | Mode::S_IRWXO).expect("a FIFO");
    let owner = instance.owner();
    std::os::unix::fs::chown(public.join("pickup"), Some(owner.uid), None).expect("chown");
    let mut fifo = fs::OpenOptions::new()
        .read(true)
        .write(true)
        .custom_flags(nix::libc::O_NONBLOCK)
        .open(public.join("pickup"))
        .expect("the FIFO");
    let listener = UnixListener::bind(public.join("qmgr")).expect("a socket");
    crate::support::instance::set_mode(&public.join("qmgr"), 0o777);
    let qmgr = thread::spawn(move || {
        let (mut socket, _) = listener.accept().expect("a caller");
        let mut bytes = [0; 5];
        socket.read_exact(&mut bytes).expect("a trigger");
        bytes
    });
    let message = put(&instance, "hold", 1);
    // Nothing moved, nobody woken: the listener still waits for its caller.
    ours(
        &instance,
        &["--notify", "-H", "ABCDEF", "-h", &message.id()],
        "",
    );
    let output = ours(&instance, &["--notify", "-H", &message.id()], "");
    assert_eq!(output.ended, Ended::Exited(0), "{output:?}");
    assert!(!output.stderr_text().contains("warning"), "{output:?}");
    assert_eq!(&qmgr.join().expect("qmgr"), b"FADI\0");
    let mut bytes = [0; 8];
    let read = fifo.read(&mut bytes).expect("a trigger");
    assert_eq!(&bytes[..read], b"W");
}

#[test]
fn a_mail_system_that_is_down_is_a_warning() {
    if require(Needs::Root) == Met::No {
        return;
    }
    let instance = Instance::builder().build();
    let message = put(&instance, "hold", 1);
    let output = ours(&instance, &["--notify", "-r", &message.id()], "");
    assert_eq!(output.ended, Ended::Exited(0), "{output:?}");
    let text = output.stderr_text();
    for service in ["qmgr", "pickup"] {
        let line = format!(
            "postsuper: warning: unable to look up public/{service}: No such file or directory\n"
        );
        assert!(text.contains(&line), "{text}");
    }
}
