//! `spoolbox completions`: scripts that their shells accept, with every option
//! of every tool.

use std::io::Write;
use std::process::{Command, Output, Stdio};

use crate::selection::manual::long_options;
use crate::support::run::Tool;
use crate::support::tell;

const TOOLS: [Tool; 4] = [Tool::Mailq, Tool::Postcat, Tool::Postqueue, Tool::Postsuper];

fn script(shell: &str) -> String {
    let output = Command::new(env!("CARGO_BIN_EXE_spoolbox"))
        .args(["completions", shell])
        .output()
        .expect("spoolbox starts");
    assert!(output.status.success(), "{output:?}");
    String::from_utf8(output.stdout).expect("text")
}

/// Has a shell read a script from standard input; `None` if it is not there.
fn read_by(shell: &str, arguments: &[&str], script: &str) -> Option<Output> {
    let child = Command::new(shell)
        .args(arguments)
        .stdin(Stdio::piped())
        .stdout(Stdio::piped())
        .stderr(Stdio::piped())
        .spawn();
    let Ok(mut child) = child else {
        tell(&format!(
            "completions: {shell} is not installed: not checked by it"
        ));
        return None;
    };
    let mut stdin = child.stdin.take().expect("a pipe");
    stdin.write_all(script.as_bytes()).expect("a reader");
    drop(stdin);
    Some(child.wait_with_output().expect("its end"))
}

#[test]
fn shells_accept_their_scripts() {
    for (shell, arguments) in [
        ("bash", &["-n"][..]),
        ("zsh", &["-n"]),
        ("fish", &["--no-execute"]),
    ] {
        if let Some(output) = read_by(shell, arguments, &script(shell)) {
            assert!(output.status.success(), "{shell}: {output:?}");
            assert!(output.stderr.is_empty(), "{shell}: {output:?}");
        }
    }
}

#[test]
fn every_option_is_in_every_script() {
    for tool in TOOLS {
        let options = long_options(tool);
        assert!(options.len() >= 2, "{tool:?}: {options:?}");
        for shell in ["bash", "zsh", "fish"] {
            let script = script(shell);
            for option in &options {
                let spelled = match shell {
                    "fish" => format!("complete -c {} -l {option} ", tool.name()),
                    _ => format!("--{option}"),
                };
                assert!(script.contains(&spelled), "{shell}: {tool:?} --{option}");
            }
        }
    }
}

/// What bash offers for the last word of a command line.
fn offered(words: &[&str]) -> Vec<String> {
    let (word, before) = match words {
        [.., before, word] => (word, before),
        _ => panic!("too few words"),
    };
    let quoted: Vec<String> = words.iter().map(|word| format!("'{word}'")).collect();
    let tool = words[0];
    let call = format!(
        "{}\nCOMP_WORDS=({})\nCOMP_CWORD={}\n_{tool} {tool} '{word}' '{before}'\n\
         printf '%s\\n' \"${{COMPREPLY[@]}}\"\n",
        script("bash"),
        quoted.join(" "),
        words.len() - 1
    );
    let output = read_by("bash", &[], &call).expect("bash");
    let text = String::from_utf8_lossy(&output.stdout).into_owned();
    text.lines().map(str::to_owned).collect()
}

#[test]
fn bash_offers_options_and_the_words_that_a_value_can_be() {
    assert_eq!(offered(&["postsuper", "--int"]), ["--interactive"]);
    assert_eq!(offered(&["postsuper", "-d", "M"]), ["MATCH"]);
    assert_eq!(offered(&["postsuper", "-d", "A"]), ["ALL"]);
    assert_eq!(offered(&["postqueue", "--source", "sp"]), ["spool"]);
    assert_eq!(offered(&["postqueue", "--status", "h"]), ["hold"]);
    let queues = offered(&["postsuper", "de"]);
    assert_eq!(queues, ["defer", "deferred"]);
    assert_eq!(offered(&["spoolbox", "postq"]), ["postqueue"]);
}

#[test]
fn other_shells_are_named() {
    let output = Command::new(env!("CARGO_BIN_EXE_spoolbox"))
        .args(["completions", "tcsh"])
        .output()
        .expect("spoolbox starts");
    assert_eq!(output.status.code(), Some(1));
    let text = String::from_utf8_lossy(&output.stderr);
    assert!(text.contains("bash, zsh, fish"), "{text}");
}
