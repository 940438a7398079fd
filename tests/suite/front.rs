//! The binary under its own name, and the demo: what a new user meets first.

use std::os::unix::fs::symlink;
use std::os::unix::process::CommandExt;
use std::path::Path;
use std::process::{Command, Output};

use crate::support::run::install_ours;
use crate::support::{Met, Needs, require};

fn spoolbox(arguments: &[&str]) -> Output {
    let mut command = Command::new(env!("CARGO_BIN_EXE_spoolbox"));
    command
        .args(arguments)
        .env_remove("MAIL_CONFIG")
        .output()
        .expect("spoolbox starts")
}

fn stdout(output: &Output) -> String {
    String::from_utf8_lossy(&output.stdout).into_owned()
}

#[test]
fn the_applets_are_listed_one_a_line_and_each_explains_itself() {
    let list = stdout(&spoolbox(&["--list"]));
    assert!(list.lines().any(|name| name == "postqueue"), "{list}");
    for name in list.lines() {
        let help = spoolbox(&[name, "--help"]);
        assert!(
            help.status.success() && stdout(&help).to_lowercase().contains("usage"),
            "{name}"
        );
        let version = spoolbox(&[name, "--version"]);
        assert!(
            stdout(&version).contains(env!("CARGO_PKG_VERSION")),
            "{name}"
        );
    }
}

#[test]
fn no_help_is_wider_than_a_terminal_and_the_tools_end_with_five_examples() {
    for name in stdout(&spoolbox(&["--list"])).lines() {
        let help = stdout(&spoolbox(&[name, "--help"]));
        for line in help.lines() {
            assert!(line.chars().count() <= 80, "{name}: {line}");
        }
        let tools = ["mailq", "postcat", "postqueue", "postsuper", "qshape"];
        if tools.contains(&name) {
            let examples = help.split("\nExamples:\n").nth(1).expect("examples");
            let commands = examples.lines().filter(|line| !line.starts_with("   "));
            assert_eq!(commands.count(), 5, "{name}: {help}");
        }
    }
    let help = stdout(&spoolbox(&["postqueue", "--help"]));
    assert!(help.contains("--source=auto|spool|showq\n"), "{help}");
    let help = stdout(&spoolbox(&["mailq", "--help"]));
    assert!(help.starts_with("usage: mailq"), "{help}");
}

#[test]
fn without_an_applet_the_binary_explains_itself() {
    for arguments in [&[][..], &["--help"]] {
        let output = spoolbox(arguments);
        assert!(
            output.status.success() && stdout(&output).contains("mailq"),
            "{output:?}"
        );
    }
    let version = format!("spoolbox {}\n", env!("CARGO_PKG_VERSION"));
    assert_eq!(stdout(&spoolbox(&["--version"])), version);
}

#[test]
fn an_unknown_applet_is_an_error_that_lists_the_known_ones() {
    let output = spoolbox(&["postqeue", "-p"]);
    assert_eq!(output.status.code(), Some(64));
    assert!(output.stdout.is_empty());
    let stderr = String::from_utf8_lossy(&output.stderr).into_owned();
    assert!(
        stderr.contains("postqeue") && stderr.contains("postqueue"),
        "{stderr}"
    );
}

#[test]
fn only_the_exact_last_component_of_argv_0_names_an_applet() {
    let directory = tempfile::tempdir().expect("a temporary directory");
    for (name, is_applet) in [
        ("postqueue", true),
        ("xpostqueue", false),
        ("postqueue.old", false),
    ] {
        let link = directory.path().join(name);
        symlink(env!("CARGO_BIN_EXE_spoolbox"), &link).expect("a link");
        let output = Command::new(&link)
            .arg("--version")
            .output()
            .expect("it starts");
        let begins = if is_applet {
            "postqueue (spoolbox)"
        } else {
            "spoolbox "
        };
        assert!(stdout(&output).starts_with(begins), "{name}: {output:?}");
    }
}

#[test]
fn closed_standard_descriptors_do_not_let_output_land_in_a_file() {
    let directory = tempfile::tempdir().expect("a temporary directory");
    let etc = demo(&directory.path().join("demo"));
    let before = std::fs::read(Path::new(&etc).join("main.cf")).expect("main.cf");
    // Without a standard output there is nobody to list it to.
    for (redirection, ended) in [("<&-", 0), (">&-", 69), ("2>&-", 0), ("<&- >&- 2>&-", 69)] {
        let line = format!("exec \"$0\" postqueue -c \"$1\" -p {redirection}");
        let status = Command::new("sh")
            .args(["-c", &line, env!("CARGO_BIN_EXE_spoolbox"), &etc])
            .output()
            .expect("sh starts")
            .status;
        assert_eq!(status.code(), Some(ended), "{redirection}: {status}");
    }
    assert_eq!(
        before,
        std::fs::read(Path::new(&etc).join("main.cf")).expect("main.cf")
    );
}

/// Writes a demo; returns its configuration directory.
fn demo(directory: &Path) -> String {
    let output = spoolbox(&["demo", &directory.display().to_string()]);
    assert!(output.status.success(), "{output:?}");
    directory.join("etc").display().to_string()
}

#[test]
fn the_demo_is_listed_and_its_commands_work() {
    let directory = tempfile::tempdir().expect("a temporary directory");
    let target = directory.path().join("demo");
    let output = spoolbox(&["demo", &target.display().to_string()]);
    let text = stdout(&output);
    assert!(output.status.success(), "{output:?}");
    assert!(text.contains(" in 20 Requests.\n"), "{text}");
    let commands: Vec<&str> = text
        .lines()
        .skip_while(|line| *line != "To try:")
        .filter_map(|line| line.strip_prefix("  "))
        .collect();
    assert_eq!(commands.len(), 5, "{text}");
    for command in commands {
        let output = Command::new("sh")
            .args(["-c", command])
            .output()
            .expect("sh starts");
        assert!(
            output.status.success() && !output.stdout.is_empty(),
            "{command}: {output:?}"
        );
    }
}

#[test]
fn the_demo_has_messages_whose_ids_match_their_inodes() {
    use std::os::unix::fs::MetadataExt;
    let directory = tempfile::tempdir().expect("a temporary directory");
    let target = directory.path().join("demo");
    demo(&target);
    let mut seen = 0;
    for queue in ["maildrop", "incoming", "active", "hold"] {
        for entry in std::fs::read_dir(target.join("spool").join(queue)).expect("a queue") {
            let entry = entry.expect("an entry");
            let (name, inode) = (entry.file_name(), entry.metadata().expect("stat").ino());
            let name = name.to_string_lossy();
            let is_long = name.rfind('z').is_some_and(|at| at >= 10);
            assert!(
                is_long || name.ends_with(&format!("{inode:X}")),
                "{queue}/{name}"
            );
            seen += 1;
        }
    }
    assert!(seen >= 10, "{seen}");
}

#[test]
fn the_demo_does_not_write_over_what_is_there() {
    let directory = tempfile::tempdir().expect("a temporary directory");
    std::fs::write(directory.path().join("mine"), "text").expect("a file");
    let output = spoolbox(&["demo", &directory.path().display().to_string()]);
    assert_eq!(output.status.code(), Some(1));
    assert!(
        String::from_utf8_lossy(&output.stderr).contains("not empty"),
        "{output:?}"
    );
}

#[test]
fn the_demo_works_for_an_ordinary_user() {
    if require(Needs::Root) == Met::No {
        return;
    }
    let directory = tempfile::Builder::new()
        .prefix("spoolbox-")
        .tempdir()
        .expect("a directory");
    let nobody = 65_534;
    std::os::unix::fs::chown(directory.path(), Some(nobody), Some(nobody)).expect("chown");
    // The build directory may be closed to others.
    let program = directory.path().join("spoolbox");
    install_ours(&program);
    let output = Command::new(&program)
        .args(["demo", &directory.path().join("demo").display().to_string()])
        .uid(nobody)
        .gid(nobody)
        .output()
        .expect("it starts");
    assert!(output.status.success(), "{output:?}");
    assert!(stdout(&output).contains(" in 20 Requests.\n"), "{output:?}");
}
