//! The manual pages: every long option has an entry with an example, in the
//! tool's own page or in spoolbox-selection(7); every example is accepted by
//! the tool it calls; the pages are written alike.

use std::collections::BTreeMap;
use std::fs;
use std::path::Path;
use std::process::{Command, Stdio};

use crate::support::instance::Instance;
use crate::support::run::{Invocation, Program, Tool};
use crate::support::{Met, Needs, require, sample};

/// Explained without an example.
const PLAIN: [&str; 2] = ["help", "version"];
/// The page of the selection options, which all tools share.
const SELECTION: &str = "spoolbox-selection.7";

/// The long options that a tool's help names.
pub fn long_options(tool: Tool) -> Vec<String> {
    let instance = Instance::builder().build();
    let help = Invocation::new(tool, ["--help"]).run(Program::Ours, &instance);
    let name = |line: &str| {
        let option = line.strip_prefix("  --")?;
        let end = option.find([' ', '=', '['])?;
        Some(option[..end].to_owned())
    };
    help.stdout_text().lines().filter_map(name).collect()
}

/// The source of a page.
fn page(name: &str) -> String {
    let path = Path::new(env!("CARGO_MANIFEST_DIR")).join("man").join(name);
    fs::read_to_string(path).expect("a manual page")
}

/// Names and sources of all pages.
fn pages() -> BTreeMap<String, String> {
    let directory = Path::new(env!("CARGO_MANIFEST_DIR")).join("man");
    let entries = fs::read_dir(directory).expect("the pages");
    let names = entries.map(|entry| entry.expect("an entry").file_name());
    names
        .map(|name| name.into_string().expect("a name"))
        .map(|name| (name.clone(), page(&name)))
        .collect()
}

#[test]
fn every_long_option_is_explained_with_an_example() {
    for (tool, name) in [
        (Tool::Postqueue, "postqueue.1"),
        (Tool::Postcat, "postcat.1"),
        (Tool::Postsuper, "postsuper.8"),
        (Tool::Qshape, "qshape.1"),
    ] {
        let pages = page(name) + &page(SELECTION);
        let options = long_options(tool);
        assert!(options.len() > 20, "{options:?}");
        for option in options {
            let escaped = format!("\\-\\-{}", option.replace('-', "\\-"));
            let is_it = |entry: &&str| {
                let head = entry.lines().next().unwrap_or_default();
                let words = head.split([' ', '=', '[', '"', ',']);
                words.into_iter().any(|word| word == escaped)
            };
            let mut entries = pages.split(".TP\n");
            let entry = entries.find(is_it);
            let entry = entry.unwrap_or_else(|| panic!("{tool:?}: --{option} is not explained"));
            assert!(
                entry.contains(".EX") || PLAIN.contains(&option.as_str()),
                "--{option}"
            );
        }
    }
}

/// What is between .EX and .EE, as the reader sees it.
fn examples(page: &str) -> Vec<String> {
    let blocks = page.split("\n.EX\n").skip(1);
    blocks
        .map(|block| block.split("\n.EE").next().unwrap_or_default())
        .map(|text| text.replace("\\e", "\u{0}").replace('\\', ""))
        .map(|text| text.replace('\u{0}', "\\"))
        .collect()
}

/// The programs that an example of ours begins with.
const TOOLS: [&str; 6] = [
    "mailq",
    "postcat",
    "postqueue",
    "postsuper",
    "qshape",
    "spoolbox",
];
/// Examples that need a daemon, a terminal, another program or another
/// instance, that wait or change the machine.
const NOT_RUN: [&str; 20] = [
    "completions fish",
    "promtool",
    "spoolbox browse",
    "spoolbox install",
    "spoolbox uninstall",
    "> /etc/",
    "> ~/",
    "postqueue -f",
    "postqueue -i ",
    "--interactive",
    "--rate ",
    "--notify",
    "--instance",
    "--output",
    "--undo=",
    "--progress",
    "--watch",
    "export --trash >",
    "import <",
    "/etc/postfix-out",
];

#[test]
fn every_example_is_accepted_by_the_tool_it_calls() {
    if require(Needs::Time) == Met::No || require(Needs::Root) == Met::No {
        return;
    }
    // An example names Postfix 3.4, which takes no other form of this value.
    let instance = Instance::builder().set("compatibility_level", "2").build();
    sample::fill(&instance);
    let tools = instance.root().join("tools");
    fs::create_dir(&tools).expect("a directory");
    for name in TOOLS {
        let program = env!("CARGO_BIN_EXE_spoolbox");
        std::os::unix::fs::symlink(program, tools.join(name)).expect("a link");
    }
    let mut run = 0;
    let mut refused = Vec::new();
    for (page, text) in pages() {
        for example in examples(&text).iter().flat_map(|block| commands(block)) {
            let tool = example.split(' ').next().unwrap_or_default();
            if !TOOLS.contains(&tool) || NOT_RUN.iter().any(|word| example.contains(word)) {
                continue;
            }
            run += 1;
            let words = stderr_of(&instance, &tools, &example);
            if words.iter().any(|line| !is_expected(line)) {
                refused.push(format!("{page}: {example}: {words:?}"));
            }
        }
    }
    assert!(run > 80, "{run}");
    assert!(refused.is_empty(), "{refused:#?}");
}

/// The commands of an example: a line, with those that continue it.
fn commands(block: &str) -> Vec<String> {
    let mut commands: Vec<String> = Vec::new();
    for line in block.lines() {
        match commands.last_mut() {
            Some(last) if line.starts_with(' ') => *last = format!("{last}\n{line}"),
            _ => commands.push(line.to_owned()),
        }
    }
    commands
}

/// What a sample spool without a mail system, which has none of the messages
/// that examples name, explains: it is no complaint about the command.
fn is_expected(line: &str) -> bool {
    const WORDS: [&str; 29] = [
        "Mail system is down",
        "open queue file",
        "o message matches",
        "no message in the queue matches the selection",
        "invalid or not found: 1",
        "Would be ",
        "Would have ",
        "Recipients dropped: ",
        "Returned to sender: ",
        "undo",
        "Deleted: ",
        "Purged: ",
        "Placed on hold: ",
        "Released from hold: ",
        "Requeued: ",
        "Restored: ",
        "oved to trash: ",
        ": removed",
        ": placed on hold",
        ": released from hold",
        ": requeued",
        ": postponed",
        "Postponed: ",
        "Copied: ",
        "Moved: ",
        "not exported",
        ": imported, was ",
        "Imported: ",
        "still here",
    ];
    WORDS.iter().any(|word| line.contains(word))
}

/// What a command line prints on standard error.
fn stderr_of(instance: &Instance, tools: &Path, command: &str) -> Vec<String> {
    let path = format!("{}:/usr/bin:/bin", tools.display());
    let output = Command::new("bash")
        .args(["-c", command])
        .env("PATH", path)
        .env("MAIL_CONFIG", instance.etc())
        .current_dir(instance.root())
        .stdin(Stdio::null())
        .output()
        .expect("bash starts");
    let text = String::from_utf8_lossy(&output.stderr).into_owned();
    text.lines().map(str::to_owned).collect()
}

#[test]
fn an_example_text_asks_nothing() {
    for (name, page) in pages() {
        for line in page.lines().filter(|line| line.contains("Example: ")) {
            assert!(!line.contains('?'), "{name}: {line}");
        }
    }
}

#[test]
fn the_pages_are_written_alike() {
    for (name, page) in pages() {
        let (stem, section) = name.rsplit_once('.').expect("a section");
        let title = stem.to_uppercase().replace('-', "\\-");
        let head = page.lines().next().unwrap_or_default();
        let words: Vec<&str> = head.split(' ').collect();
        assert_eq!(words[..3], [".TH", &title, section], "{name}");
        let date = words[3];
        assert!(date.len() == 10 && date.starts_with("20"), "{name}: {date}");
        assert_eq!(
            words[4..].join(" "),
            "spoolbox \"Mail queue tools\"",
            "{name}"
        );
        let sections: Vec<&str> = page.lines().filter(|l| l.starts_with(".SH ")).collect();
        assert_eq!(sections.first(), Some(&".SH NAME"), "{name}");
        assert_eq!(sections.last(), Some(&".SH SEE ALSO"), "{name}");
    }
}

#[test]
fn each_page_refers_to_all_others() {
    let pages = pages();
    for (name, page) in &pages {
        let (_, references) = page.split_once(".SH SEE ALSO\n").expect("the section");
        for other in pages.keys().filter(|other| *other != name) {
            let (stem, section) = other.rsplit_once('.').expect("a section");
            let reference = format!(".BR {} ({section})", stem.replace('-', "\\-"));
            assert!(references.contains(&reference), "{name}: {reference}");
        }
    }
}

#[test]
fn mandoc_finds_nothing_wrong() {
    if require(Needs::Mandoc) == Met::No {
        return;
    }
    let directory = Path::new(env!("CARGO_MANIFEST_DIR")).join("man");
    for name in pages().keys() {
        let output = Command::new("mandoc")
            .args(["-T", "lint"])
            .arg(directory.join(name))
            .output()
            .expect("mandoc starts");
        let findings = String::from_utf8_lossy(&output.stdout).into_owned();
        assert_eq!(findings, "", "{name}");
    }
}
