//! The rows of the table of differences between releases, compared with the installed
//! Postfix: here 3.7.11, and in the systems of `releases` theirs. Each test runs a case
//! for which the programs of some releases differ.

use std::ffi::{OsStr, OsString};
use std::fs;
use std::os::unix::ffi::OsStrExt;

use spoolbox::release::Feature;

use super::{Record, builder, is_in_incoming, message, put, size};
use crate::support::compare::{same, same_output};
use crate::support::instance::Instance;
use crate::support::run::{Ended, Invocation, Output, Program, Tool};
use crate::support::{Met, Needs, installed_release, require, under_test};

fn call<A: AsRef<OsStr>>(instance: &Instance, tool: Tool, arguments: &[A]) -> Invocation {
    Invocation::new(tool, arguments)
        .env("MAIL_CONFIG", instance.etc())
        .env("TZ", "UTC")
        .cwd(&instance.queue_directory())
}

fn alike<A: AsRef<OsStr>>(instance: &Instance, tool: Tool, arguments: &[A]) -> Output {
    let call = call(instance, tool, arguments);
    same_output(instance, &call).unwrap_or_else(|text| panic!("{text}"))
}

/// Both listings of an instance with one message of these records.
fn listed_alike(queue: &str, records: &[Record<'_>]) -> [String; 2] {
    let instance = builder().build();
    put(&instance, queue, "ABCDE1", records);
    ["-p", "-j"].map(|form| alike(&instance, Tool::Postqueue, &[form]).stdout_text())
}

#[test]
fn row_c_and_i_a_preliminary_size_record_in_maildrop() {
    if require(Needs::Postfix) == Met::No {
        return;
    }
    let size = size([10, 100, 1, 0, 10]);
    let records = &message(&[(b'C', &size), (b'S', b"a"), (b'R', b"c")], &[]);
    let [_, json] = listed_alike("maildrop", records);
    assert!(json.contains("\"queue_name\": \"maildrop\""), "{json}");
    let instance = builder().build();
    put(&instance, "maildrop", "ABCDE1", records);
    let path = instance.queue_directory().join("maildrop/ABCDE1");
    let path = path.to_str().expect("a path");
    for arguments in [
        &["-q", "ABCDE1"][..],
        &["-bhq", "ABCDE1"],
        &["-eq", "ABCDE1"],
        &["maildrop/ABCDE1"],
        &["-bh", "maildrop/ABCDE1"],
        &["-bh", path],
        &["./maildrop/ABCDE1"],
    ] {
        alike(&instance, Tool::Postcat, arguments);
    }
}

#[test]
fn row_i_the_size_of_a_requeued_message() {
    if require(Needs::Postfix) == Met::No {
        return;
    }
    let size = size([5, 200, 1, 0, 5]);
    let time: Record<'_> = (b'T', b"1700000000 0");
    let envelope = [(b'C', size.as_slice()), time, (b'S', b"a"), (b'R', b"c")];
    let records = &message(&envelope, &[]);
    let instance = builder().build();
    put(&instance, "deferred", "ABCDE1", records);
    let requeue = call(&instance, Tool::Postsuper, &["-r", "ALL"]);
    let done = requeue.run(under_test(), &instance);
    assert_eq!(done.ended, Ended::Exited(0), "{done:?}");
    let listing = alike(&instance, Tool::Postqueue, &["-j"]).stdout_text();
    assert!(
        listing.contains("\"queue_name\": \"maildrop\""),
        "{listing}"
    );
    alike(&instance, Tool::Postqueue, &["-p"]);
}

#[test]
fn row_d_and_k_size_records_that_cannot_be_used() {
    if require(Needs::Postfix) == Met::No {
        return;
    }
    let release = installed_release();
    // 3.7 and 3.8 never end with these.
    let loops = release.has(Feature::InvalidSizeIsWarning)
        && !release.has(Feature::ExtractedSegmentNeedsOffset);
    let mut sizes = vec![b"x".to_vec(), Vec::new(), b"1 2 3".to_vec()];
    if !loops {
        sizes.extend([size([0; 5]), size([0, 0, 0, 1, 0])]);
    }
    for size in sizes {
        let instance = builder().build();
        let records = &message(&[(b'C', &size), (b'S', b"a"), (b'R', b"c")], &[]);
        put(&instance, "incoming", "ABCDE1", records);
        for arguments in [&["incoming/ABCDE1"][..], &["-e", "incoming/ABCDE1"]] {
            alike(&instance, Tool::Postcat, arguments);
        }
        listed_alike("incoming", records);
    }
}

#[test]
fn row_f_why_the_mail_system_is_down() {
    if require(Needs::Postfix) == Met::No {
        return;
    }
    let instance = builder().build();
    let output = alike(&instance, Tool::Postqueue, &["-p"]);
    let reason = "(Connect to the Postfix showq service: ";
    let has_reason = installed_release().has(Feature::ConnectReason);
    assert_eq!(output.stderr_text().contains(reason), has_reason);
}

#[test]
fn row_g_and_h_what_is_no_utf_8() {
    if require(Needs::Time) == Met::No || require(Needs::Postfix) == Met::No {
        return;
    }
    let texts: [&[u8]; 6] = [
        b"a\xe4\xb8b",
        b"\xc0\xaf",
        b"\xed\xa0\x80",
        b"\xf4\x90\x80\x80",
        b"\x80x\xff",
        "j\u{fc}rgen".as_bytes(),
    ];
    for text in texts {
        for smtputf8 in ["yes", "no"] {
            let instance = builder().set("smtputf8_enable", smtputf8).build();
            put(
                &instance,
                "incoming",
                "ABCDE1",
                &[(b'S', text), (b'R', text)],
            );
            for form in ["-p", "-j"] {
                alike(&instance, Tool::Postqueue, &[form]);
            }
            let odd = OsStr::from_bytes(text).to_owned();
            alike(&instance, Tool::Postsuper, &["-d".into(), odd.clone()]);
            alike(&instance, Tool::Postqueue, &["-s".into(), odd.clone()]);
            alike::<OsString>(&instance, Tool::Postcat, &["-q".into(), odd]);
        }
    }
}

#[test]
fn row_j_and_l_options() {
    if require(Needs::Postfix) == Met::No {
        return;
    }
    let instance = builder().build();
    for (tool, arguments) in [
        (Tool::Postcat, &["-r", "/dev/null"][..]),
        (Tool::Postcat, &["-s1", "/dev/null"]),
        (Tool::Postsuper, &["-e", "ABC"]),
        (Tool::Postsuper, &["-f", "ABC"]),
        (Tool::Postsuper, &["-d", "ABC"]),
        (Tool::Postsuper, &["-h", "ALL", "-d", "x"]),
        (Tool::Postsuper, &["-x"]),
    ] {
        alike(&instance, tool, arguments);
    }
}

#[test]
fn row_n_and_o_original_recipients() {
    if require(Needs::Postfix) == Met::No {
        return;
    }
    let [_, json] = listed_alike(
        "incoming",
        &[(b'S', b"a"), (b'O', b""), (b'R', b"c"), (b'R', b"d")],
    );
    let has_original = installed_release().has(Feature::OriginalRecipient);
    assert_eq!(json.contains("orig_address"), has_original, "{json}");
    listed_alike("incoming", &[(b'O', b"z"), (b'S', b"early"), (b'R', b"c")]);
    listed_alike("deferred", &[(b'S', b""), (b'O', b"z"), (b'R', b"c")]);
}

/// How often a repair is compared before it counts as different.
const ATTEMPTS: usize = 4;

/// What `postsuper -s` says of a queue with short names.
fn repaired(program: Program) -> (Output, Vec<bool>) {
    let instance = builder().build();
    let names = ["ABCDE", "ABCD", "ABCDE#FIX", "A#FIX", "1234567"];
    for name in names {
        put(&instance, "incoming", name, &[(b'S', b"a"), (b'R', b"c")]);
    }
    let output = call(&instance, Tool::Postsuper, &["-s"]).run(program, &instance);
    let is_left = |name| is_in_incoming(&instance, name);
    (output, names.map(is_left).to_vec())
}

#[test]
fn row_p_names_without_an_inode_number() {
    if require(Needs::Postfix) == Met::No {
        return;
    }
    let sorted = |output: &Output| {
        let text = output.stderr_text();
        let mut lines: Vec<_> = text.lines().map(str::to_owned).collect();
        lines.sort();
        lines
    };
    let both = || (repaired(Program::Theirs), repaired(under_test()));
    let mut runs = both();
    // The new names hold inode numbers, on which the order of the directory
    // depends, and on that whether the second walk repeats a warning.
    for _ in 1..ATTEMPTS {
        if sorted(&runs.0.0) != sorted(&runs.1.0) {
            runs = both();
        }
    }
    let ((theirs, left), (ours, ours_left)) = runs;
    assert_eq!(sorted(&ours), sorted(&theirs));
    assert_eq!(ours_left, left, "{theirs:?}");
    let is_bogus = installed_release().has(Feature::FiveCharacterNameIsBogus);
    assert_eq!(left.first(), Some(&is_bogus), "{theirs:?}");
}

#[test]
fn row_q_and_r_what_old_releases_crash_at() {
    if require(Needs::Postfix) == Met::No {
        return;
    }
    for (records, is_sound) in [
        (&[(b'R', &b"c"[..])][..], true),
        (&[(b'S', b"a"), (b'S', b"b"), (b'R', b"c")], true),
        (&[(b'T', b"1"), (b'R', b"c"), (b'S', b"a")], true),
    ] {
        let instance = builder().build();
        put(&instance, "incoming", "ABCDE1", records);
        for form in ["-p", "-j"] {
            let call = call(&instance, Tool::Postqueue, &[form]);
            let theirs = call.run(Program::Theirs, &instance);
            let ours = call.run(under_test(), &instance);
            // A showq that crashes ends their listing early.
            if theirs.ended == Ended::Exited(0) {
                same(&call, &ours, &theirs).unwrap_or_else(|text| panic!("{text}"));
            }
            assert_eq!(ours.ended == Ended::Exited(0), is_sound, "{ours:?}");
        }
    }
    let instance = builder().build();
    let path = instance.queue_directory().join("incoming/ABCDE1");
    fs::write(&path, b"S\x81\x81\x81\x81\x81a").expect("a file");
    if installed_release().has(Feature::FiveCharacterNameIsBogus) {
        alike(&instance, Tool::Postcat, &["incoming/ABCDE1"]);
    }
}

#[test]
fn row_s_a_nul_in_main_cf() {
    if require(Needs::Postfix) == Met::No {
        return;
    }
    for text in ["x = a\0b\n", "\0\n", "#\0\n y = 1\0\n"] {
        let instance = builder().append(text).build();
        for (tool, arguments) in [
            (Tool::Postsuper, ["-d", "ABC"]),
            (Tool::Postcat, ["-q", "ABC"]),
            (Tool::Postqueue, ["-i", "ABC"]),
        ] {
            alike(&instance, tool, &arguments);
        }
    }
}

#[test]
fn row_t_the_usage_text_of_qshape() {
    if require(Needs::Postfix) == Met::No {
        return;
    }
    let instance = builder().build();
    let call = call(&instance, Tool::Qshape, &["-h"]);
    // The first line names the program by its path.
    let usage = |program| {
        let text = call.run(program, &instance).stderr_text();
        text.lines().skip(1).map(str::to_owned).collect::<Vec<_>>()
    };
    assert_eq!(usage(under_test()), usage(Program::Theirs));
}
