//! postcat against Postfix's: many IDs in one process, and one large body.

use std::fs;

use spoolbox::queue_file::records::writer::QueueFile;

use crate::limit::{LARGE, Limit};
use crate::spool::Spool;
use crate::timing::{Cache, Contest, Order, Program};

/// IDs in one call.
const IDS: usize = 2000;
/// Lines of a hundred bytes in the large body: about 300 MB.
const LINES: usize = 3_000_000;

/// Measures both.
pub fn run(rounds: usize) -> Result<(), String> {
    let spool = Spool::build(IDS);
    let ids = fs::read_to_string(spool.ids()).expect("the list");
    let etc = spool.etc();
    let arguments: Vec<&str> = ["-c", &etc, "-q"].into_iter().chain(ids.lines()).collect();
    let limit = (Limit::Lookups, &spool);
    contest("postcat -q, 2,000 IDs", &arguments, limit, rounds)?;
    let line = "x".repeat(98);
    let lines = vec![line.as_str(); LINES];
    let large = QueueFile::new(1_700_000_000, "a@example.com", &["b@example.com"], &lines);
    let path = spool.root().join(LARGE);
    fs::write(&path, large.to_bytes()).expect("room for 300 MB");
    let path = path.display().to_string();
    let limit = (Limit::Copy, &spool);
    contest(
        "postcat, a body of 300 MB",
        &["-c", &etc, &path],
        limit,
        rounds,
    )?;
    contest(
        "postcat -h, the same file",
        &["-c", &etc, "-h", &path],
        (Limit::Start, &spool),
        rounds,
    )
}

fn contest(
    label: &'static str,
    arguments: &[&str],
    limit: (Limit, &Spool),
    rounds: usize,
) -> Result<(), String> {
    let contest = Contest {
        label,
        theirs: Program::theirs("postcat", arguments),
        ours: Program::ours("postcat", arguments),
        cache: Cache::Warm,
        rounds,
        order: Order::AsPrinted,
        limit,
    };
    println!("{}", contest.run()?);
    Ok(())
}
