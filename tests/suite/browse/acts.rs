//! Every act leaves the spool that postsuper leaves of its twin, and what can be
//! undone is undone.

use std::fs;
use std::os::unix::fs::MetadataExt;

use spoolbox::release::Feature;

use super::fixture;
use super::fixture::{QueueFixture, USUAL};
use crate::support::public;
use crate::support::public::{Fifo, Service};
use crate::support::run::{Ended, Invocation, Program, Tool};
use crate::support::{Met, Needs, installed_release, require};

/// Runs a tool on an instance.
fn run(program: Program, fixture: &QueueFixture, arguments: &[&str]) {
    let etc = fixture.instance.etc();
    let call = Invocation::new(Tool::Postsuper, arguments).env("MAIL_CONFIG", etc);
    let output = call.run(program, &fixture.instance);
    assert_eq!(output.ended, Ended::Exited(0), "{arguments:?}\n{output:?}");
}

/// Compares all but the journal and the trash.
fn assert_same(ours: &QueueFixture, twin: &QueueFixture, what: &str) {
    for fixture in [ours, twin] {
        let saved = fixture.instance.queue_directory().join("saved");
        let _ = fs::remove_dir_all(&saved);
    }
    if let Some(text) = ours.snapshot().difference(&twin.snapshot()) {
        panic!("{what}\n{text}");
    }
}

#[test]
fn acts_leave_what_postsuper_leaves() {
    if require(Needs::Postfix) == Met::No {
        return;
    }
    let bulk = ["4BULK00001", "4BULK00002", "4BULK00003"];
    let each = |option: &'static str| bulk.iter().flat_map(|id| [option, *id]).collect::<Vec<_>>();
    let cases: [(&[&str], &str, &str, Vec<&str>); 7] = [
        // The messages of one sender, tagged.
        (
            &["--from", "offers@bulk.example"],
            "ah",
            "on hold: 3",
            each("-h"),
        ),
        (
            &["--from", "offers@bulk.example"],
            "ae",
            "expired: 3",
            each("-e"),
        ),
        (
            &["--from", "offers@bulk.example"],
            "aD",
            "Deleted: 3",
            each("-d"),
        ),
        // All that match, without tags.
        (
            &["--queue", "hold"],
            "H\t",
            "from hold: 2",
            vec!["-H", "ALL"],
        ),
        (
            &["--queue", "deferred"],
            "r\t",
            "Requeued: 4",
            [each("-r"), vec!["-r", "4HAND00004"]].concat(),
        ),
        // The message under the cursor: the oldest, then the next.
        (&[], "h", "on hold: 0", vec!["-h", "4HELD00006"]),
        (&[], "jH", "from hold: 1", vec!["-H", "4HELD00005"]),
    ];
    for (filter, keys, done, theirs) in cases {
        let now = fixture::now();
        let (ours, twin) = (QueueFixture::at(now), QueueFixture::at(now));
        let mut screen = ours.browse_any(filter);
        screen.keys(keys);
        screen.wait_for("the same on a command line:");
        screen.keys(if keys.ends_with('D') { "delete\r" } else { "y" });
        screen.wait_for(done);
        screen.wait_for("key: go on");
        screen.keys(" \u{3}");
        assert_eq!(screen.end(), Some(0), "{keys}");
        run(Program::Theirs, &twin, &theirs);
        assert_same(&ours, &twin, keys);
    }
}

#[test]
fn every_act_in_the_queue_is_undone() {
    if require(Needs::Root) == Met::No {
        return;
    }
    for (filter, keys, done, undone) in [
        (
            "--queue=hold",
            "ad",
            "Moved to trash: 2 messages",
            "Restored: 2 messages",
        ),
        (
            "--queue=deferred",
            "ah",
            "Placed on hold: 4 messages",
            "4 messages",
        ),
        (
            "--queue=deferred",
            "ae",
            "Force-expired: 4 messages",
            "4 messages",
        ),
        (
            "--queue=hold",
            "aH",
            "Released from hold: 2 messages",
            "2 messages",
        ),
        (
            "--queue=deferred",
            "ar",
            "Requeued: 4 messages",
            "Restored: 4 messages",
        ),
    ] {
        let now = fixture::now();
        let (ours, twin) = (QueueFixture::at(now), QueueFixture::at(now));
        let mut screen = ours.browse_any(&[filter]);
        screen.keys(keys);
        screen.wait_for("the same on a command line:");
        screen.keys("y");
        screen.wait_for(done);
        screen.keys("u");
        screen.wait_without(done);
        screen.wait_for("any key: go on");
        screen.wait_for(undone);
        screen.keys(" \u{3}");
        assert_eq!(screen.end(), Some(0), "{keys}");
        assert_same(&ours, &twin, keys);
    }
}

#[test]
fn attempts_are_put_off_and_spread() {
    if require(Needs::Root) == Met::No {
        return;
    }
    let now = fixture::now();
    let (ours, twin) = (QueueFixture::at(now), QueueFixture::at(now));
    let mut screen = ours.browse_any(&["--queue=deferred"]);
    screen.keys("p\t2030-01-01T08:00");
    screen.wait_for("--until=2030-01-01T08:00 --postpone MATCH --queue=deferred");
    screen.keys("\r");
    screen.wait_for("ostponed: 4 messages");
    screen.keys(" q");
    screen.wait_for("8 messages");
    screen.wait_without("reading");
    screen.keys("Rx");
    screen.wait_for("Over which time?");
    screen.keys("\t\r");
    screen.wait_for("bad value for --spread: x");
    screen.keys(" \u{3}");
    assert_eq!(screen.end(), Some(0));
    let call = ["--until=2030-01-01T08:00", "--postpone", "ALL", "deferred"];
    run(Program::Ours, &twin, &call);
    assert_same(&ours, &twin, "postponed");
}

#[test]
fn a_release_is_spread_over_a_time_and_undone() {
    if require(Needs::Root) == Met::No {
        return;
    }
    let now = fixture::now();
    let (ours, twin) = (QueueFixture::at(now), QueueFixture::at(now));
    let mut screen = ours.browse_any(&["--queue=hold"]);
    screen.keys("aR30m");
    screen.wait_for("--journal --spread=30m -H MATCH --id=4HELD0000");
    screen.keys("\r");
    screen.wait_for("Released from hold: 2 messages");
    let attempt = |name: &str| {
        let path = format!("deferred/4/{name}");
        let path = ours.instance.queue_directory().join(path);
        fs::metadata(&path).expect("a released message").mtime()
    };
    // The oldest is tried first.
    let (first, second) = (attempt("4HELD00006"), attempt("4HELD00005"));
    assert!(now <= first && first < second, "{now} {first} {second}");
    assert!(second <= fixture::now() + 30 * 60, "{now} {second}");
    screen.keys("u");
    screen.wait_without("Released from hold");
    screen.wait_for("any key: go on");
    screen.keys(" \u{3}");
    assert_eq!(screen.end(), Some(0));
    assert_same(&ours, &twin, "spread");
}

#[test]
fn delivery_is_requested_as_by_postqueue() {
    if require(Needs::Postfix) == Met::No {
        return;
    }
    let fixture = QueueFixture::new();
    public::clear(&fixture.instance);
    let public = public::directory(&fixture.instance);
    let listen = || {
        let greeting = match installed_release().has(Feature::DaemonsGreet) {
            true => &b"protocol\0queue_flush_protocol\0\0"[..],
            false => b"",
        };
        Service::listen(&public.join("flush"), move |mut stream| {
            public::send(&mut stream, greeting);
            let request = public::read_until(&mut stream, b"\0\0");
            public::send(&mut stream, b"status\x000\0\0");
            request
        })
    };
    let fifos = || ["qmgr", "pickup"].map(|name| Fifo::make(&public.join(name)));
    let theirs = |option: &str| {
        let words: Vec<&str> = option.split(' ').collect();
        let etc = fixture.instance.etc();
        let call = Invocation::new(Tool::Postqueue, words).env("MAIL_CONFIG", etc);
        let output = call.run(Program::Theirs, &fixture.instance);
        assert_eq!(output.ended, Ended::Exited(0), "{output:?}");
    };
    let service = listen();
    theirs("-i 4HELD00006");
    let (request, fifo) = (service.taken(), fifos());
    theirs("-f");
    let triggers = fifo.map(Fifo::taken);
    public::clear(&fixture.instance);

    let (service, fifo) = (listen(), fifos());
    let mut screen = fixture.browse(&[], (40, 120));
    screen.keys("F");
    screen.wait_for("for i in 4HELD00006; do postqueue");
    screen.keys("y");
    screen.wait_for("Flushed: 1 of 1");
    screen.wait_for("key: go on");
    screen.keys(" ");
    screen.wait_without("go on");
    screen.keys("F\t");
    screen.wait_for(" -f");
    screen.keys("y");
    screen.wait_for("Flushed: all messages");
    screen.keys(" \u{3}");
    assert_eq!(screen.end(), Some(0));
    assert_eq!(service.taken(), request);
    assert_eq!(fifo.map(Fifo::taken), triggers);
}

#[test]
fn messages_are_returned_with_a_reason() {
    if require(Needs::Root) == Met::No {
        return;
    }
    let now = fixture::now();
    let (ours, twin) = (QueueFixture::at(now), QueueFixture::at(now));
    let mut screen = ours.browse_any(&["--from=jürgen@hand.example"]);
    screen.keys("bNo such company");
    screen.wait_for("--journal '--reason-text=No such company' --bounce 4HAND00004");
    screen.keys("\r");
    screen.wait_for("key: go on");
    screen.keys(" \u{3}");
    assert_eq!(screen.end(), Some(0));
    let reason = "--reason-text=No such company";
    run(Program::Ours, &twin, &[reason, "--bounce=4HAND00004"]);
    assert_same(&ours, &twin, "returned");
}

#[test]
fn nothing_is_done_without_confirmation() {
    if require(Needs::Root) == Met::No {
        return;
    }
    let now = fixture::now();
    let (ours, twin) = (QueueFixture::at(now), QueueFixture::at(now));
    let mut screen = ours.browse(&[], USUAL);
    screen.keys("aD");
    screen.wait_for("Delete 8 messages for good");
    screen.keys("delet\r");
    screen.keys("\u{1b}");
    screen.wait_without("the same on a command line:");
    screen.wait_for("nothing was done");
    for keys in ["hn", "dq", "r\u{1b}", "ex\u{1b}"] {
        screen.keys(&keys[..1]);
        screen.wait_for("the same on a command line:");
        screen.keys(&keys[1..]);
        screen.wait_without("the same on a command line:");
    }
    screen.keys("u");
    screen.wait_for("nothing to take back here");
    screen.keys("q");
    assert_eq!(screen.end(), Some(0));
    assert_same(&ours, &twin, "nothing");
}

#[test]
fn a_tag_is_for_the_message_and_not_for_its_name() {
    if require(Needs::Root) == Met::No {
        return;
    }
    let fixture = QueueFixture::new();
    let mut screen = fixture.browse(&[], USUAL);
    screen.keys(" ");
    screen.wait_for("1 tagged");
    screen.keys("h");
    screen.wait_for("the same on a command line:");
    // Another file takes the name while the user thinks.
    let path = fixture.instance.queue_directory().join("hold/4HELD00006");
    let other = path.with_file_name("other");
    fs::copy(&path, &other).expect("a copy");
    fs::rename(&other, &path).expect("a rename");
    screen.keys("y");
    screen.wait_for("1 not there any longer, or replaced: left alone");
    screen.keys(" \u{3}");
    assert_eq!(screen.end(), Some(0));
}

#[test]
fn the_list_follows_the_queue() {
    if require(Needs::Root) == Met::No {
        return;
    }
    let fixture = QueueFixture::new();
    let mut screen = fixture.browse(&[], USUAL);
    screen.keys("jj ");
    screen.wait_for("1 tagged");
    run(
        Program::Ours,
        &fixture,
        &["-d", "4HELD00006", "-h", "4LIVE00007"],
    );
    screen.wait_for("hold 2");
    screen.wait_without("4HELD00006");
    let shown = screen.wait_for("7 messages");
    assert!(shown.contains("1 tagged"), "{shown}");
    screen.keys("q");
    assert_eq!(screen.end(), Some(0));
}
