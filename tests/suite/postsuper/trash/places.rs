//! Where messages are moved to and restored to, and what happens if the name is taken.

use std::fs;
use std::path::Path;
use std::thread::sleep;
use std::time::Duration;

use super::{JOURNAL, exact, fails, fill, in_trash, lines, stderr_but_batches, succeeds};
use crate::postsuper::put;
use crate::support::instance::{Instance, set_mode};
use crate::support::run::{Invocation, Program, Tool};
use crate::support::spool::{Name, NewFile, set_mtime};
use crate::support::{Met, Needs, require};

/// Each way to name messages, with IDs of either kind and in any layout.
#[test]
fn what_was_moved_to_the_trash_comes_back_exactly() {
    if require(Needs::Root) == Met::No {
        return;
    }
    for (hashed, depth) in [
        ("deferred, defer", "1"),
        ("deferred", "1"),
        ("deferred, defer, bounce, trace, hold, incoming, saved", "3"),
    ] {
        for form in ["EACH", "-", "ALL"] {
            let builder = Instance::builder().set("hash_queue_names", hashed);
            let instance = builder.set("hash_queue_depth", depth).build();
            let placed = fill(&instance);
            let before = exact(&instance);
            let ids: Vec<String> = placed.iter().map(|placed| placed.id()).collect();
            let mut arguments = vec!["--trash"];
            match form {
                "EACH" => arguments.extend(ids.iter().flat_map(|id| ["-d", id])),
                other => arguments.extend(["-d", other]),
            }
            let output = succeeds(&instance, &arguments, &lines(&placed));
            let report = "postsuper: Moved to trash: 6 messages\n";
            assert!(stderr_but_batches(&output).ends_with(report), "{output:?}");
            let outside = exact(&instance).into_keys().collect::<Vec<_>>();
            assert!(outside.iter().all(|path| path.starts_with("saved")));
            assert_eq!(outside.len(), before.len());
            let output = succeeds(&instance, &["--undo"], "");
            let report = "postsuper: Restored: 6 messages\n";
            assert!(output.stderr_text().ends_with(report), "{output:?}");
            assert!(!output.stderr_text().contains("warning"), "{output:?}");
            assert_eq!(exact(&instance), before, "{hashed}, -d {form}");
        }
    }
}

/// An undo of as many messages looks once which kinds of logs the trash has at all.
#[test]
fn a_log_that_one_message_of_a_large_batch_has_comes_back() {
    if require(Needs::Root) == Met::No {
        return;
    }
    const MESSAGES: u32 = 10_000;
    let instance = Instance::builder().build();
    let spool = instance.spool();
    let placed: Vec<_> = (0..MESSAGES)
        .map(|microseconds| {
            let name = Name::Short { microseconds };
            spool.put(&NewFile::new("deferred", b"a message".to_vec()).named(name))
        })
        .collect();
    let (first, last) = (&placed[0], &placed[placed.len() - 1]);
    spool.put_log("bounce", &first.name, b"a log");
    let before = exact(&instance);
    succeeds(&instance, &["--trash", "-d", "ALL"], "");
    // A log that the journal does not name, as an interrupted call may leave it.
    let unrecorded = spool.path(format!("saved/{}.trace", last.id()));
    fs::write(&unrecorded, "another log").expect("a log");
    let output = succeeds(&instance, &["--undo"], "");
    let report = format!("postsuper: Restored: {MESSAGES} messages\n");
    assert!(output.stderr_text().ends_with(&report));
    let restored = spool.path(format!("trace/{}", last.id()));
    assert_eq!(fs::read(&restored).expect("the log"), b"another log");
    fs::remove_file(&restored).expect("the log");
    assert_eq!(exact(&instance), before);
}

#[test]
fn every_message_that_is_named_is_told_of() {
    if require(Needs::Root) == Met::No {
        return;
    }
    let instance = Instance::builder().build();
    let placed = put(&instance, "deferred", 1);
    let id = placed.id();
    let output = succeeds(&instance, &["--trash", "-d", &id, "-d", "ABC"], "");
    assert_eq!(
        stderr_but_batches(&output),
        format!("postsuper: {id}: moved to trash\npostsuper: Moved to trash: 1 message\n")
    );
    let output = succeeds(&instance, &["--undo"], "");
    assert_eq!(
        stderr_but_batches(&output),
        format!("postsuper: {id}: restored to deferred\npostsuper: Restored: 1 message\n")
    );
}

/// By path, without a queue and without --trash nothing is different.
#[test]
fn postcat_finds_what_is_in_the_trash() {
    if require(Needs::Postfix) == Met::No {
        return;
    }
    for hashed in ["deferred, defer", "deferred, defer, saved"] {
        let instance = Instance::builder().set("hash_queue_names", hashed).build();
        let sample = crate::support::sample::fill(&instance);
        succeeds(&instance, &["--trash", "-d", "ALL"], "");
        for program in [Program::Theirs, Program::Ours] {
            for placed in [&sample.deferred, &sample.partly, &sample.held] {
                let call = Invocation::new(Tool::Postcat, ["-q", &placed.id()])
                    .env("MAIL_CONFIG", instance.etc());
                let output = call.run(program, &instance);
                let text = output.stdout_text();
                assert!(text.contains("saved/"), "{program:?}: {output:?}");
                assert!(text.contains("subject: a message"), "{output:?}");
            }
        }
    }
}

/// What is no message stays: it could not come back.
#[test]
fn only_messages_and_their_logs_move() {
    if require(Needs::Root) == Met::No {
        return;
    }
    let instance = Instance::builder().build();
    let spool = instance.spool();
    let name = |microseconds| Name::Short { microseconds };
    let unfinished = NewFile::new("incoming", b"half".to_vec()).named(name(7));
    spool.put(&unfinished.mode(0o600));
    spool.put_log("defer", b"ORPHAN1", b"a log without a message");
    spool.put_log("flush", b"example_com", b"a log of flush");
    spool.fifo(Path::new("hold/FIFO1"));
    spool.symlink(Path::new("/etc/passwd"), Path::new("hold/LINK1"));
    spool.make_directories(Path::new("deferred/directory"));
    let bogus = Name::Literal(b"no.id".to_vec());
    spool.put(&NewFile::new("hold", b"x".to_vec()).named(bogus));
    let before = exact(&instance);
    let output = succeeds(&instance, &["--trash", "-d", "ALL"], "");
    assert_eq!(
        output.stderr_text(),
        "postsuper: warning: bogus file name: hold/no.id\n\
         postsuper: Moved to trash: 0 messages\n"
    );
    assert_eq!(exact(&instance), before);
    assert!(spool.path("deferred/directory").exists());
}

#[test]
fn what_was_in_active_comes_back_to_hold() {
    if require(Needs::Root) == Met::No {
        return;
    }
    let instance = Instance::builder().build();
    let placed = put(&instance, "active", 1);
    let id = placed.id();
    succeeds(&instance, &["--trash", "-d", &id], "");
    let output = succeeds(&instance, &["--undo"], "");
    assert_eq!(
        stderr_but_batches(&output),
        format!(
            "postsuper: warning: {id}: was in active and cannot safely return there: it goes to hold\n\
             postsuper: {id}: restored to hold\npostsuper: Restored: 1 message\n"
        )
    );
    assert!(instance.spool().path("hold").join(&id).exists());
}

#[test]
fn what_would_collide_goes_to_hold_and_else_stays_in_the_trash() {
    if require(Needs::Root) == Met::No {
        return;
    }
    let instance = Instance::builder().build();
    let spool = instance.spool();
    let placed = put(&instance, "deferred", 1);
    let id = placed.id();
    succeeds(&instance, &["--trash", "-d", &id], "");
    let named = Name::Literal(placed.name.clone());
    let other = spool.put(&NewFile::new("deferred", b"another".to_vec()).named(named.clone()));
    let second = spool.put(&NewFile::new("hold", b"one more".to_vec()).named(named));
    let before = exact(&instance);
    let output = succeeds(&instance, &["--undo"], "");
    assert!(output.stderr_text().contains("has a message of that name"));
    assert!(output.stderr_text().ends_with("Restored: 0 messages\n"));
    assert_eq!(exact(&instance), before);
    // One place is free now; the batch is still there.
    fs::remove_file(spool.path(&second.path)).expect("unlink");
    let output = succeeds(&instance, &["--undo"], "");
    assert!(
        output.stderr_text().contains("restored to hold"),
        "{output:?}"
    );
    let text = |path: &Path| fs::read_to_string(spool.path(path)).expect("a file");
    assert_eq!(text(&other.path), "another");
    assert_eq!(text(&Path::new("hold").join(&id)), "a message");
    assert!(in_trash(&instance).is_empty());
}

#[test]
fn a_log_that_is_newer_is_not_replaced() {
    if require(Needs::Root) == Met::No {
        return;
    }
    let instance = Instance::builder().build();
    let placed = put(&instance, "hold", 1);
    succeeds(&instance, &["--trash", "-d", &placed.id()], "");
    let newer = instance.spool().put_log("defer", &placed.name, b"newer");
    let output = succeeds(&instance, &["--undo"], "");
    let kept = format!("saved/{}.defer", placed.id());
    assert!(output.stderr_text().contains(&kept), "{output:?}");
    let path = instance.spool().path(&newer.path);
    assert_eq!(fs::read(path).expect("a log"), b"newer");
    assert_eq!(in_trash(&instance), [Path::new(&kept)]);
    // It is not in the way of other batches.
    let other = put(&instance, "hold", 2);
    succeeds(&instance, &["--trash", "-d", &other.id()], "");
    succeeds(&instance, &["--undo"], "");
    fails(&instance, &["--undo"], "nothing to undo");
    succeeds(&instance, &["--trash-purge", "--older", "0s"], "");
    assert!(in_trash(&instance).is_empty());
    let path = instance.spool().path(&newer.path);
    assert_eq!(fs::read(path).expect("a log"), b"newer");
}

#[test]
fn nothing_in_saved_is_replaced() {
    if require(Needs::Root) == Met::No {
        return;
    }
    for taken in ["ID", "ID.bounce", "ID.defer", "ID.trace"] {
        for form in ["ID", "ALL"] {
            let instance = Instance::builder().build();
            let placed = put(&instance, "deferred", 1);
            let (id, argument) = match form {
                "ALL" => (placed.id(), form.to_owned()),
                _ => (placed.id(), placed.id()),
            };
            let path = format!("saved/{}", taken.replace("ID", &id));
            fs::write(instance.spool().path(&path), "somebody's").expect("a file");
            let before = exact(&instance);
            let output = succeeds(&instance, &["--trash", "-d", &argument], "");
            let text = output.stderr_text();
            assert!(text.contains("warning: ") && text.contains(&path), "{text}");
            assert!(text.ends_with("Moved to trash: 0 messages\n"), "{text}");
            assert_eq!(exact(&instance), before, "{taken} {form}");
        }
    }
}

#[test]
fn a_name_too_long_for_its_logs_stays() {
    if require(Needs::Root) == Met::No {
        return;
    }
    let instance = Instance::builder().build();
    let id = "A".repeat(250);
    let named = Name::Literal(id.clone().into_bytes());
    let file = NewFile::new("hold", b"x".to_vec()).named(named);
    instance.spool().put(&file);
    let before = exact(&instance);
    let output = succeeds(&instance, &["--trash", "-d", &id], "");
    assert!(output.stderr_text().contains("too long"), "{output:?}");
    assert_eq!(exact(&instance), before);
}

#[test]
fn modes_and_times_are_what_they_were() {
    if require(Needs::Root) == Met::No {
        return;
    }
    let instance = Instance::builder().build();
    let placed = put(&instance, "deferred", 1);
    let before = exact(&instance);
    succeeds(&instance, &["--trash", "-d", &placed.id()], "");
    let path = instance.spool().path("saved").join(placed.id());
    set_mode(&path, 0o640);
    set_mtime(&path, 1_000_000_000);
    succeeds(&instance, &["--undo"], "");
    assert_eq!(exact(&instance), before);
}

#[test]
fn a_file_that_took_the_place_of_a_message_is_left_alone() {
    if require(Needs::Root) == Met::No {
        return;
    }
    let instance = Instance::builder().build();
    let placed = put(&instance, "deferred", 1);
    let id = placed.id();
    succeeds(&instance, &["--trash", "-d", &id], "");
    let path = instance.spool().path("saved").join(&id);
    let kept = instance.spool().path("corrupt/elsewhere");
    fs::rename(&path, &kept).expect("rename");
    fs::write(&path, "another").expect("a file");
    for arguments in [&["--undo"][..], &["--trash-purge", "--older", "0s"]] {
        let output = super::ours(&instance, arguments, "");
        assert!(path.exists() && kept.exists(), "{output:?}");
    }
}

#[test]
fn old_batches_are_purged_and_others_stay() {
    if require(Needs::Root) == Met::No {
        return;
    }
    let instance = Instance::builder().build();
    let placed = [
        put(&instance, "deferred", 1),
        put(&instance, "hold", 2),
        put(&instance, "hold", 3),
    ];
    succeeds(&instance, &["--trash", "-d", &placed[0].id()], "");
    sleep(Duration::from_millis(2100));
    succeeds(&instance, &["--trash", "-d", &placed[1].id()], "");
    let output = succeeds(&instance, &["--trash-purge", "--older", "2s"], "");
    assert_eq!(
        output.stderr_text(),
        format!(
            "postsuper: {}: removed from trash\npostsuper: Purged: 1 message\n",
            placed[0].id()
        )
    );
    let second = in_trash(&instance);
    assert_eq!(second.len(), 4, "{second:?}");
    let output = succeeds(&instance, &["--trash-list"], "");
    let batch = fs::read_to_string(instance.spool().path(JOURNAL)).expect("a journal");
    let batch = batch.split_once("batch=").expect("a batch").1;
    let purged = batch.split(' ').next().expect("a name");
    assert!(!output.stdout_text().contains(&format!("{purged} ")));
    fails(
        &instance,
        &[&format!("--undo={purged}")],
        "was purged before",
    );
    succeeds(&instance, &["--undo"], "");
    assert!(in_trash(&instance).is_empty());
    fails(&instance, &["--undo"], "nothing to undo");
}
