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
