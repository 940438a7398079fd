//! Who may export and import, and from and to where.

use std::os::unix::process::CommandExt;
use std::process::Stdio;

use super::{assert_contains, builder, command, queued, run};
use crate::support::run::Ended;
use crate::support::sample;
use crate::support::{Met, Needs, pty, require};

#[test]
fn a_terminal_is_neither_written_nor_read() {
    if require(Needs::Root) == Met::No {
        return;
    }
    let instance = builder("a.example").build();
    sample::fill(&instance);
    for word in ["export", "import"] {
        let terminal = pty::open();
        let mut command = command(&instance, word, &[]);
        match word {
            "export" => command.stdin(Stdio::null()).stdout(terminal.slave),
            _ => command.stdin(terminal.slave).stdout(Stdio::null()),
        };
        let output = command.output().expect("it starts");
        let text = String::from_utf8_lossy(&output.stderr).into_owned();
        assert_contains(&text, &["is a terminal"]);
        assert_eq!(output.status.code(), Some(1));
    }
    assert_eq!(queued(&instance).len(), 5);
}

#[test]
fn other_users_are_refused() {
    if require(Needs::Root) == Met::No {
        return;
    }
    let instance = builder("a.example").build();
    sample::fill(&instance);
    for word in ["export", "import"] {
        let mut command = command(&instance, word, &[]);
        command.uid(65_534).gid(65_534).stdin(Stdio::null());
        let output = command.output().expect("it starts");
        let text = String::from_utf8_lossy(&output.stderr).into_owned();
        assert_contains(&text, &["reserved for the superuser"]);
        assert_eq!((output.status.code(), output.stdout), (Some(1), Vec::new()));
    }
}

#[test]
fn wrong_command_lines_do_nothing() {
    if require(Needs::Root) == Met::No {
        return;
    }
    let instance = builder("a.example").build();
    sample::fill(&instance);
    for (word, arguments) in [
        ("export", &["queue.tar"][..]),
        ("export", &["--trash", "--hold"]),
        ("export", &["--from"]),
        ("export", &["--dialect=x"]),
        ("export", &["--queue=corrupt"]),
        ("export", &["--trash", "--queue=maildrop"]),
        ("import", &["queue.tar"]),
        ("import", &["--trash"]),
        ("import", &["--from=a"]),
    ] {
        let output = run(&instance, word, arguments, b"");
        assert_eq!(output.ended, Ended::Exited(1), "{word} {arguments:?}");
        assert_eq!(output.stdout, b"", "{word} {arguments:?}");
        assert!(!output.stderr.is_empty(), "{word} {arguments:?}");
    }
    assert_eq!(queued(&instance).len(), 5);
}

/// An output that breaks puts back what was on hold for it.
#[test]
fn a_full_output_leaves_the_queues_as_they_were() {
    if require(Needs::Root) == Met::No {
        return;
    }
    let instance = builder("a.example").build();
    sample::fill(&instance);
    let before = queued(&instance);
    let full = std::fs::File::options().write(true).open("/dev/full");
    let mut command = command(&instance, "export", &["--trash"]);
    command
        .stdout(full.expect("/dev/full"))
        .stderr(Stdio::piped());
    let output = command.output().expect("it starts");
    let text = String::from_utf8_lossy(&output.stderr).into_owned();
    assert_eq!(output.status.code(), Some(1), "{text}");
    assert_contains(&text, &["write the archive: No space left on device"]);
    assert_eq!(queued(&instance), before);
}

#[test]
fn every_option_is_in_the_manual() {
    for (word, pages) in [
        (
            "export",
            concat!(
                include_str!("../../../man/spoolbox-export.1"),
                include_str!("../../../man/spoolbox-selection.7")
            ),
        ),
        ("import", include_str!("../../../man/spoolbox-import.1")),
    ] {
        let mut help = std::process::Command::new(env!("CARGO_BIN_EXE_spoolbox"));
        let help = help.args([word, "--help"]).output().expect("it starts");
        let help = String::from_utf8_lossy(&help.stdout).into_owned();
        let name = |line: &str| {
            let option = line.strip_prefix("  --")?;
            let end = option.find([' ', '=', '[']).unwrap_or(option.len());
            Some(format!("\\-\\-{}", option[..end].replace('-', "\\-")))
        };
        let names: Vec<String> = help.lines().filter_map(name).collect();
        assert!(names.len() >= 4, "{help}");
        for name in names {
            assert!(pages.contains(&name), "{word}: {name}");
        }
    }
}

#[test]
fn instances_are_chosen_by_their_names() {
    if require(Needs::Root) == Met::No {
        return;
    }
    let out = builder("a.example")
        .set("multi_instance_name", "postfix-out")
        .build();
    let listed = out.etc().display().to_string();
    let main = builder("a.example")
        .set("multi_instance_directories", &listed)
        .build();
    sample::fill(&main);
    let named =
        |word: &str, name: &str, input: &[u8]| run(&main, word, &["--instance", name], input);
    let moved = named("export", "-", b"");
    assert_eq!(moved.ended, Ended::Exited(0), "{moved:?}");
    let read = named("import", "postfix-out", &moved.stdout);
    assert_eq!(read.ended, Ended::Exited(0), "{read:?}");
    assert_eq!((queued(&main).len(), queued(&out).len()), (5, 5));
    let unknown = named("export", "postfix-other", b"");
    assert_eq!(unknown.ended, Ended::Exited(1));
    assert_contains(
        &unknown.stderr_text(),
        &["there is no instance postfix-other; there are: -, postfix-out"],
    );
}
