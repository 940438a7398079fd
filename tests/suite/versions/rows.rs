//! Each row of the table of differences between releases, by `--dialect`: no
//! other release has to be installed. Expected values are those that Postfix
//! 3.4.13, 3.5.25, 3.6.4, 3.7.11, 3.8.6, 3.10.13 and 3.11.7 printed for the
//! same files.

use std::fs;
use std::os::unix::ffi::OsStrExt;

use super::{Record, builder, is_in_incoming, json, message, put, run, size, stdout};
use crate::support::run::{Ended, Invocation, Program, Tool};
use crate::support::{Met, Needs, require};

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
    let all: &[Record<'_>] = &[(b'S', b"a"), (b'O', b""), (b'R', b"c"), (b'R', b"d")];
    put(&instance, "incoming", "ABCDE1", all);
    let early: &[Record<'_>] = &[(b'O', b"z"), (b'S', b"early"), (b'R', b"c")];
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
    let size = size([10, 100, 1, 0, 10]);
    let all = message(&[(b'C', &size), (b'S', b"a"), (b'R', b"c")], &[]);
    put(&instance, "maildrop", "ABCDE1", &all);
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
    let size = size([0; 5]);
    let all = message(&[(b'C', &size), (b'S', b"a")], &[]);
    put(&instance, "incoming", "ABCDE1", &all);
    let size = String::from_utf8_lossy(&size);
    let shown = |dialect| {
        let arguments = ["-e", "incoming/ABCDE1"];
        run(&instance, Tool::Postcat, dialect, &arguments)
    };
    for dialect in ["3.4", "3.6.4"] {
        let output = shown(dialect);
        assert_eq!(output.ended, Ended::Exited(1), "{output:?}");
        let expected = format!("fatal: invalid size record: {size}\n");
        assert!(output.stderr_text().ends_with(&expected), "{output:?}");
    }
    for dialect in ["3.7", "3.8.6", "3.9", "3.11.6"] {
        let output = shown(dialect);
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
    let size = size([1, 0, 1, 0, 1]);
    let all = message(&[(b'C', &size), (b'S', b"a")], &[(b'R', b"c")]);
    put(&instance, "incoming", "ABCDE1", &all);
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
        assert_eq!(
            is_in_incoming(&instance, "ABCDE"),
            is_bogus,
            "{dialect}: {text}"
        );
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
    let all: &[Record<'_>] = &[(b'S', b"a"), (b'R', b"c")];
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
fn row_s_a_nul_is_warned_of_in_a_file_that_cannot_be_used() {
    if require(Needs::Root) == Met::No {
        return;
    }
    let instance = builder().append("\0\n").build();
    let words = |dialect| run(&instance, Tool::Postsuper, dialect, &["-d", "ABC"]).stderr_text();
    let warning = "text after null byte may be ignored\n";
    assert!(!words("3.8.6").contains(warning));
    assert!(words("3.9").contains(warning));
    assert!(words("3.9").contains("missing attribute name"));
}

#[test]
fn row_t_qshape_says_the_twice_until_3_6() {
    let instance = builder().build();
    let usage = |dialect| run(&instance, Tool::Qshape, dialect, &["-h"]).stderr_text();
    assert!(usage("3.6.4").contains("only shown if the the domain is not a TLD, and at\n"));
    assert!(usage("3.7").contains("only shown if the domain is not a TLD, and at\n"));
}
