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

use crate::spool::Spool;
use crate::timing::{Cache, Program, drop_caches, median};

/// What one line of the table measures.
struct Line {
    label: &'static str,
    arguments: &'static [&'static str],
    /// What brings the messages back.
    undo: &'static [&'static str],
    cache: Cache,
}

const TO_AND_FRO: [Line; 8] = [
    line("-h ALL, warm", &["-h", "ALL"], &["-H", "ALL"], Cache::Warm),
    line("-h ALL, cold", &["-h", "ALL"], &["-H", "ALL"], Cache::Cold),
    line("-h -, warm", &["-h", "-"], &["-H", "ALL"], Cache::Warm),
    line("-h -, cold", &["-h", "-"], &["-H", "ALL"], Cache::Cold),
    line("-H ALL, warm", &["-H", "ALL"], &["-h", "ALL"], Cache::Warm),
    line("-H ALL, cold", &["-H", "ALL"], &["-h", "ALL"], Cache::Cold),
    line("-H -, warm", &["-H", "-"], &["-h", "ALL"], Cache::Warm),
    line("-H -, cold", &["-H", "-"], &["-h", "ALL"], Cache::Cold),
];

/// Each of these needs a new spool.
const ONE_WAY: [Line; 10] = [
    line("-d ALL, cold", &["-d", "ALL"], &[], Cache::Cold),
    line("-d -, cold", &["-d", "-"], &[], Cache::Cold),
    line("-d ALL, warm", &["-d", "ALL"], &[], Cache::Warm),
    line("-d -, warm", &["-d", "-"], &[], Cache::Warm),
    line("-r ALL, warm", &["-r", "ALL"], &[], Cache::Warm),
    line("-r ALL, cold", &["-r", "ALL"], &[], Cache::Cold),
    line("-r -, warm", &["-r", "-"], &[], Cache::Warm),
    line("-r -, cold", &["-r", "-"], &[], Cache::Cold),
    line("-e ALL, warm", &["-e", "ALL"], &[], Cache::Warm),
    line("-e -, warm", &["-e", "-"], &[], Cache::Warm),
];

const fn line(
    label: &'static str,
    arguments: &'static [&'static str],
    undo: &'static [&'static str],
    cache: Cache,
) -> Line {
    Line {
        label,
        arguments,
        undo,
        cache,
    }
}

/// Moves `messages` messages to and fro, on one spool.
pub fn moving(messages: usize, rounds: usize) {
    let spool = Spool::build(messages);
    drain_log(&spool);
    for line in &TO_AND_FRO {
        let mut times = (Vec::new(), Vec::new());
        act(&Ours, &spool, line.undo, Cache::Warm);
        for _ in 0..rounds {
            for (whose, list) in [(&Theirs as &dyn Whose, &mut times.0), (&Ours, &mut times.1)] {
                list.push(act(whose, &spool, line.arguments, line.cache));
                act(&Ours, &spool, line.undo, Cache::Warm);
            }
        }
        show(line, times);
        act(&Ours, &spool, &["-H", "ALL"], Cache::Warm);
    }
}

/// Deletes and requeues, each time in a new spool of `messages` messages.
pub fn deleting(messages: usize, rounds: usize) {
    for line in &ONE_WAY {
        let mut times = (Vec::new(), Vec::new());
        for _ in 0..rounds {
            for (whose, list) in [(&Theirs as &dyn Whose, &mut times.0), (&Ours, &mut times.1)] {
                let spool = Spool::build(messages);
                drain_log(&spool);
                list.push(act(whose, &spool, line.arguments, line.cache));
            }
        }
        show(line, times);
    }
}

/// One sender's messages: the pipeline around Postfix's tools, and MATCH.
/// Deleted ones are gone, so each run has a spool of its own.
pub fn matched(messages: usize, rounds: usize) {
    const SENDER: &str = "sender7@example.com";
    for cache in [Cache::Warm, Cache::Cold] {
        let mut times = (Vec::new(), Vec::new());
        for _ in 0..rounds {
            let spool = Spool::build(messages);
            drain_log(&spool);
            let etc = spool.etc();
            let script = format!(
                "/usr/sbin/postqueue -c {etc} -p | tail -n +2 | \
                 awk 'BEGIN {{ RS = \"\" }} $7 == \"{SENDER}\" {{ print $1 }}' | \
                 tr -d '*!' | /usr/sbin/postsuper -c {etc} -d -"
            );
            times.0.push(time(&Program::pipeline(&script), cache));
            let spool = Spool::build(messages);
            drain_log(&spool);
            let etc = spool.etc();
            let ours = ["-c", &etc, "-d", "MATCH", "--from", SENDER];
            times
                .1
                .push(time(&Program::ours("postsuper", &ours), cache));
        }
        let label = match cache {
            Cache::Warm => "-d MATCH / mailq | awk, warm",
            Cache::Cold => "the same, cold",
        };
        show_times(label, times);
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

fn show(line: &Line, times: (Vec<Duration>, Vec<Duration>)) {
    show_times(&format!("postsuper {}", line.label), times);
}

fn show_times(label: &str, (theirs, ours): (Vec<Duration>, Vec<Duration>)) {
    let (theirs, ours) = (median(theirs).as_secs_f64(), median(ours).as_secs_f64());
    let ratio = theirs / ours;
    println!("{label:<28} {theirs:>8.3} s {ours:>8.3} s {ratio:>7.1}x");
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
