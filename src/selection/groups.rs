//! A selection: groups of conditions that are joined by or. Most selections have
//! one group.

use super::conditions::{
    Clause, Conditions, HeadTest, MessageStatus, Negation, RecipientTest, join,
};
use super::pattern::{Address, AddressPattern};
use crate::queue_file::mime::TextForm;
use crate::spool::Queue;

/// Groups of conditions, of which a message has to meet at least one. The default
/// is one group without conditions: all messages match.
#[derive(Clone, Debug)]
pub struct Selection {
    /// Never empty. The groups are joined by `--or`.
    pub(super) groups: Vec<Conditions>,
    /// Whether the message itself is compared decoded.
    pub(super) form: TextForm,
}

impl Default for Selection {
    fn default() -> Self {
        Self {
            groups: vec![Conditions::default()],
            form: TextForm::default(),
        }
    }
}

impl Selection {
    /// Whether a message with this name in this queue can match. To be called
    /// before the file is opened, to avoid opening files that cannot match.
    pub fn admits_name(&self, queue: &[u8], id: &[u8]) -> bool {
        self.groups.iter().any(|group| group.admits_name(queue, id))
    }

    /// Whether a message in this queue can match.
    pub fn admits_queue(&self, queue: Queue) -> bool {
        self.groups.iter().any(|group| group.admits_queue(queue))
    }

    /// Whether `--queue` names the queue corrupt, which is not searched otherwise.
    pub fn names_corrupt(&self) -> bool {
        self.groups.iter().any(Conditions::names_corrupt)
    }

    /// The queues to search, in the order of a listing.
    pub fn searched(selection: Option<&Self>) -> Vec<Queue> {
        let corrupt = selection
            .is_some_and(Self::names_corrupt)
            .then_some(Queue::Corrupt);
        Queue::LISTED.into_iter().chain(corrupt).collect()
    }

    /// Whether queue and ID are enough to decide whether a message matches.
    pub fn needs_names_only(&self) -> bool {
        self.groups.iter().all(Conditions::needs_names_only)
    }

    /// The first option whose conditions can be evaluated only from the queue file,
    /// and which therefore cannot be used on a listing from a daemon; `None` if
    /// there is none.
    pub fn needs_spool(&self) -> Option<&'static str> {
        self.groups.iter().find_map(Conditions::needs_spool)
    }

    /// Whether headers or the body of the message are compared.
    pub fn compares_text(&self) -> bool {
        self.groups.iter().any(|group| !group.contents.is_empty())
    }

    /// The option whose conditions depend on the parameters that
    /// [`Selection::set_lifetimes`] sets; `None` if there is none.
    pub fn needs_lifetimes(&self) -> Option<&'static str> {
        let heads = self.groups.iter().flat_map(|group| &group.heads);
        let mut needing = heads.filter(|clause| {
            let is_expiry = |test: &HeadTest| matches!(test, HeadTest::Expires(_));
            clause.tests.iter().any(is_expiry)
        });
        needing.next().map(|clause| clause.option)
    }

    /// Sets maximal_queue_lifetime and bounce_queue_lifetime, in seconds.
    pub fn set_lifetimes(&mut self, message: i64, bounce: i64) {
        let heads = self.groups.iter_mut().flat_map(|group| &mut group.heads);
        for test in heads.flat_map(|clause| &mut clause.tests) {
            if let HeadTest::Expires(expiry) = test {
                expiry.lifetime = message;
                expiry.bounce_lifetime = bounce;
            }
        }
    }

    /// The same selection, restricted to messages that were not forced to expire.
    pub fn without_expired(&self) -> Self {
        let mut narrowed = self.clone();
        for group in &mut narrowed.groups {
            let test = HeadTest::Status(vec![MessageStatus::Expire]);
            join(&mut group.heads, "status", Negation::IsNot, test);
        }
        narrowed
    }

    /// The same selection, restricted to messages with a recipient that matches one
    /// of these patterns.
    pub fn with_recipient(&self, patterns: &[AddressPattern]) -> Self {
        let mut narrowed = self.clone();
        for group in &mut narrowed.groups {
            group.recipients.push(Clause {
                option: "drop-recipient",
                negation: Negation::Is,
                tests: patterns.iter().cloned().map(RecipientTest::To).collect(),
            });
        }
        narrowed
    }

    /// The same selection with the senders of `--from` compared as parts of
    /// addresses and without regard to case; `None` if that makes no difference. To
    /// explain why nothing matches.
    pub fn with_similar_senders(&self) -> Option<Self> {
        let mut similar = self.clone();
        let mut is_different = false;
        let heads = similar.groups.iter_mut().flat_map(|group| &mut group.heads);
        let clauses = heads.filter(|clause| clause.negation == Negation::Is);
        for test in clauses.flat_map(|clause| &mut clause.tests) {
            if let HeadTest::From(pattern) = test
                && let Some(wider) = pattern.similar()
            {
                *pattern = wider;
                is_different = true;
            }
        }
        is_different.then_some(similar)
    }

    /// A glob that matches one of the senders, which the text of `--from` alone does
    /// not; `None` if there is none.
    pub fn wider_sender<'a>(&self, senders: impl Iterator<Item = &'a [u8]>) -> Option<String> {
        let heads = self.groups.iter().flat_map(|group| &group.heads);
        let positive = heads.filter(|clause| clause.negation == Negation::Is);
        let mut texts = positive
            .flat_map(|clause| &clause.tests)
            .filter_map(|test| match test {
                HeadTest::From(AddressPattern::Exact(text)) => std::str::from_utf8(text).ok(),
                _ => None,
            });
        let glob = format!("*{}", texts.next()?);
        let pattern = AddressPattern::parse(&glob).ok()?;
        let mut senders = senders.map(|shown| Address {
            shown,
            given: None,
            null_shown: b"",
        });
        senders
            .any(|sender| pattern.matches(sender))
            .then_some(glob)
    }
}
