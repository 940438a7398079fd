//! Calls that are recorded because of SPOOLBOX_JOURNAL or the file in saved/:
//! they print, log and leave in the queues what Postfix's own do, and can be
//! undone.

use std::fs;
use std::sync::atomic::{AtomicUsize, Ordering};

use super::{exact, fill};
use crate::postsuper::generated::{altered_effect, draft_of};
use crate::postsuper::trash::{lines, succeeds};
use crate::postsuper::{call, ours};
use crate::support::compare::{Cases, shown};
use crate::support::effect::Effect;
use crate::support::instance::Instance;
use crate::support::run::{Ended, Program};
use crate::support::{Met, Needs, require, under_test};

/// The cases of every run.
const CASES: u64 = 120;
/// The number of files that a generated spool can have in saved/ is unknown, and
/// so is what the trash cannot take; such cases are not compared.
const TRASH_ONLY: [&str; 3] = ["already exists", "too long for the trash", "saved"];

#[test]
fn recorded_one_liners_look_like_postfix() {
    if require(Needs::Time) == Met::No || require(Needs::Postfix) == Met::No {
        return;
    }
    let compared = AtomicUsize::new(0);
    let test = "postsuper::journal::always::recorded_one_liners_look_like_postfix";
    let cases = Cases::from_environment(CASES);
    cases.run(test, |seed, case| {
        let call = draft_of(seed, case);
        let recorded = |call: crate::support::run::Invocation| call.env("SPOOLBOX_JOURNAL", "1");
        let mut ours = altered_effect(under_test(), seed, case, recorded);
        let text = ours.output.stderr_text();
        let differs = [": not moved: ", "fatal: "]
            .iter()
            .any(|word| text.contains(word));
        if differs || TRASH_ONLY.iter().any(|word| text.contains(word)) {
            return Ok(());
        }
        let mut theirs = altered_effect(Program::Theirs, seed, case, |call| call);
        // The logs of a message are kept with it; Postfix leaves some of them.
        let retain = |effect: &mut Effect| {
            let queues = ["maildrop", "incoming", "active", "deferred", "hold"];
            // What is in the trash may have another name in a queue.
            effect.tree.forget_links();
            effect
                .tree
                .retain(|path, _| queues.contains(&path.split('/').next().unwrap_or_default()));
        };
        retain(&mut ours);
        retain(&mut theirs);
        compared.fetch_add(1, Ordering::Relaxed);
        ours.compare(&theirs)
            .map_err(|text| format!("{}\n{text}", shown(&call)))
    });
    assert!(compared.into_inner() as u64 >= cases.count / 4);
}

#[test]
fn a_one_liner_is_undone_if_the_file_or_the_variable_says_so() {
    if require(Needs::Root) == Met::No {
        return;
    }
    for arguments in [
        &["-d", "-"][..],
        &["-d", "ALL"],
        &["-h", "ALL"],
        &["-r", "-"],
    ] {
        for by_file in [true, false] {
            let instance = Instance::builder().build();
            let placed = fill(&instance);
            let always = instance.spool().path("saved/.spoolbox-journal-always");
            if by_file {
                fs::write(&always, "").expect("a file");
            }
            let before = exact(&instance);
            let recorded = call(&instance, arguments, &lines(&placed));
            let recorded = match by_file {
                true => recorded,
                false => recorded.env("SPOOLBOX_JOURNAL", "yes"),
            };
            let output = recorded.run(under_test(), &instance);
            assert_eq!(output.ended, Ended::Exited(0), "{output:?}");
            let text = output.stderr_text();
            assert!(!text.contains("undo") && !text.contains("trash"), "{text}");
            assert_ne!(exact(&instance), before);
            succeeds(&instance, &["--undo"], "");
            assert_eq!(exact(&instance), before, "{arguments:?}");
        }
    }
}

/// Without them nothing is written, and an empty variable is none.
#[test]
fn nothing_is_recorded_unless_asked_for() {
    if require(Needs::Root) == Met::No {
        return;
    }
    let instance = Instance::builder().build();
    fill(&instance);
    assert_eq!(ours(&instance, &["-h", "ALL"], "").ended, Ended::Exited(0));
    let empty = call(&instance, &["-H", "ALL"], "").env("SPOOLBOX_JOURNAL", "");
    assert_eq!(empty.run(under_test(), &instance).ended, Ended::Exited(0));
    assert!(!instance.spool().path("saved/journal.spoolbox").exists());
}
