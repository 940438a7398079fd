//! Shell pipelines as the programs out there have them, fed by the listing of
//! one program or the other.

use std::os::unix::process::CommandExt;
use std::process::{Command, Stdio};
use std::time::Duration;

use super::compare::difference;
use super::instance::Instance;
use super::run::{Output, Program, Tool, collect};
use super::under_test;

const TIMEOUT: Duration = Duration::from_secs(30);

/// Runs a shell pipeline in which the names of tools are a program's; where no
/// function will do, `postsuper_program` is its path.
pub fn pipeline_of(program: Program, instance: &Instance, script: &str) -> Output {
    let path = |tool| program.path(tool, instance).display().to_string();
    let function = |tool: Tool| format!("{}() {{ {} \"$@\"; }}; ", tool.name(), path(tool));
    let functions: String = Tool::ALL.into_iter().map(function).collect();
    let script = script.replace("postsuper_program", &path(Tool::Postsuper));
    let functions = functions + &script;
    let child = Command::new("bash")
        .args(["-c", &functions])
        .env_clear()
        .env("PATH", "/usr/sbin:/usr/bin:/sbin:/bin")
        .env("MAIL_CONFIG", instance.etc())
        .env("TZ", "UTC")
        .stdin(Stdio::null())
        .stdout(Stdio::piped())
        .stderr(Stdio::piped())
        .process_group(0)
        .spawn()
        .expect("bash");
    collect(child, b"", TIMEOUT)
}

/// Runs a pipeline on the program under test; its output has to be the same
/// with Postfix's program.
pub fn pipeline(instance: &Instance, script: &str) -> String {
    let tested = pipeline_of(under_test(), instance, script);
    let theirs = pipeline_of(Program::Theirs, instance, script);
    if let Some(text) = difference(&tested, &theirs) {
        panic!("{script}\n{text}");
    }
    tested.stdout_text()
}

pub fn sorted(text: &str) -> Vec<String> {
    let mut lines: Vec<_> = text.lines().map(str::to_owned).collect();
    lines.sort();
    lines
}
