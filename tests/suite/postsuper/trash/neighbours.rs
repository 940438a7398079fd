//! The trash and Postfix's own tools, other processes of ours, and other, full or
//! missing file systems.

use std::fs;
use std::io::{BufRead, BufReader, Write};
use std::os::unix::fs::chown;
use std::process::{Command, Stdio};
use std::thread;
use std::time::{Duration, Instant};

use spoolbox::sys::lock::try_lock;

use super::{exact, fails, in_trash, journal, lines, ours, succeeds, undo_all};
use crate::postsuper::obstacles::Mount;
use crate::postsuper::put;
use crate::support::instance::{Instance, set_mode};
use crate::support::run::{Ended, Invocation, Program, Tool};
use crate::support::spool::{Name, NewFile};
use crate::support::{Met, Needs, require};

#[test]
fn postfix_does_not_stumble_over_the_trash() {
    if require(Needs::Postfix) == Met::No {
        return;
    }
    let (trashed, empty) = (Instance::builder().build(), Instance::builder().build());
    crate::support::sample::fill(&trashed);
    // qshape finds no time of arrival in what comes from maildrop.
    succeeds(&trashed, &["-d", "ALL", "maildrop"], "");
    succeeds(&trashed, &["--trash", "-d", "ALL"], "");
    let before = exact(&trashed);
    for (tool, arguments) in [
        (Tool::Postsuper, &["-s"][..]),
        (Tool::Postsuper, &["-p"]),
        (Tool::Postsuper, &["-S"]),
        (Tool::Postqueue, &["-p"]),
        (Tool::Postqueue, &["-j"]),
    ] {
        let run = |instance: &Instance| {
            let call = Invocation::new(tool, arguments).env("MAIL_CONFIG", instance.etc());
            call.run(Program::Theirs, instance)
        };
        assert_eq!(run(&trashed), run(&empty), "{tool:?} {arguments:?}");
    }
    let etc = trashed.etc();
    let shape = |queues: &[&str]| {
        let mut command = Command::new("/usr/sbin/qshape");
        command.arg("-c").arg(&etc).args(queues);
        command.output().expect("qshape starts")
    };
    for queues in [&[][..], &["saved"]] {
        let output = shape(queues);
        assert!(output.status.success(), "{output:?}");
        assert!(output.stderr.is_empty(), "{output:?}");
    }
    assert_eq!(exact(&trashed), before);
    succeeds(&trashed, &["--undo"], "");
}

/// Some messages go away while others come back, all at once; none is lost.
#[test]
fn many_at_once_lose_nothing() {
    if require(Needs::Root) == Met::No {
        return;
    }
    let instance = Instance::builder().build();
    let placed: Vec<_> = (1..150).map(|n| put(&instance, "hold", n * 997)).collect();
    let before = exact(&instance);
    let stdin = lines(&placed);
    thread::scope(|scope| {
        for round in 0..6 {
            let (instance, stdin) = (&instance, &stdin);
            scope.spawn(move || match round % 3 {
                0 => drop(succeeds(instance, &["--trash", "-d", "-"], stdin)),
                1 => drop(succeeds(instance, &["--trash", "-d", "ALL"], "")),
                _ => {
                    let output = ours(instance, &["--undo"], "");
                    assert!(matches!(output.ended, Ended::Exited(0 | 1)), "{output:?}");
                }
            });
        }
    });
    undo_all(&instance);
    assert_eq!(exact(&instance), before);
}

#[test]
fn two_that_delete_the_same_move_each_message_once() {
    if require(Needs::Root) == Met::No {
        return;
    }
    let instance = Instance::builder().build();
    let placed: Vec<_> = (1..400).map(|n| put(&instance, "hold", n * 997)).collect();
    let before = exact(&instance);
    let stdin = lines(&placed);
    let outputs = thread::scope(|scope| {
        let run = || succeeds(&instance, &["--trash", "-d", "-"], &stdin);
        let other = scope.spawn(run);
        [run(), other.join().expect("a run")]
    });
    let moved = |output: &crate::support::run::Output| {
        let text = output.stderr_text();
        text.lines()
            .filter(|l| l.ends_with(": moved to trash"))
            .count()
    };
    assert_eq!(outputs.iter().map(moved).sum::<usize>(), placed.len());
    undo_all(&instance);
    assert_eq!(exact(&instance), before);
}

/// Both see a message; the one that has the lock later finds it moved already,
/// which is nothing to warn of.
#[test]
fn one_that_comes_second_says_nothing() {
    if require(Needs::Root) == Met::No {
        return;
    }
    let instance = Instance::builder().build();
    let (first, placed) = (put(&instance, "hold", 1), put(&instance, "hold", 2));
    let mut child = Command::new(Program::Ours.path(Tool::Postsuper, &instance))
        .args(["--trash", "-d", "-"])
        .env("MAIL_CONFIG", instance.etc())
        .stdin(Stdio::piped())
        .stderr(Stdio::piped())
        .spawn()
        .expect("postsuper starts");
    let mut ids = child.stdin.take().expect("a pipe");
    let mut said = BufReader::new(child.stderr.take().expect("a pipe")).lines();
    let mut line = || said.next().expect("a line").expect("text");
    writeln!(ids, "{}", first.id()).expect("it reads");
    assert!(line().ends_with(": moved to trash"));
    let file = fs::File::open(journal(&instance)).expect("the journal");
    let lock = try_lock(&file).expect("flock").expect("the lock");
    writeln!(ids, "{}", placed.id()).expect("it reads");
    // Long enough for it to look, and to wait for the lock.
    thread::sleep(Duration::from_secs(1));
    let saved = instance.spool().path("saved").join(placed.id());
    fs::rename(instance.spool().path(&placed.path), saved).expect("rename");
    drop(lock);
    drop(ids);
    assert_eq!(line(), "postsuper: Moved to trash: 1 message");
    assert!(line().starts_with("postsuper: undo: postsuper --undo="));
    assert!(child.wait().expect("its end").success());
}

/// Deletes a message, and does something when it is written down and not yet
/// moved.
fn between_look_and_move(instance: &Instance, id: &str, meanwhile: impl FnOnce()) -> String {
    before_rename(1, instance, id, &["--trash", "-d", id], meanwhile)
}

/// Runs a command, and does something before its rename of that number, when
/// the message is written down.
fn before_rename(
    number: u32,
    instance: &Instance,
    id: &str,
    arguments: &[&str],
    meanwhile: impl FnOnce(),
) -> String {
    let child = Command::new("strace")
        .args(["-f", "-qq", "-o", "/dev/null", "-e", "trace=renameat2"])
        .arg("-e")
        .arg(format!(
            "inject=renameat2:delay_enter=2000000:when={number}"
        ))
        .arg(Program::Ours.path(Tool::Postsuper, instance))
        .args(arguments)
        .env("MAIL_CONFIG", instance.etc())
        .stderr(Stdio::piped())
        .spawn()
        .expect("strace starts");
    let is_announced = || fs::read_to_string(journal(instance)).is_ok_and(|j| j.contains(id));
    let deadline = Instant::now() + Duration::from_secs(20);
    while !is_announced() {
        assert!(Instant::now() < deadline, "it is never announced");
        thread::sleep(Duration::from_millis(10));
    }
    meanwhile();
    let output = child.wait_with_output().expect("it ends");
    assert!(output.status.success(), "{output:?}");
    String::from_utf8_lossy(&output.stderr).into_owned()
}

/// As qmgr does it: from deferred to active. It comes back as what it was
/// when it was moved: active.
#[test]
fn a_message_that_moves_on_is_found_where_it_went() {
    if require(Needs::Strace) == Met::No {
        return;
    }
    let instance = Instance::builder().build();
    let file = NewFile::new("deferred", b"it moves".to_vec());
    let placed = instance.spool().put(&file);
    let id = placed.id();
    let path = |queue: &str| instance.spool().path(queue).join(&id);
    let report = between_look_and_move(&instance, &id, || {
        let from = instance.spool().path(&placed.path);
        fs::rename(from, path("active")).expect("rename");
    });
    assert!(
        report.contains(&format!("{id}: moved to trash")),
        "{report}"
    );
    assert!(path("saved").exists());
    let output = succeeds(&instance, &["--undo"], "");
    assert!(output.stderr_text().contains("was in active"), "{output:?}");
    assert!(path("hold").exists() && in_trash(&instance).is_empty());
}

/// As qmgr does it while a queue is emptied: the logs were in the trash already,
/// and go back to the message.
#[test]
fn a_message_that_moves_on_keeps_its_logs() {
    if require(Needs::Strace) == Met::No {
        return;
    }
    let instance = Instance::builder().build();
    let placed = put(&instance, "deferred", 1);
    let id = placed.id();
    let path = |queue: &str| instance.spool().path(queue).join(&id);
    let arguments = ["--trash", "-d", "ALL", "deferred"];
    let saved_log = instance.spool().path("saved").join(format!("{id}.trace"));
    // Three renames are of its logs.
    let report = before_rename(4, &instance, &id, &arguments, || {
        let deadline = Instant::now() + Duration::from_secs(20);
        while !saved_log.exists() {
            assert!(Instant::now() < deadline, "no log moves");
            thread::sleep(Duration::from_millis(10));
        }
        let from = instance.spool().path(&placed.path);
        fs::rename(from, path("active")).expect("rename");
    });
    assert!(report.ends_with("Moved to trash: 0 messages\n"), "{report}");
    assert!(path("active").exists());
    assert!(in_trash(&instance).is_empty());
    for log in ["bounce", "defer", "trace"] {
        let path = log_of(&instance, log, &id);
        assert!(path.exists(), "{}", path.display());
    }
}

/// Where a log is in an instance with the usual hashed queues.
fn log_of(instance: &Instance, log: &str, id: &str) -> std::path::PathBuf {
    let home = instance.spool().path(log);
    match log {
        "defer" => home.join(&id[..1]).join(id),
        _ => home.join(id),
    }
}

/// The ID is given to another message: that one is in the trash then, and
/// comes back.
#[test]
fn a_message_that_took_the_id_meanwhile_comes_back_too() {
    if require(Needs::Strace) == Met::No {
        return;
    }
    let instance = Instance::builder().build();
    let placed = instance
        .spool()
        .put(&NewFile::new("hold", b"first".to_vec()));
    let path = instance.spool().path(&placed.path);
    let kept = instance.spool().path("corrupt/first");
    let other = || {
        fs::rename(&path, kept).expect("rename");
        let named = Name::Literal(placed.name.clone());
        let file = NewFile::new("hold", b"second".to_vec()).named(named);
        instance.spool().put(&file);
    };
    between_look_and_move(&instance, &placed.id(), other);
    assert_eq!(in_trash(&instance).len(), 1);
    let output = succeeds(&instance, &["--undo"], "");
    assert!(output.stderr_text().ends_with("Restored: 1 message\n"));
    assert_eq!(fs::read(path).expect("it"), b"second");
}

#[test]
fn a_missing_saved_directory_is_named() {
    if require(Needs::Root) == Met::No {
        return;
    }
    let instance = Instance::builder().without("saved").build();
    let placed = put(&instance, "deferred", 1);
    let before = exact(&instance);
    for argument in [placed.id().as_str(), "ALL"] {
        let words = "open directory saved: No such file or directory; \"postfix check\" creates it";
        fails(&instance, &["--trash", "-d", argument], words);
    }
    fails(&instance, &["--undo"], "nothing to undo");
    let list = succeeds(&instance, &["--trash-list"], "");
    assert_eq!(list.stdout_text().lines().count(), 1);
    assert_eq!(exact(&instance), before);
}

#[test]
fn a_saved_directory_that_cannot_be_written_is_named() {
    if require(Needs::Root) == Met::No {
        return;
    }
    let instance = Instance::builder().build();
    let placed = put(&instance, "deferred", 1);
    let id = placed.id();
    let saved = instance.spool().path("saved");
    let before = exact(&instance);
    set_mode(&saved, 0o500);
    fails(
        &instance,
        &["--trash", "-d", &id],
        "open saved/journal.spoolbox: Permission denied",
    );
    assert_eq!(exact(&instance), before);
    // With a journal that was there before.
    set_mode(&saved, 0o700);
    succeeds(&instance, &["--trash", "-d", &id], "");
    succeeds(&instance, &["--undo"], "");
    set_mode(&saved, 0o500);
    for argument in [id.as_str(), "ALL"] {
        fails(&instance, &["--trash", "-d", argument], "Permission denied");
        assert_eq!(exact(&instance), before);
    }
    set_mode(&saved, 0o700);
}

/// A small file system on saved/.
fn small_saved(instance: &Instance, options: &str) -> Option<Mount> {
    let saved = instance.spool().path("saved");
    let mount = Mount::new(&saved, options);
    if mount.is_none() {
        eprintln!("left out: a tmpfs cannot be mounted");
        return None;
    }
    let owner = instance.owner();
    chown(&saved, Some(owner.uid), Some(owner.gid)).expect("chown");
    set_mode(&saved, 0o700);
    mount
}

#[test]
fn another_file_system_at_saved_is_an_error_and_nothing_moves() {
    if require(Needs::Root) == Met::No {
        return;
    }
    let instance = Instance::builder().build();
    let placed = put(&instance, "deferred", 1);
    let Some(_mount) = small_saved(&instance, "size=256k") else {
        return;
    };
    let before = exact(&instance);
    let id = placed.id();
    for argument in [id.as_str(), "ALL"] {
        fails(
            &instance,
            &["--trash", "-d", argument],
            "Invalid cross-device link",
        );
        assert_eq!(exact(&instance), before);
    }
    fails_to_find_anything(&instance);
}

/// Calls that could move nothing: undo says so, however often it is called.
fn fails_to_find_anything(instance: &Instance) {
    for _ in 0..3 {
        let output = succeeds(instance, &["--undo"], "");
        let text = output.stderr_text();
        assert!(text.contains("did nothing; nothing to undo"), "{text}");
        assert!(
            text.ends_with("postsuper: Restored: 0 messages\n"),
            "{text}"
        );
    }
}

#[test]
fn on_a_full_disk_nothing_moves_and_the_journal_stays_whole() {
    if require(Needs::Root) == Met::No {
        return;
    }
    let instance = Instance::builder().build();
    let placed = put(&instance, "deferred", 1);
    let Some(_mount) = small_saved(&instance, "size=16k") else {
        return;
    };
    let before = exact(&instance);
    // One that failed because of the other file system made the journal.
    fails(&instance, &["--trash", "-d", &placed.id()], "cross-device");
    let whole = fs::read(journal(&instance)).expect("a journal");
    let filler = instance.spool().path("saved/filler");
    let _ = fs::write(&filler, vec![0; 64 << 10]);
    let mut lines = 0;
    loop {
        let output = ours(&instance, &["--trash", "-d", &placed.id()], "");
        assert_eq!(output.ended, Ended::Exited(1));
        let text = output.stderr_text();
        if text.contains("write saved/journal.spoolbox: No space left on device") {
            break;
        }
        lines += 1;
        assert!(lines < 100, "the disk is never full: {text}");
    }
    fs::remove_file(&filler).expect("unlink");
    let text = fs::read(journal(&instance)).expect("a journal");
    assert!(text.starts_with(&whole) && text.ends_with(b"\n"));
    assert_eq!(exact(&instance), before);
}

/// The directory of a log is closed to us: the message stays, logs and all.
#[test]
fn a_log_that_cannot_move_keeps_its_message() {
    if require(Needs::Root) == Met::No {
        return;
    }
    let instance = Instance::builder().build();
    let placed = put(&instance, "hold", 1);
    let before = exact(&instance);
    let trace = instance.spool().path("trace");
    for argument in [placed.id().as_str(), "ALL"] {
        set_mode(&trace, 0o500);
        let words = format!("rename file trace/{0} as saved/{0}.trace", placed.id());
        fails(&instance, &["--trash", "-d", argument], &words);
        set_mode(&trace, 0o700);
        assert_eq!(exact(&instance), before);
    }
    assert!(in_trash(&instance).is_empty());
}
