//! The trash after a backup of the spool was restored, journals of the first
//! spoolbox, and logs that belong to no message.

use std::collections::BTreeMap;
use std::fs;
use std::os::unix::fs::{MetadataExt, chown};
use std::path::{Path, PathBuf};
use std::process::Command;

use super::{exact, fill, in_trash, journal, lines, succeeds};
use crate::postsuper::put;
use crate::support::instance::Instance;
use crate::support::spool::set_mtime;
use crate::support::trash::{HEADER, batches, journal_line};
use crate::support::{Met, Needs, require};

/// What is in the spool, but for inode numbers.
fn content(instance: &Instance) -> BTreeMap<PathBuf, String> {
    let without_inode = |text: String| text.split_once(" mode ").expect("a mode").1.to_owned();
    let files = exact(instance).into_iter();
    files
        .map(|(path, text)| (path, without_inode(text)))
        .collect()
}

/// A backup of the trash is made, and restored by cp(1). The copy is made while
/// the original is there, so that it has other inode numbers.
fn restore_backup(instance: &Instance) {
    let saved = instance.spool().path("saved");
    let backup = instance.root().join("backup");
    let copy = |from: &Path, to: &Path| {
        let copied = Command::new("cp").arg("-a").args([from, to]).status();
        assert!(copied.expect("cp starts").success());
    };
    copy(&saved, &backup);
    fs::remove_dir_all(&saved).expect("rm");
    fs::rename(&backup, &saved).expect("mv");
}

#[test]
fn messages_come_back_after_a_backup_was_restored() {
    if require(Needs::Root) == Met::No {
        return;
    }
    let instance = Instance::builder().build();
    let placed = fill(&instance);
    let before = content(&instance);
    succeeds(&instance, &["--trash", "-d", "-"], &lines(&placed));
    let inodes = exact(&instance);
    restore_backup(&instance);
    assert_ne!(exact(&instance), inodes);
    assert_eq!(batches(&instance).len(), 1);
    let output = succeeds(&instance, &["--undo"], "");
    let text = output.stderr_text();
    assert!(
        text.ends_with("postsuper: Restored: 6 messages\n"),
        "{text}"
    );
    assert!(!text.contains("warning"), "{text}");
    assert_eq!(content(&instance), before);
    assert!(batches(&instance).is_empty());
}

/// Some backups keep whole seconds only.
#[test]
fn messages_are_purged_after_a_backup_was_restored() {
    if require(Needs::Root) == Met::No {
        return;
    }
    let instance = Instance::builder().build();
    let placed = fill(&instance);
    succeeds(&instance, &["--trash", "-d", "-"], &lines(&placed));
    restore_backup(&instance);
    for path in in_trash(&instance) {
        let path = instance.spool().path(path);
        let seconds = path.metadata().expect("stat").mtime();
        set_mtime(&path, seconds);
    }
    let output = succeeds(&instance, &["--trash-purge", "--older", "0s"], "");
    assert!(
        output.stderr_text().ends_with("Purged: 6 messages\n"),
        "{output:?}"
    );
    assert!(in_trash(&instance).is_empty());
    assert!(batches(&instance).is_empty());
}

/// Another file has the message's place for a while: what is said of the
/// message is not forgotten.
#[test]
fn a_batch_stays_open_while_anything_has_its_place_in_the_trash() {
    if require(Needs::Root) == Met::No {
        return;
    }
    let instance = Instance::builder().build();
    let placed = put(&instance, "deferred", 1);
    let before = exact(&instance);
    succeeds(&instance, &["--trash", "-d", &placed.id()], "");
    let batch = batches(&instance);
    let path = instance.spool().path("saved").join(placed.id());
    let kept = instance.root().join("kept");
    fs::rename(&path, &kept).expect("rename");
    fs::write(&path, "another").expect("a file");
    for arguments in [&["--undo"][..], &["--trash-purge", "--older", "0s"]] {
        let output = succeeds(&instance, arguments, "");
        let words = "is not the file that was moved there";
        assert!(output.stderr_text().contains(words), "{output:?}");
        assert_eq!(batches(&instance), batch);
    }
    fs::rename(&kept, &path).expect("rename");
    succeeds(&instance, &["--undo"], "");
    assert_eq!(exact(&instance), before);
    assert!(batches(&instance).is_empty());
}

#[test]
fn a_journal_of_the_first_spoolbox_is_understood() {
    if require(Needs::Root) == Met::No {
        return;
    }
    let instance = Instance::builder().build();
    let placed = [put(&instance, "hold", 1), put(&instance, "deferred", 2)];
    let mut text = HEADER.to_owned();
    let mut ids = Vec::new();
    for (number, placed) in placed.iter().enumerate() {
        let path = instance.spool().path(&placed.path);
        let found = path.metadata().expect("stat");
        let id = placed.id();
        text.push_str(&journal_line(&format!(
            "2026-11-24T10:09:3{number}Z trash batch=20261124-10093{number}-1 uid=0 user=root \
             id={id} queue={} mode={:04o} size={} mtime={}.{:09} atime={}.{:09} inode={} \
             logs=bounce,defer,trace comment=ticket {number}",
            placed.queue,
            found.mode() & 0o777,
            found.size(),
            found.mtime(),
            found.mtime_nsec(),
            found.atime(),
            found.atime_nsec(),
            found.ino(),
        )));
        fs::rename(&path, instance.spool().path("saved").join(&id)).expect("rename");
        ids.push(id);
    }
    fs::write(journal(&instance), text).expect("a journal");
    let owner = instance.owner();
    chown(journal(&instance), Some(owner.uid), None).expect("chown");
    let names = ["20261124-100931-1", "20261124-100930-1"];
    assert_eq!(batches(&instance), names);
    let output = succeeds(&instance, &["--undo"], "");
    let text = output.stderr_text();
    assert!(
        text.contains(&format!("{}: restored to deferred\n", ids[1])),
        "{text}"
    );
    // What is added is understood beside it.
    succeeds(&instance, &["--trash", "-d", "ALL", "deferred"], "");
    assert_eq!(batches(&instance).len(), 2);
    succeeds(&instance, &["--undo"], "");
    let output = succeeds(&instance, &["--undo"], "");
    let text = output.stderr_text();
    assert!(
        text.contains(&format!("{}: restored to hold\n", ids[0])),
        "{text}"
    );
    assert!(in_trash(&instance).is_empty());
}

#[test]
fn logs_without_a_message_are_purged() {
    if require(Needs::Root) == Met::No {
        return;
    }
    for hashed in ["deferred, defer", "deferred, defer, saved"] {
        let instance = Instance::builder().set("hash_queue_names", hashed).build();
        let [queued, trashed] = [1, 2].map(|number| put(&instance, "hold", number));
        let before = exact(&instance);
        // It makes the journal; and there is nothing that is old enough.
        succeeds(&instance, &["--trash", "-d", &trashed.id()], "");
        let kept = in_trash(&instance);
        let file = |name: &str| {
            let home = if hashed.contains("saved") {
                format!("saved/{}", &name[..1])
            } else {
                "saved".to_owned()
            };
            let home = instance.spool().path(home);
            fs::create_dir_all(&home).expect("mkdir");
            let owner = instance.owner();
            chown(&home, Some(owner.uid), Some(owner.gid)).expect("chown");
            fs::write(home.join(name), "a log").expect("a file");
        };
        for name in ["0123ABC.defer", "0123ABC.bounce", "4567DEF.trace"] {
            file(name);
        }
        // What is no log's name stays.
        for name in ["0123ABC.text", "no.id.defer"] {
            file(name);
        }
        // This one belongs to a message that is in use.
        let log = instance.spool().path("trace").join(queued.id());
        file(&format!("{}.trace", queued.id()));
        fs::remove_file(&log).expect("unlink");
        let output = succeeds(&instance, &["--trash-purge", "--older", "1h"], "");
        assert!(!output.stderr_text().contains("warning"), "{output:?}");
        assert_eq!(in_trash(&instance).len(), kept.len() + 5);
        assert!(log.exists());
        succeeds(&instance, &["--trash-purge", "--older", "0s"], "");
        let names = in_trash(&instance).into_iter();
        let names: Vec<_> = names
            .map(|path| path.file_name().expect("a name").to_owned())
            .collect();
        assert_eq!(names, ["0123ABC.text", "no.id.defer"], "{hashed}");
        assert!(log.exists());
        for path in before.keys().filter(|path| !path.ends_with(trashed.id())) {
            assert!(instance.spool().path(path).exists(), "{}", path.display());
        }
    }
}
