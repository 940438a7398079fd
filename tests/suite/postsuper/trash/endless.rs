//! Journals that are very large: signals end every reading of one, and a journal
//! without end is an error.

use std::fs;
use std::fs::File;
use std::os::unix::fs::chown;
use std::os::unix::process::ExitStatusExt;
use std::process::{Command, Stdio};
use std::thread::sleep;
use std::time::{Duration, Instant};

use nix::sys::signal::{Signal, kill};
use nix::unistd::Pid;

use super::{fails, in_trash, journal, succeeds, undo_all};
use crate::postsuper::put;
use crate::support::instance::Instance;
use crate::support::run::{Program, Tool};
use crate::support::trash::{HEADER, undone_batches};
use crate::support::{Met, Needs, require};

/// What reads the journal.
const READING: [&[&str]; 4] = [
    &["--undo"],
    &["--undo=20261124-000000-1"],
    &["--trash-list"],
    &["--trash-purge", "--older", "0s"],
];

fn write_journal(instance: &Instance, text: &[u8]) {
    fs::write(journal(instance), text).expect("a journal");
    let owner = instance.owner();
    chown(journal(instance), Some(owner.uid), Some(owner.gid)).expect("chown");
}

#[test]
fn a_journal_without_end_is_an_error() {
    if require(Needs::Root) == Met::No {
        return;
    }
    let instance = Instance::builder().build();
    let sparse = || {
        write_journal(&instance, HEADER.as_bytes());
        let file = File::options().write(true).open(journal(&instance));
        file.expect("a journal")
            .set_len(1 << 40)
            .expect("a sparse file");
    };
    let lines = || {
        let line = [&[b'x'; 1000][..], b"\n"].concat().repeat(20_000);
        write_journal(&instance, &[HEADER.as_bytes(), &line].concat());
    };
    for fill in [&sparse as &dyn Fn(), &lines] {
        fill();
        for arguments in READING {
            let start = Instant::now();
            fails(
                &instance,
                arguments,
                "saved/journal.spoolbox is damaged: from byte ",
            );
            assert!(start.elapsed() < Duration::from_secs(20), "{arguments:?}");
        }
        // As it says, it is moved away.
        fs::remove_file(journal(&instance)).expect("unlink");
        let placed = put(&instance, "hold", 1);
        succeeds(&instance, &["--trash", "-d", &placed.id()], "");
        undo_all(&instance);
        assert!(in_trash(&instance).is_empty());
        succeeds(&instance, &["-d", "ALL"], "");
    }
}

#[test]
fn nothing_is_moved_to_the_trash_for_a_batch_that_could_not_be_undone() {
    if require(Needs::Root) == Met::No {
        return;
    }
    let instance = Instance::builder().build();
    let placed = put(&instance, "hold", 1);
    for length in [1 << 40, 1 << 21] {
        write_journal(&instance, HEADER.as_bytes());
        let file = File::options().write(true).open(journal(&instance));
        let file = file.expect("a journal");
        file.set_len(length).expect("a sparse file");
        for arguments in [
            &["--trash", "-d", &placed.id()][..],
            &["--trash", "-d", "ALL"],
        ] {
            let words = "saved/journal.spoolbox is damaged: from byte ";
            fails(&instance, arguments, words);
        }
        assert_eq!(file.metadata().expect("its size").len(), length);
        assert!(in_trash(&instance).is_empty());
    }
    // Lines of junk, of which reading bears 16 MiB.
    let junk = [&[b'x'; 1000][..], b"\n"].concat().repeat(20_000);
    write_journal(&instance, &[HEADER.as_bytes(), &junk].concat());
    let words = "saved/journal.spoolbox is damaged: from byte ";
    fails(&instance, &["--trash", "-d", &placed.id()], words);
    assert!(in_trash(&instance).is_empty());
    // What a killed process began is no damage.
    write_journal(&instance, &[HEADER.as_bytes(), &[b'x'; 5000]].concat());
    succeeds(&instance, &["--trash", "-d", &placed.id()], "");
    undo_all(&instance);
    assert!(in_trash(&instance).is_empty());
}

#[test]
fn signals_end_the_reading_of_a_large_journal() {
    if require(Needs::Root) == Met::No {
        return;
    }
    let instance = Instance::builder().build();
    // As much as takes seconds to read.
    let lines = undone_batches(2000).repeat(120);
    write_journal(&instance, &[HEADER, &lines].concat().into_bytes());
    let signals = [
        Signal::SIGINT,
        Signal::SIGQUIT,
        Signal::SIGTERM,
        Signal::SIGHUP,
    ];
    for (arguments, signal) in READING.into_iter().zip(signals) {
        let mut child = Command::new(Program::Ours.path(Tool::Postsuper, &instance))
            .args(arguments)
            .env("MAIL_CONFIG", instance.etc())
            .stdout(Stdio::null())
            .stderr(Stdio::null())
            .spawn()
            .expect("postsuper starts");
        sleep(Duration::from_millis(400));
        assert!(child.try_wait().expect("wait").is_none(), "it was too fast");
        kill(Pid::from_raw(child.id().cast_signed()), signal).expect("kill");
        let start = Instant::now();
        let ended = child.wait().expect("wait");
        assert!(
            start.elapsed() < Duration::from_secs(1),
            "{arguments:?} {signal}"
        );
        assert_eq!(ended.signal(), None, "{arguments:?} {signal}");
        assert_eq!(ended.code(), Some(signal as i32), "{arguments:?} {signal}");
    }
}
