//! Journals that are damaged, of another version, or of another program are reported,
//! and everything that is still certain works.

use std::fs;
use std::path::{Path, PathBuf};

use fastrand::Rng;

use super::{exact, fails, fill, in_trash, journal, ours, succeeds};
use crate::postsuper::put;
use crate::support::compare::Cases;
use crate::support::instance::Instance;
use crate::support::run::Ended;
use crate::support::{Met, Needs, require};

/// Changes a journal somewhere.
fn mutate(text: &[u8], rng: &mut Rng) -> Vec<u8> {
    let mut text = text.to_vec();
    for _ in 0..rng.usize(1..4) {
        if text.is_empty() {
            break;
        }
        let at = rng.usize(0..text.len());
        let end = (at + rng.usize(0..80)).min(text.len());
        match rng.u32(0..7) {
            0 => text[at] ^= 1 << rng.u32(0..8),
            1 => drop(text.drain(at..end)),
            2 => text.truncate(at),
            3 => {
                let piece = text[at..end].to_vec();
                let to = rng.usize(0..=text.len());
                text.splice(to..to, piece);
            }
            4 => text[at..end].fill(0),
            5 => text.insert(at, b'\n'),
            _ => text.splice(at..at, vec![b'x'; 10_000]).for_each(drop),
        }
    }
    text
}

/// The files of a spool, by what they are rather than by where they lie.
fn contents(instance: &Instance) -> Vec<String> {
    let mut all: Vec<String> = exact(instance).into_values().collect();
    all.sort();
    all
}

#[test]
fn a_damaged_journal_loses_nothing_and_leads_nothing_astray() {
    if require(Needs::Root) == Met::No {
        return;
    }
    let test = "postsuper::trash::damage::a_damaged_journal_loses_nothing_and_leads_nothing_astray";
    Cases::from_environment(150).run(test, |seed, case| {
        let mut rng = Rng::with_seed(seed.wrapping_add(case));
        let instance = Instance::builder().build();
        fill(&instance);
        let before = exact(&instance);
        succeeds(&instance, &["--trash", "-d", "ALL", "hold", "deferred"], "");
        succeeds(&instance, &["--trash", "-d", "ALL"], "");
        let all = contents(&instance);
        let good = fs::read(journal(&instance)).expect("a journal");
        fs::write(journal(&instance), mutate(&good, &mut rng)).expect("a journal");
        for arguments in [&["--trash-list"][..], &["--undo"], &["--undo"]] {
            let output = ours(&instance, arguments, "");
            if !matches!(output.ended, Ended::Exited(0 | 1)) {
                return Err(format!("{arguments:?}: {output:?}"));
            }
        }
        if contents(&instance) != all {
            return Err("something was lost or changed".into());
        }
        for path in exact(&instance).into_keys() {
            if !path.starts_with("saved") && !before.contains_key(&path) {
                return Err(format!("{} was never there", path.display()));
            }
        }
        Ok(())
    });
}

/// One line of three is damaged: the other two messages come back, and the
/// third can be had once the line is right again.
#[test]
fn good_lines_beside_a_damaged_one_still_work() {
    if require(Needs::Root) == Met::No {
        return;
    }
    let instance = Instance::builder().build();
    let placed = [1, 2, 3].map(|number| put(&instance, "hold", number));
    succeeds(&instance, &["--trash", "-d", "-"], &super::lines(&placed));
    let good = fs::read_to_string(journal(&instance)).expect("a journal");
    let damaged = good.replace(&placed[1].id(), "ABCDEF");
    fs::write(journal(&instance), damaged).expect("a journal");
    let output = succeeds(&instance, &["--undo"], "");
    let text = output.stderr_text();
    let warning = "warning: saved/journal.spoolbox: line 4 cannot be read and is ignored\n";
    assert!(text.contains(warning), "{text}");
    assert!(text.ends_with("Restored: 2 messages\n"), "{text}");
    assert_eq!(in_trash(&instance).len(), 4);
    fs::write(journal(&instance), good).expect("a journal");
    let output = succeeds(&instance, &["--undo"], "");
    assert!(output.stderr_text().ends_with("Restored: 1 message\n"));
    assert!(in_trash(&instance).is_empty());
}

#[test]
fn what_is_no_journal_of_this_version_is_not_touched() {
    if require(Needs::Root) == Met::No {
        return;
    }
    for (text, words) in [
        (
            "# spoolbox trash journal, version 2\nx\n",
            "another version",
        ),
        ("# spoolbox trash journal, version 10\n", "another version"),
        ("some text\n", "move it away"),
        ("\0\0\0\0", "move it away"),
        ("# spoolbox trash journal, version 1 \n", "another version"),
    ] {
        let instance = Instance::builder().build();
        let placed = put(&instance, "deferred", 1);
        fs::write(journal(&instance), text).expect("a journal");
        let owner = instance.owner();
        std::os::unix::fs::chown(journal(&instance), Some(owner.uid), None).expect("chown");
        let before = exact(&instance);
        let id = placed.id();
        for arguments in [
            &["--trash", "-d", &id][..],
            &["--trash", "-d", "ALL"],
            &["--undo"],
            &["--trash-list"],
            &["--trash-purge", "--older", "0s"],
        ] {
            fails(&instance, arguments, words);
        }
        assert_eq!(fs::read_to_string(journal(&instance)).expect("it"), text);
        assert_eq!(exact(&instance), before);
    }
}

#[test]
fn a_journal_that_was_hardly_begun_is_begun_anew() {
    if require(Needs::Root) == Met::No {
        return;
    }
    for text in ["", "# spool", "# spoolbox trash journal, version 1"] {
        let instance = Instance::builder().build();
        let placed = put(&instance, "deferred", 1);
        let before = exact(&instance);
        fs::write(journal(&instance), text).expect("a journal");
        let owner = instance.owner();
        std::os::unix::fs::chown(journal(&instance), Some(owner.uid), None).expect("chown");
        fails(&instance, &["--undo"], "nothing to undo");
        succeeds(&instance, &["--trash", "-d", &placed.id()], "");
        succeeds(&instance, &["--undo"], "");
        assert_eq!(exact(&instance), before);
    }
}

/// Links, FIFOs and directories in its place: no hang, nothing is followed.
#[test]
fn what_stands_in_the_journals_place_is_not_followed() {
    if require(Needs::Root) == Met::No {
        return;
    }
    type Spoil = fn(&Instance);
    let spoils: [Spoil; 3] = [
        |i| i.spool().fifo(Path::new("saved/journal.spoolbox")),
        |i| {
            let target = i.root().join("elsewhere");
            fs::write(&target, "").expect("a file");
            std::os::unix::fs::chown(&target, Some(i.owner().uid), None).expect("chown");
            i.spool()
                .symlink(&target, Path::new("saved/journal.spoolbox"));
        },
        |i| {
            i.spool()
                .make_directories(Path::new("saved/journal.spoolbox"))
        },
    ];
    for spoil in spoils {
        let instance = Instance::builder().build();
        let placed = put(&instance, "deferred", 1);
        spoil(&instance);
        let id = placed.id();
        for arguments in [&["--trash", "-d", &id][..], &["--undo"], &["--trash-list"]] {
            fails(&instance, arguments, "saved/journal.spoolbox");
        }
        let elsewhere: PathBuf = instance.root().join("elsewhere");
        assert_eq!(fs::read(elsewhere).unwrap_or_default(), b"");
        assert!(instance.spool().path(&placed.path).exists());
    }
}
