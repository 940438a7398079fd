//! `--instance` and `--all-instances` in postsuper, postcat and qshape.

use std::io::Read;
use std::process::Stdio;

use nix::sys::signal::{Signal, kill};
use nix::unistd::Pid;

use super::instances::two;
use super::{printed, spool};
use crate::support::instance::{Instance, write_aged};
use crate::support::run::{Ended, Invocation, Output, Program, Tool};
use crate::support::{Met, Needs, require};

/// Runs one of our other tools for the instances of `main`.
fn tool(main: &Instance, tool: Tool, args: &[&str]) -> Output {
    Invocation::new(tool, args)
        .env("MAIL_CONFIG", main.etc())
        .env("TZ", "UTC")
        .run(Program::Ours, main)
}

/// The number of messages on hold in an instance of `main`, as a line.
fn held_by(main: &Instance, which: &str) -> String {
    printed(main, &["--count", "--queue=hold", which])
}

#[test]
fn postsuper_acts_in_each_instance_and_says_where() {
    if require(Needs::Root) == Met::No {
        return;
    }
    let (main, out) = two();
    spool::fill(&out);
    let act = |args: &[&str]| tool(&main, Tool::Postsuper, args);
    let count = |instance: &str| printed(&main, &["--count", "--queue=hold", instance]);
    // The limit is that of all together: nothing is done.
    let options = ["-h", "ALL", "--all-instances", "--max", "7", "deferred"];
    let refused = act(&options);
    assert_eq!(refused.ended, Ended::Exited(1));
    let said = "8 messages match in 2 instances, and --max is 7: nothing was done";
    assert!(refused.stderr_text().contains(said), "{refused:?}");
    assert_eq!(
        (count("--instance=-"), count("--instance=postfix-out")),
        ("2\n".into(), "2\n".into())
    );
    let dry = act(&["-h", "ALL", "--all-instances", "--dry-run", "deferred"]);
    assert_eq!(dry.ended, Ended::Exited(0), "{dry:?}");
    assert!(
        dry.stdout_text().contains("\n==> postfix-out <==\n"),
        "{dry:?}"
    );
    let json = act(&[
        "-h",
        "ALL",
        "--all-instances",
        "--max",
        "8",
        "--results=json",
        "--quiet",
        "deferred",
    ]);
    assert_eq!(json.ended, Ended::Exited(0), "{json:?}");
    let of = |name: &str| {
        let end = format!(", \"instance\": \"{name}\"}}");
        let text = json.stdout_text();
        text.lines().filter(|line| line.ends_with(&end)).count()
    };
    assert_eq!((of("-"), of("postfix-out")), (4, 4), "{json:?}");
    assert_eq!(
        (count("--instance=-"), count("--instance=postfix-out")),
        ("6\n".into(), "6\n".into())
    );
    // A trash and an undo in each.
    let trashed = act(&["--trash", "-d", "ALL", "--all-instances", "hold"]);
    assert_eq!(trashed.ended, Ended::Exited(0), "{trashed:?}");
    let said = trashed.stderr_text();
    assert!(said.contains("postsuper: ==> postfix-out <==\n"), "{said}");
    assert_eq!(
        said.matches("Moved to trash: 6 messages").count(),
        2,
        "{said}"
    );
    let list = act(&["--trash-list", "--results=json", "--all-instances"]);
    assert_eq!(list.stdout_text().lines().count(), 2, "{list:?}");
    let undone = act(&["--undo", "--all-instances"]);
    assert_eq!(
        undone.stderr_text().matches("Restored: 6 messages").count(),
        2,
        "{undone:?}"
    );
    let released = act(&["-H", "ALL", "--instance", "postfix-out"]);
    assert_eq!(released.ended, Ended::Exited(0), "{released:?}");
    assert_eq!(
        (count("--instance=-"), count("--instance=postfix-out")),
        ("6\n".into(), "0\n".into())
    );
    // An ID is of one instance only.
    for args in [
        &["-d", "ABC123", "--all-instances"][..],
        &["-d", "-", "--all-instances"],
    ] {
        let refused = act(args);
        assert_eq!(refused.ended, Ended::Exited(1), "{refused:?}");
        assert!(
            refused.stderr_text().contains("use --instance NAME"),
            "{refused:?}"
        );
    }
}

/// Ten deletions in each instance may be more than anybody wanted to allow.
#[test]
fn the_limit_of_postsuper_is_that_of_all_instances_together() {
    if require(Needs::Root) == Met::No {
        return;
    }
    let (main, out) = two();
    spool::fill(&out);
    let act = |args: &[&str]| tool(&main, Tool::Postsuper, args);
    let hold = |more: &[&str]| {
        let args = [&["-h", "ALL", "--all-instances"][..], more, &["deferred"]];
        act(&args.concat())
    };
    let held = || {
        let count = |which: &str| held_by(&main, which);
        (count("--instance=-"), count("--instance=postfix-out"))
    };
    let pair = |a: u64, b: u64| (format!("{a}\n"), format!("{b}\n"));
    assert_eq!(held(), pair(2, 2));
    // Four are deferred in each.
    let dry = hold(&["--limit=5", "--dry-run"]);
    let said = dry.stderr_text();
    for count in ["hold: 4 messages", "hold: 1 message\n"] {
        assert!(said.contains(count), "{said}");
    }
    assert_eq!(held(), pair(2, 2));
    let done = hold(&["--limit=3"]);
    assert_eq!(done.ended, Ended::Exited(0), "{done:?}");
    let said = "--limit 3 is reached: 1 instance is left as before";
    assert!(done.stderr_text().contains(said), "{done:?}");
    assert_eq!(held(), pair(5, 2));
    // The rest of it.
    let done = hold(&["--limit=4", "--max=100"]);
    assert_eq!(done.ended, Ended::Exited(0), "{done:?}");
    assert_eq!(held(), pair(6, 5));
    // An instance that fails uses up nothing.
    std::fs::remove_dir_all(main.queue_directory()).expect("no queue");
    let done = hold(&["--limit=9"]);
    assert_eq!(done.ended, Ended::Exited(1), "{done:?}");
    let left = held_by(&main, "--instance=postfix-out");
    assert_eq!(left, "6\n");
}

#[test]
fn after_a_kill_nothing_is_left_of_the_limit() {
    if require(Needs::Root) == Met::No {
        return;
    }
    let (main, out) = two();
    spool::fill(&out);
    let args = ["-H", "ALL", "--all-instances", "--limit=8", "--rate=1/m"];
    let mut child = Invocation::new(Tool::Postsuper, args)
        .env("MAIL_CONFIG", main.etc())
        .command(Program::Ours, &main)
        .stdin(Stdio::null())
        .stdout(Stdio::null())
        .stderr(Stdio::piped())
        .spawn()
        .expect("postsuper starts");
    let children = format!("/proc/{0}/task/{0}/children", child.id());
    // One of the two messages that the first instance holds is released at once.
    let worker = loop {
        assert!(child.try_wait().expect("a status").is_none(), "too fast");
        let children = std::fs::read_to_string(&children).expect("it runs");
        let held = held_by(&main, "--instance=-");
        match children.trim().parse() {
            Ok(worker) if held == "1\n" => break Pid::from_raw(worker),
            _ => {}
        }
    };
    kill(worker, Signal::SIGKILL).expect("kill");
    let output = child.wait_with_output().expect("its end");
    assert_eq!(output.status.code(), Some(1));
    let said = String::from_utf8_lossy(&output.stderr);
    let expected = "--limit 8 may be reached, the work in - ended early: 1 instance is left";
    assert!(said.contains(expected), "{said}");
    let held = held_by(&main, "--instance=postfix-out");
    assert_eq!(held, "2\n");
}

#[test]
fn postcat_shows_the_messages_of_each_instance() {
    let (main, out) = two();
    spool::fill(&out);
    let ids = printed(&main, &["--ids", "--queue=hold", "--instance=postfix-out"]);
    let id = ids.lines().next().expect("an ID");
    let cat = |args: &[&str]| tool(&main, Tool::Postcat, args);
    let shown = cat(&["-q", "--all-instances", id]);
    assert_eq!(shown.ended, Ended::Exited(0), "{shown:?}");
    let expected = cat(&["-q", "--instance=postfix-out", id]).stdout_text();
    let heading = "==> postfix-out <==\n";
    assert!(
        shown
            .stdout_text()
            .ends_with(&format!("{heading}{expected}")),
        "{shown:?}"
    );
    let json = cat(&["-q", "--json", "--all-instances", "MATCH", "--queue=hold"]);
    let names: Vec<String> = json
        .stdout_text()
        .lines()
        .map(|line| {
            let value: serde_json::Value = serde_json::from_str(line).expect("JSON");
            value["instance"].as_str().expect("a name").to_owned()
        })
        .collect();
    assert_eq!(names, ["-", "-", "postfix-out", "postfix-out"]);
    let missing = cat(&["-q", "--all-instances", "ABCDEF123"]);
    assert_eq!(missing.ended, Ended::Exited(1));
    assert!(
        missing
            .stderr_text()
            .contains("no instance has the queue ID ABCDEF123")
    );
    let files = cat(&["--all-instances", "/etc/hostname"]);
    assert!(
        files.stderr_text().contains("require -q and an operand"),
        "{files:?}"
    );
}

#[test]
fn qshape_counts_each_instance() {
    let (main, out) = two();
    spool::fill(&out);
    let shape = |args: &[&str]| tool(&main, Tool::Qshape, args);
    let text = shape(&["--all-instances", "deferred"]).stdout_text();
    let alone = shape(&["--instance=postfix-out", "deferred"]).stdout_text();
    assert!(alone.contains("TOTAL"), "{alone}");
    assert!(text.starts_with("==> - <==\n"), "{text}");
    assert!(
        text.ends_with(&format!("\n==> postfix-out <==\n{alone}")),
        "{text}"
    );
    let json = shape(&["--all-instances", "--json", "--from", "*", "deferred"]).stdout_text();
    let lines: Vec<&str> = json.lines().collect();
    assert_eq!(lines.len(), 2, "{json}");
    assert!(lines[0].ends_with(", \"instance\": \"-\"}"), "{json}");
    assert!(
        lines[1].ends_with(", \"instance\": \"postfix-out\"}"),
        "{json}"
    );
    let refused = shape(&["--all-instances", "/var/spool/postfix/hold"]);
    assert_eq!(refused.ended, Ended::Exited(1), "{refused:?}");
}

#[test]
fn what_one_instance_has_is_shown_although_another_one_cannot_be_read() {
    let (main, out) = two();
    let id = printed(&main, &["--ids", "--queue=hold", "--instance=-"]);
    let id = id.lines().next().expect("an ID");
    write_aged(&out.etc().join("main.cf"), "queue_directory\n");
    let broken = out.etc().display().to_string();
    for (which, args, shown) in [
        (Tool::Qshape, &["--all-instances", "hold"][..], "TOTAL"),
        (
            Tool::Postcat,
            &["-q", "--all-instances", id],
            "*** MESSAGE CONTENTS",
        ),
    ] {
        let output = tool(&main, which, args);
        assert_eq!(output.ended, Ended::Exited(1), "{output:?}");
        assert!(output.stdout_text().contains(shown), "{output:?}");
        assert!(output.stderr_text().contains(&broken), "{output:?}");
    }
    // Nobody knows what the other one has.
    let missing = tool(
        &main,
        Tool::Postcat,
        &["-q", "--all-instances", "ABCDEF123"],
    );
    assert_eq!(missing.ended, Ended::Exited(1), "{missing:?}");
    assert!(missing.stderr_text().contains(&broken), "{missing:?}");
}

#[test]
fn the_work_ends_when_the_command_is_killed() {
    if require(Needs::Root) == Met::No {
        return;
    }
    let (main, out) = two();
    spool::fill(&out);
    let held = |which: &str| -> u64 {
        let text = held_by(&main, which);
        text.trim().parse().expect("a number")
    };
    let args = ["-h", "ALL", "--instance=-", "deferred"];
    assert_eq!(tool(&main, Tool::Postsuper, &args).ended, Ended::Exited(0));
    assert_eq!(held("--instance=-"), 6);
    let args = ["-H", "ALL", "--all-instances", "--rate", "2/s"];
    let mut child = Invocation::new(Tool::Postsuper, args)
        .env("MAIL_CONFIG", main.etc())
        .command(Program::Ours, &main)
        .stdin(Stdio::null())
        .stdout(Stdio::null())
        .stderr(Stdio::piped())
        .spawn()
        .expect("postsuper starts");
    while held("--instance=-") == 6 {
        assert!(child.try_wait().expect("a status").is_none(), "too fast");
    }
    child.kill().expect("it runs");
    // Standard error is open as long as one of the processes lives.
    let mut said = String::new();
    let mut stderr = child.stderr.take().expect("a pipe");
    stderr.read_to_string(&mut said).expect("text");
    child.wait().expect("it ended");
    assert!(said.contains("stopped by SIGTERM"), "{said}");
    assert!(held("--instance=-") >= 2, "{said}");
    assert_eq!(held("--instance=postfix-out"), 2, "{said}");
}
