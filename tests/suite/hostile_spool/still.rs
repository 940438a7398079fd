//! Every command on a spool of traps that nobody changes meanwhile, with directories
//! mounted into themselves and another file system among them.

use std::path::Path;

use super::check;
use super::commands::{Spoken, asking, changing, looking};
use super::traps::{IDS, Trapped, id, is_endless};
use crate::support::run::{Ended, Output, Tool};
use crate::support::{Extent, Met, Needs, require};

/// Queues mounted into themselves, again and again, and a file system of its
/// own in a place where files belong.
fn mounts(trapped: &Trapped) -> String {
    let spool = trapped.instance.queue_directory().display().to_string();
    let owner = trapped.instance.owner();
    let mut text = String::new();
    for queue in ["hold", "deferred", "active", "maildrop"] {
        let mut path = format!("{spool}/{queue}");
        for _ in 0..4 {
            path.push_str("/L");
            text.push_str(&format!("mount --bind {spool}/{queue} {path}\n"));
        }
    }
    let (uid, gid) = (owner.uid, owner.gid);
    let other = format!("{spool}/deferred/M");
    text.push_str(&format!(
        "mount -t tmpfs -o mode=700,uid={uid},gid={gid} none {other}\n\
         cp -a {spool}/deferred/A/A0015AA {other}/M0001AA\n"
    ));
    text
}

/// Some of the commands without SPOOLBOX_LONG.
fn sampled(all: Vec<Spoken>) -> Vec<Spoken> {
    Extent::from_environment().some_of(all, 8)
}

/// Runs a command and checks that nothing outside was reached.
fn run(trapped: &Trapped, spoken: &Spoken) -> Output {
    let output = spoken.run(&trapped.instance, &mounts(trapped));
    check(trapped, spoken, &output);
    output
}

/// The same with nothing mounted.
fn run_plain(trapped: &Trapped, spoken: &Spoken) {
    let output = spoken.run(&trapped.instance, "");
    check(trapped, spoken, &output);
}

#[test]
fn nothing_that_looks_touches_anything_outside_or_blocks() {
    if require(Needs::Root) == Met::No {
        return;
    }
    let trapped = Trapped::new();
    for spoken in sampled(looking()) {
        run(&trapped, &spoken);
    }
}

/// Where a file belongs is a link to a directory outside, in which it is.
#[test]
fn no_file_is_read_through_a_directory_that_is_a_link() {
    if require(Needs::Root) == Met::No {
        return;
    }
    let trapped = Trapped::empty();
    for link in ["defer/A", "bounce/A", "deferred/B"] {
        let spool = trapped.instance.spool();
        spool.symlink(trapped.outside.root(), Path::new(link));
    }
    for spoken in sampled(looking()) {
        run_plain(&trapped, &spoken);
    }
    for words in [["-q", "B0001AA"], ["-q", "A0024AA"]] {
        run_plain(&trapped, &Spoken::new(Tool::Postcat, &words));
    }
}

/// Zeros are records to show, and there is no end of them: as in Postfix, it
/// is the reader who has had enough.
#[test]
fn what_is_shown_without_end_ends_with_its_reader() {
    if require(Needs::Root) == Met::No {
        return;
    }
    let trapped = Trapped::new();
    for kind in (0..IDS).filter(|kind| is_endless(*kind)) {
        let spoken = Spoken::new(Tool::Postcat, &["-q", &id(kind)]);
        let output = spoken.run_to_head(&trapped.instance);
        check(&trapped, &spoken, &output);
        assert_eq!(output.ended, Ended::Exited(0), "{output:?}");
        assert!(output.stdout.len() > 1000, "{output:?}");
    }
}

#[test]
fn nothing_that_changes_the_spool_touches_anything_outside_or_blocks() {
    if require(Needs::Time) == Met::No || require(Needs::Root) == Met::No {
        return;
    }
    for spoken in sampled(changing()) {
        run(&Trapped::new(), &spoken);
    }
}

#[test]
fn nothing_outside_goes_to_the_trash_or_comes_from_there() {
    if require(Needs::Root) == Met::No {
        return;
    }
    let trapped = Trapped::new();
    let spoken = |words: &[&str]| Spoken::changing(words);
    for words in [
        &["--trash", "-d", "A0006AA", "-d", "A0007AA", "-d", "A0015AA"][..],
        &["--trash-list"],
        &["--undo"],
        &["--trash", "-d", "MATCH", "--from", "*"],
        &["--undo"],
        &["--trash", "-d", "ALL", "hold"],
        &["--trash-purge", "--older", "0s"],
        &["--trash-list"],
    ] {
        run(&trapped, &spoken(words));
    }
}

#[test]
fn what_asks_first_touches_nothing_outside_either() {
    if require(Needs::Root) == Met::No {
        return;
    }
    for spoken in asking() {
        let trapped = Trapped::new();
        let mut output = spoken.run_on_terminal(&trapped.instance);
        // The terminal's own.
        output.stdout.retain(|byte| *byte != b'\r');
        check(&trapped, &spoken, &output);
        let text = output.stdout_text();
        assert!(text.contains("[y/N]"), "{output:?}");
    }
}
