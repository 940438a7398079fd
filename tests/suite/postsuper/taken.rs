//! Two messages with one ID, after a backup was restored or a deletion undone: a move
//! onto the other message leaves both in place and is reported. Postfix replaces one of
//! them.

use std::collections::BTreeMap;
use std::fs;
use std::os::unix::fs::MetadataExt;

use spoolbox::queue_file::records::writer::QueueFile;

use super::{messages, ours, put};
use crate::support::instance::Instance;
use crate::support::run::{Ended, Output};
use crate::support::sample::ARRIVAL;
use crate::support::spool::{Name, NewFile, Place, Placed};
use crate::support::{Met, Needs, require};

/// What moves messages: the option, from where, to where, and its report.
const MOVES: [(&str, &str, &str, &str); 6] = [
    ("-H", "hold", "deferred", "Released from hold: 1 message\n"),
    ("-f", "hold", "deferred", "Released from hold: 1 message\n"),
    ("-h", "deferred", "hold", "Placed on hold: 1 message\n"),
    ("-h", "active", "hold", "Placed on hold: 1 message\n"),
    ("-r", "deferred", "maildrop", "Requeued: 1 message\n"),
    ("-r", "incoming", "maildrop", "Requeued: 1 message\n"),
];
/// How messages are named.
const FORMS: [&str; 4] = ["ID", "-", "ALL", "MATCH"];

fn message(instance: &Instance, queue: &str, microseconds: u32) -> Placed {
    let lines = ["subject: a message", "", "text"];
    let content = QueueFile::new(ARRIVAL, "a@example.com", &["b@example.com"], &lines);
    let file = NewFile::new(queue, content.to_bytes());
    instance
        .spool()
        .put(&file.named(Name::Short { microseconds }))
}

/// Another message of that name.
fn another(instance: &Instance, queue: &str, name: &[u8]) -> Placed {
    let file = NewFile::new(queue, b"another".to_vec());
    instance
        .spool()
        .put(&file.named(Name::Literal(name.to_vec())))
}

/// The inode number of every message by its path.
fn inodes(instance: &Instance) -> BTreeMap<String, u64> {
    let inode = |path: &std::path::PathBuf| {
        let found = fs::symlink_metadata(instance.spool().path(path)).expect("lstat");
        (path.display().to_string(), found.ino())
    };
    messages(instance).iter().map(inode).collect()
}

/// Moves the messages `blocked` and `free`, named in one way.
fn call(instance: &Instance, option: &str, form: &str, names: [&Placed; 2]) -> Output {
    let [blocked, free] = names.map(Placed::id);
    let from = names[0].queue.as_str();
    match form {
        "ID" => ours(instance, &[option, &blocked, option, &free], ""),
        "-" => ours(instance, &[option, "-"], &format!("{blocked}\n{free}\n")),
        // The other queue would be looked through as well.
        "ALL" => ours(instance, &[option, "ALL", from], ""),
        _ => ours(instance, &[option, "MATCH", "--from", "a@example.com"], ""),
    }
}

#[test]
fn a_message_never_replaces_another_of_its_name() {
    if require(Needs::Root) == Met::No {
        return;
    }
    for (option, from, to, report) in MOVES {
        for form in FORMS {
            let instance = Instance::builder().build();
            let blocked = message(&instance, from, 0x11_111);
            let free = message(&instance, from, 0x22_222);
            let taken = another(&instance, to, &blocked.name);
            let output = call(&instance, option, form, [&blocked, &free]);
            let text = output.stderr_text();
            let what = format!("{option} {form}, {from}: {text}");
            assert_eq!(output.ended, Ended::Exited(0), "{what}");
            let (here, there) = (blocked.path.display(), taken.path.display());
            let warning = format!("warning: {here}: not moved: {there} exists\n");
            assert_eq!(text.matches(&warning).count(), 1, "{what}");
            assert_eq!(text.matches("warning").count(), 1, "{what}");
            assert!(text.contains(report), "{what}");
            let moved = instance.layout().directory(to, &free.name);
            let moved = moved.join(free.id()).display().to_string();
            let wanted = BTreeMap::from([
                (here.to_string(), blocked.inode),
                (there.to_string(), taken.inode),
                (moved, free.inode),
            ]);
            assert_eq!(inodes(&instance), wanted, "{what}");
        }
    }
}

/// rename(2) does nothing then, and says that it was done.
#[test]
fn a_second_link_to_the_same_file_is_no_move() {
    if require(Needs::Root) == Met::No {
        return;
    }
    for (option, from, to, _) in MOVES {
        for form in FORMS {
            let instance = Instance::builder().build();
            let blocked = message(&instance, from, 0x11_111);
            let free = message(&instance, from, 0x22_222);
            let other = instance.layout().directory(to, &blocked.name);
            let other = other.join(blocked.id());
            instance.spool().hard_link(&blocked.path, &other);
            let output = call(&instance, option, form, [&blocked, &free]);
            let text = output.stderr_text();
            let what = format!("{option} {form}, {from}: {text}");
            let (here, there) = (blocked.path.display(), other.display());
            let said = "is another link to the same file";
            let warning = format!("warning: {here}: not moved: {there} {said}\n");
            assert!(text.contains(&warning), "{what}");
            let left = inodes(&instance);
            for path in [here, there] {
                assert_eq!(left[&path.to_string()], blocked.inode, "{what}");
            }
        }
    }
}

/// What has no place keeps its times: qmgr tries it when it would have.
#[test]
fn a_message_that_cannot_be_requeued_keeps_its_times() {
    if require(Needs::Root) == Met::No {
        return;
    }
    let instance = Instance::builder().build();
    let blocked = message(&instance, "deferred", 0x11_111);
    another(&instance, "maildrop", &blocked.name);
    let modified = || {
        let found = fs::metadata(instance.spool().path(&blocked.path)).expect("stat");
        (found.mtime(), found.atime())
    };
    let before = modified();
    ours(&instance, &["-r", &blocked.id()], "");
    assert_eq!(modified(), before);
}

#[test]
fn the_result_of_a_message_in_the_way_is_not_moved() {
    if require(Needs::Root) == Met::No {
        return;
    }
    let instance = Instance::builder().build();
    let blocked = message(&instance, "hold", 0x11_111);
    another(&instance, "deferred", &blocked.name);
    let output = ours(&instance, &["-H", &blocked.id(), "--results=json"], "");
    let wanted = format!(
        "{{\"id\": \"{}\", \"action\": \"release\", \"result\": \"not moved\", \
         \"queue_before\": \"hold\", \"queue_after\": \"hold\"}}\n",
        blocked.id()
    );
    assert_eq!(output.stdout_text(), wanted);
}

/// A directory that is not needed and cannot be emptied for that reason is no
/// error: the rest would never be done.
#[test]
fn what_is_in_the_way_does_not_stop_the_rest() {
    if require(Needs::Root) == Met::No {
        return;
    }
    for (arguments, last_goes_to) in [
        (&["-h", "ALL"][..], "hold"),
        (&["-r", "ALL"], "maildrop"),
        (&["-s"], "active"),
        (&["-s", "deferred", "active"], "active"),
    ] {
        // A long name may stay although it is not that of the inode.
        let instance = Instance::builder()
            .set("enable_long_queue_ids", "yes")
            .build();
        let spool = instance.spool();
        let name = Name::Long {
            seconds: 1_795_438_815,
            microseconds: 1,
        };
        let file = NewFile::new("deferred", b"where it belongs".to_vec());
        let at_home = spool.put(&file.named(name));
        let file = NewFile::new("deferred", b"too deep".to_vec());
        let file = file.named(Name::Literal(at_home.name.clone()));
        let deep = spool.put(&file.at(Place::Below("A/B/C".into())));
        for queue in ["hold", "maildrop"] {
            another(&instance, queue, &at_home.name);
        }
        let last = message(&instance, "active", 0x33_333);
        let before = inodes(&instance);
        let output = ours(&instance, arguments, "");
        let text = output.stderr_text();
        let what = format!("{arguments:?}: {text}");
        assert_eq!(output.ended, Ended::Exited(0), "{what}");
        let warning = format!("{}: not moved: ", deep.path.display());
        assert_eq!(text.matches(&warning).count(), 1, "{what}");
        let left = inodes(&instance);
        let last_path = format!("{last_goes_to}/{}", last.id());
        assert_eq!(left.get(&last_path), Some(&last.inode), "{what}");
        let mut numbers = [left, before].map(|all| all.into_values().collect::<Vec<_>>());
        numbers.iter_mut().for_each(|all| all.sort_unstable());
        assert_eq!(numbers[0], numbers[1], "{what}");
    }
}

/// A repair gives no name that another message has, and parts no message from
/// its logs.
#[test]
fn a_repair_replaces_nothing() {
    if require(Needs::Root) == Met::No {
        return;
    }
    let instance = Instance::builder().build();
    let spool = instance.spool();
    // Its name would be that of a file of the trash.
    let wrong = put(&instance, "hold", 0x11_111);
    let name = format!("11111{:X}", wrong.inode);
    let old = spool.path("hold/11111F0F0F0F");
    fs::rename(spool.path(&wrong.path), &old).expect("rename");
    let new = format!("{name}#FIX");
    fs::write(spool.path("hold").join(&new), "in the way").expect("a file");
    let output = ours(&instance, &["-s", "hold"], "");
    let text = output.stderr_text();
    assert_eq!(output.ended, Ended::Exited(0), "{text}");
    let warning = format!("hold/11111F0F0F0F: not moved: hold/{new} exists\n");
    assert_eq!(text.matches(&warning).count(), 1, "{text}");
    assert_eq!(fs::metadata(&old).expect("the message").ino(), wrong.inode);
    let kept = fs::read(spool.path("hold").join(&new)).expect("the other");
    assert_eq!(kept, b"in the way");
    for log in ["defer", "bounce", "trace"] {
        let directory = instance.layout().directory(log, &wrong.name);
        assert!(spool.path(directory.join(wrong.id())).exists(), "{log}");
    }
}

/// The file of an interrupted repair whose name a message has that gets
/// another one itself: in the end both have their names. Postfix replaces
/// whichever it meets later.
#[test]
fn a_repair_waits_for_names_that_become_free() {
    if require(Needs::Root) == Met::No {
        return;
    }
    for queue in ["hold", "deferred", "incoming"] {
        let instance = Instance::builder().build();
        let spool = instance.spool();
        let half = message(&instance, queue, 0x11_111);
        let suffixed = spool.path(format!("{}#FIX", half.path.display()));
        fs::rename(spool.path(&half.path), suffixed).expect("rename");
        let other = another(&instance, queue, &half.name);
        let output = ours(&instance, &["-s"], "");
        let text = output.stderr_text();
        assert_eq!(output.ended, Ended::Exited(0), "{text}");
        assert!(
            text.contains("Renamed to match inode number: 2 messages"),
            "{text}"
        );
        assert!(!text.contains("not moved"), "{text}");
        let name = format!("11111{:X}", other.inode);
        let path = instance
            .layout()
            .directory(queue, name.as_bytes())
            .join(&name);
        let wanted = BTreeMap::from([
            (half.path.display().to_string(), half.inode),
            (path.display().to_string(), other.inode),
        ]);
        assert_eq!(inodes(&instance), wanted, "{text}");
    }
}

/// A log is kept as a message is.
#[test]
fn a_log_in_the_way_keeps_a_message_under_its_name() {
    if require(Needs::Root) == Met::No {
        return;
    }
    let instance = Instance::builder().build();
    let spool = instance.spool();
    let wrong = put(&instance, "hold", 0x11_111);
    let old = b"11111F0F0F0F";
    for log in ["defer", "bounce", "trace"] {
        spool.put_log(log, old, b"its log");
    }
    fs::rename(spool.path(&wrong.path), spool.path("hold/11111F0F0F0F")).expect("rename");
    let new = format!("{}#FIX", wrong.id());
    let log = instance.layout().directory("defer", wrong.id().as_bytes());
    let log = log.join(&new);
    fs::write(spool.path(&log), "another log").expect("a log");
    let output = ours(&instance, &["-s", "hold"], "");
    let text = output.stderr_text();
    assert!(
        text.contains(&format!("not moved: {} exists\n", log.display())),
        "{text}"
    );
    assert!(spool.path("hold/11111F0F0F0F").exists(), "{text}");
    assert_eq!(fs::read(spool.path(&log)).expect("a log"), b"another log");
    for log in ["defer", "bounce", "trace"] {
        let directory = instance.layout().directory(log, old);
        assert!(spool.path(directory).join("11111F0F0F0F").exists(), "{log}");
    }
}

#[cfg(target_arch = "x86_64")]
mod without_the_flag {
    //! File systems, kernels and filters that have no RENAME_NOREPLACE.

    use nix::errno::Errno;
    use nix::libc;

    use super::*;
    use crate::support::run::Program;
    use crate::support::tracer;
    use crate::support::tracer::{Strike, Target};

    #[test]
    fn a_message_moves_and_replaces_none() {
        if require(Needs::Root) == Met::No {
            return;
        }
        for errno in [Errno::EINVAL, Errno::ENOSYS, Errno::EPERM] {
            for (option, from, to, report) in MOVES {
                let instance = Instance::builder().build();
                let blocked = message(&instance, from, 0x11_111);
                let free = message(&instance, from, 0x22_222);
                let taken = another(&instance, to, &blocked.name);
                let arguments = [option, "ALL", from];
                let call = super::super::call(&instance, &arguments, "");
                let command = call.command(Program::Ours, &instance);
                let target = Target::Among(vec![libc::SYS_renameat2], 1);
                let traced = tracer::run(command, b"", target, Strike::FromThenOn(errno));
                let text = traced.output.stderr_text();
                let what = format!("{option} {from} {errno}: {text}");
                assert!(traced.struck.len() >= 2, "{what}");
                assert_eq!(traced.output.ended, Ended::Exited(0), "{what}");
                assert!(
                    text.contains(" exists\n") && text.contains(report),
                    "{what}"
                );
                let left = inodes(&instance);
                let place = |placed: &Placed| left.get(&placed.path.display().to_string());
                assert_eq!(place(&blocked), Some(&blocked.inode), "{what}");
                assert_eq!(place(&taken), Some(&taken.inode), "{what}");
                assert_eq!(place(&free), None, "{what}");
                assert_eq!(left.len(), 3, "{what}");
            }
        }
    }
}
