//! A queue directory with very many entries, 50,000 or by hand a million: memory is
//! bounded independently of their number.

use std::fs;
use std::path::Path;

use spoolbox::queue_file::records::writer::QueueFile;

use crate::hostile::peak_memory;
use crate::support::instance::Instance;
use crate::support::run::{Invocation, Program, Tool};
use crate::support::spool::NewFile;
use crate::support::{Extent, Met, Needs, require, tell};

const ENTRIES: u64 = 50_000;
const ENTRIES_BY_HAND: u64 = 1_000_000;
/// Names that a file can have on every file system.
const LINKS: u64 = 60_000;
/// In KiB. What is needed for any number is less.
const MEMORY: u64 = 32 * 1024;

/// Fills hold with this many names for few files.
fn fill(instance: &Instance, entries: u64) {
    let message = QueueFile::new(1_700_000_000, "s@example.com", &["r@dest.example"], &["x"]);
    let hold = instance.queue_directory().join("hold");
    let mut first = None;
    for number in 0..entries {
        let name = format!("{:05X}{:06X}", number % 0xF_FFFF, number);
        if number % LINKS == 0 {
            let placed = instance
                .spool()
                .put(&NewFile::new("hold", message.to_bytes()));
            let path = hold.join(format!("F{number:08X}"));
            fs::rename(instance.spool().path(&placed.path), &path).expect("rename");
            first = Some(path);
        }
        let first = first.as_deref().expect("a file");
        fs::hard_link(first, hold.join(name)).expect("a hard link");
    }
}

fn peak(instance: &Instance, tool: Tool, words: &[&str], input: Option<&Path>) -> u64 {
    let call = Invocation::new(tool, words).env("MAIL_CONFIG", instance.etc());
    let mut command = call.command(Program::Ours, instance);
    if let Some(input) = input {
        let program = call.command(Program::Ours, instance);
        let mut shell = std::process::Command::new("sh");
        shell.args(["-c", "exec \"$@\" < \"$0\""]).arg(input);
        shell.arg(program.get_program()).args(program.get_args());
        shell.env("MAIL_CONFIG", instance.etc());
        command = shell;
    }
    peak_memory(&mut command)
}

#[test]
fn memory_does_not_grow_with_the_number_of_entries() {
    if require(Needs::Time) == Met::No || require(Needs::Root) == Met::No {
        return;
    }
    let entries = match Extent::from_environment() {
        Extent::Sample => ENTRIES / 5,
        Extent::Complete => ENTRIES,
        Extent::Exhaustive { .. } => ENTRIES_BY_HAND,
    };
    let instance = Instance::builder().set("hash_queue_names", "defer").build();
    fill(&instance, entries);
    let ids = instance.root().join("ids");
    let listed = Invocation::new(Tool::Postqueue, ["--ids"]).env("MAIL_CONFIG", instance.etc());
    fs::write(&ids, listed.run(Program::Ours, &instance).stdout).expect("a file");
    let mut peaks = Vec::new();
    for (tool, words) in [
        (Tool::Postqueue, &["-p"][..]),
        (Tool::Postqueue, &["-j"]),
        (Tool::Postqueue, &["--csv"]),
        (Tool::Postqueue, &["--count"]),
        (Tool::Postqueue, &["--count=from"]),
        (Tool::Postqueue, &["--prometheus"]),
        (Tool::Qshape, &["hold"]),
        (Tool::Postsuper, &["-H", "MATCH", "--from", "nobody"]),
        (Tool::Postsuper, &["-d", "ALL", "--dry-run"]),
        (Tool::Postsuper, &["-H", "ALL"]),
        (Tool::Postsuper, &["-h", "-"]),
        (Tool::Postsuper, &["-H", "MATCH", "--from", "s@example.com"]),
        (Tool::Postsuper, &["-r", "ALL"]),
        (Tool::Postsuper, &["-p"]),
        (Tool::Postsuper, &["--trash", "-d", "-"]),
        (Tool::Postsuper, &["--trash-list"]),
        (Tool::Postsuper, &["--undo"]),
        (Tool::Postsuper, &["-d", "ALL"]),
    ] {
        let input = words.contains(&"-").then_some(ids.as_path());
        let peak = peak(&instance, tool, words, input);
        assert!(peak < MEMORY, "{tool:?} {words:?}: {peak} KiB");
        peaks.push(peak);
    }
    let left = fs::read_dir(instance.spool().path("hold"))
        .expect("hold")
        .count();
    assert_eq!(left, 0, "all of it was in reach");
    let most = peaks.iter().max().expect("a peak");
    tell(&format!("{entries} entries: {most} KiB at most"));
}
