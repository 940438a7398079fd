//! Every long option is in the man page, with an example.

use std::path::Path;

use crate::support::instance::Instance;
use crate::support::run::{Invocation, Program, Tool};

/// Explained without an example.
const PLAIN: [&str; 2] = ["help", "version"];

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

#[test]
fn every_long_option_is_explained_with_an_example() {
    for (tool, page) in [
        (Tool::Postqueue, "postqueue.1"),
        (Tool::Postcat, "postcat.1"),
        (Tool::Postsuper, "postsuper.8"),
        (Tool::Qshape, "qshape.1"),
    ] {
        let path = Path::new(env!("CARGO_MANIFEST_DIR")).join("man").join(page);
        let page = std::fs::read_to_string(path).expect("a man page");
        let options = long_options(tool);
        assert!(options.len() > 20, "{options:?}");
        for option in options {
            let escaped = format!("\\-\\-{}", option.replace('-', "\\-"));
            let is_it = |entry: &&str| {
                let head = entry.lines().next().unwrap_or_default();
                let words = head.split([' ', '=', '[', '"', ',']);
                words.into_iter().any(|word| word == escaped)
            };
            let mut entries = page.split(".TP\n");
            let entry = entries.find(is_it);
            let entry = entry.unwrap_or_else(|| panic!("{tool:?}: --{option} is not explained"));
            let has_example = entry.contains(".EX") || entry.contains(".nf");
            assert!(
                has_example || PLAIN.contains(&option.as_str()),
                "--{option}"
            );
        }
    }
}

/// Texts and commands of a page's examples.
fn examples(page: &str) -> Vec<(String, String)> {
    let mut examples = Vec::new();
    let mut text = String::new();
    let mut lines = page.lines();
    while let Some(line) = lines.next() {
        if let Some((_, said)) = line.split_once("Example: ") {
            text = said.to_owned();
        } else if line == ".EX" {
            let command = lines.next().unwrap_or_default().replace('\\', "");
            examples.push((std::mem::take(&mut text), command));
        }
    }
    examples
}

#[test]
fn an_example_that_changes_the_queue_says_so_and_asks_nothing() {
    let path = Path::new(env!("CARGO_MANIFEST_DIR")).join("man/postsuper.8");
    let page = std::fs::read_to_string(path).expect("a man page");
    for (text, command) in examples(&page) {
        assert!(!text.contains('?'), "{text} {command}");
    }
    let selection = page.split(".SH SELECTION").nth(1).expect("a section");
    let examples = examples(selection.split(".SH").next().expect("its text"));
    assert!(examples.len() > 15, "{examples:?}");
    for (text, command) in examples {
        let word = match command.split(' ').nth(1) {
            Some("-h") => "hold ",
            Some("-H") => "release ",
            other => panic!("{other:?} in {command}"),
        };
        assert!(text.starts_with(word), "{text} {command}");
    }
}
