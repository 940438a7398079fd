//! What postcat 3.7.11 and 3.11.6 printed for files that those versions
//! wrote. Needs neither Postfix nor root.

use std::fs;
use std::path::{Path, PathBuf};

use crate::support::instance::Instance;
use crate::support::run::{Ended, Invocation, Program, Tool};

/// Options by the suffix of the expected output.
const OPTIONS: [(&str, &str); 5] = [
    ("bh", "-bh"),
    ("do", "-do"),
    ("e", "-e"),
    ("f", "-f"),
    ("v", "-v"),
];

fn fixtures(corpus: &str) -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR"))
        .join("fixtures")
        .join(corpus)
}

/// The path of a message below the spool, from the manifest.
fn message_path(manifest: &str, id: &str) -> String {
    let mut paths = manifest.lines().filter_map(|line| line.split('\t').next());
    let is_it = |path: &&str| {
        let is_log = ["defer/", "bounce/", "trace/"]
            .iter()
            .any(|log| path.starts_with(log));
        !is_log && path.rsplit('/').next() == Some(id)
    };
    paths.find(is_it).expect("the message").to_owned()
}

fn compare(corpus: &str) {
    let directory = fixtures(corpus);
    let manifest = fs::read_to_string(directory.join("manifest.tsv")).expect("the manifest");
    let instance = Instance::builder().build();
    let mut compared = 0;
    for entry in fs::read_dir(directory.join("expected/postcat")).expect("expectations") {
        let path = entry.expect("an entry").path();
        let name = path
            .file_name()
            .expect("a name")
            .to_string_lossy()
            .into_owned();
        let (id, suffix) = name.split_once('.').expect("a suffix");
        let suffix = suffix.trim_end_matches("txt").trim_end_matches('.');
        let option = OPTIONS.iter().find(|(known, _)| *known == suffix);
        let message = message_path(&manifest, id);
        let args = option
            .map(|(_, option)| *option)
            .into_iter()
            .chain([message.as_str()]);
        let call = Invocation::new(Tool::Postcat, args)
            .env("MAIL_CONFIG", instance.etc())
            .env("TZ", "UTC")
            .cwd(&directory.join("spool"));
        let output = call.run(Program::Ours, &instance);
        assert_eq!(output.ended, Ended::Exited(0), "{name}: {output:?}");
        let expected = fs::read(&path).expect("the expectation");
        assert!(
            output.stdout == expected,
            "{name}: {}",
            output.stdout_text()
        );
        assert_eq!(output.stderr_text(), "", "{name}");
        compared += 1;
    }
    assert!(compared >= 40, "only {compared} expectations in {corpus}");
}

#[test]
fn messages_of_3_7_look_as_to_3_7() {
    compare("corpus-3.7");
}

#[test]
fn messages_of_3_11_look_as_to_3_11() {
    compare("corpus-3.11");
}
