//! The final account: the messages that were submitted, and what became of each
//! according to the destination, Postfix's log and the reports of postsuper.

use std::collections::{BTreeMap, BTreeSet};
use std::time::{Duration, Instant};

use super::acts::Act;
use super::server::Delivery;

/// How long after a message was deleted a delivery may begin that was under
/// way: several processes hand it on.
const UNDER_WAY: Duration = Duration::from_secs(5);
/// How long a delivery begins before its connection, and ends after it.
const AROUND: Duration = Duration::from_secs(3);

/// What there is to account for, and by.
pub struct Books<'a> {
    pub log: &'a str,
    pub acts: &'a [Act],
    pub deliveries: &'a [Delivery],
    /// IDs that are in the queue.
    pub left: &'a BTreeSet<String>,
    /// Message-IDs of those that smtp-source handed over.
    pub by_smtp: &'a [String],
    /// Message-IDs of those that sendmail handed over.
    pub by_sendmail: &'a [String],
}

/// How many messages ended in which way.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Sums {
    pub handed_over: usize,
    pub bounces: usize,
    pub delivered: usize,
    pub returned: usize,
    pub deleted: usize,
    pub left: usize,
    /// Deliveries of a message that had been delivered already.
    pub again: usize,
}

/// What the log tells of a message.
#[derive(Debug, Default)]
struct Report<'a> {
    /// Its queue IDs, the oldest first.
    ids: Vec<&'a str>,
    /// The most recipients that it had.
    recipients: usize,
    /// Those that refused it for good.
    refused: BTreeSet<&'a str>,
}

/// What the log tells.
#[derive(Debug, Default)]
struct Log<'a> {
    messages: BTreeMap<&'a str, Report<'a>>,
    /// Messages of Postfix's own, which inform a sender that a message was returned.
    bounces: BTreeSet<&'a str>,
    /// IDs that came back whole.
    returned: BTreeSet<&'a str>,
    /// IDs that postsuper removed.
    removed: BTreeSet<&'a str>,
}

impl<'a> Log<'a> {
    fn read(text: &'a str) -> Self {
        let mut log = Self::default();
        let mut message_of = BTreeMap::new();
        for line in text.lines() {
            let mut parts = line.splitn(3, ": ");
            let (Some(program), Some(id), Some(text)) = (parts.next(), parts.next(), parts.next())
            else {
                continue;
            };
            if let Some(id) = stillborn(text) {
                let message = message_of.get(id).copied().unwrap_or_default();
                let report = log.messages.entry(message).or_default();
                report.ids.retain(|known| *known != id);
            } else if program.contains("/postsuper[") {
                if text == "removed" || text.starts_with("removed (") {
                    log.removed.insert(id);
                }
            } else if let Some(message) = text.strip_prefix("message-id=") {
                message_of.insert(id, message);
                log.messages.entry(message).or_default().ids.push(id);
            } else if let Some(bounce) = text.strip_prefix("sender non-delivery notification: ") {
                log.bounces.insert(bounce);
            } else if text.contains("expired, returned to sender") {
                log.returned.insert(id);
            } else if let Some(message) = message_of.get(id) {
                let report = log.messages.entry(message).or_default();
                report.read(text);
            }
        }
        log
    }
}

/// The ID that a message from maildrop did not get after all: it was requeued
/// from active when its last recipient was just done.
fn stillborn(text: &str) -> Option<&str> {
    let before = text.strip_suffix(": no recipients specified")?;
    before.split_once(": error writing ").map(|(_, id)| id)
}

impl<'a> Report<'a> {
    fn read(&mut self, text: &'a str) {
        if let Some((_, count)) = text.split_once(", nrcpt=") {
            let digits = count.split(' ').next().unwrap_or_default();
            self.recipients = self.recipients.max(digits.parse().unwrap_or(0));
        } else if let Some(rest) = text.strip_prefix("to=<")
            && text.contains(" status=bounced ")
        {
            self.refused.extend(rest.split('>').next());
        }
    }
}

/// How a message ended.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum End {
    Delivered,
    Returned,
    Deleted,
    Left,
}

impl Books<'_> {
    /// Fails unless every message is accounted for. Returns how they ended.
    pub fn close(&self) -> Sums {
        let log = Log::read(self.log);
        let mut sums = Sums {
            handed_over: self.by_smtp.len() + self.by_sendmail.len(),
            bounces: log.bounces.len(),
            ..Sums::default()
        };
        self.check_removals(&log);
        self.check_beginnings(&log);
        let taken = self.taken();
        for (message, report) in &log.messages {
            match self.end(message, report, &log, &taken) {
                Some(End::Delivered) => sums.delivered += 1,
                Some(End::Returned) => sums.returned += 1,
                Some(End::Deleted) => sums.deleted += 1,
                Some(End::Left) => sums.left += 1,
                None => panic!("{message} is lost\n{report:?}\n{}", self.story(&report.ids)),
            }
        }
        self.check_deleted_stay_deleted();
        sums.again = self.check_repetitions(&log);
        sums
    }

    /// Recipients by message, as the destination took them.
    fn taken(&self) -> BTreeMap<&str, BTreeSet<&str>> {
        let mut taken: BTreeMap<&str, BTreeSet<&str>> = BTreeMap::new();
        for delivery in self.deliveries {
            let recipients = taken.entry(&delivery.message).or_default();
            recipients.extend(delivery.recipients.iter().map(String::as_str));
        }
        taken
    }

    fn end(
        &self,
        message: &str,
        report: &Report<'_>,
        log: &Log<'_>,
        taken: &BTreeMap<&str, BTreeSet<&str>>,
    ) -> Option<End> {
        let last = *report.ids.last()?;
        let delivered = taken.get(message).cloned().unwrap_or_default();
        let done = delivered.union(&report.refused).count();
        let is_done = report.recipients > 0 && done >= report.recipients;
        match () {
            // What is here is not lost, whatever was done with it before.
            () if self.left.contains(last) => Some(End::Left),
            () if is_done && report.refused.is_empty() => Some(End::Delivered),
            () if is_done || log.returned.contains(last) => Some(End::Returned),
            () if log.removed.contains(last) => Some(End::Deleted),
            () => None,
        }
    }

    /// Each ID was removed once, and the log knows what standard error said.
    fn check_removals(&self, log: &Log<'_>) {
        let mut said = BTreeSet::new();
        for act in self.acts {
            for (id, _) in act.said.iter().filter(|(_, action)| action == "removed") {
                let is_first = said.insert(id.as_str());
                assert!(is_first, "{id} was removed twice\n{}", self.story(&[id]));
            }
        }
        assert_eq!(said, log.removed, "removed: said, and logged");
    }

    /// Every message that was handed over came into the queue: it is in the
    /// log, or was deleted from maildrop before it could be.
    fn check_beginnings(&self, log: &Log<'_>) {
        let is_known = |message: &&String| log.messages.contains_key(message.as_str());
        let unknown = self.by_smtp.iter().find(|message| !is_known(message));
        assert_eq!(unknown, None, "taken by SMTP, and not in the log");
        let is_bounce = |report: &&Report<'_>| {
            report
                .ids
                .first()
                .is_some_and(|id| log.bounces.contains(id))
        };
        let bounces = log.messages.values().filter(is_bounce).count();
        assert_eq!(bounces, log.bounces.len(), "messages of Postfix's own");
        let by_sendmail = self.by_sendmail.iter().filter(is_known).count();
        let known = self.by_smtp.len() + by_sendmail + bounces;
        assert_eq!(log.messages.len(), known, "messages of nobody");
        let logged: BTreeSet<&str> = log.messages.values().flat_map(|t| t.ids.clone()).collect();
        let unborn = log.removed.iter().filter(|id| !logged.contains(**id));
        let missing = self.by_sendmail.len() - by_sendmail;
        assert!(
            missing <= unborn.count(),
            "{missing} never came out of maildrop"
        );
    }

    /// What was deleted was not sent afterwards, but for what was under way.
    fn check_deleted_stay_deleted(&self) {
        let mut removed: BTreeMap<&str, Instant> = BTreeMap::new();
        for act in self.acts {
            let ids = act.said.iter().filter(|(_, action)| action == "removed");
            removed.extend(ids.map(|(id, _)| (id.as_str(), act.ended)));
        }
        for delivery in self.deliveries {
            let Some(when) = removed.get(delivery.id.as_str()) else {
                continue;
            };
            let story = || self.story(&[&delivery.id]);
            let was_under_way = delivery.connected <= *when + UNDER_WAY;
            assert!(
                was_under_way,
                "sent though deleted: {delivery:?}\n{}",
                story()
            );
        }
    }

    /// What was delivered twice was taken from active while that went on.
    /// Returns how often that was.
    fn check_repetitions(&self, log: &Log<'_>) -> usize {
        let mut before: BTreeMap<(&str, &str), &Delivery> = BTreeMap::new();
        let mut again = 0;
        for delivery in self.deliveries {
            for recipient in &delivery.recipients {
                let key = (delivery.message.as_str(), recipient.as_str());
                let Some(earlier) = before.insert(key, delivery) else {
                    continue;
                };
                again += 1;
                let was_moved = self.acts.iter().any(|act| {
                    let overlaps = act.started <= earlier.accepted + AROUND
                        && act.ended + AROUND >= earlier.connected;
                    overlaps && act.may_have_moved(&earlier.id)
                });
                let ids = || {
                    log.messages
                        .get(key.0)
                        .map_or(&[][..], |report| &report.ids)
                };
                assert!(
                    was_moved,
                    "delivered again: {delivery:?}\n{}",
                    self.story(ids())
                );
            }
        }
        again
    }

    /// All that is known of these IDs.
    fn story(&self, ids: &[&str]) -> String {
        let mut text = String::new();
        let is_named = |line: &&str| ids.iter().any(|id| line.contains(id));
        for line in self.log.lines().filter(is_named) {
            text.push_str(&format!("{line}\n"));
        }
        for act in self.acts {
            let is_about = |id: &&str| {
                let is_said = act.said.iter().any(|(said, _)| said == id);
                let is_asked = act.arguments.iter().any(|argument| argument == id);
                is_said || is_asked || act.stdin.lines().any(|line| line == *id)
            };
            if ids.iter().any(is_about) {
                text.push_str(&format!("{act:?}\n"));
            }
        }
        text
    }
}
