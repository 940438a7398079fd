//! Groups of options that are joined by --or, times of attempts and expiry, and
//! reasons as counts show them.

use spoolbox::queue_file::records::writer::QueueFile;

use super::selecting::by_jq;
use super::spool::{DAY, HOUR, now};
use std::fs::File;
use std::io::Read;
use std::process::Stdio;

use super::{filled, printed, real, run};
use crate::support::instance::Instance;
use crate::support::pty;
use crate::support::run::{Ended, Invocation, Program, Tool};
use crate::support::spool::{NewFile, Placed};
use crate::support::{Met, Needs, require};

#[test]
fn groups_are_joined_as_by_jq() {
    if require(Needs::Postfix) == Met::No {
        return;
    }
    let instance = filled();
    let bulk = r#"(.sender | test("@bulk"))"#;
    let grey = r#"any(.recipients[].delay_reason // ""; test("Greylisted"))"#;
    let hold = r#".queue_name == "hold""#;
    for (options, condition) in [
        (
            &[
                "--from",
                "*@bulk.example",
                "--queue",
                "hold",
                "--or",
                "--reason",
                "*refused",
            ][..],
            format!(
                r#"({bulk} and {hold}) or any(.recipients[].delay_reason // ""; test("refused"))"#
            ),
        ),
        (
            &[
                "--from",
                "*@bulk.example",
                "--not",
                "--reason",
                "*Greylisted*",
                "--or",
                "--queue",
                "hold",
            ],
            format!("({bulk} and ({grey} | not)) or {hold}"),
        ),
        (
            &[
                "--subject",
                "Large",
                "--or",
                "--body",
                "or never",
                "--or",
                "--reason",
                "*Greylisted*",
            ],
            format!(r#"({grey}) or (.sender == "root") or (.recipients | length == 3)"#),
        ),
        (
            &[
                "--sasl-user",
                "web17",
                "--subject",
                "none such",
                "--or",
                "--sasl-user",
                "web17",
                "--older",
                "1d",
            ],
            r#"(.recipients[0].address | test("Other")) and .message_size < 9000"#.to_owned(),
        ),
    ] {
        let expected = real(&instance, &by_jq(&condition));
        let ids = [&["--ids"][..], options].concat();
        assert_eq!(printed(&instance, &ids), expected, "{options:?}");
        assert!((1..10).contains(&expected.lines().count()), "{expected}");
        // postcat and postsuper find the same.
        let dry = [&["--dry-run", "--results=json", "-d", "MATCH"][..], options].concat();
        let dry = Invocation::new(Tool::Postsuper, &dry)
            .env("MAIL_CONFIG", instance.etc())
            .run(Program::Ours, &instance);
        let count = expected.lines().count();
        assert_eq!(dry.stdout_text().lines().count(), count, "{dry:?}");
        let shown = [&["--json", "-q"][..], options, &["MATCH"]].concat();
        let shown = Invocation::new(Tool::Postcat, &shown)
            .env("MAIL_CONFIG", instance.etc())
            .run(Program::Ours, &instance);
        assert_eq!(shown.stdout_text().lines().count(), count, "{shown:?}");
    }
}

/// A deferred message of this age that is due after `due` seconds.
fn deferred(instance: &Instance, sender: &str, age: i64, due: i64) -> Placed {
    let file = QueueFile::new(
        now() - age,
        sender,
        &["r@dest.example"],
        &["Subject: s", "", "x"],
    );
    let file = NewFile::new("deferred", file.to_bytes()).mtime(now() + due);
    instance.spool().put(&file)
}

#[test]
fn due_and_expires_are_a_forecast() {
    if require(Needs::Root) == Met::No {
        return;
    }
    let instance = Instance::builder()
        .set("maximal_queue_lifetime", "2d")
        .set("bounce_queue_lifetime", "1h")
        .build();
    let soon = deferred(&instance, "a@x", DAY, 300).id();
    let overdue = deferred(&instance, "b@x", 3 * DAY, -20).id();
    let later = deferred(&instance, "", 2 * HOUR, 3 * HOUR).id();
    let held = QueueFile::new(now() - 47 * HOUR, "c@x", &["r@x"], &["Subject: s", "", "x"]);
    let held = instance
        .spool()
        .put(&NewFile::new("hold", held.to_bytes()))
        .id();
    let ids = |options: &[&str]| {
        let listed = printed(&instance, &[&["--ids"], options].concat());
        let mut ids: Vec<String> = listed.lines().map(str::to_owned).collect();
        ids.sort();
        ids
    };
    let sorted = |ids: &[&String]| {
        let mut ids: Vec<String> = ids.iter().map(|id| (*id).clone()).collect();
        ids.sort();
        ids
    };
    assert_eq!(ids(&["--due", "10m"]), sorted(&[&soon, &overdue]));
    assert_eq!(ids(&["--due", "0s"]), sorted(&[&overdue]));
    assert_eq!(ids(&["--not", "--due", "10m"]), sorted(&[&later, &held]));
    assert_eq!(ids(&["--expires", "0s"]), sorted(&[&overdue, &later]));
    assert_eq!(
        ids(&["--expires", "1h30m"]),
        sorted(&[&overdue, &later, &held])
    );
    let values = |by: &str| {
        let rows = printed(&instance, &["-j", &format!("--count={by}")]);
        let value = |row: &str| {
            let row: serde_json::Value = serde_json::from_str(row).expect("JSON");
            format!(
                "{}:{}",
                row["value"].as_str().expect("a value"),
                row["messages"]
            )
        };
        rows.lines().map(value).collect::<Vec<_>>()
    };
    assert_eq!(
        values("due"),
        ["overdue:1", "within 5m:1", "within 4h:1", "(none):1"]
    );
    assert_eq!(
        values("expires"),
        ["expired:2", "within 1h:1", "within 1d:1"]
    );
    // qshape and postsuper read the same parameters.
    let qshape = Invocation::new(Tool::Qshape, ["--expires", "0s", "deferred"])
        .env("MAIL_CONFIG", instance.etc())
        .run(Program::Ours, &instance);
    assert!(qshape.stdout_text().contains("TOTAL  2"), "{qshape:?}");
    let dry = ["--dry-run", "-d", "MATCH", "--expires", "0s"];
    let dry = Invocation::new(Tool::Postsuper, dry)
        .env("MAIL_CONFIG", instance.etc())
        .run(Program::Ours, &instance);
    assert!(dry.stderr_text().contains("2 messages"), "{dry:?}");
    // The daemon does not tell when a message is due.
    let showq = run(&instance, &["--ids", "--source=showq", "--due", "1h"]);
    assert_ne!(showq.ended, Ended::Exited(0), "{showq:?}");
}

#[test]
fn what_counts_show_can_be_typed_back() {
    let instance = filled();
    let rows = printed(&instance, &["-j", "--count=reason"]);
    for row in rows.lines() {
        let row: serde_json::Value = serde_json::from_str(row).expect("JSON");
        let reason = row["value"].as_str().expect("a reason");
        let found = printed(&instance, &["-j", "--count=reason", "--reason", reason]);
        assert!(
            found.contains(&format!("\"recipients\": {}", row["recipients"])),
            "{found}"
        );
    }
    assert_eq!(rows.lines().count(), 2, "{rows}");
    let pairs = printed(&instance, &["-j", "--count=to-domain,reason"]);
    let pair = r#""value": "other.example", "value2": "connect to"#;
    assert!(pairs.contains(pair), "{pairs}");
    for (by, value) in [
        ("dsn", "4.4.1"),
        ("remote-host", "mx.dest.example"),
        ("subject", "three of them"),
        ("header:X-Mailer", "bulk 2.0"),
        (
            "from,header:x-mailer",
            "ann@example.com\", \"value2\": \"bulk 2.0",
        ),
        ("reason,sasl-user", "(none)"),
    ] {
        let rows = printed(&instance, &["-j", &format!("--count={by}")]);
        assert!(rows.contains(&format!("\"{value}\"")), "{by}: {rows}");
    }
}

#[test]
fn a_suspended_delivery_is_the_same_cause() {
    let instance = Instance::builder().build();
    for (number, prefix) in ["", "delivery temporarily suspended: "].iter().enumerate() {
        let message = deferred(&instance, "a@x", HOUR, 300);
        let log = format!(
            "<r@dest.example>: {prefix}x\nrecipient=r@dest.example\nstatus=4.4.1\n\
             action=delayed\nreason={prefix}connect to h{number}.example[192.0.2.{number}]:25: \
             Connection refused\n\n"
        );
        instance
            .spool()
            .put_log("defer", &message.name, log.as_bytes());
    }
    let rows = printed(&instance, &["--count=reason"]);
    let row = rows.lines().nth(1).expect("a row");
    assert!(row.trim_start().starts_with("2 "), "{rows}");
    assert!(
        row.ends_with("connect to \u{2026}: Connection refused"),
        "{rows}"
    );
    assert_eq!(rows.lines().count(), 2, "{rows}");
}

#[test]
fn mailq_selects_as_postqueue_does() {
    let instance = filled();
    for options in [
        &["--from", "*@bulk.example"][..],
        &["--not", "--queue=deferred", "--or", "--older", "1d12h"],
        &["--from", "nobody@x"],
    ] {
        let mailq = Invocation::new(Tool::Mailq, options)
            .env("MAIL_CONFIG", instance.etc())
            .env("TZ", "UTC")
            .run(Program::Ours, &instance);
        let listed = run(&instance, &[&["-p"], options].concat());
        assert_eq!(mailq.stdout_text(), listed.stdout_text(), "{options:?}");
        assert_eq!(mailq.stderr_text(), listed.stderr_text(), "{options:?}");
        assert_eq!(mailq.ended, Ended::Exited(0), "{options:?}");
    }
    let flush = Invocation::new(Tool::Mailq, ["-q", "--from", "x"])
        .env("MAIL_CONFIG", instance.etc())
        .run(Program::Ours, &instance);
    assert!(
        flush
            .stderr_text()
            .contains("--from can be used only to list"),
        "{flush:?}"
    );
    assert_ne!(flush.ended, Ended::Exited(0));
}

#[test]
fn postcat_shows_the_largest_or_the_first() {
    let instance = filled();
    let shown = |options: &[&str]| {
        let args = [&["--json", "-q", "MATCH", "--not", "--id", "none"], options].concat();
        let output = Invocation::new(Tool::Postcat, &args)
            .env("MAIL_CONFIG", instance.etc())
            .run(Program::Ours, &instance);
        let file = |row: &str| {
            let row: serde_json::Value = serde_json::from_str(row).expect("JSON");
            let file = row["file"].as_str().expect("a file").to_owned();
            file.rsplit('/').next().expect("an ID").to_owned()
        };
        let stdout = output.stdout_text();
        assert_eq!(output.ended, Ended::Exited(0), "{output:?}");
        stdout.lines().map(file).collect::<Vec<_>>()
    };
    for options in [
        &["--limit", "3"][..],
        &["--sort", "size", "--reverse", "--limit", "2"],
        &["--sort", "sender,id"],
        &["--limit", "0"],
    ] {
        let listed = printed(&instance, &[&["--ids"], options].concat());
        assert_eq!(
            shown(options),
            listed.lines().collect::<Vec<_>>(),
            "{options:?}"
        );
    }
    for wrong in [
        &["-q", "--limit", "1", "ID"][..],
        &["-q", "MATCH", "--id=x", "--reverse"],
    ] {
        let output = Invocation::new(Tool::Postcat, wrong)
            .env("MAIL_CONFIG", instance.etc())
            .run(Program::Ours, &instance);
        assert_eq!(output.ended, Ended::Exited(1), "{output:?}");
    }
}

/// What standard error shows if it is a terminal.
fn on_terminal(instance: &Instance, args: &[&str]) -> String {
    let pty = pty::open();
    let call = Invocation::new(Tool::Postqueue, args).env("MAIL_CONFIG", instance.etc());
    let mut command = call.command(Program::Ours, instance);
    command
        .stdin(Stdio::null())
        .stdout(Stdio::null())
        .stderr(Stdio::from(pty.slave));
    let mut child = command.spawn().expect("a program that starts");
    drop(command);
    let mut screen = Vec::new();
    // EIO is Linux's end of a terminal.
    let _ = File::from(pty.master).read_to_end(&mut screen);
    child.wait().expect("waitpid");
    String::from_utf8_lossy(&screen).into_owned()
}

#[test]
fn a_terminal_shows_senders_that_would_have_matched() {
    if require(Needs::Root) == Met::No {
        return;
    }
    let instance = filled();
    let file = QueueFile::new(1, "Joe\u{9b}31m@Bulk.example", &["r@x"], &["", "x"]);
    instance.spool().put(&NewFile::new("hold", file.to_bytes()));
    for (pattern, hint) in [
        ("bulk.EXAMPLE", "(3 messages), Joe"),
        ("bulk.EXAMPLE", "; try --from '*bulk.EXAMPLE'"),
        (
            "OFFERS@bulk.example",
            "similar senders: offers@bulk.example (3 messages)\r",
        ),
    ] {
        let shown = on_terminal(&instance, &["--ids", "--from", pattern]);
        assert!(shown.contains(hint), "{shown:?}");
        assert!(
            !shown.contains('\u{9b}') && !shown.contains('\x1b'),
            "{shown:?}"
        );
        // Programs that read standard error do not see it.
        let quiet = run(&instance, &["--ids", "--from", pattern]);
        assert!(!quiet.stderr_text().contains("similar"), "{quiet:?}");
    }
    let none = on_terminal(&instance, &["--ids", "--from", "nobody@x"]);
    assert!(
        none.contains("no message matches") && !none.contains("similar"),
        "{none}"
    );
}
