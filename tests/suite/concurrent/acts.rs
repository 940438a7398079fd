//! The random calls of postsuper, ours and the real one, and a record of the actions
//! that each of them reported.
//!
//! Also decides which calls are permitted at the moment: a message that was taken from
//! active must not get back there (see the parent module).

use std::sync::Mutex;
use std::thread;
use std::time::Instant;

use fastrand::Rng;

use crate::postsuper::names;
use crate::support::instance::Instance;
use crate::support::run::{Ended, Invocation, Output, Program, Tool};

/// IDs that a call is about at most.
const IDS_MAX: usize = 6;

/// Who acts at the moment.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Actors {
    /// Several of ours, each about other messages.
    SingleWorker,
    /// Two of ours at once about the same messages.
    Pair,
    /// One of ours and the real one at once about the same messages.
    Against,
}

/// What may be done at the moment.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Phase {
    /// Messages are taken from active too, and none is released.
    Taking,
    /// Messages are held, released and brought back; active is left alone by
    /// all that leaves an ID as it is.
    Releasing,
}

/// One call and what came of it.
#[derive(Clone, Debug)]
pub struct Act {
    pub program: Program,
    pub actors: Actors,
    pub arguments: Vec<String>,
    pub stdin: String,
    pub started: Instant,
    pub ended: Instant,
    /// Messages and what was said to be done to them.
    pub said: Vec<(String, String)>,
}

impl Act {
    /// Whether it can have moved this message away from a delivery.
    pub fn may_have_moved(&self, id: &str) -> bool {
        let is_named = self.said.iter().any(|(said, _)| said == id);
        let moves = |word: &str| self.arguments.iter().any(|argument| argument == word);
        let from_active = moves("active") && (moves("-h") || moves("-r") || moves("-d"));
        from_active && (is_named || moves("ALL"))
    }

    fn has(&self, action: &str) -> bool {
        self.said.iter().any(|(_, said)| said == action)
    }
}

/// All that was done.
#[derive(Default)]
pub struct Record {
    acts: Mutex<Vec<Act>>,
}

impl Record {
    pub fn into_acts(self) -> Vec<Act> {
        self.acts.into_inner().expect("the record")
    }

    /// How many of the acts said this.
    pub fn count(&self, action: &str) -> usize {
        let acts = self.acts.lock().expect("the record");
        acts.iter().filter(|act| act.has(action)).count()
    }

    /// Runs a call, checks how it ended and what it said, and keeps that.
    pub fn run(
        &self,
        instance: &Instance,
        actors: Actors,
        program: Program,
        call: &Call,
    ) -> Output {
        let arguments: Vec<String> = call.arguments.clone();
        let started = Instant::now();
        let output = Invocation::new(Tool::Postsuper, &arguments)
            .env("MAIL_CONFIG", instance.etc())
            .stdin(call.stdin.as_bytes())
            .run(program, instance);
        let ended = Instant::now();
        if program == Program::Ours {
            check(&arguments, &output);
        }
        let act = Act {
            program,
            actors,
            said: said(&output),
            arguments,
            stdin: call.stdin.clone(),
            started,
            ended,
        };
        self.acts.lock().expect("the record").push(act);
        output
    }
}

/// A command line and its standard input.
#[derive(Clone, Debug)]
pub struct Call {
    pub arguments: Vec<String>,
    pub stdin: String,
}

impl Call {
    pub fn new(words: &[&str]) -> Self {
        Self {
            arguments: words.iter().map(|word| (*word).to_owned()).collect(),
            stdin: String::new(),
        }
    }
}

/// Nothing that is known to be in order fails, and no warning is unexpected.
fn check(arguments: &[String], output: &Output) {
    let text = output.stderr_text();
    let is_empty_trash = text.starts_with("postsuper: fatal: nothing to undo");
    let fine = match output.ended {
        Ended::Exited(0) => text.lines().all(is_expected),
        Ended::Exited(1) => is_empty_trash,
        _ => false,
    };
    assert!(fine, "{arguments:?}: {output:?}");
}

/// What a call says when all is well.
fn is_expected(line: &str) -> bool {
    const REPORTS: [&str; 7] = [
        "Requeued",
        "Deleted",
        "Moved to trash",
        "Force-expired",
        "Placed on hold",
        "Released from hold",
        "Restored",
    ];
    // The second: announced in the journal, and gone before it could be moved.
    // The third: a log, where a delivery that was under way wrote another.
    const WARNINGS: [&str; 3] = [
        "was in active and cannot safely return there: it goes to hold",
        "is no longer in the trash",
        ": File exists",
    ];
    let text = line.strip_prefix("postsuper: ").unwrap_or(line);
    let report = text.split_once(": ").map_or("", |(what, _)| what);
    // What is undone, and how to undo.
    let batches = [
        "undoing batch ",
        "the last call, ",
        "undo: postsuper --undo=",
    ];
    let is_of_batches = batches.iter().any(|words| text.starts_with(words));
    // A file that cleanup(8) or postdrop(1) is about to name; Postfix warns too.
    let is_unnamed = text.starts_with("warning: bogus file name: ")
        && text.ends_with(|last: char| last.is_ascii_digit())
        && text.contains('.');
    let is_warned_of = WARNINGS.iter().any(|known| text.ends_with(known));
    REPORTS.contains(&report)
        || action(line).is_some()
        || is_unnamed
        || is_warned_of
        || is_of_batches
}

/// The message a line tells of, and what was done to it.
fn action(line: &str) -> Option<(String, String)> {
    const DEEDS: [&str; 10] = [
        "removed",
        "requeued",
        "placed on hold",
        "released from hold",
        "expired",
        "moved to trash",
        "restored to maildrop",
        "restored to incoming",
        "restored to hold",
        "restored to deferred",
    ];
    let (id, words) = line.strip_prefix("postsuper: ")?.split_once(": ")?;
    let words = words.split(" (").next()?;
    let known = DEEDS.contains(&words);
    known.then(|| (id.to_owned(), words.to_owned()))
}

fn said(output: &Output) -> Vec<(String, String)> {
    output.stderr_text().lines().filter_map(action).collect()
}

/// Does one random thing.
pub fn act(instance: &Instance, record: &Record, actors: Actors, phase: Phase, rng: &mut Rng) {
    let ids = some_ids(instance, rng);
    let mut make = |program| random_call(program, phase, &ids, rng);
    let second = match actors {
        Actors::SingleWorker => None,
        Actors::Pair => Some(Program::Ours),
        Actors::Against => Some(Program::Theirs),
    };
    let first = make(Program::Ours);
    let second = second.map(|program| (program, make(program)));
    thread::scope(|scope| {
        if let Some((program, call)) = &second {
            scope.spawn(move || record.run(instance, actors, *program, call));
        }
        record.run(instance, actors, Program::Ours, &first);
    });
}

fn some_ids(instance: &Instance, rng: &mut Rng) -> Vec<String> {
    let mut ids = names(instance);
    rng.shuffle(&mut ids);
    ids.truncate(rng.usize(0..=IDS_MAX));
    ids
}

/// A call and the queues that it goes to.
type Choice = (&'static [&'static str], Reach);

/// Which queues are named.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Reach {
    /// All, at any time: the ID changes, or the message is gone.
    All,
    /// Active only while nothing is released.
    WithoutReturn,
    /// The same, and never maildrop: pickup(8) may have copied it already,
    /// and what comes back would be another message.
    Trash,
    /// None: that is an error, or all the same.
    None,
}

/// What both programs know.
const COMMON: [Choice; 9] = [
    (&["-r", "-"], Reach::All),
    (&["-r", "-"], Reach::All),
    (&["-d", "-"], Reach::All),
    (&["-e", "-"], Reach::All),
    (&["-h", "-"], Reach::WithoutReturn),
    (&["-h", "-"], Reach::WithoutReturn),
    (&["-h", "-", "-e", "-"], Reach::WithoutReturn),
    (&["-h", "ALL"], Reach::WithoutReturn),
    (&["-r", "ALL"], Reach::WithoutReturn),
];

/// What puts messages back to where they are delivered from.
const RELEASING: [Choice; 5] = [
    (&["-H", "-"], Reach::All),
    (&["-H", "-"], Reach::All),
    (&["-H", "ALL"], Reach::All),
    (&["-H", "ALL"], Reach::All),
    (&["-f", "-"], Reach::All),
];

/// What only ours knows, at any time.
const OURS: [Choice; 16] = [
    (
        &["-h", "-", "--results=json", "--comment=live"],
        Reach::WithoutReturn,
    ),
    (
        &["-h", "MATCH", "--to-domain", "sink.example", "--limit=5"],
        Reach::WithoutReturn,
    ),
    (
        &["-h", "MATCH", "--reason", "*later*", "--limit=5"],
        Reach::WithoutReturn,
    ),
    (&["-r", "MATCH", "--older", "5s", "--limit=5"], Reach::All),
    (&["-r", "ALL", "--limit=4"], Reach::All),
    (
        &["-d", "MATCH", "--rcpt-count", "+2", "--limit=1"],
        Reach::All,
    ),
    (
        &["-d", "MATCH", "--from-domain", "away.example", "--limit=1"],
        Reach::All,
    ),
    (&["-d", "ALL", "--limit=1"], Reach::All),
    (&["-e", "MATCH", "--subject", "P*", "--limit=1"], Reach::All),
    (&["-e", "ALL", "--limit=1"], Reach::All),
    (&["--trash", "-d", "-"], Reach::Trash),
    (
        &["--trash", "-d", "MATCH", "--size", "+1", "--limit=3"],
        Reach::Trash,
    ),
    (&["--trash", "-d", "ALL", "--limit=3"], Reach::Trash),
    (&["--undo"], Reach::None),
    (&["--undo"], Reach::None),
    (&["-s"], Reach::All),
];

/// What only ours knows and that releases.
const OURS_RELEASING: [Choice; 3] = [
    (&["-H", "MATCH", "--older", "3s", "--limit=9"], Reach::All),
    (&["-H", "ALL", "--notify"], Reach::All),
    (&["-f", "ALL", "--limit=1"], Reach::All),
];

fn random_call(program: Program, phase: Phase, ids: &[String], rng: &mut Rng) -> Call {
    let mut choices = COMMON.to_vec();
    if phase == Phase::Releasing {
        choices.extend(RELEASING);
    }
    if program == Program::Ours {
        choices.extend(OURS);
        if phase == Phase::Releasing {
            choices.extend(OURS_RELEASING);
        }
    }
    let mut pick = || choices[rng.usize(0..choices.len())];
    let mut choice = pick();
    if choice.0.contains(&"-d") {
        // Something has to be left.
        choice = pick();
    }
    let (words, reach) = choice;
    // Not everything is to expire.
    let is_final = ["-d", "-e", "-f"].iter().any(|word| words.contains(word));
    let few = match is_final && !words.contains(&"--trash") {
        true => ids.get(..1).unwrap_or(ids),
        false => ids,
    };
    let mut call = Call::new(words);
    if words.contains(&"-") {
        match rng.bool() && !few.is_empty() && words.len() == 2 {
            true => call.arguments = one_by_one(words[0], few),
            false => call.stdin = few.iter().map(|id| format!("{id}\n")).collect(),
        }
    }
    let queues = queues(reach, phase);
    call.arguments
        .extend(queues.iter().map(|q| (*q).to_owned()));
    call
}

/// `-h A -h B` in place of `-h -`.
fn one_by_one(option: &str, ids: &[String]) -> Vec<String> {
    let pair = |id: &String| [option.to_owned(), id.clone()];
    ids.iter().flat_map(pair).collect()
}

fn queues(reach: Reach, phase: Phase) -> &'static [&'static str] {
    match (reach, phase) {
        (Reach::None, _) => &[],
        (Reach::All, _) | (Reach::WithoutReturn, Phase::Taking) => {
            &["maildrop", "incoming", "active", "deferred", "hold"]
        }
        (Reach::Trash, Phase::Taking) => &["incoming", "active", "deferred", "hold"],
        (Reach::Trash, Phase::Releasing) => &["incoming", "deferred", "hold"],
        (Reach::WithoutReturn, Phase::Releasing) => &["maildrop", "incoming", "deferred", "hold"],
    }
}
