//! The JSON Schema files in fixtures/schema describe what the programs print:
//! every member, and no other.

use std::io::Write;
use std::path::{Path, PathBuf};
use std::process::{Command, Stdio};

use crate::selection::filled;
use crate::support::instance::Instance;
use crate::support::run::{Invocation, Program, Tool};
use crate::support::{Met, Needs, require, sample};

/// The directory of the schemas.
fn schemas() -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join("fixtures/schema")
}

/// What one of our tools prints.
fn printed(tool: Tool, args: &[&str], instance: &Instance) -> Vec<u8> {
    let output = Invocation::new(tool, args)
        .env("MAIL_CONFIG", instance.etc())
        .env("TZ", "Asia/Kolkata")
        .run(Program::Ours, instance);
    assert!(!output.stdout.is_empty(), "{args:?}: {output:?}");
    output.stdout
}

/// Checks lines by a schema. Returns their number, or what is wrong.
fn check(schema: &str, lines: &[u8]) -> Result<usize, String> {
    let script = Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/suite/schema/validate.py");
    let mut child = Command::new("/usr/bin/python3")
        .arg(script)
        .arg(schemas().join(format!("{schema}.schema.json")))
        .stdin(Stdio::piped())
        .stdout(Stdio::piped())
        .stderr(Stdio::piped())
        .spawn()
        .expect("python3");
    // It ends at the first error, before it has read everything.
    let _ = child.stdin.take().expect("a pipe").write_all(lines);
    let output = child.wait_with_output().expect("python3 ends");
    let text = |bytes: &[u8]| String::from_utf8_lossy(bytes).into_owned();
    if output.status.success() {
        Ok(text(&output.stdout).trim().parse().expect("a number"))
    } else {
        Err(text(&output.stderr))
    }
}

/// Checks the output of several calls.
fn check_all(schema: &str, tool: Tool, calls: &[&[&str]]) {
    let mut lines = Vec::new();
    for instance in [filled(), sampled()] {
        for args in calls {
            lines.extend(printed(tool, args, &instance));
        }
    }
    let expected = lines.iter().filter(|byte| **byte == b'\n').count();
    assert_eq!(check(schema, &lines), Ok(expected), "{schema}");
}

fn sampled() -> Instance {
    let instance = Instance::builder().build();
    sample::fill(&instance);
    instance
}

#[test]
fn listings_and_counts() {
    if require(Needs::JsonSchema) == Met::No {
        return;
    }
    let listings: [&[&str]; 2] = [&["-j", "--detail"], &["-j", "--detail", "--instance=-"]];
    check_all("postqueue-detail", Tool::Postqueue, &listings);
    let counts: [&[&str]; 9] = [
        &["-j", "--count"],
        &["-j", "--count=queue"],
        &["-j", "--count=queue", "--from=*"],
        &["-j", "--count=from", "--all-instances"],
        &["-j", "--count=to-domain"],
        &["-j", "--count=reason"],
        &["-j", "--count=sasl-user"],
        &["-j", "--count=to-domain,reason"],
        &["-j", "--count=hour"],
    ];
    check_all("postqueue-count", Tool::Postqueue, &counts);
}

#[test]
fn messages_and_tables() {
    if require(Needs::JsonSchema) == Met::No {
        return;
    }
    let messages: [&[&str]; 2] = [
        &["-q", "--json", "MATCH", "--from=*"],
        &["-q", "--json", "--all-instances", "MATCH", "--from=*"],
    ];
    check_all("postcat", Tool::Postcat, &messages);
    let tables: [&[&str]; 4] = [
        &["--json", "deferred", "active"],
        &["--json", "-s", "-l", "-t", "0.3", "hold"],
        &["--json", "--by=reason", "deferred"],
        &["--json", "--instance=-", "--by=size", "deferred"],
    ];
    check_all("qshape", Tool::Qshape, &tables);
}

#[test]
fn results_and_the_journal() {
    if require(Needs::JsonSchema) == Met::No || require(Needs::Root) == Met::No {
        return;
    }
    let calls: [&[&str]; 9] = [
        &["-d", "ALL", "--dry-run", "--results=json"],
        &["-h", "ALL", "--results=json", "deferred"],
        &["-e", "ALL", "--results=json"],
        &["-d", "ABCDEF1", "-d", "no ID", "--results=json"],
        &["-f", "MATCH", "--queue=hold", "--results=json", "--limit=1"],
        &["-H", "ALL", "--results=json", "--instance=-"],
        &["-r", "ALL", "--results=json", "--limit=1"],
        &["--trash", "-d", "ALL", "--results=json", "--dry-run"],
        &["--trash", "-d", "ALL", "--results=json", "--comment=x"],
    ];
    check_all("postsuper-results", Tool::Postsuper, &calls);
    let instance = filled();
    for comment in [&[][..], &["--comment=a \"b\" \u{fc}"]] {
        let name = format!("--batch=b{}", comment.len());
        let batch = [
            name.as_str(),
            "--trash",
            "-d",
            "ALL",
            "--limit=2",
            "--results=json",
        ];
        let args = [&batch[..], comment].concat();
        printed(Tool::Postsuper, &args, &instance);
    }
    let list = ["--journal-list", "--results=json"];
    let mut lines = printed(Tool::Postsuper, &list, &instance);
    let list = ["--journal-list", "--results=json", "--all-instances"];
    lines.extend(printed(Tool::Postsuper, &list, &instance));
    assert_eq!(check("postsuper-journal-list", &lines), Ok(4));
    let show = ["--journal-show=b1", "--results=json", "--instance=-"];
    let lines = printed(Tool::Postsuper, &show, &instance);
    let shown = check("postsuper-journal-show", &lines);
    assert!(shown.as_ref().is_ok_and(|count| *count >= 2), "{shown:?}");
}

#[test]
fn a_member_that_is_not_described_is_found() {
    if require(Needs::JsonSchema) == Met::No {
        return;
    }
    for (line, part) in [
        ("{\"messages\": 1, \"new\": 2}", "new"),
        ("{\"messages\": \"1\"}", "is not of type 'integer'"),
        ("{\"instance\": \"-\"}", "not valid under any"),
    ] {
        let wrong = check("postqueue-count", line.as_bytes()).expect_err(line);
        assert!(wrong.contains(part), "{wrong}");
    }
}

#[test]
fn every_schema_is_used() {
    let source = include_str!("mod.rs");
    for entry in std::fs::read_dir(schemas()).expect("the schemas") {
        let name = entry.expect("an entry").file_name();
        let name = name
            .to_str()
            .expect("a name")
            .trim_end_matches(".schema.json");
        let used = source.matches(&format!("\"{name}\"")).count();
        assert!(used > 0 || name == "README.md", "{name}");
    }
}
