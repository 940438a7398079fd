//! Conditions on a message, ordered by what has to be read to evaluate them, and
//! how they combine with and and not. `groups` combines them with or.
//!
//! `matcher` and `evaluator` collect the facts that the conditions are applied to.

use super::client::ClientPattern;
use super::pattern::{Address, AddressPattern, DomainPattern, Pattern};
use super::values::Bound;
use crate::queue_file::message_visitor::{MessageHead, Recipient};
use crate::queue_file::submission::Submission;
use crate::spool::Queue;

/// Conditions that a message has to meet all of.
#[derive(Clone, Debug, Default)]
pub struct Conditions {
    pub(super) names: Vec<Clause<NameTest>>,
    pub(super) heads: Vec<Clause<HeadTest>>,
    pub(super) recipients: Vec<Clause<RecipientTest>>,
    pub(super) attributes: Vec<Clause<AttributeTest>>,
    pub(super) contents: Vec<Clause<ContentTest>>,
}

/// The tests of one option, of which at least one has to be true or, if negated,
/// none may be true.
#[derive(Clone, Debug)]
pub struct Clause<T> {
    pub(super) option: &'static str,
    pub(super) negation: Negation,
    pub(super) tests: Vec<T>,
}

/// Whether `--not` precedes an option.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum Negation {
    /// The option is not negated.
    #[default]
    Is,
    /// The option is negated.
    IsNot,
}

impl Negation {
    /// Whether a clause holds, given whether one of its tests is true.
    pub fn wants(self, truth: bool) -> bool {
        truth == (self == Self::Is)
    }
}

impl<T> Clause<T> {
    /// Whether the clause holds if `truth` evaluates its tests.
    fn holds(&self, truth: impl FnMut(&T) -> bool) -> bool {
        self.negation.wants(self.tests.iter().any(truth))
    }
}

/// A test on the queue and the queue ID, which are known from the directory.
#[derive(Clone, Debug)]
pub enum NameTest {
    /// `--id`.
    Id(Pattern),
    /// `--queue`.
    Queue(Vec<Queue>),
}

/// A test on the message properties that are known once the sender has been read.
#[derive(Clone, Debug)]
pub enum HeadTest {
    /// `--status`.
    Status(Vec<MessageStatus>),
    /// `--from`.
    From(AddressPattern),
    /// `--from-domain`.
    FromDomain(DomainPattern),
    /// `--older`: the message arrived before this time.
    Before(i64),
    /// `--newer`: the message arrived at this time or later.
    Since(i64),
    /// `--size`.
    Size(Bound),
    /// `--due`: the next delivery attempt is at this time or earlier.
    Due(i64),
    /// `--expires`.
    Expires(Expiry),
}

/// A time, and how long messages stay in the queue before they are returned.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Expiry {
    /// The message is returned at this time or earlier, in seconds since the epoch.
    pub until: i64,
    /// maximal_queue_lifetime in seconds.
    pub lifetime: i64,
    /// bounce_queue_lifetime in seconds, for messages from the null sender.
    pub bounce_lifetime: i64,
}

/// A status by which a listing marks a message.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum MessageStatus {
    /// In the active queue, marked `*`.
    Active,
    /// On hold, marked `!`.
    Hold,
    /// Forced to expire, marked `#`.
    Expire,
}

/// A test on the recipients.
#[derive(Clone, Debug)]
pub enum RecipientTest {
    /// `--to`: at least one recipient matches.
    To(AddressPattern),
    /// `--to-domain`: the domain of at least one recipient matches.
    ToDomain(DomainPattern),
    /// `--reason`: the delay reason of at least one recipient matches.
    Reason(Pattern),
    /// `--all-to`: every recipient matches.
    AllTo(AddressPattern),
    /// `--rcpt-count`.
    Count(Bound),
}

/// A test on attributes, which are known once the envelope has been read.
#[derive(Clone, Debug)]
pub enum AttributeTest {
    /// `--sasl-user`.
    SaslUser(Pattern),
    /// `--client`.
    Client(ClientPattern),
}

/// A test on the message header and body.
#[derive(Clone, Debug)]
pub enum ContentTest {
    /// `--subject` and `--header`: the name of the header and the pattern for its
    /// value.
    Header(Vec<u8>, Pattern),
    /// `--body`: a line of the body matches.
    Body(Pattern),
}

/// Adds a test to the clause of its option and negation, or starts a new clause.
pub(super) fn join<T>(
    clauses: &mut Vec<Clause<T>>,
    option: &'static str,
    negation: Negation,
    test: T,
) {
    let same = |clause: &&mut Clause<T>| clause.option == option && clause.negation == negation;
    match clauses.iter_mut().find(same) {
        Some(clause) => clause.tests.push(test),
        None => clauses.push(Clause {
            option,
            negation,
            tests: vec![test],
        }),
    }
}

impl Conditions {
    /// Whether a message with this name in this queue can match.
    pub(super) fn admits_name(&self, queue: &[u8], id: &[u8]) -> bool {
        if queue == Queue::Corrupt.name().as_bytes() && !self.names_corrupt() {
            return false;
        }
        let name = |test: &NameTest| match test {
            NameTest::Id(pattern) => pattern.matches(id),
            NameTest::Queue(queues) => queues.iter().any(|q| q.name().as_bytes() == queue),
        };
        let possible = |clause: &Clause<HeadTest>| clause.by_queue(queue).unwrap_or(true);
        self.names.iter().all(|clause| clause.holds(name)) && self.heads.iter().all(possible)
    }

    /// Whether `--queue` names the queue corrupt, which is not searched otherwise.
    pub(super) fn names_corrupt(&self) -> bool {
        let names_it = |test: &NameTest| match test {
            NameTest::Queue(queues) => queues.contains(&Queue::Corrupt),
            NameTest::Id(_) => false,
        };
        let mut positive = self.names.iter().filter(|c| c.negation == Negation::Is);
        positive.any(|clause| clause.tests.iter().any(names_it))
    }

    /// Whether a message in this queue can match.
    pub(super) fn admits_queue(&self, queue: Queue) -> bool {
        if queue == Queue::Corrupt && !self.names_corrupt() {
            return false;
        }
        let queue = queue.name().as_bytes();
        let by_queue = |clause: &Clause<NameTest>| {
            let known = |test: &NameTest| match test {
                NameTest::Queue(queues) => {
                    Some(queues.iter().any(|q| q.name().as_bytes() == queue))
                }
                NameTest::Id(_) => None,
            };
            known_truth(&clause.tests, known).is_none_or(|truth| clause.negation.wants(truth))
        };
        let possible = |clause: &Clause<HeadTest>| clause.by_queue(queue).unwrap_or(true);
        self.names.iter().all(by_queue) && self.heads.iter().all(possible)
    }

    /// Whether queue and ID are enough to decide whether a message matches.
    pub(super) fn needs_names_only(&self) -> bool {
        self.heads.is_empty()
            && self.recipients.is_empty()
            && self.attributes.is_empty()
            && self.contents.is_empty()
    }

    /// The first option that can be evaluated only from the queue file.
    pub(super) fn needs_spool(&self) -> Option<&'static str> {
        let is_due = |test: &HeadTest| matches!(test, HeadTest::Due(_));
        let mut heads = self.heads.iter();
        let due = heads.find(|clause| clause.tests.iter().any(is_due));
        let attribute = self.attributes.first().map(|clause| clause.option);
        due.map(|clause| clause.option)
            .or(attribute)
            .or_else(|| self.contents.first().map(|clause| clause.option))
    }

    /// Whether a message with this sender, arrival time, size and status can match.
    pub(super) fn admits_head(&self, head: &MessageHead<'_>, null_shown: &[u8]) -> bool {
        let sender = Address {
            shown: head.sender,
            given: head.envelope_sender,
            null_shown,
        };
        let truth = |test: &HeadTest| match test {
            HeadTest::Status(all) => all.iter().any(|status| status.is_of(head)),
            HeadTest::From(pattern) => pattern.matches(sender),
            HeadTest::FromDomain(pattern) => pattern.matches(head.sender),
            HeadTest::Before(moment) => head.arrival < *moment,
            HeadTest::Since(moment) => head.arrival >= *moment,
            HeadTest::Size(bound) => bound.admits(u64::try_from(head.size).unwrap_or(0)),
            HeadTest::Due(until) => head.next_attempt.is_some_and(|time| time <= *until),
            HeadTest::Expires(expiry) => expiry.is_reached(head.arrival, sender),
        };
        self.heads.iter().all(|clause| clause.holds(truth))
    }

    /// Whether a message with these client attributes can match.
    pub(super) fn admits_origin(&self, origin: &Submission) -> bool {
        let user = origin.sasl_user.as_slice();
        let truth = |test: &AttributeTest| match test {
            AttributeTest::SaslUser(pattern) => !user.is_empty() && pattern.matches(user),
            AttributeTest::Client(pattern) => pattern.matches(origin.client()),
        };
        self.attributes.iter().all(|clause| clause.holds(truth))
    }
}

impl Expiry {
    /// Whether a message is returned at [`Expiry::until`] or earlier.
    fn is_reached(self, arrival: i64, sender: Address<'_>) -> bool {
        let lifetime = if AddressPattern::Null.matches(sender) {
            self.bounce_lifetime
        } else {
            self.lifetime
        };
        arrival.saturating_add(lifetime) <= self.until
    }
}

impl Clause<HeadTest> {
    /// Whether the clause holds; `None` if that depends on more than the queue.
    fn by_queue(&self, queue: &[u8]) -> Option<bool> {
        let known = |test: &HeadTest| match test {
            HeadTest::Status(all) if all.iter().any(|s| s.is_of_queue(queue)) => Some(true),
            HeadTest::Status(all) => (!all.contains(&MessageStatus::Expire)).then_some(false),
            HeadTest::Due(_) => (queue != Queue::Deferred.name().as_bytes()).then_some(false),
            _ => None,
        };
        known_truth(&self.tests, known).map(|truth| self.negation.wants(truth))
    }
}

/// Whether at least one of the tests is true; `None` if that depends on tests for
/// which `known` returns `None`.
fn known_truth<T>(tests: &[T], known: impl Fn(&T) -> Option<bool>) -> Option<bool> {
    let mut all_false = true;
    for test in tests {
        match known(test) {
            Some(true) => return Some(true),
            Some(false) => {}
            None => all_false = false,
        }
    }
    all_false.then_some(false)
}

impl MessageStatus {
    fn is_of_queue(self, queue: &[u8]) -> bool {
        match self {
            Self::Active => queue == Queue::Active.name().as_bytes(),
            Self::Hold => queue == Queue::Hold.name().as_bytes(),
            Self::Expire => false,
        }
    }

    fn is_of(self, head: &MessageHead<'_>) -> bool {
        match self {
            Self::Expire => head.forced_expire == Some(true),
            other => other.is_of_queue(head.queue),
        }
    }
}

impl RecipientTest {
    /// Whether the test is true of this recipient. A test on the number of
    /// recipients is never true of a single one.
    pub(super) fn is_true_of(&self, recipient: &Recipient<'_>, null_shown: &[u8]) -> bool {
        let address = Address {
            shown: recipient.address,
            given: None,
            null_shown,
        };
        match self {
            Self::To(pattern) | Self::AllTo(pattern) => pattern.matches(address),
            Self::ToDomain(pattern) => pattern.matches(recipient.address),
            Self::Reason(pattern) => recipient
                .reason
                .is_some_and(|(reason, _)| pattern.matches_reason(reason)),
            Self::Count(_) => false,
        }
    }
}
