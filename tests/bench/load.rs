//! Ours alone, on queues of growing size: whether time grows with the number
//! of messages and no faster, and whether memory stays where it is.
//!
//! Each command runs on the same queue as the one before left it: what was
//! held is released, what was moved to the trash comes back.

use std::fs::File;
use std::process::Stdio;
use std::time::{Duration, Instant};

use crate::postsuper::drain_log;
use crate::spool::Spool;
use crate::timing::{Program, watched};

/// How many times the smallest queue the others are.
const SIZES: [usize; 3] = [1, 10, 100];

/// A command: the tool and its arguments but for `-c`.
type Line = (&'static str, &'static [&'static str]);

const LINES: [Line; 39] = [
    ("postqueue", &["-p"]),
    ("postqueue", &["-j"]),
    ("postqueue", &["-j", "--detail"]),
    ("postqueue", &["--ids"]),
    ("postqueue", &["--ids", "--from", "sender7@example.com"]),
    ("postqueue", &["--ids", "--body", "*nowhere*"]),
    ("postqueue", &["--csv"]),
    ("postqueue", &["-p", "--sort", "size"]),
    ("postqueue", &["-j", "--sort", "sender", "--reverse"]),
    ("postqueue", &["--count"]),
    ("postqueue", &["--count=from"]),
    ("postqueue", &["--count=to"]),
    ("postqueue", &["--count=reason"]),
    ("postqueue", &["--prometheus"]),
    ("postqueue", &["--check", "--warn", "2000000"]),
    ("qshape", &["deferred"]),
    ("qshape", &["--by=reason", "deferred"]),
    (
        "postcat",
        &["-eq", "MATCH", "--from", "sender7@example.com"],
    ),
    ("postsuper", &["-h", "ALL"]),
    ("postsuper", &["-H", "ALL"]),
    ("postsuper", &["-h", "-"]),
    ("postsuper", &["-H", "-"]),
    ("postsuper", &["-e", "-"]),
    ("postsuper", &["-s"]),
    ("postsuper", &["-p"]),
    ("postsuper", &["--postpone=ALL", "--until=2h"]),
    ("postsuper", &["--journal", "--postpone=ALL", "--until=3h"]),
    ("postsuper", &["--undo"]),
    ("postsuper", &["--journal", "-h", "ALL"]),
    ("postsuper", &["--undo"]),
    ("postsuper", &["-h", "ALL"]),
    ("postsuper", &["-H", "ALL", "--spread=30m"]),
    ("postsuper", &["--trash", "-d", "ALL"]),
    ("postsuper", &["--trash-list"]),
    ("postsuper", &["--undo"]),
    (
        "postsuper",
        &["-h", "MATCH", "--from", "sender7@example.com"],
    ),
    ("postsuper", &["-r", "ALL"]),
    ("postsuper", &["-d", "-"]),
    ("postsuper", &["-d", "ALL"]),
];

/// What was measured of a command on one queue.
struct Measured {
    took: Duration,
    /// In KiB.
    memory: u64,
}

/// Measures all commands on three queues, the largest of `messages`.
pub fn run(messages: usize) {
    let sizes = SIZES.map(|size| messages * size / SIZES[SIZES.len() - 1]);
    println!(
        "{:<44} {:>10} {:>10} {:>10} {:>10}",
        "seconds for this many messages", sizes[0], sizes[1], sizes[2], "memory"
    );
    let columns = sizes.map(all_on);
    for (number, (tool, arguments)) in LINES.iter().enumerate() {
        let row = columns.iter().map(|column| &column[number]);
        let label = format!("{tool} {}", arguments.join(" "));
        print!("{label:<44}");
        let mut memory = 0;
        for measured in row {
            print!(" {:>10.3}", measured.took.as_secs_f64());
            memory = measured.memory.max(memory);
        }
        println!(" {memory:>6} KiB");
    }
}

fn all_on(messages: usize) -> Vec<Measured> {
    let spool = Spool::build(messages);
    drain_log(&spool);
    let ids = spool.ids();
    let measure = |(tool, arguments): &Line| {
        let etc = spool.etc();
        let program = Program::ours(tool, &[&["-c", &etc], *arguments].concat());
        let mut command = program.command();
        if arguments.contains(&"-") {
            command.stdin(Stdio::from(File::open(&ids).expect("the list")));
        }
        let start = Instant::now();
        let (status, memory) = watched(&mut command);
        let took = start.elapsed();
        assert!(status.success(), "{tool} {arguments:?}: {status}");
        Measured { took, memory }
    };
    LINES.iter().map(measure).collect()
}
