//! Calls and queues picked by hand: ages at the limits of buckets, names at
//! the width of their column, wrong options, missing queues and faulty
//! configurations.

use spoolbox::queue_file::records::writer::QueueFile;

use super::draft::now;
use super::run::{call, canonical, ours, refuses_number, same};
use crate::support::compare::{Cases, keep_if_asked};
use crate::support::instance::{Builder, Instance};
use crate::support::run::Ended;
use crate::support::spool::{Name, NewFile, Place};
use crate::support::{Met, Needs, require, sample, under_test};

/// Puts a message from `age` seconds ago.
pub fn put(instance: &Instance, queue: &str, age: i64, recipients: &[&str]) {
    let file = QueueFile::new(now() - age, "sender@example.com", recipients, &["text"]);
    instance.spool().put(&NewFile::new(queue, file.to_bytes()));
}

fn compare_all(instance: &Instance, calls: &[&[&str]]) {
    for args in calls {
        if let Err(text) = same(instance, &call(instance, *args)) {
            panic!("{text}");
        }
    }
}

#[test]
fn ages_at_the_limits_fall_into_the_same_bucket() {
    if require(Needs::Postfix) == Met::No {
        return;
    }
    let instance = Instance::builder().build();
    for limit in [
        0, 6, 60, 300, 600, 900, 1200, 2400, 4800, 9600, 19_200, 38_400, 76_800,
    ] {
        for offset in -3..=3 {
            let domain = format!("r@l{limit}.o{}.example", offset + 3);
            put(&instance, "incoming", limit + offset, &[&domain]);
        }
    }
    compare_all(
        &instance,
        &[
            &[],
            &["-l"],
            &["-t", "1"],
            &["-t", "0.1"],
            &["-t", "20"],
            &["-lt", "15"],
        ],
    );
}

#[test]
fn names_are_cut_at_the_width_of_their_column_alike() {
    if require(Needs::Postfix) == Met::No {
        return;
    }
    let instance = Instance::builder().build();
    let letters = "abcdefghijklmnopqrstuvwxyz0123456789".repeat(40);
    for length in [15, 16, 17, 18, 19, 36, 37, 38, 39, 40, 41, 60, 200] {
        let address = format!("r@x.{}.example", &letters[..length]);
        put(&instance, "incoming", 1000, &[&address]);
    }
    let many = vec!["r@busy.example"; 1234];
    put(&instance, "incoming", 1000, &many);
    compare_all(
        &instance,
        &[
            &[],
            &["-p", "-m", "1"],
            &["-p", "-m", "1", "-b", "30"],
            &["-pm1", "-w", "100.5"],
            &["-w", "120"],
            &["-b", "60", "-t", "1e15", "-l"],
        ],
    );
    for length in [300, 1024, 1400, 4000, 4096, 4097, 9000] {
        let address = format!("r@{}.example", letters.repeat(8)[..length].to_owned());
        put(&instance, "incoming", 1000, &[&address]);
    }
    compare_all(&instance, &[&[], &["-w", "120"], &["-w", "2000"]]);
}

/// Arguments that are wrong, or look so; `@SPOOL@` is the queue directory.
const CALLS: [&[&str]; 63] = [
    &["-h"],
    &["-hx"],
    &["-xh"],
    &["-h", "-c"],
    &["-w"],
    &["-t"],
    &["-N"],
    &["-n"],
    &["-x"],
    &["-lx", "hold"],
    &["-?"],
    &["-\u{fc}"],
    &["-l--json"],
    &["-l-", "hold"],
    &["-:"],
    &["-s:p", "hold"],
    &["--"],
    &["--", "--"],
    &["--", "-s"],
    &["--", "hold", "-s", "--"],
    &["-s", "--", "--json", "hold"],
    &["--", "-"],
    &["-"],
    &[""],
    &["-b"],
    &["-s", "-m"],
    &["-c"],
    &["-c", ""],
    &["-c", "/nonexistent"],
    &["-c", "/nonexistent", "-h"],
    &["-c", "/nonexistent", "-b", "x"],
    &["-c", "/nonexistent", "@SPOOL@/hold"],
    &["-c", "/nonexistent", "@SPOOL@/hold", "hold"],
    &["-c", "etc", "hold"],
    &["-cetc", "-c", "nowhere"],
    &["-b", "x", "-t", "y", "-m", "z", "-w", "w"],
    &["-b", "-1", "-t", "0", "-m", "-5", "-w", "80"],
    &["-b", "0x5"],
    &["-b", "5.9"],
    &["-b", "1"],
    &["-b", "0.9"],
    &["-b", "100"],
    &["-b", "70", "-t", "123456789"],
    &["-t", "1e300"],
    &["-t", "inf"],
    &["-t", "nan"],
    &["-t", "0.333"],
    &["-lt", "0.1", "-b", "20"],
    &["-w", "abc\t\u{1b}[31m\n\u{e9}"],
    &[
        "-w",
        "a text of more than fifty-six bytes, which is cut off somewhere",
    ],
    &["-b", "2", "-b", "3"],
    &["-N", "x", "-n", "y"],
    &["-w", "65535", "deferred"],
    &["-w", "65536", "deferred"],
    &["-w", "70000.9", "deferred"],
    &["nosuch"],
    &["nosuch", "hold", "neither", "deferred"],
    &["deferred", "deferred/"],
    &["@SPOOL@//deferred//"],
    &["@SPOOL@/hold/..", "../spool/./hold"],
    &["/nonexistent/x"],
    &["etc/main.cf", "/etc/passwd/x"],
    &[
        "-ps", "-m1", "deferred", "hold", "active", "incoming", "maildrop",
    ],
];

#[test]
fn odd_calls_are_answered_alike() {
    if require(Needs::Postfix) == Met::No {
        return;
    }
    let test = "qshape::borders::odd_calls_are_answered_alike";
    Cases::from_environment(CALLS.len() as u64).run(test, |_, case| {
        let mut instance = Instance::builder().build();
        sample::fill(&instance);
        let spool = instance.queue_directory().display().to_string();
        let args = CALLS[usize::try_from(case).expect("an index")];
        let args = args.iter().map(|arg| arg.replace("@SPOOL@", &spool));
        let call = call(&instance, args);
        let result = same(&instance, &call);
        keep_if_asked(&mut instance, result)
    });
}

#[test]
fn a_number_that_is_none_is_an_error_before_anything_is_read() {
    if require(Needs::Root) == Met::No {
        return;
    }
    let instance = Instance::builder().build();
    put(&instance, "incoming", 9, &["r@d.example"]);
    for option in ["-b", "-m", "-N", "-n", "-t", "-w"] {
        for value in [Some("x"), Some("3x"), Some("0x5"), Some(""), None] {
            let args = [Some(option), value].into_iter().flatten();
            let output = canonical(under_test(), &instance, &call(&instance, args));
            assert!(refuses_number(&output), "{option} {value:?}: {output:?}");
        }
    }
}

#[test]
fn malformed_files_are_skipped_in_silence() {
    if require(Needs::Root) == Met::No {
        return;
    }
    let instance = Instance::builder().build();
    put(&instance, "hold", 9, &["r@good.example"]);
    for file in [&b""[..], b"C\x01xT\x03x 5S\x01sR\x01rp\x01yE\0", b"A\0E\0"] {
        instance.spool().put(&NewFile::new("hold", file.to_vec()));
    }
    let output = ours(&instance, &["hold"]);
    assert_eq!(output.stderr_text(), "", "{output:?}");
    assert!(
        output.stdout_text().contains("good.example  1"),
        "{output:?}"
    );
}

#[test]
fn configurations_are_read_alike() {
    if require(Needs::Time) == Met::No || require(Needs::Postfix) == Met::No {
        return;
    }
    let plain = Instance::builder;
    let builders: [Builder; 9] = [
        plain().set("queue_directory", "/nonexistent"),
        plain().set("queue_directory", "/etc/passwd"),
        plain().set("queue_directory", ""),
        plain().set("queue_directory", "spool"),
        plain().append("nonsense\n"),
        plain().append("= nonsense\n"),
        plain().append("queue_directory = /nonexistent\n"),
        plain().append("  lead\n").set("hash_queue_depth", "x"),
        plain().set("queue_directory", "@ROOT@/./spool//"),
    ];
    for builder in builders {
        let instance = builder.build();
        sample::fill(&instance);
        compare_all(&instance, &[&["deferred"], &[], &["-b", "3", "hold"]]);
    }
}

#[test]
fn a_missing_queue_is_reported_and_passed_over() {
    if require(Needs::Postfix) == Met::No {
        return;
    }
    for missing in ["incoming", "active"] {
        let instance = Instance::builder().without(missing).build();
        put(
            &instance,
            if missing == "active" {
                "incoming"
            } else {
                "active"
            },
            9,
            &["r@d.example"],
        );
        compare_all(&instance, &[&[], &["active", "incoming", "deferred"]]);
    }
}

#[test]
fn variables_in_queue_directory_are_expanded() {
    if require(Needs::Root) == Met::No {
        return;
    }
    let instance = Instance::builder()
        .append("here = @ROOT@\nqueue_directory = $here/spool\n")
        .build();
    put(&instance, "incoming", 9, &["r@d.example"]);
    let output = ours(&instance, &[]);
    assert!(output.stdout_text().contains("d.example  1"), "{output:?}");
    assert_eq!(output.ended, Ended::Exited(0));
}

#[test]
fn files_are_found_wherever_they_lie() {
    if require(Needs::Postfix) == Met::No {
        return;
    }
    let instance = Instance::builder().build();
    let place = |queue: &str, below: &str, name: &str, mode: u32| {
        let domain = format!("r@{}.example", name.to_lowercase());
        let file = QueueFile::new(now() - 99, "s@example.com", &[&domain], &[]);
        let mut file = NewFile::new(queue, file.to_bytes()).mode(mode);
        file.name = Name::Literal(name.into());
        file.place = Place::Below(below.into());
        instance.spool().put(&file);
    };
    for (number, mode) in [
        0o700, 0o704, 0o740, 0o744, 0o7700, 0o600, 0o710, 0o701, 0o720, 0o702,
    ]
    .into_iter()
    .enumerate()
    {
        place("hold", "", &format!("MODE{number:03}"), mode);
    }
    for (number, below) in ["a", "a/b", ".x", "long-name/1", "A/B/C/D/E/F"]
        .into_iter()
        .enumerate()
    {
        place("hold", below, &format!("PLACE{number}"), 0o700);
    }
    for name in [
        "SHORT", "sixsix", "A_B_C_D", "ABCDEF.", "ABCDEF-1", "1234567",
    ] {
        place("hold", "", name, 0o700);
    }
    let spool = instance
        .queue_directory()
        .join("hold/MODE000")
        .display()
        .to_string();
    compare_all(
        &instance,
        &[
            &["hold"],
            &["hold/a", "hold/.x"],
            &["hold/MODE000", "hold/SHORT", "hold/MODE005"],
            &[&spool, "hold/MODE000/"],
        ],
    );
}
