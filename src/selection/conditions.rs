//! A selection: what has to be true of a message, ordered by what must be
//! read to know it.
//!
//! Owns the logic of and, or and not. How the facts are come by is
//! handled by `matcher` and `evaluator`.

use super::client::ClientPattern;
use super::pattern::{Address, AddressPattern, DomainPattern, Pattern};
use super::values::Bound;
use crate::queue_file::message_visitor::{MessageHead, Recipient};
use crate::queue_file::submission::Submission;
use crate::spool::Queue;

/// What has to be true of a message. Empty it is true of all.
#[derive(Clone, Debug, Default)]
pub struct Selection {
    pub(super) names: Vec<Clause<NameTest>>,
    pub(super) heads: Vec<Clause<HeadTest>>,
    pub(super) recipients: Vec<Clause<RecipientTest>>,
    pub(super) attributes: Vec<Clause<AttributeTest>>,
    pub(super) contents: Vec<Clause<ContentTest>>,
}

/// The tests that one option asked for, joined by or; negated, none of them
/// may be true.
#[derive(Clone, Debug)]
pub struct Clause<T> {
    pub(super) option: &'static str,
    pub(super) negation: Negation,
    pub(super) tests: Vec<T>,
}

/// Whether `--not` stands before an option.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum Negation {
    /// It does not.
    #[default]
    Is,
    /// It does.
    IsNot,
}

impl Negation {
    /// Whether the finding that a test is true, or false, is what is wanted.
    pub fn wants(self, truth: bool) -> bool {
        truth == (self == Self::Is)
    }
}

impl<T> Clause<T> {
    /// Whether the clause holds, given what is true.
    fn holds(&self, truth: impl FnMut(&T) -> bool) -> bool {
        self.negation.wants(self.tests.iter().any(truth))
    }
}

/// Known from the directory.
#[derive(Clone, Debug)]
pub enum NameTest {
    /// `--id`.
    Id(Pattern),
    /// `--queue`.
    Queue(Vec<Queue>),
}

/// Known with the sender.
#[derive(Clone, Debug)]
pub enum HeadTest {
    /// `--status`.
    Status(Vec<MessageStatus>),
    /// `--from`.
    From(AddressPattern),
    /// `--from-domain`.
    FromDomain(DomainPattern),
    /// `--older`: arrived before that.
    Before(i64),
    /// `--newer`: arrived then or later.
    Since(i64),
    /// `--size`.
    Size(Bound),
}

/// What a listing marks a message with.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum MessageStatus {
    /// `*`.
    Active,
    /// `!`.
    Hold,
    /// `#`.
    Expire,
}

/// Known of the recipients.
#[derive(Clone, Debug)]
pub enum RecipientTest {
    /// `--to`: one of them.
    To(AddressPattern),
    /// `--to-domain`: one of them.
    ToDomain(DomainPattern),
    /// `--reason`: one of them waits for it.
    Reason(Pattern),
    /// `--all-to`: each of them.
    AllTo(AddressPattern),
    /// `--rcpt-count`.
    Count(Bound),
}

/// Known when the envelope was read.
#[derive(Clone, Debug)]
pub enum AttributeTest {
    /// `--sasl-user`.
    SaslUser(Pattern),
    /// `--client`.
    Client(ClientPattern),
}

/// Known from the message itself.
#[derive(Clone, Debug)]
pub enum ContentTest {
    /// `--subject` and `--header`: the header's name and what its value is.
    Header(Vec<u8>, Pattern),
    /// `--body`: a line is that.
    Body(Pattern),
}

impl Selection {
    /// Whether a message of that name can match, as far as the name and
    /// its queue tell: to be asked before anything is opened.
    pub fn admits_name(&self, queue: &[u8], id: &[u8]) -> bool {
        let name = |test: &NameTest| match test {
            NameTest::Id(pattern) => pattern.matches(id),
            NameTest::Queue(queues) => queues.iter().any(|q| q.name().as_bytes() == queue),
        };
        let possible = |clause: &Clause<HeadTest>| clause.by_queue(queue).unwrap_or(true);
        self.names.iter().all(|clause| clause.holds(name)) && self.heads.iter().all(possible)
    }

    /// Whether a message of that queue can match.
    pub fn admits_queue(&self, queue: Queue) -> bool {
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

    /// Whether it can be decided by queue and ID alone.
    pub fn needs_names_only(&self) -> bool {
        self.heads.is_empty()
            && self.recipients.is_empty()
            && self.attributes.is_empty()
            && self.contents.is_empty()
    }

    /// The first option whose answer only the queue file has: it cannot be
    /// used on a listing that a daemon gives.
    pub fn needs_spool(&self) -> Option<&'static str> {
        let attribute = self.attributes.first().map(|clause| clause.option);
        attribute.or_else(|| self.contents.first().map(|clause| clause.option))
    }

    /// Whether a message can match that begins so.
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
        };
        self.heads.iter().all(|clause| clause.holds(truth))
    }

    /// Whether a message that came in so can match.
    pub(super) fn admits_origin(&self, origin: &Submission) -> bool {
        let user = origin.sasl_user.as_slice();
        let truth = |test: &AttributeTest| match test {
            AttributeTest::SaslUser(pattern) => !user.is_empty() && pattern.matches(user),
            AttributeTest::Client(pattern) => pattern.matches(origin.client()),
        };
        self.attributes.iter().all(|clause| clause.holds(truth))
    }
}

impl Clause<HeadTest> {
    /// Whether the clause holds, if the queue alone tells.
    fn by_queue(&self, queue: &[u8]) -> Option<bool> {
        let known = |test: &HeadTest| match test {
            HeadTest::Status(all) if all.iter().any(|s| s.is_of_queue(queue)) => Some(true),
            HeadTest::Status(all) => (!all.contains(&MessageStatus::Expire)).then_some(false),
            _ => None,
        };
        known_truth(&self.tests, known).map(|truth| self.negation.wants(truth))
    }
}

/// Whether one of the tests is true, if what is known tells.
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
    /// Whether it is true of this recipient; of a number of them no single
    /// one can tell.
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
                .is_some_and(|(reason, _)| pattern.matches(reason)),
            Self::Count(_) => false,
        }
    }
}
