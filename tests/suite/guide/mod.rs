//! A common administrator's guide, line by line, on a started Postfix with mail in
//! all queues: each command has the effect that the guide describes, and the same
//! effect with Postfix's own tools.

mod twins;

use crate::support::pipeline::pipeline;
use crate::support::{Met, Needs, require};
use twins::Twins;

/// Mail in deferred, active, incoming and hold, some of it a spammer's.
fn full() -> Twins {
    let mut twins = Twins::start();
    twins.submit("one", "a@example.com", "deferred");
    twins.submit("two", "b@dest.example", "deferred");
    twins.submit("held", "c@dest.example", "deferred");
    twins.submit("spammer", "d@dest.example", "deferred");
    twins.run("postsuper -h @held@", "postfix/postsuper");
    for sender in ["slow1", "slow2", "slow3"] {
        twins.submit(sender, &format!("{sender}@slow.example"), "active");
    }
    twins.submit("next", "e@slow.example", "incoming");
    twins
}

const FULL: [(&str, &str); 8] = [
    ("held", "hold"),
    ("next", "incoming"),
    ("one", "deferred"),
    ("slow1", "active"),
    ("slow2", "active"),
    ("slow3", "active"),
    ("spammer", "deferred"),
    ("two", "deferred"),
];

/// The places of FULL with some of them changed; `gone` is no place.
fn changed(changes: &[(&'static str, &'static str)]) -> Vec<(&'static str, &'static str)> {
    let place = |&(sender, queue): &(&'static str, &'static str)| {
        let change = changes.iter().find(|(changed, _)| *changed == sender);
        (sender, change.map_or(queue, |(_, to)| to))
    };
    let places = FULL.iter().map(place);
    places.filter(|(_, queue)| *queue != "gone").collect()
}

/// The same with all of some queues in another.
fn all_in(queues: &[&str], to: &'static str) -> Vec<(&'static str, &'static str)> {
    let is_there = |queue: &str| queues.contains(&queue);
    let place = |&(sender, queue): &(&'static str, &'static str)| {
        (sender, if is_there(queue) { to } else { queue })
    };
    let places = FULL.iter().map(place);
    places.filter(|(_, queue)| *queue != "gone").collect()
}

#[test]
fn what_the_guide_reads_is_the_same_in_every_byte() {
    if require(Needs::Time) == Met::No || require(Needs::Postfix) == Met::No {
        return;
    }
    let twins = full();
    twins.assert_places(&FULL);
    let ids = ["one", "slow1", "next", "held"].map(|sender| twins.ours.id(sender));
    let instance = &twins.ours.system.instance;
    let listing = pipeline(instance, "mailq");
    assert_eq!(pipeline(instance, "postqueue -p"), listing);
    assert!(listing.contains(&format!("{}* ", ids[1])), "{listing}");
    assert!(listing.contains(&format!("{}! ", ids[3])), "{listing}");
    assert!(listing.contains(&format!("{} ", ids[0])), "{listing}");
    let last = pipeline(instance, "postqueue -p | tail -n 1");
    assert!(last.ends_with(" in 8 Requests.\n"), "{last}");
    assert_eq!(pipeline(instance, "postqueue -j").lines().count(), 8);
    // Postfix's qshape has rows of equal counts in any order.
    let shape = pipeline(instance, "qshape deferred | sort");
    assert!(
        shape.contains("TOTAL  3") || shape.contains("TOTAL 3"),
        "{shape}"
    );
    for id in &ids {
        let all = pipeline(instance, &format!("postcat -q {id}"));
        assert!(all.contains("*** MESSAGE CONTENTS"), "{all}");
        let message = pipeline(instance, &format!("postcat -qbh {id}"));
        assert!(message.contains("\nThe text of "), "{message}");
        let envelope = pipeline(instance, &format!("postcat -qe {id}"));
        assert!(envelope.contains("sender: "), "{envelope}");
    }
}

#[test]
fn hold_and_release_do_what_the_guide_says() {
    if require(Needs::Time) == Met::No || require(Needs::Postfix) == Met::No {
        return;
    }
    let mut twins = full();
    let log = "postfix/postsuper";
    let text = twins.run("postsuper -h @one@", log);
    assert!(text.contains("<one#1>: placed on hold"), "{text}");
    assert!(text.contains("Placed on hold: 1 message"), "{text}");
    assert!(!twins.logged(log).is_empty());
    twins.assert_places(&changed(&[("one", "hold")]));
    let text = twins.run("mailq", log);
    assert!(text.contains("<one#1>!"), "{text}");
    let text = twins.run("postsuper -H @one@", log);
    assert!(text.contains("<one#1>: released from hold"), "{text}");
    twins.assert_places(&FULL);
    let text = twins.run("postsuper -h ALL deferred", log);
    assert!(text.contains("Placed on hold: 3 messages"), "{text}");
    twins.assert_places(&all_in(&["deferred"], "hold"));
    let text = twins.run("postsuper -H ALL", log);
    assert!(text.contains("Released from hold: 4 messages"), "{text}");
    twins.assert_places(&changed(&[("held", "deferred")]));
    let by_sender = "mailq | awk '/^[A-F0-9]/ && $7 == \"spammer@bad.example\" { print $1 }' \
                     | tr -d '*!' | postsuper -h -";
    let text = twins.run(by_sender, log);
    assert!(text.contains("Placed on hold: 1 message"), "{text}");
    twins.assert_places(&changed(&[("held", "deferred"), ("spammer", "hold")]));
    let text = twins.run("postsuper -h ALL", log);
    assert!(text.contains("Placed on hold: 7 messages"), "{text}");
    let queues = ["deferred", "active", "incoming"];
    twins.assert_places(&all_in(&queues, "hold"));
    twins.run("postsuper -H ALL", log);
    twins.assert_places(&all_in(&["hold", "active", "incoming"], "deferred"));
}

#[test]
fn each_deletion_of_the_guide_deletes_that_and_nothing_else() {
    if require(Needs::Time) == Met::No || require(Needs::Postfix) == Met::No {
        return;
    }
    let mut twins = full();
    let log = "postfix/postsuper";
    let text = twins.run("postsuper -d @one@", log);
    assert!(text.contains("<one#1>: removed"), "{text}");
    assert!(text.contains("Deleted: 1 message"), "{text}");
    assert!(!twins.logged(log).is_empty());
    twins.assert_places(&changed(&[("one", "gone")]));
    let by_sender = "mailq | awk '/^[A-F0-9]/ && $7 == \"spammer@bad.example\" { print $1 }' \
                     | tr -d '*!' | postsuper -d -";
    twins.run(by_sender, log);
    twins.assert_places(&changed(&[("one", "gone"), ("spammer", "gone")]));
    twins.run("postsuper -d ALL hold", log);
    let three = [("one", "gone"), ("spammer", "gone"), ("held", "gone")];
    twins.assert_places(&changed(&three));
    twins.run("postsuper -d ALL deferred", log);
    let left = all_in(&["deferred", "hold"], "gone");
    twins.assert_places(&left);
    twins.run("postsuper -d ALL active", log);
    // Whenever a delivery has ended, qmgr takes what waits in incoming.
    twins.assert_left(&["next"]);
    let text = twins.run("postsuper -d ALL", log);
    assert!(text.contains("Deleted: 1 message"), "{text}");
    let text = twins.run("mailq; postqueue -j", log);
    assert_eq!(text.trim(), "Mail queue is empty");
}

/// The guide's story: somebody's mail looks like spam. It is held, looked at,
/// and released or deleted.
#[test]
fn held_mail_is_inspected_and_then_deleted_or_released() {
    if require(Needs::Time) == Met::No || require(Needs::Postfix) == Met::No {
        return;
    }
    let mut twins = full();
    let log = "postfix/postsuper";
    twins.run("postsuper -h @spammer@ -h @two@", log);
    for sender in ["spammer", "two"] {
        let text = twins.run(&format!("postcat -qbh @{sender}@ | tail -n 1"), log);
        assert_eq!(text.trim(), format!("The text of {sender}."));
    }
    twins.run("postsuper -d @spammer@; postsuper -H @two@", log);
    twins.assert_places(&changed(&[("spammer", "gone")]));
    let text = twins.run("postsuper -d @held@ hold; postsuper -d 0A1B2C3D4E", log);
    assert!(text.contains("<held#1>: removed"), "{text}");
    assert!(text.contains("Deleted: 0 messages"), "{text}");
    twins.assert_places(&changed(&[("spammer", "gone"), ("held", "gone")]));
}

/// Deferred mail only: a queue manager that is asked tries all of it.
fn deferred() -> Twins {
    let mut twins = Twins::start();
    twins.submit("one", "a@example.com", "deferred");
    twins.submit("two", "b@dest.example", "deferred");
    twins.submit("spammer", "d@dest.example", "deferred");
    twins
}

const DEFERRED: [(&str, &str); 3] = [
    ("one", "deferred"),
    ("spammer", "deferred"),
    ("two", "deferred"),
];

#[test]
fn each_way_to_flush_tries_what_the_guide_says() {
    if require(Needs::Time) == Met::No || require(Needs::Postfix) == Met::No {
        return;
    }
    let mut twins = deferred();
    for (script, tried) in [
        ("postqueue -f", &["one", "spammer", "two"][..]),
        ("postfix flush", &["one", "spammer", "two"]),
        ("postqueue -i @two@", &["two"]),
        ("postqueue -s example.com", &["one"]),
    ] {
        twins.run(script, "postfix/postqueue");
        twins.settle(&DEFERRED);
        twins.wait_for_attempts(script, tried);
        twins.settle(&DEFERRED);
    }
    twins.run("postqueue -s nosuch.example", "postfix/postqueue");
    twins.settle(&DEFERRED);
}

/// Guides promise a new age, too: with Postfix 3.7.11 the time of arrival stays
/// what it was, whichever program requeues.
#[test]
fn requeued_mail_gets_a_new_id_and_keeps_its_time_of_arrival() {
    if require(Needs::Time) == Met::No || require(Needs::Postfix) == Met::No {
        return;
    }
    let mut twins = deferred();
    let log = "postfix/postsuper";
    let text = twins.run("postsuper -r @one@", log);
    assert!(text.contains("<one#1>: requeued"), "{text}");
    assert!(text.contains("Requeued: 1 message"), "{text}");
    twins.assert_places(&[("one", "maildrop"), DEFERRED[1], DEFERRED[2]]);
    for (script, again) in [
        ("postsuper -r @two@", &["two"][..]),
        ("postsuper -r ALL deferred", &["one", "spammer", "two"]),
        ("postsuper -r ALL", &["one", "spammer", "two"]),
        (
            "mailq | awk '/^[A-F0-9]/ && $7 == \"spammer@bad.example\" { print $1 }' \
             | tr -d '*!' | postsuper -r -",
            &["spammer"],
        ),
    ] {
        twins.pick_up();
        twins.settle(&DEFERRED);
        let before: Vec<_> = again.iter().map(|sender| twins.arrivals(sender)).collect();
        twins.sleep_a_second();
        twins.run(script, log);
        let places = DEFERRED.map(|(sender, queue)| {
            let is_requeued = again.contains(&sender);
            (sender, if is_requeued { "maildrop" } else { queue })
        });
        twins.assert_places(&places);
        twins.pick_up();
        twins.settle(&DEFERRED);
        for (sender, before) in again.iter().zip(before) {
            for ((id, time), (new_id, new_time)) in before.iter().zip(twins.arrivals(sender)) {
                assert_ne!(new_id, *id, "{sender} {script}");
                assert_eq!(new_time, *time, "{sender} {script}");
            }
        }
    }
}
