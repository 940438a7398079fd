//! What a started Postfix makes of it: dropped recipients get nothing and all others
//! get the mail; returned messages are not delivered, and the notice has the text.

use std::net::TcpListener;
use std::thread;
use std::time::{Duration, Instant};

use super::*;
use crate::flush::delivery::Sink;
use crate::postcat::milter::start_milter;
use crate::support::mail_system::MailSystem;
use crate::support::{Met, Needs, require};

/// Longest wait for anything the mail system does.
const PATIENCE: Duration = Duration::from_secs(30);
const TEXT: &str = "gone.example has no mail any more";

fn wait_until(what: &str, system: &MailSystem, mut is_so: impl FnMut() -> bool) {
    let deadline = Instant::now() + PATIENCE;
    while !is_so() {
        assert!(Instant::now() < deadline, "{what}: {}", system.diagnosis());
        thread::sleep(Duration::from_millis(20));
    }
}

fn flush(system: &MailSystem) {
    system.tool("postqueue", &["-f"]);
}

/// What is in the queues.
fn count(system: &MailSystem) -> usize {
    let queues = ["maildrop", "incoming", "active", "deferred", "hold"];
    queues.iter().map(|queue| system.names(queue).len()).sum()
}

/// The recipient of this number that smtp-source(1) makes, of many. In older releases,
/// the first one has no number, and 1 is left out.
fn numbered(system: &MailSystem, number: u32) -> String {
    let begins_with_name = system.diagnosis().contains("<smtp2@dest.example>");
    match number {
        number if begins_with_name => format!("smtp{number}@dest.example"),
        0 | 1 => "smtp@dest.example".to_owned(),
        number => format!("{number}smtp@dest.example"),
    }
}

/// The recipients that got a message since the log had this length.
fn delivered(system: &MailSystem, since: usize) -> Vec<String> {
    let log = system.diagnosis().split_off(since);
    let lines = log.lines().filter(|line| line.contains("status=sent"));
    let to = |line: &str| Some(line.split_once("to=<")?.1.split_once('>')?.0.to_owned());
    let mut found: Vec<String> = lines.filter_map(to).collect();
    found.sort();
    found
}

#[test]
fn a_dropped_recipient_gets_nothing_and_all_others_get_the_mail() {
    if require(Needs::Postfix) == Met::No {
        return;
    }
    for long_ids in ["no", "yes"] {
        let builder = MailSystem::builder()
            .set("enable_long_queue_ids", long_ids)
            .set("always_bcc", "bcc@dest.example");
        let system = MailSystem::start(builder);
        let recipients = ["one@dest.example", "two@dest.example", "three@dest.example"];
        system.submit("sender@example.com", &recipients, "subject: x\n\n");
        let ids = system.wait_for_deferred(1);
        let since = system.diagnosis().len();
        run(
            &system.instance,
            &["--drop-recipient=two@dest.example", &ids[0]],
        );
        run(
            &system.instance,
            &["--drop-recipient=bcc@dest.example", "ALL"],
        );
        let _sink = Sink::listening_for(&system);
        flush(&system);
        wait_until("the delivery", &system, || count(&system) == 0);
        let expected = ["one@dest.example", "three@dest.example"];
        assert_eq!(
            delivered(&system, since),
            expected,
            "{}",
            system.diagnosis()
        );
    }
}

#[test]
fn messages_edited_by_a_milter_and_of_a_thousand_recipients_lose_only_the_dropped_ones() {
    if require(Needs::Postfix) == Met::No {
        return;
    }
    let milter = format!("inet:127.0.0.1:{}", start_milter());
    let system = MailSystem::start(
        MailSystem::builder()
            .set("smtpd_milters", &milter)
            .set("non_smtpd_milters", &milter),
    );
    let recipients = ["one@dest.example", "two@dest.example", "gone@dest.example"];
    system.submit(
        "sender@example.com",
        &recipients,
        "Subject: short\n\nbody\n",
    );
    system.submit_by_smtp(1, 1000);
    system.wait_for_deferred(2);
    let since = system.diagnosis().len();
    // The milter has added one, whose record a pointer leads to.
    let output = run(
        &system.instance,
        &["--drop-recipient=added@dest.example", "ALL"],
    );
    assert!(
        output
            .stderr_text()
            .contains("Recipients dropped: 2 messages"),
        "{output:?}"
    );
    let output = run(
        &system.instance,
        &[
            "--drop-recipient=re:^(smtp[1-9][0-9]{2,}|[1-9][0-9]{2,}smtp)@",
            "ALL",
        ],
    );
    assert!(
        output
            .stderr_text()
            .contains("Recipients dropped: 1 message"),
        "{output:?}"
    );
    run(
        &system.instance,
        &["--drop-recipient=two@dest.example", "ALL"],
    );
    let _sink = Sink::listening_for(&system);
    flush(&system);
    wait_until("the delivery", &system, || count(&system) == 0);
    let mut expected: Vec<String> = (0..100).map(|n| numbered(&system, n)).collect();
    expected.push("one@dest.example".to_owned());
    expected.sort();
    expected.dedup();
    assert_eq!(delivered(&system, since), expected);
}

/// The text of the notice that is deferred because its destination is away.
fn notice(system: &MailSystem) -> String {
    let mut text = String::new();
    wait_until("a notice", system, || {
        let deferred = system.names("deferred");
        if let ([id], 1) = (&deferred[..], count(system)) {
            text = system.tool("postcat", &["-qbh", id]).stdout_text();
        }
        text.contains("Mail Delivery System")
    });
    text
}

#[test]
fn a_returned_message_is_not_delivered_and_the_notice_has_the_text() {
    if require(Needs::Time) == Met::No || require(Needs::Postfix) == Met::No {
        return;
    }
    for (soft_bounce, long_ids) in [("no", "yes"), ("yes", "no")] {
        let builder = MailSystem::builder()
            .set("soft_bounce", soft_bounce)
            .set("always_bcc", "bcc@dest.example")
            .set("enable_long_queue_ids", long_ids);
        let system = MailSystem::start(builder);
        system.submit_by_smtp(1, 1000);
        let ids = system.wait_for_deferred(1);
        let since = system.diagnosis().len();
        let arguments = ["--bounce=ALL", "--reason-text", TEXT, "--notify"];
        run(
            &system.instance,
            &[&arguments[..], &["--status-code", "5.1.2"]].concat(),
        );
        let notice = notice(&system);
        let first = numbered(&system, 0);
        assert!(notice.contains(&format!("<{first}>: {TEXT}\n")), "{notice}");
        let reported = notice.matches("\nStatus: 5.1.2\n").count();
        assert_eq!(reported, 1000, "{}", &notice[..2000]);
        assert!(!notice.contains("bcc@dest.example"));
        let log = system.diagnosis().split_off(since);
        let attempted = format!("{}: to=<", ids[0]);
        assert!(!log.contains(&attempted), "{log}");
        assert!(log.contains("sender non-delivery notification"), "{log}");
    }
}

#[test]
fn a_notice_has_headers_only_if_the_sender_asked_for_them() {
    if require(Needs::Time) == Met::No || require(Needs::Postfix) == Met::No {
        return;
    }
    for (returned, has_body) in [("hdrs", false), ("full", true)] {
        let system = MailSystem::start(MailSystem::builder());
        system.submit_with(
            &["-R", returned],
            "sender@example.com",
            &["one@dest.example"],
            "Subject: of the header\n\nline of the body\n",
        );
        system.wait_for_deferred(1);
        run(
            &system.instance,
            &["--bounce=ALL", "--reason-text", TEXT, "--notify"],
        );
        let notice = notice(&system);
        assert!(notice.contains(TEXT), "{notice}");
        assert!(notice.contains("\nSubject: of the header\n"), "{notice}");
        assert_eq!(notice.contains("line of the body"), has_body, "{notice}");
        let kind = "Content-Type: text/rfc822-headers";
        assert_eq!(notice.contains(kind), !has_body, "{notice}");
    }
}

#[test]
fn while_the_bounce_daemon_is_down_nothing_is_lost() {
    if require(Needs::Postfix) == Met::No {
        return;
    }
    let system = MailSystem::start(MailSystem::builder());
    system.submit(
        "sender@example.com",
        &["one@dest.example"],
        "subject: x\n\n",
    );
    let ids = system.wait_for_deferred(1);
    let socket = system.instance.queue_directory().join("private/bounce");
    let away = socket.with_file_name("bounce.away");
    fs::rename(&socket, &away).expect("the daemon is away");
    let argument = format!("--bounce={}", ids[0]);
    let arguments = [&argument, "--journal", "--reason-text", TEXT, "--notify"];
    run(&system.instance, &arguments);
    wait_until("a failure", &system, || {
        system.diagnosis().contains("bounce failed")
    });
    assert_eq!(system.wait_for_deferred(1), ids);
    // It is as it was, or returned once the daemon is there.
    run(&system.instance, &["--undo"]);
    assert_eq!(addresses_of(&system, b'R'), ["one@dest.example"]);
    assert!(bounce_logs(&system.instance).is_empty());
    run(&system.instance, &arguments);
    fs::rename(&away, &socket).expect("the daemon is back");
    flush(&system);
    assert!(notice(&system).contains(TEXT));
}

fn addresses_of(system: &MailSystem, kind: u8) -> Vec<String> {
    let found = only_message(&system.instance);
    // Size records are longer than 127 bytes nowhere.
    addresses(&found.content, kind)
}

/// The recipients of the comparison, one of them with a transport that hangs.
const COMPARED: [(u8, &str); 40] = [
    (b'R', "x@slow.example"),
    (b'A', "dsn_orig_rcpt=rfc822;one"),
    (b'A', "notify_flags=4"),
    (b'O', "oo@v.example"),
    (b'D', "done@bounce.example"),
    (b'R', "after@bounce.example"),
    (b'O', "FOO@Bounce.example"),
    (b'R', "foo@bounce.example"),
    (b'O', ""),
    (b'R', "emptyorig@bounce.example"),
    (b'R', "dup@bounce.example"),
    (b'R', "dup@bounce.example"),
    (b'o', "rfc822;orec"),
    (b'n', "4"),
    (b'R', "orec@bounce.example"),
    (b'O', "b@v.example"),
    (b'/', "cancel@bounce.example"),
    (b'R', "aftercancel@bounce.example"),
    (b'A', "notify_flags=8"),
    (b'R', "n8@bounce.example"),
    (b'A', "notify_flags=64"),
    (b'R', "n64@bounce.example"),
    (b'A', "notify_flags=3"),
    (b'R', "n3@bounce.example"),
    (b'A', "dsn_orig_rcpt=bogus"),
    (b'R', "bogusorcpt@bounce.example"),
    (b'A', "original_recipient=zz@v.example"),
    (b'R', "attribute@bounce.example"),
    (b'R', "ünï@bounce.example"),
    (b'R', "two words@bounce.example"),
    (b'R', "a..b@bounce.example"),
    (b'R', "a\"quote@bounce.example"),
    (b'A', "dsn_orig_rcpt="),
    (b'R', "emptyd@bounce.example"),
    (b'O', "x<y@v.example"),
    (b'R', "xy@bounce.example"),
    (b'X', ""),
    (b'A', "notify_flags=1"),
    (b'O', "ext@v.example"),
    (b'R', "ext@bounce.example"),
];

#[test]
fn the_log_is_byte_for_byte_that_of_the_bounce_daemon() {
    if require(Needs::Postfix) == Met::No {
        return;
    }
    // Accepts connections, and never says a word.
    let tarpit = TcpListener::bind("127.0.0.1:0").expect("a port");
    let port = tarpit.local_addr().expect("its number").port();
    let reason = "administratively prohibited";
    let maps = format!(
        "inline:{{ {{slow.example=smtp:[127.0.0.1]:{port}}}, \
         {{bounce.example=error:5.7.2 {reason}}} }}"
    );
    let builder = MailSystem::builder().set("transport_maps", &maps);
    let system = MailSystem::start(builder);
    let expected = COMPARED.iter().filter(|(kind, _)| *kind == b'R').count() - 1;
    let file = queue_file("s@example.com", &COMPARED);
    let arrived = NewFile::new("incoming", file.clone());
    system.instance.spool().put(&arrived);
    system.tool("postkick", &["public", "qmgr", "I"]);
    let theirs = || bounce_logs(&system.instance).pop();
    wait_until("their log", &system, || {
        theirs().is_some_and(|(.., text)| entries(&text).len() == expected)
    });
    let (_, mode, owner, theirs) = theirs().expect("their log");
    let instance = Instance::builder().in_memory().build();
    let placed = put_named(&instance, "deferred", 0x3A_789, &file);
    run(
        &instance,
        &["--drop-recipient=x@slow.example", &placed.id()],
    );
    let argument = format!("--bounce={}", placed.id());
    run(
        &instance,
        &[&argument, "--reason-text", reason, "--status-code", "5.7.2"],
    );
    let (_, our_mode, our_owner, ours) = bounce_logs(&instance).pop().expect("our log");
    assert_eq!((our_mode, our_owner), (mode, owner));
    assert_eq!(entries(&ours), entries(&theirs));
    // The same blank lines too: all of them are as long.
    assert_eq!(ours.len(), theirs.len());
}
