//! Between two running mail systems: what both of them delivered is what was
//! handed to the first, each recipient once.

use std::collections::BTreeMap;
use std::thread;
use std::time::{Duration, Instant};

use super::{assert_area_is_tidy, import, queued, run};
use crate::concurrent::server::{Delivery, Server};
use crate::support::mail_system::MailSystem;
use crate::support::run::Ended;
use crate::support::{Extent, Met, Needs, require};

/// Delivered by both systems at once.
pub const SINK: &str = "sink.example";
/// Delivered by the second system only: the first retries it every second.
pub const AWAY: &str = "dest.example";
const MESSAGES: usize = 24;
const PATIENCE: Duration = Duration::from_secs(90);

/// Starts a mail system with these routes.
pub fn start(host: &str, long_ids: &str, routes: &[(&str, u16)]) -> MailSystem {
    let route = |(domain, port): &(&str, u16)| format!("{domain}=smtp:[127.0.0.1]:{port}");
    let routes: Vec<String> = routes.iter().map(route).collect();
    let builder = MailSystem::builder()
        .set("myhostname", host)
        .set(
            "transport_maps",
            &format!("inline:{{{}}}", routes.join(", ")),
        )
        .set("enable_long_queue_ids", long_ids)
        .set("hash_queue_names", "deferred, defer, hold, incoming")
        .set(
            "default_destination_concurrency_failed_cohort_limit",
            "1000",
        )
        .set("queue_run_delay", "1s")
        .set("minimal_backoff_time", "1s")
        .set("maximal_backoff_time", "2s");
    MailSystem::start_awake(builder)
}

/// How often each recipient got each message.
pub type Received = BTreeMap<(String, String), usize>;

/// Counts what a server has received.
pub fn received(deliveries: &[Delivery]) -> Received {
    let mut received = Received::new();
    for delivery in deliveries {
        for recipient in &delivery.recipients {
            let key = (delivery.message.clone(), recipient.clone());
            *received.entry(key).or_insert(0) += 1;
        }
    }
    received
}

/// Hands messages with one or two recipients to a system. Returns how often each
/// recipient has to get each message: once.
pub fn submit_all(source: &MailSystem) -> Received {
    let mut expected = Received::new();
    for number in 0..MESSAGES {
        let message = format!("<{number}@test.example>");
        let sink = format!("{number}@{SINK}");
        let away = format!("{number}@{AWAY}");
        let recipients = match number % 3 {
            0 => vec![away.as_str()],
            1 => vec![away.as_str(), sink.as_str()],
            _ => vec![sink.as_str()],
        };
        for recipient in &recipients {
            expected.insert((message.clone(), (*recipient).to_owned()), 1);
        }
        let text = format!("Message-ID: {message}\nSubject: {number}\n\ntext\n");
        source.submit("sender@example.com", &recipients, &text);
    }
    expected
}

/// Moves messages out of a system that delivers meanwhile, until its queue is empty.
/// `archived` gets each archive.
pub fn export_all(source: &MailSystem, mut archived: impl FnMut(Vec<u8>)) {
    let deadline = Instant::now() + PATIENCE;
    loop {
        let output = run(&source.instance, "export", &["--trash"], b"");
        let text = output.stderr_text();
        assert_eq!(output.ended, Ended::Exited(0), "{text}");
        archived(output.stdout);
        if queued(&source.instance).is_empty() && source.names("maildrop").is_empty() {
            break;
        }
        assert!(Instant::now() < deadline, "{text}{}", source.diagnosis());
        thread::sleep(Duration::from_millis(300));
    }
}

/// Waits until a system has delivered everything, and the server has received what
/// is expected; then makes sure that nothing is delivered twice.
pub fn await_deliveries(target: &MailSystem, server: &Server, expected: &Received) {
    let deadline = Instant::now() + PATIENCE;
    while !queued(&target.instance).is_empty() || received(&server.deliveries()) != *expected {
        let state = (
            queued(&target.instance).len(),
            received(&server.deliveries()),
        );
        assert!(
            Instant::now() < deadline,
            "{state:#?} {}",
            target.diagnosis()
        );
        thread::sleep(Duration::from_millis(200));
    }
    // Long enough for a second delivery.
    thread::sleep(Duration::from_secs(2));
    assert_eq!(received(&server.deliveries()), *expected);
    assert_area_is_tidy(&target.instance);
}

/// Moves everything from one system to another while both deliver.
fn moved(from_ids: &str, to_ids: &str) {
    let server = Server::start(1);
    server.be_kind();
    let source = start("a.example", from_ids, &[(SINK, server.port())]);
    let routes = [(SINK, server.port()), (AWAY, server.port())];
    let target = start("b.example", to_ids, &routes);
    let expected = submit_all(&source);
    let mut archives = Vec::new();
    export_all(&source, |archive| {
        import(&target.instance, &[], &archive);
        archives.push(archive);
    });
    // All of them once more, in another order.
    for archive in archives.iter().rev() {
        import(&target.instance, &[], archive);
    }
    await_deliveries(&target, &server, &expected);
}

#[test]
fn each_recipient_gets_each_message_once() {
    if require(Needs::Time) == Met::No || require(Needs::Postfix) == Met::No {
        return;
    }
    let both = [("yes", "no"), ("no", "yes")];
    for (from, to) in Extent::from_environment().some_of(both, 1) {
        moved(from, to);
    }
}
