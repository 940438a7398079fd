//! Releases: `--dialect` shows each row of the table of differences between
//! releases, without the release being installed. Expected values are those
//! that Postfix 3.4.13, 3.5.25, 3.6.4, 3.7.11, 3.8.6, 3.10.13 and 3.11.7
//! printed for the same files.

use std::fs;
use std::os::unix::ffi::OsStrExt;
use std::path::Path;

use crate::support::instance::{Builder, Instance};
use crate::support::postlog::{self, Postlog};
use crate::support::run::{Ended, Invocation, Output, Program, Tool};
use crate::support::spool::{Name, NewFile};
use crate::support::{Met, Needs, require};

/// An instance that every release can read: before 3.5.9 a level is a number.
fn builder() -> Builder {
    Instance::builder().set("compatibility_level", "2")
}

/// The bytes of a queue file with these records.
fn records(records: &[(u8, &[u8])]) -> Vec<u8> {
    let mut bytes = Vec::new();
    for (kind, data) in records {
        let length = u8::try_from(data.len()).expect("a short record");
        assert!(length < 128);
        bytes.extend([*kind, length]);
        bytes.extend_from_slice(data);
    }
    bytes
}

fn put(instance: &Instance, queue: &str, id: &str, of: &[(u8, &[u8])]) {
    let file = NewFile::new(queue, records(of));
    instance
        .spool()
        .put(&file.named(Name::Literal(id.as_bytes().to_vec())));
}

fn run(instance: &Instance, tool: Tool, dialect: &str, arguments: &[&str]) -> Output {
    let dialect = format!("--dialect={dialect}");
    let arguments = [dialect.as_str()]
        .into_iter()
        .chain(arguments.iter().copied());
    Invocation::new(tool, arguments)
        .env("MAIL_CONFIG", instance.etc())
        .env("TZ", "UTC")
        .cwd(&instance.queue_directory())
        .run(Program::Ours, instance)
}

fn stdout(instance: &Instance, tool: Tool, dialect: &str, arguments: &[&str]) -> String {
    let output = run(instance, tool, dialect, arguments);
    assert_eq!(output.ended, Ended::Exited(0), "{dialect}: {output:?}");
    output.stdout_text()
}

fn json(instance: &Instance, dialect: &str) -> String {
    stdout(instance, Tool::Postqueue, dialect, &["-j"])
}

#[test]
fn row_m_and_l_marks_of_3_4() {
    let instance = builder().build();
    put(
        &instance,
        "incoming",
        "ABCDE123456",
        &[(b'S', b"a"), (b'R', b"c")],
    );
    let line = |dialect| {
        let text = stdout(&instance, Tool::Postqueue, dialect, &["-p"]);
        text.lines().nth(1).expect("a message").to_owned()
    };
    let (old, new) = (line("3.4.13"), line("3.5"));
    assert!(old.starts_with("ABCDE123456        6 "), "{old}");
    assert!(new.starts_with("ABCDE123456       6 "), "{new}");
    assert!(!json(&instance, "3.4").contains("forced_expire"));
    assert!(json(&instance, "3.5.8").contains("\"forced_expire\": false, \"sender\""));
}

#[test]
fn row_n_and_o_original_recipients() {
    let instance = builder().build();
    let all: &[(u8, &[u8])] = &[(b'S', b"a"), (b'O', b""), (b'R', b"c"), (b'R', b"d")];
    put(&instance, "incoming", "ABCDE1", all);
    let early: &[(u8, &[u8])] = &[(b'O', b"z"), (b'S', b"early"), (b'R', b"c")];
    put(&instance, "incoming", "ABCDE2", early);
    for (dialect, is_listed) in [("3.4", true), ("3.10.13", true), ("3.11.5", false)] {
        let listed = json(&instance, dialect);
        assert_eq!(listed.contains("early"), is_listed, "{dialect}: {listed}");
    }
    assert!(!json(&instance, "3.10.13").contains("orig_address"));
    let expected = "[{\"orig_address\": \"\\\"\\\"\", \"address\": \"c\"}, \
                    {\"orig_address\": \"d\", \"address\": \"d\"}]";
    let listed = json(&instance, "3.12-20260821");
    assert!(listed.contains(expected), "{listed}");
}

#[test]
fn row_g_and_h_utf_8_is_strict_since_3_9() {
    let instance = builder().set("smtputf8_enable", "yes").build();
    let sender = b"a\xe4\xb8b\xc0\xafc\xed\xa0\x80d\xf4\x90\x80\x80e";
    put(
        &instance,
        "incoming",
        "ABCDE1",
        &[(b'S', sender), (b'R', b"c")],
    );
    let shown = |dialect| {
        let output = run(&instance, Tool::Postqueue, dialect, &["-p"]);
        let line = output
            .stdout
            .split(|&b| b == b'\n')
            .nth(1)
            .expect("a message");
        line.split(|&b| b == b' ')
            .next_back()
            .expect("the sender")
            .to_vec()
    };
    assert_eq!(
        shown("3.8.20"),
        b"a\xe4\xb8b??c\xed\xa0\x80d\xf4\x90\x80\x80e"
    );
    for dialect in ["3.9", "3.11.6"] {
        assert_eq!(shown(dialect), b"a??b??c???d????e", "{dialect}");
    }
    let site = std::ffi::OsStr::from_bytes(b"a\xe4\xb8b");
    for (dialect, expected) in [("3.8.20", &b"a\xe4\xb8b"[..]), ("3.10", b"a??b")] {
        let arguments = [
            format!("--dialect={dialect}").into(),
            "-s".into(),
            site.to_owned(),
        ];
        let output = Invocation::new(Tool::Postqueue, arguments)
            .env("MAIL_CONFIG", instance.etc())
            .run(Program::Ours, &instance);
        let wanted = [b"destination: \"", expected, b"\"\n"].concat();
        assert!(output.stderr.ends_with(&wanted), "{output:?}");
    }
}

#[test]
fn row_i_and_c_preliminary_size_records() {
    let instance = builder().build();
    let size = format!("{:15} {:15} {:15} {:15} {:15}", 10, 100, 1, 0, 10);
    let all: &[(u8, &[u8])] = &[
        (b'C', size.as_bytes()),
        (b'S', b"a"),
        (b'R', b"c"),
        (b'M', b""),
        (b'N', b"text"),
        (b'X', b""),
        (b'E', b""),
    ];
    put(&instance, "maildrop", "ABCDE1", all);
    for (dialect, counts) in [
        ("3.6.20", true),
        ("3.7.16", true),
        ("3.7.17", false),
        ("3.8.11", true),
        ("3.8.12", false),
        ("3.10.4", true),
        ("3.10.5", false),
        ("3.11", false),
    ] {
        let listed = json(&instance, dialect);
        assert_eq!(
            listed.contains("\"message_size\": 10,"),
            counts,
            "{dialect}: {listed}"
        );
        let shown = run(&instance, Tool::Postcat, dialect, &["-bhq", "ABCDE1"]);
        assert_eq!(
            shown.stdout_text() != "text\n",
            counts,
            "{dialect}: {shown:?}"
        );
        let path = instance.queue_directory().join("maildrop/ABCDE1");
        let shown = run(
            &instance,
            Tool::Postcat,
            dialect,
            &["-bh", path.to_str().expect("a path")],
        );
        assert_ne!(
            shown.stdout_text(),
            "text\n",
            "{dialect}: by its absolute path"
        );
    }
}

#[test]
fn row_d_and_k_a_message_that_is_being_received() {
    let instance = builder().build();
    let size = format!("{:15} {:15} {:15} {:15} {:15}", 0, 0, 0, 0, 0);
    let all: &[(u8, &[u8])] = &[
        (b'C', size.as_bytes()),
        (b'S', b"a"),
        (b'M', b""),
        (b'N', b"text"),
        (b'X', b""),
        (b'E', b""),
    ];
    put(&instance, "incoming", "ABCDE1", all);
    for dialect in ["3.4", "3.6.4"] {
        let output = run(
            &instance,
            Tool::Postcat,
            dialect,
            &["-e", "incoming/ABCDE1"],
        );
        assert_eq!(output.ended, Ended::Exited(1), "{output:?}");
        let expected = format!("fatal: invalid size record: {size}\n");
        assert!(output.stderr_text().ends_with(&expected), "{output:?}");
    }
    for dialect in ["3.7", "3.8.6", "3.9", "3.11.6"] {
        let output = run(
            &instance,
            Tool::Postcat,
            dialect,
            &["-e", "incoming/ABCDE1"],
        );
        assert_eq!(output.ended, Ended::Exited(0), "{output:?}");
        let text = output.stdout_text();
        assert_eq!(text.matches("MESSAGE CONTENTS").count(), 1, "{text}");
        assert!(
            text.ends_with("*** MESSAGE FILE END incoming/ABCDE1 ***\n"),
            "{text}"
        );
        let expected = format!("warning: invalid size record: {size}\n");
        assert!(output.stderr_text().ends_with(&expected), "{output:?}");
    }
}

#[test]
fn row_d_an_extracted_segment_without_an_offset_is_not_gone_to_since_3_9() {
    let instance = builder().build();
    let size = format!("{:15} {:15} {:15} {:15} {:15}", 1, 0, 1, 0, 1);
    let all: &[(u8, &[u8])] = &[
        (b'C', size.as_bytes()),
        (b'S', b"a"),
        (b'M', b""),
        (b'N', b"text"),
        (b'X', b""),
        (b'R', b"c"),
        (b'E', b""),
    ];
    put(&instance, "incoming", "ABCDE1", all);
    let arguments = ["-e", "incoming/ABCDE1"];
    for (dialect, goes_there) in [("3.7.22", true), ("3.8.6", true), ("3.9", false)] {
        let output = run(&instance, Tool::Postcat, dialect, &arguments);
        let status = if goes_there { 1 } else { 0 };
        assert_eq!(output.ended, Ended::Exited(status), "{dialect}: {output:?}");
        let text = output.stdout_text();
        assert_ne!(text.contains("recipient: c\n"), goes_there, "{text}");
    }
}

#[test]
fn row_p_a_name_of_five_characters_is_renamed_or_bogus() {
    if require(Needs::Root) == Met::No {
        return;
    }
    for (dialect, is_bogus) in [
        ("3.4.13", false),
        ("3.5.26", false),
        ("3.5.27", true),
        ("3.7.11", false),
        ("3.10.13", true),
        ("3.11.5", false),
        ("3.11.6", true),
    ] {
        let instance = builder().build();
        put(
            &instance,
            "incoming",
            "ABCDE",
            &[(b'S', b"a"), (b'R', b"c")],
        );
        put(&instance, "incoming", "ABCD", &[(b'S', b"a"), (b'R', b"c")]);
        let output = run(&instance, Tool::Postsuper, dialect, &["-s"]);
        let text = output.stderr_text();
        assert!(text.contains("bogus file name: incoming/ABCD\n"), "{text}");
        let has_name = |name| {
            instance
                .queue_directory()
                .join("incoming")
                .join(name)
                .exists()
        };
        assert_eq!(has_name("ABCDE"), is_bogus, "{dialect}: {text}");
        let bogus = text.contains("bogus file name: incoming/ABCDE\n");
        assert_eq!(bogus, is_bogus, "{dialect}: {text}");
        assert_eq!(text.contains("Renamed"), !is_bogus, "{dialect}: {text}");
    }
}

#[test]
fn row_f_why_the_mail_system_is_down_is_said_since_3_7() {
    let instance = builder().build();
    let text = "Mail system is down -- accessing queue directly";
    let reason = " (Connect to the Postfix showq service: No such file or directory)";
    for (dialect, reason) in [("3.6.4", ""), ("3.7", reason), ("3.12", reason)] {
        let output = run(
            &instance,
            Tool::Postqueue,
            dialect,
            &["-p", "--source=spool"],
        );
        let expected = format!("postqueue: warning: {text}{reason}\n");
        assert_eq!(output.stderr_text(), expected, "{dialect}");
    }
}

#[test]
fn row_j_and_l_options_that_a_release_has_not() {
    if require(Needs::Root) == Met::No {
        return;
    }
    let instance = builder().build();
    let invalid = |tool, dialect, arguments: &[&str], letter: char| {
        let output = run(&instance, tool, dialect, arguments);
        let text = output.stderr_text();
        let is_invalid = text.contains(&format!("invalid option -- '{letter}'\n"));
        assert_eq!(is_invalid, text.contains("fatal: usage: "), "{text}");
        (is_invalid, text)
    };
    for (letter, arguments) in [('e', ["-e", "ABC"]), ('f', ["-vf", "ABC"])] {
        let (is_invalid, text) = invalid(Tool::Postsuper, "3.4.13", &arguments, letter);
        assert!(is_invalid && !text.contains("(expire"), "{text}");
        assert!(!invalid(Tool::Postsuper, "3.5", &arguments, letter).0);
    }
    let (_, text) = invalid(Tool::Postsuper, "3.5", &["-x"], 'x');
    assert!(
        text.contains("[-e queue_id (expire)] [-f queue_id"),
        "{text}"
    );
    for (letter, arguments) in [('r', ["-r", "/dev/null"]), ('s', ["-s1", "/dev/null"])] {
        assert!(invalid(Tool::Postcat, "3.6.4", &arguments, letter).0);
        assert!(!invalid(Tool::Postcat, "3.7", &arguments, letter).0);
    }
}

#[test]
fn row_l_reports_and_order_of_3_4() {
    if require(Needs::Root) == Met::No {
        return;
    }
    let instance = builder().build();
    let all: &[(u8, &[u8])] = &[(b'S', b"a"), (b'R', b"c")];
    let words = |dialect, arguments: &[&str]| {
        let output = run(&instance, Tool::Postsuper, dialect, arguments);
        assert_eq!(output.ended, Ended::Exited(0), "{output:?}");
        output.stderr_text()
    };
    assert_eq!(words("3.4.13", &["-d", "ABC"]), "");
    assert_eq!(
        words("3.5", &["-d", "ABC"]),
        "postsuper: Deleted: 0 messages\n"
    );
    put(&instance, "incoming", "ABCDE1", all);
    put(&instance, "incoming", "ABCDE2", all);
    let text = words("3.4.13", &["-h", "ABCDE1", "-d", "ABCDE1", "-r", "ABCDE2"]);
    let expected = "postsuper: ABCDE1: removed\npostsuper: ABCDE2: requeued\n\
                    postsuper: Requeued: 1 message\npostsuper: Deleted: 1 message\n";
    assert_eq!(text, expected);
    put(&instance, "incoming", "ABCDE1", all);
    let text = words("3.4.13", &["-h", "ABCDE1", "-d", "x", "-h", "ALL"]);
    let expected = "postsuper: warning: option \"-h ALL\" will ignore other command line queue \
                    IDs\npostsuper: Placed on hold: 1 message\n";
    assert_eq!(text, expected);
}

#[test]
fn row_l_unfinished_files_are_purged_after_one_day_before_3_5() {
    if require(Needs::Root) == Met::No {
        return;
    }
    let instance = builder().build();
    let path = instance.queue_directory().join("incoming/unfinished");
    let purge = |dialect, days: u64| {
        fs::write(&path, "").expect("a file");
        let age = std::time::Duration::from_secs(days * 24 * 3600 + 60);
        let then = std::time::SystemTime::now() - age;
        let file = fs::File::options()
            .write(true)
            .open(&path)
            .expect("the file");
        file.set_modified(then).expect("a time");
        let mode = std::os::unix::fs::PermissionsExt::from_mode(0o600);
        fs::set_permissions(&path, mode).expect("a mode");
        run(&instance, Tool::Postsuper, dialect, &["-p"]);
        !path.exists()
    };
    assert!(purge("3.4.13", 1) && !purge("3.5", 1));
    assert!(purge("3.5", 7));
}

#[test]
fn row_s_a_nul_in_main_cf_is_warned_of_since_3_9() {
    if require(Needs::Root) == Met::No {
        return;
    }
    let instance = builder().build();
    let path = instance.etc().join("main.cf");
    let text = fs::read_to_string(&path).expect("main.cf");
    let lines = text.lines().count() + 1;
    fs::write(&path, format!("{text}x = a\0b\n")).expect("main.cf");
    let words = |dialect| run(&instance, Tool::Postsuper, dialect, &["-d", "ABC"]).stderr_text();
    assert_eq!(words("3.8.6"), "postsuper: Deleted: 0 messages\n");
    let shown = path.display();
    assert_eq!(
        words("3.9"),
        format!(
            "postsuper: warning: {shown}, line {lines}: text after null byte may be ignored\n\
             postsuper: Deleted: 0 messages\n"
        )
    );
}

#[test]
fn row_t_qshape_says_the_twice_until_3_6() {
    let instance = builder().build();
    let usage = |dialect| run(&instance, Tool::Qshape, dialect, &["-h"]).stderr_text();
    assert!(usage("3.6.4").contains("only shown if the the domain is not a TLD, and at\n"));
    assert!(usage("3.7").contains("only shown if the domain is not a TLD, and at\n"));
}

#[test]
fn parameters_that_every_release_checks_at_its_start() {
    if require(Needs::Root) == Met::No {
        return;
    }
    for (name, value, words) in [
        (
            "inet_protocols",
            "ipv4 ipv9",
            "unknown inet_protocols value \"ipv9\" in \"ipv4 ipv9\"",
        ),
        (
            "setgid_group",
            "root",
            "parameter setgid_group: group root has privileged group ID",
        ),
    ] {
        let instance = builder().set(name, value).build();
        for (tool, arguments) in [
            (Tool::Postqueue, ["-p", "-v"]),
            (Tool::Postsuper, ["-d", "ABC"]),
            (Tool::Postcat, ["-q", "ABC"]),
        ] {
            let output = run(&instance, tool, "3.5", &arguments);
            assert!(
                output.stderr_text().ends_with(&format!("{words}\n")),
                "{output:?}"
            );
        }
    }
}

#[test]
fn a_compatibility_level_is_a_number_before_3_6() {
    if require(Needs::Root) == Met::No {
        return;
    }
    // Whether 3.4.13, 3.5.25 and 3.7.11 take it.
    for (level, accepted) in [
        ("2", [true, true, true]),
        ("-1", [true, true, false]),
        ("3.6", [false, true, true]),
        ("3.6x", [false, true, false]),
        ("2.", [false, true, false]),
        (".5", [false, false, false]),
        ("0x2", [false, false, false]),
        ("99999999999", [false, false, true]),
        ("", [false, false, false]),
    ] {
        let instance = Instance::builder()
            .set("compatibility_level", level)
            .build();
        for (dialect, accepts) in ["3.4.13", "3.5.25", "3.7.11"].into_iter().zip(accepted) {
            let output = run(&instance, Tool::Postsuper, dialect, &["-h", "ABC"]);
            let status = if accepts { 0 } else { 1 };
            assert_eq!(
                output.ended,
                Ended::Exited(status),
                "{level:?} {dialect}: {output:?}"
            );
            let number =
                format!("fatal: bad numerical configuration: compatibility_level = {level}\n");
            let version = format!("fatal: malformed compatibility level syntax: \"{level}\"\n");
            let expected = if dialect == "3.7.11" { version } else { number };
            let text = output.stderr_text();
            assert_eq!(
                text.ends_with(&expected),
                !accepts,
                "{level:?} {dialect}: {text}"
            );
        }
    }
}

#[test]
fn a_setting_without_a_name_is_refused_since_3_7() {
    if require(Needs::Root) == Met::No {
        return;
    }
    let instance = builder().build();
    let attributes: &[(u8, &[u8])] = &[
        (b'A', b"=v"),
        (b'A', b" = y "),
        (b'A', b""),
        (b'A', b"x=y"),
        (b'E', b""),
    ];
    put(&instance, "incoming", "ABCDE1", attributes);
    let shown = |dialect| {
        let output = run(
            &instance,
            Tool::Postcat,
            dialect,
            &["-e", "incoming/ABCDE1"],
        );
        let named = output.stdout_text().matches("named_attribute: ").count();
        let refused = output
            .stderr_text()
            .matches("missing attribute name: ")
            .count();
        (named, refused)
    };
    for dialect in ["3.4.13", "3.6.4"] {
        assert_eq!(shown(dialect), (3, 1), "{dialect}");
    }
    for dialect in ["3.5.25", "3.7.11", "3.11.7"] {
        assert_eq!(shown(dialect), (1, 3), "{dialect}");
    }
    let path = instance.etc().join("main.cf");
    let text = fs::read_to_string(&path).expect("main.cf");
    fs::write(&path, format!("{text}= 3\n")).expect("main.cf");
    for (dialect, accepts) in [
        ("3.4.13", true),
        ("3.6.4", true),
        ("3.5.25", false),
        ("3.9", false),
    ] {
        let output = run(&instance, Tool::Postsuper, dialect, &["-h", "ABC"]);
        let text = output.stderr_text();
        assert_eq!(
            text.contains("missing attribute name: \"= 3\""),
            !accepts,
            "{dialect}: {text}"
        );
        assert_eq!(
            output.ended == Ended::Exited(0),
            accepts,
            "{dialect}: {text}"
        );
    }
}

#[test]
fn the_warning_of_a_missing_sender_has_no_address() {
    let instance = postlog::configure(builder()).build();
    let log = Postlog::start(&instance);
    let all: &[(u8, &[u8])] = &[(b'T', b"1"), (b'R', b"early@x")];
    put(&instance, "incoming", "ABCDE1", all);
    run(
        &instance,
        Tool::Postqueue,
        "3.11.7",
        &["-p", "--source=spool"],
    );
    let lines = log.take();
    let expected = "ABCDE1: missing sender address:  -- skipping remainder of this file";
    assert!(
        lines.iter().any(|line| line.ends_with(expected)),
        "{lines:?}"
    );
}

#[test]
fn respectful_logging_is_checked_since_3_6() {
    if require(Needs::Root) == Met::No {
        return;
    }
    let instance = builder().set("respectful_logging", "maybe").build();
    let words = |dialect| run(&instance, Tool::Postsuper, dialect, &["-d", "ABC"]).stderr_text();
    assert_eq!(words("3.5.25"), "postsuper: Deleted: 0 messages\n");
    let text = "postsuper: fatal: bad boolean configuration: respectful_logging = maybe\n";
    assert_eq!(words("3.6.4"), text);
}

#[test]
fn an_unknown_setgid_group_ends_all_but_listings() {
    if require(Needs::Root) == Met::No {
        return;
    }
    let instance = builder().set("setgid_group", "nosuchgroup").build();
    let words = "parameter setgid_group: unknown group name: nosuchgroup\n";
    for (tool, arguments) in [
        (Tool::Postsuper, ["-d", "ABC"]),
        (Tool::Postcat, ["-q", "ABC"]),
    ] {
        let output = run(&instance, tool, "3.7", &arguments);
        assert_eq!(output.ended, Ended::Exited(1), "{output:?}");
        assert!(output.stderr_text().ends_with(words), "{output:?}");
    }
    assert_eq!(json(&instance, "3.7"), "");
}

#[test]
fn postcat_works_whatever_maillog_file_is() {
    let instance = builder().set("maillog_file", "/nope/x").build();
    let output = run(&instance, Tool::Postcat, "3.7", &["/dev/null"]);
    assert_eq!(output.ended, Ended::Exited(0), "{output:?}");
    assert_eq!(output.stderr_text(), "");
}

#[test]
fn a_log_on_standard_output_has_what_postlogd_does_not_take() {
    if require(Needs::Root) == Met::No {
        return;
    }
    let instance = builder().set("maillog_file", "/dev/stdout").build();
    for dialect in ["3.7.22", "3.9.14", "3.10.13", "3.11"] {
        let text = stdout(&instance, Tool::Postsuper, dialect, &["-d", "ABC"]);
        assert!(
            text.ends_with("]: Deleted: 0 messages\n"),
            "{dialect}: {text:?}"
        );
        assert!(text.contains(" postfix/postsuper["), "{text:?}");
    }
    for dialect in ["3.6.4", "3.7.11", "3.8.6"] {
        let text = stdout(&instance, Tool::Postsuper, dialect, &["-d", "ABC"]);
        assert_eq!(text, "", "{dialect}");
    }
}

#[test]
fn a_showq_service_that_is_no_program_ends_a_listing_without_a_mail_system() {
    let daemons = tempfile::tempdir().expect("a directory");
    let path = daemons.path().to_str().expect("a path").to_owned();
    let instance = builder()
        .set("showq_service_name", "nosuch")
        .set("daemon_directory", &path)
        .build();
    let output = run(&instance, Tool::Postqueue, "3.7", &["-p"]);
    assert_eq!(output.ended, Ended::Exited(69), "{output:?}");
    let words = format!(
        "postqueue: fatal: vstream_popen: execvp {path}/nosuch: No such file or directory\n\
         postqueue: fatal: malformed showq server response\n"
    );
    assert!(output.stderr_text().ends_with(&words), "{output:?}");
}

#[test]
fn mail_version_in_main_cf_is_that_of_the_daemons() {
    let daemons = tempfile::tempdir().expect("a directory");
    let path = daemons.path().to_str().expect("a path").to_owned();
    let instance = builder()
        .set("daemon_directory", &path)
        .set("mail_name", "Postfix $mail_version")
        .build();
    let words = |version: &str| {
        let text = format!("x\0mail_version={version}\0");
        fs::write(Path::new(&path).join("showq"), text).expect("a daemon");
        let call = Invocation::new(Tool::Postqueue, ["-p", "--source=showq"]);
        let call = call.env("MAIL_CONFIG", instance.etc());
        call.run(Program::Ours, &instance).stderr_text()
    };
    let expected = "Connect to the Postfix 3.12-20260821 showq service";
    assert!(words("3.12-20260821").contains(expected));
    // Of before 3.7, hence without a reason.
    let text = "postqueue: fatal: Queue report unavailable - mail system is down\n";
    assert_eq!(words("3.5.25"), text);
    // No version: the newest.
    assert!(words("garbage").contains("Connect to the Postfix 3.12.0 showq service"));
}

#[test]
fn a_dialect_that_is_no_version_is_refused_by_every_tool() {
    if require(Needs::Root) == Met::No {
        return;
    }
    let instance = builder().build();
    for (tool, arguments) in [
        (Tool::Postqueue, ["-p", "-v"]),
        (Tool::Postsuper, ["-d", "ABC"]),
        (Tool::Postcat, ["-q", "ABC"]),
        (Tool::Mailq, ["-v", "-v"]),
        (Tool::Qshape, ["-p", "hold"]),
    ] {
        for version in ["", "3", "newest", "3.5.x", "\u{1b}[2J"] {
            let output = run(&instance, tool, version, &arguments);
            assert_ne!(
                output.ended,
                Ended::Exited(0),
                "{tool:?} {version:?}: {output:?}"
            );
            assert!(output.stderr_text().contains("--dialect"), "{output:?}");
            assert!(!output.stderr_text().contains('\u{1b}'), "{output:?}");
        }
        let output = run(&instance, tool, "3.12-20260821", &arguments);
        assert!(!output.stderr_text().contains("--dialect"), "{output:?}");
    }
}

#[test]
fn versions_are_compared_in_one_place() {
    let source = Path::new(env!("CARGO_MANIFEST_DIR")).join("src");
    let mut directories = vec![source.clone()];
    while let Some(directory) = directories.pop() {
        for entry in fs::read_dir(directory).expect("a directory") {
            let path = entry.expect("an entry").path();
            if path.is_dir() {
                directories.push(path);
                continue;
            }
            let text = fs::read_to_string(&path).expect("a source file");
            let is_place = path.starts_with(source.join("release"));
            for needle in [
                ".minor",
                ".patch",
                ".major",
                "Release::new",
                "release <",
                "release >",
            ] {
                let found = text.contains(needle);
                assert!(is_place || !found, "{}: {needle}", path.display());
            }
        }
    }
}
