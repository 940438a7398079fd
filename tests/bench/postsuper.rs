//! postsuper against Postfix's: every action on all messages, and on a list
//! of IDs from standard input. Actions that can be undone go to and fro on one
//! spool; deletions get a new spool each.
//!
//! Both log to a socket of the benchmark's own, which is read all the time.

use std::fs;
use std::fs::File;
use std::os::unix::net::UnixDatagram;
use std::path::Path;
use std::process::Stdio;
use std::thread;
use std::time::{Duration, Instant};

use crate::limit::{Limit, MailLog};
use crate::spool::Spool;
use crate::timing::{Cache, Program, Row, Times, drop_caches};

/// Calls of one message in each round.
const STARTS: usize = 20;

/// What one line of the table measures.
struct Line {
    label: &'static str,
    arguments: &'static [&'static str],
    /// What brings the messages back.
    undo: &'static [&'static str],
    cache: Cache,
    limit: Limit,
}

const DELETE: Limit = Limit::Delete(MailLog::Unused);
const HOLD: Limit = Limit::Move("deferred", "hold");
const HOLD_LISTED: Limit = Limit::LookupAndMove("deferred", "hold", MailLog::Unused);
const RELEASE: Limit = Limit::Move("hold", "deferred");
const RELEASE_LISTED: Limit = Limit::LookupAndMove("hold", "deferred", MailLog::Unused);
const REQUEUE: Limit = Limit::Move("deferred", "maildrop");
const REQUEUE_LISTED: Limit = Limit::LookupAndMove("deferred", "maildrop", MailLog::Unused);

const TO_AND_FRO: [Line; 8] = [
    line(
        "-h ALL, warm",
        &["-h", "ALL"],
        &["-H", "ALL"],
        Cache::Warm,
        HOLD,
    ),
    line(
        "-h ALL, cold",
        &["-h", "ALL"],
        &["-H", "ALL"],
        Cache::Cold,
        HOLD,
    ),
    line(
        "-h -, warm",
        &["-h", "-"],
        &["-H", "ALL"],
        Cache::Warm,
        HOLD_LISTED,
    ),
    line(
        "-h -, cold",
        &["-h", "-"],
        &["-H", "ALL"],
        Cache::Cold,
        HOLD_LISTED,
    ),
    line(
        "-H ALL, warm",
        &["-H", "ALL"],
        &["-h", "ALL"],
        Cache::Warm,
        RELEASE,
    ),
    line(
        "-H ALL, cold",
        &["-H", "ALL"],
        &["-h", "ALL"],
        Cache::Cold,
        RELEASE,
    ),
    line(
        "-H -, warm",
        &["-H", "-"],
        &["-h", "ALL"],
        Cache::Warm,
        RELEASE_LISTED,
    ),
    line(
        "-H -, cold",
        &["-H", "-"],
        &["-h", "ALL"],
        Cache::Cold,
        RELEASE_LISTED,
    ),
];

/// Each of these needs a new spool.
const ONE_WAY: [Line; 10] = [
    line("-d ALL, cold", &["-d", "ALL"], &[], Cache::Cold, DELETE),
    line("-d -, cold", &["-d", "-"], &[], Cache::Cold, DELETE),
    line("-d ALL, warm", &["-d", "ALL"], &[], Cache::Warm, DELETE),
    line("-d -, warm", &["-d", "-"], &[], Cache::Warm, DELETE),
    line("-r ALL, warm", &["-r", "ALL"], &[], Cache::Warm, REQUEUE),
    line("-r ALL, cold", &["-r", "ALL"], &[], Cache::Cold, REQUEUE),
    line("-r -, warm", &["-r", "-"], &[], Cache::Warm, REQUEUE_LISTED),
    line("-r -, cold", &["-r", "-"], &[], Cache::Cold, REQUEUE_LISTED),
    line(
        "-e ALL, warm",
        &["-e", "ALL"],
        &[],
        Cache::Warm,
        Limit::Mark,
    ),
    line("-e -, warm", &["-e", "-"], &[], Cache::Warm, Limit::Mark),
];

/// What only we have, and what brings the messages back.
const TRASH: [Line; 2] = [
    line(
        "--trash -d ALL, warm",
        &["--trash", "-d", "ALL"],
        &["--undo"],
        Cache::Warm,
        Limit::Discard,
    ),
    line(
        "--undo, warm",
        &["--undo"],
        &["--trash", "-d", "ALL"],
        Cache::Warm,
        Limit::Restore(MailLog::Unused),
    ),
];

const fn line(
    label: &'static str,
    arguments: &'static [&'static str],
    undo: &'static [&'static str],
    cache: Cache,
    limit: Limit,
) -> Line {
    Line {
        label,
        arguments,
        undo,
        cache,
        limit,
    }
}

/// Moves `messages` messages to and fro, on one spool.
pub fn moving(messages: usize, rounds: usize) {
    let spool = Spool::build(messages);
    drain_log(&spool);
    for line in &TO_AND_FRO {
        let (mut times, mut logged) = (Times::default(), Times::default());
        act(&Ours, &spool, line.undo, Cache::Warm);
        for _ in 0..rounds {
            for (whose, list) in [
                (&Theirs as &dyn Whose, &mut times.theirs),
                (&Ours, &mut times.ours),
            ] {
                list.push(act(whose, &spool, line.arguments, line.cache));
                act(&Ours, &spool, line.undo, Cache::Warm);
            }
            times.limit.push(line.limit.measure(&spool, line.cache));
            act(&Ours, &spool, line.undo, Cache::Warm);
            if let Some(limit) = line.limit.with_mail_log() {
                logged.limit.push(limit.measure(&spool, line.cache));
                act(&Ours, &spool, line.undo, Cache::Warm);
            }
        }
        logged.ours.clone_from(&times.ours);
        show(line, times);
        show_logged(logged);
        act(&Ours, &spool, &["-H", "ALL"], Cache::Warm);
    }
}

/// Moves `messages` messages to the trash and back.
pub fn trash(messages: usize, rounds: usize) {
    for line in &TRASH {
        let spool = Spool::build(messages);
        drain_log(&spool);
        let mut times = Times::default();
        // What comes first has to be undone here, too.
        if line.arguments.contains(&"--undo") {
            act(&Ours, &spool, line.undo, Cache::Warm);
        }
        for _ in 0..rounds {
            times
                .ours
                .push(act(&Ours, &spool, line.arguments, line.cache));
            act(&Ours, &spool, line.undo, Cache::Warm);
        }
        drop(spool);
        for _ in 0..rounds {
            let spool = Spool::build(messages);
            if line.arguments.contains(&"--undo") {
                Limit::Discard.measure(&spool, Cache::Warm);
            }
            times.limit.push(line.limit.measure(&spool, line.cache));
        }
        let mut logged = Times::default();
        logged.ours.clone_from(&times.ours);
        if let Some(limit) = line.limit.with_mail_log() {
            for _ in 0..rounds {
                let spool = Spool::build(messages);
                drain_log(&spool);
                Limit::Discard.measure(&spool, Cache::Warm);
                logged.limit.push(limit.measure(&spool, line.cache));
            }
        }
        show(line, times);
        show_logged(logged);
    }
}

/// Deletes and requeues, each time in a new spool of `messages` messages.
pub fn deleting(messages: usize, rounds: usize) {
    for line in &ONE_WAY {
        let mut times = Times::default();
        for _ in 0..rounds {
            for (whose, list) in [
                (&Theirs as &dyn Whose, &mut times.theirs),
                (&Ours, &mut times.ours),
            ] {
                let spool = Spool::build(messages);
                drain_log(&spool);
                list.push(act(whose, &spool, line.arguments, line.cache));
            }
            let spool = Spool::build(messages);
            times.limit.push(line.limit.measure(&spool, line.cache));
        }
        let mut logged = Times::default();
        logged.ours.clone_from(&times.ours);
        // An action on ALL logs one line.
        let limit = line.limit.with_mail_log();
        if let Some(limit) = limit.filter(|_| line.arguments.contains(&"-")) {
            for _ in 0..rounds {
                let spool = Spool::build(messages);
                drain_log(&spool);
                logged.limit.push(limit.measure(&spool, line.cache));
            }
        }
        show(line, times);
        show_logged(logged);
    }
}

/// One message in a queue of one: what a call costs before its work.
pub fn starting(rounds: usize) {
    let spool = Spool::build(1);
    drain_log(&spool);
    let id = fs::read_to_string(spool.ids()).expect("the list");
    let id = id.trim();
    let etc = spool.etc();
    for (tool, arguments) in [
        ("postcat", vec!["-c", &etc, "-q", id]),
        ("postsuper", vec!["-c", &etc, "-h", id]),
        ("postqueue", vec!["-c", &etc, "-p"]),
    ] {
        let mut times = Times::default();
        for _ in 0..rounds * STARTS {
            act(&Ours, &spool, &["-H", "ALL"], Cache::Warm);
            let theirs = Program::theirs(tool, &arguments);
            times.theirs.push(time(&theirs, Cache::Warm));
            act(&Ours, &spool, &["-H", "ALL"], Cache::Warm);
            times
                .ours
                .push(time(&Program::ours(tool, &arguments), Cache::Warm));
            times.limit.push(Limit::Start.measure(&spool, Cache::Warm));
        }
        let label = format!("{tool} {}, one message", arguments[2]);
        println!("{}", Row::new(&label, times, None));
    }
}

/// One sender's messages: the pipeline around Postfix's tools, and MATCH.
/// Deleted ones are gone, so each run has a spool of its own.
pub fn matched(messages: usize, rounds: usize) {
    const SENDER: &str = "sender7@example.com";
    for cache in [Cache::Warm, Cache::Cold] {
        let mut times = Times::default();
        for _ in 0..rounds {
            let spool = Spool::build(messages);
            drain_log(&spool);
            let etc = spool.etc();
            let script = format!(
                "/usr/sbin/postqueue -c {etc} -p | tail -n +2 | \
                 awk 'BEGIN {{ RS = \"\" }} $7 == \"{SENDER}\" {{ print $1 }}' | \
                 tr -d '*!' | /usr/sbin/postsuper -c {etc} -d -"
            );
            times.theirs.push(time(&Program::pipeline(&script), cache));
            let spool = Spool::build(messages);
            drain_log(&spool);
            let etc = spool.etc();
            let ours = ["-c", &etc, "-d", "MATCH", "--from", SENDER];
            times
                .ours
                .push(time(&Program::ours("postsuper", &ours), cache));
            // Of a thousand senders one: what is deleted hardly counts.
            times.limit.push(Limit::Messages.measure(&spool, cache));
        }
        let label = match cache {
            Cache::Warm => "-d MATCH / mailq | awk, warm",
            Cache::Cold => "the same, cold",
        };
        println!("{}", Row::new(label, times, None));
    }
}

fn time(program: &Program, cache: Cache) -> Duration {
    if cache == Cache::Cold {
        drop_caches();
    }
    let start = Instant::now();
    let status = program.command().status().expect("the program starts");
    let took = start.elapsed();
    assert!(status.success(), "{status}");
    took
}

fn show(line: &Line, times: Times) {
    let label = format!("postsuper {}", line.label);
    println!("{}", Row::new(&label, times, None));
}

/// The ratio to the limit with the line to the mail log that an action on single
/// messages has to send.
fn show_logged(times: Times) {
    if !times.limit.is_empty() {
        println!("{}", Row::new("  with a line in the mail log", times, None));
    }
}

trait Whose {
    fn program(&self, arguments: &[&str]) -> Program;
}

struct Ours;
struct Theirs;

impl Whose for Ours {
    fn program(&self, arguments: &[&str]) -> Program {
        Program::ours("postsuper", arguments)
    }
}

impl Whose for Theirs {
    fn program(&self, arguments: &[&str]) -> Program {
        Program::theirs("postsuper", arguments)
    }
}

/// Runs one action; the time it took.
fn act(whose: &dyn Whose, spool: &Spool, arguments: &[&str], cache: Cache) -> Duration {
    let etc = spool.etc();
    let program = whose.program(&[&["-c", &etc], arguments].concat());
    let mut command = program.command();
    if arguments.contains(&"-") {
        let list = spool.ids();
        command.stdin(Stdio::from(File::open(list).expect("the list")));
    }
    if cache == Cache::Cold {
        drop_caches();
    }
    let start = Instant::now();
    let status = command.status().expect("the program starts");
    let took = start.elapsed();
    assert!(status.success(), "{arguments:?}: {status}");
    took
}

/// Reads public/postlog from now on.
pub fn drain_log(spool: &Spool) {
    let path = spool.root().join("public/postlog");
    let socket = UnixDatagram::bind(&path).expect("public/postlog");
    open_to_all(&path);
    thread::spawn(move || {
        let mut line = [0; 4096];
        while socket.recv(&mut line).is_ok() {}
    });
}

fn open_to_all(path: &Path) {
    use std::os::unix::fs::PermissionsExt;
    fs::set_permissions(path, fs::Permissions::from_mode(0o777)).expect("chmod");
}
