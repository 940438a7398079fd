//! The journal is rewritten when most of it is obsolete, and keeps all records of
//! messages that are still in the trash.

use std::fs;
use std::fs::File;
use std::os::unix::fs::{MetadataExt, chown};
use std::process::{Command, Stdio};
use std::thread::sleep;
use std::time::{Duration, Instant};

use spoolbox::sys::lock::try_lock;

use super::{exact, fails, in_trash, journal, succeeds, undo_all};
use crate::postsuper::put;
use crate::support::instance::Instance;
use crate::support::run::{Program, Tool};
use crate::support::trash::{HEADER, batches, journal_line, undone_batches};
use crate::support::{Met, Needs, require};

fn read(instance: &Instance) -> String {
    fs::read_to_string(journal(instance)).expect("a journal")
}

/// Puts lines before those that the journal has.
fn put_before(instance: &Instance, lines: &str) {
    let text = read(instance);
    let rest = text.strip_prefix(HEADER).expect("its first line");
    fs::write(journal(instance), [HEADER, lines, rest].concat()).expect("a journal");
}

fn size(instance: &Instance) -> u64 {
    journal(instance).metadata().expect("a journal").size()
}

#[test]
fn a_journal_of_what_is_over_becomes_small() {
    if require(Needs::Root) == Met::No {
        return;
    }
    for arguments in [&["--undo"][..], &["--trash-purge", "--older", "0s"]] {
        let instance = Instance::builder().build();
        let placed = put(&instance, "hold", 1);
        succeeds(&instance, &["--trash", "-d", &placed.id()], "");
        put_before(&instance, &undone_batches(1000));
        let before = journal(&instance).metadata().expect("a journal");
        let output = succeeds(&instance, arguments, "");
        assert!(!output.stderr_text().contains("warning"), "{output:?}");
        let after = journal(&instance).metadata().expect("a journal");
        assert!(before.size() > 200_000 && after.size() < 500, "{after:?}");
        let rights = |found: &fs::Metadata| (found.uid(), found.gid(), found.mode());
        assert_eq!(rights(&before), rights(&after));
        assert!(in_trash(&instance).is_empty());
        fails(
            &instance,
            &["--undo"],
            "nothing to undo: the journal is empty",
        );
    }
}

/// Open batches, lines that cannot be read, calls that moved nothing, and what
/// the journal calls undone although it is in the trash.
#[test]
fn what_is_of_use_is_kept() {
    if require(Needs::Root) == Met::No {
        return;
    }
    let instance = Instance::builder().build();
    let placed: Vec<_> = (1..=5)
        .map(|number| put(&instance, "hold", number))
        .collect();
    let before = exact(&instance);
    let trash = |id: &str| drop(succeeds(&instance, &["--trash", "-d", id], ""));
    let nothing = ["--trash", "-d", "MATCH", "--from", "nobody@nowhere.example"];
    trash(&placed[0].id());
    trash(&placed[1].id());
    let written_off = batches(&instance)[0].clone();
    for _ in 0..3 {
        succeeds(&instance, &nothing, "");
    }
    trash(&placed[2].id());
    trash(&placed[3].id());
    let undone = format!("2026-01-01T00:00:00Z undone batch={written_off} uid=0 user=root");
    let undone = journal_line(&undone);
    let damaged = "a line that somebody damaged\n";
    let text = [&read(&instance), damaged, &undone].concat();
    fs::write(journal(&instance), text).expect("a journal");
    put_before(&instance, &undone_batches(500));
    trash(&placed[4].id());
    let listed = batches(&instance);
    assert_eq!(listed.len(), 4);
    // This one lets the journal be written anew.
    succeeds(&instance, &["--undo"], "");
    let text = read(&instance);
    assert!(text.len() < 5000, "{text}");
    assert!(text.contains(damaged) && text.contains(&undone), "{text}");
    for placed in &placed[..4] {
        assert!(text.contains(&format!(" id={} ", placed.id())), "{text}");
    }
    assert_eq!(batches(&instance), listed[1..]);
    fails(
        &instance,
        &[&format!("--undo={written_off}")],
        "was undone before",
    );
    // Two calls, and the one that moved nothing.
    for _ in 0..2 {
        let output = succeeds(&instance, &["--undo"], "");
        assert!(
            output.stderr_text().ends_with("Restored: 1 message\n"),
            "{output:?}"
        );
    }
    let output = succeeds(&instance, &["--undo"], "");
    assert!(
        output
            .stderr_text()
            .contains("did nothing; nothing to undo"),
        "{output:?}"
    );
    // By hand it can still be had.
    fs::write(journal(&instance), text.replace(&undone, "")).expect("a journal");
    undo_all(&instance);
    assert_eq!(exact(&instance), before);
}

/// As a cron job does it that only ever deletes.
#[test]
fn calls_that_only_add_to_the_journal_let_it_be_written_anew() {
    if require(Needs::Root) == Met::No {
        return;
    }
    let instance = Instance::builder().build();
    let placed = [put(&instance, "hold", 1), put(&instance, "hold", 2)];
    let before = exact(&instance);
    succeeds(&instance, &["--trash", "-d", &placed[0].id()], "");
    let old = undone_batches(4000);
    // Just below the size at which a look is taken.
    let end = (1 << 20) - usize::try_from(size(&instance)).expect("a size") - 50;
    let end = old[..end].rfind('\n').expect("a line") + 1;
    put_before(&instance, &old[..end]);
    succeeds(&instance, &["--trash", "-d", &placed[1].id()], "");
    assert!(size(&instance) < 2000, "{}", size(&instance));
    assert_eq!(batches(&instance).len(), 2);
    undo_all(&instance);
    assert_eq!(exact(&instance), before);
}

/// Its record would be lost with the file that was replaced.
#[test]
fn a_call_that_waited_writes_to_the_new_journal() {
    if require(Needs::Root) == Met::No {
        return;
    }
    let instance = Instance::builder().build();
    let placed = [put(&instance, "hold", 1), put(&instance, "hold", 2)];
    let before = exact(&instance);
    succeeds(&instance, &["--trash", "-d", &placed[0].id()], "");
    let file = File::open(journal(&instance)).expect("the journal");
    let lock = try_lock(&file).expect("flock").expect("the lock");
    let child = Command::new(Program::Ours.path(Tool::Postsuper, &instance))
        .args(["--trash", "-d", &placed[1].id()])
        .env("MAIL_CONFIG", instance.etc())
        .stderr(Stdio::piped())
        .spawn()
        .expect("postsuper starts");
    sleep(Duration::from_millis(500));
    let new = instance.spool().path("saved/new");
    fs::write(&new, read(&instance)).expect("a journal");
    let owner = instance.owner();
    chown(&new, Some(owner.uid), Some(owner.gid)).expect("chown");
    fs::rename(&new, journal(&instance)).expect("rename");
    drop(lock);
    let output = child.wait_with_output().expect("it ends");
    assert!(output.status.success(), "{output:?}");
    assert_eq!(batches(&instance).len(), 2);
    undo_all(&instance);
    assert_eq!(exact(&instance), before);
}

/// Four thousand times the journal from its beginning would take minutes.
#[test]
fn a_purge_takes_time_in_line_with_the_number_of_batches() {
    if require(Needs::Root) == Met::No {
        return;
    }
    let instance = Instance::builder().build();
    let placed = put(&instance, "hold", 1);
    succeeds(&instance, &["--trash", "-d", &placed.id()], "");
    let all = undone_batches(4000);
    let open: String = all.split_inclusive('\n').step_by(2).collect();
    put_before(&instance, &open);
    assert_eq!(batches(&instance).len(), 4001);
    let start = Instant::now();
    let output = succeeds(&instance, &["--trash-purge", "--older", "0s"], "");
    assert!(
        start.elapsed() < Duration::from_secs(20),
        "{:?}",
        start.elapsed()
    );
    assert!(output.stderr_text().ends_with("Purged: 1 message\n"));
    assert!(batches(&instance).is_empty());
    assert!(size(&instance) < 2000, "{}", size(&instance));
}
