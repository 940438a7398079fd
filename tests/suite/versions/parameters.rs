//! Parameters of main.cf, and what depends on them, as each release has them,
//! by `--dialect`; and which release an instance is.

use std::fs;
use std::path::Path;

use spoolbox::release::Feature;

use super::{Record, builder, json, put, run, stdout};
use crate::support::instance::Instance;
use crate::support::postlog::{self, Postlog};
use crate::support::run::{Ended, Invocation, Program, Tool};
use crate::support::{Met, Needs, installed_release, require};

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
    let attributes: &[Record<'_>] = &[
        (b'A', b"=v"),
        (b'A', b" = y "),
        (b'A', b""),
        (b'A', b"x=y"),
        (b'E', b""),
    ];
    put(&instance, "incoming", "ABCDE1", attributes);
    let shown = |dialect| {
        let arguments = ["-e", "incoming/ABCDE1"];
        let output = run(&instance, Tool::Postcat, dialect, &arguments);
        let count = |text: String, words| text.matches(words).count();
        (
            count(output.stdout_text(), "named_attribute: "),
            count(output.stderr_text(), "missing attribute name: "),
        )
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
    let all: &[Record<'_>] = &[(b'T', b"1"), (b'R', b"early@x")];
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
    // No version: that of the daemons in the usual place, or the newest.
    let usual = Path::new("/usr/lib/postfix/sbin/showq").exists();
    let version = if usual {
        installed_release().to_string()
    } else {
        "3.12.0".to_owned()
    };
    let text = words("garbage");
    let reason = installed_release().has(Feature::ConnectReason) || !usual;
    let service = format!("Connect to the Postfix {version} showq service");
    assert_eq!(text.contains(&service), reason, "{text}");
}
