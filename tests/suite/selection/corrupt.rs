//! Damaged messages are in no listing and no action unless --queue names them; then
//! they are counted, listed, put on hold and deleted, however damaged they are.

use spoolbox::queue_file::records::writer::QueueFile;

use std::os::unix::fs::MetadataExt;
use std::time::{Duration, Instant};

use super::spool::now;
use super::{filled, printed, run};
use crate::support::instance::Instance;
use crate::support::mail_system::MailSystem;
use crate::support::run::{Ended, Invocation, Output, Program, Tool};
use crate::support::spool::{NewFile, Placed};
use crate::support::{Met, Needs, require};

/// A damaged message with this many bytes of its file, or with all of them.
fn damaged(instance: &Instance, length: Option<usize>) -> Placed {
    let file = QueueFile::new(
        now() - 60,
        "ann@example.com",
        &["r@x"],
        &["Subject: s", "", "x"],
    );
    let mut content = file.to_bytes();
    if let Some(length) = length {
        content.truncate(length);
    }
    instance.spool().put(&NewFile::new("corrupt", content))
}

fn postsuper(instance: &Instance, args: &[&str]) -> Output {
    Invocation::new(Tool::Postsuper, args)
        .env("MAIL_CONFIG", instance.etc())
        .run(Program::Ours, instance)
}

#[test]
fn listings_and_actions_do_not_look_there() {
    if require(Needs::Root) == Met::No {
        return;
    }
    let instance = filled();
    let before = printed(&instance, &["-p"]);
    let metrics = printed(&instance, &["--prometheus"]);
    assert!(
        metrics.contains("corrupt_messages{instance_name=\"-\"} 0\n"),
        "{metrics}"
    );
    let one = damaged(&instance, None);
    damaged(&instance, Some(70));
    assert_eq!(printed(&instance, &["-p"]), before);
    assert_eq!(printed(&instance, &["--count"]), "10\n");
    let queues = printed(&instance, &["--count=queue"]);
    assert!(queues.ends_with("         2  corrupt\n"), "{queues}");
    let metrics = printed(&instance, &["--prometheus"]);
    assert!(
        metrics.contains("corrupt_messages{instance_name=\"-\"} 2\n"),
        "{metrics}"
    );
    let check = printed(&instance, &["--check", "--warn", "100"]);
    assert!(
        check.starts_with("MAILQ OK - 10 messages (warn 100), 2 corrupt | "),
        "{check}"
    );
    assert!(check.ends_with(" corrupt=2;;;0\n"), "{check}");
    let id = one.id();
    let deleted = postsuper(&instance, &["-d", &id]);
    assert!(
        instance.queue_directory().join(&one.path).exists(),
        "{deleted:?}"
    );
    let deleted = postsuper(&instance, &["-d", "MATCH", "--id", &id]);
    assert!(
        instance.queue_directory().join(&one.path).exists(),
        "{deleted:?}"
    );
}

#[test]
fn a_damaged_message_is_listed_held_and_deleted() {
    if require(Needs::Root) == Met::No {
        return;
    }
    let instance = filled();
    let whole = damaged(&instance, None);
    // The sender record is cut off, or everything is.
    let headless = damaged(&instance, Some(70));
    let empty = damaged(&instance, Some(0));
    let listed = printed(
        &instance,
        &["--format", "%{id} %{sender}\\n", "--queue", "corrupt"],
    );
    let mut lines: Vec<&str> = listed.lines().collect();
    lines.sort_unstable();
    let mut expected = vec![
        format!("{} ann@example.com", whole.id()),
        format!("{} (unknown)", headless.id()),
        format!("{} (unknown)", empty.id()),
    ];
    expected.sort();
    assert_eq!(lines, expected);
    let both = printed(&instance, &["--count", "--queue", "hold,corrupt"]);
    assert_eq!(both, "5\n");
    for (args, part) in [
        (
            &["-r", "MATCH", "--queue", "corrupt"][..],
            "requires -d or -h",
        ),
        (
            &["-d", "ALL", "-d", "MATCH", "--queue", "corrupt"],
            "ALL and -",
        ),
        (
            &["-d", "MATCH", "--queue", "corrupt", "deferred"],
            "queue operands",
        ),
        (&["-s", "-d", "MATCH", "--queue", "corrupt"], "-s and -S"),
    ] {
        let output = postsuper(&instance, args);
        assert_eq!(output.ended, Ended::Exited(1), "{args:?}: {output:?}");
        assert!(output.stderr_text().contains(part), "{args:?}: {output:?}");
    }
    let dry = postsuper(
        &instance,
        &["--dry-run", "-d", "MATCH", "--queue", "corrupt"],
    );
    assert!(
        dry.stderr_text().contains("Would be deleted: 3 messages"),
        "{dry:?}"
    );
    let held = postsuper(
        &instance,
        &["-h", "MATCH", "--queue", "corrupt", "--from", "ann@*"],
    );
    assert_eq!(held.ended, Ended::Exited(0), "{held:?}");
    let ids = printed(&instance, &["--ids", "--queue", "hold"]);
    assert!(ids.contains(&whole.id()), "{ids} {held:?}");
    let gone = postsuper(&instance, &["-d", "MATCH", "--queue", "corrupt"]);
    assert!(
        gone.stderr_text().contains("Deleted: 2 messages"),
        "{gone:?}"
    );
    let left = run(&instance, &["--ids", "--queue", "corrupt"]);
    assert_eq!(left.stdout_text(), "", "{left:?}");
    assert_eq!(printed(&instance, &["--count"]), "11\n");
}

#[test]
fn damaged_messages_in_the_trash_are_restored_to_their_queue() {
    if require(Needs::Root) == Met::No {
        return;
    }
    for option in ["--trash", "--journal"] {
        let instance = Instance::builder().build();
        let placed = instance
            .spool()
            .put(&NewFile::new("corrupt", b"no message\n".to_vec()));
        let path = instance.queue_directory().join(&placed.path);
        let state = || {
            let stat = path.symlink_metadata().ok()?;
            let content = std::fs::read(&path).ok()?;
            Some((stat.ino(), stat.mode(), stat.mtime(), stat.uid(), content))
        };
        let before = state();
        assert!(before.is_some());
        let gone = postsuper(&instance, &[option, "-d", "MATCH", "--queue", "corrupt"]);
        assert_eq!(gone.ended, Ended::Exited(0), "{gone:?}");
        assert_eq!(state(), None, "{gone:?}");
        let undone = postsuper(&instance, &["--undo"]);
        assert!(
            undone.stderr_text().contains("Restored: 1 message"),
            "{undone:?}"
        );
        assert_eq!(state(), before, "{option}: {undone:?}");
        // A restore that was interrupted after the move finds the message there.
        let again = postsuper(&instance, &["--undo"]);
        assert!(
            !again.stderr_text().contains("no longer in the trash"),
            "{again:?}"
        );
    }
}

#[test]
fn what_qmgr_sets_aside_is_found_and_can_be_released_by_way_of_hold() {
    if require(Needs::Postfix) == Met::No {
        return;
    }
    let system = MailSystem::start(MailSystem::builder());
    let instance = &system.instance;
    let file = QueueFile::new(
        now() - 60,
        "ann@example.com",
        &["r@x"],
        &["Subject: s", "", "x"],
    );
    let mut content = file.to_bytes();
    content.truncate(content.len() - 20);
    let damaged = instance.spool().put(&NewFile::new("incoming", content));
    let deadline = Instant::now() + Duration::from_secs(30);
    while system.names("corrupt").is_empty() {
        assert!(Instant::now() < deadline, "{}", system.diagnosis());
        system.tool("postqueue", &["-f"]);
        std::thread::sleep(Duration::from_millis(200));
    }
    let listed = printed(instance, &["--oneline", "--queue", "corrupt"]);
    assert!(listed.starts_with(&damaged.id()), "{listed}");
    assert!(
        listed.contains(" corrupt ") && listed.contains(" ann@example.com "),
        "{listed}"
    );
    let held = postsuper(instance, &["-h", "MATCH", "--queue", "corrupt"]);
    assert_eq!(held.ended, Ended::Exited(0), "{held:?}");
    // From there, Postfix's own tools find it.
    let shown = system.tool("postcat", &["-q", &damaged.id()]);
    assert!(shown.stdout_text().contains("ann@example.com"), "{shown:?}");
    assert_eq!(system.names("hold"), [damaged.id()]);
}
