//! Evaluates a selection for one message while it is being read, and stops the
//! reading as soon as the result is known.

use super::conditions::{Clause, Conditions, RecipientTest};
use super::groups::Selection;
use super::values::Bound;
use crate::queue_file::message_visitor::{MessageHead, MessageVisitor, ReadLevel, Recipient};
use crate::queue_file::submission::Submission;

/// Evaluates all conditions of a selection except those on the message header and
/// body.
#[derive(Debug)]
pub struct Evaluator<'s> {
    /// How the null address is shown.
    null_shown: &'s [u8],
    groups: Vec<GroupState<'s>>,
    recipients: u64,
    origin: Submission,
}

/// Whether a message matches.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum Match {
    /// Not known yet.
    #[default]
    Open,
    /// The message matches, except that conditions on header and body are not
    /// evaluated.
    Yes,
    /// The message does not match.
    No,
}

/// The state of one group of conditions.
#[derive(Debug)]
struct GroupState<'s> {
    conditions: &'s Conditions,
    verdict: Match,
    /// The result for each clause about recipients, from the recipients so far.
    seen: Vec<RecipientMatches>,
}

/// The results of a clause's tests for the recipients so far.
#[derive(Clone, Copy, Debug, Default)]
struct RecipientMatches {
    /// Whether a test was true of at least one recipient.
    hit: bool,
    /// Whether all tests were false for at least one recipient.
    miss: bool,
}

impl<'s> Evaluator<'s> {
    /// Creates an evaluator for one message.
    pub fn new(selection: &'s Selection, null_shown: &'s [u8]) -> Self {
        let state = |conditions: &'s Conditions| GroupState {
            conditions,
            verdict: Match::Open,
            seen: vec![RecipientMatches::default(); conditions.recipients.len()],
        };
        Self {
            null_shown,
            groups: selection.groups.iter().map(state).collect(),
            recipients: 0,
            origin: Submission::default(),
        }
    }

    /// The result so far.
    pub fn verdict(&self) -> Match {
        let mut verdict = Match::No;
        for group in &self.groups {
            match group.verdict {
                Match::Yes if group.conditions.contents.is_empty() => return Match::Yes,
                Match::Open => verdict = Match::Open,
                Match::Yes if verdict == Match::No => verdict = Match::Yes,
                Match::Yes | Match::No => {}
            }
        }
        verdict
    }

    /// The groups of which only the conditions on header and body are not
    /// evaluated.
    pub(super) fn candidates(&self) -> impl Iterator<Item = &'s Conditions> {
        let matching = self.groups.iter().filter(|g| g.verdict == Match::Yes);
        matching.map(|group| group.conditions)
    }

    fn open_groups(&self) -> impl Iterator<Item = &GroupState<'s>> {
        self.groups.iter().filter(|g| g.verdict == Match::Open)
    }
}

impl GroupState<'_> {
    /// Sets the result if the recipients so far determine it.
    fn conclude(&mut self, recipients: u64) {
        let mut open = !self.conditions.attributes.is_empty();
        for (clause, seen) in self.conditions.recipients.iter().zip(&self.seen) {
            match clause.truth_so_far(*seen, recipients) {
                Some(truth) if clause.negation.wants(truth) => {}
                Some(_) => {
                    self.verdict = Match::No;
                    return;
                }
                None => open = true,
            }
        }
        if !open {
            self.verdict = Match::Yes;
        }
    }

    /// Takes a recipient into account.
    fn recipient(&mut self, recipient: &Recipient<'_>, null_shown: &[u8]) {
        for (clause, seen) in self.conditions.recipients.iter().zip(&mut self.seen) {
            let is_true = |test: &RecipientTest| test.is_true_of(recipient, null_shown);
            if clause.tests.iter().any(is_true) {
                seen.hit = true
            } else {
                seen.miss = true
            }
        }
    }

    /// Whether the message matches, when all of it has been seen.
    fn decide(&self, recipients: u64, origin: &Submission) -> bool {
        let holds = |(clause, seen): (&Clause<RecipientTest>, &RecipientMatches)| {
            clause.negation.wants(clause.truth(*seen, recipients))
        };
        self.conditions.recipients.iter().zip(&self.seen).all(holds)
            && self.conditions.admits_origin(origin)
    }
}

impl MessageVisitor for Evaluator<'_> {
    fn wants_attributes(&self) -> bool {
        let mut open = self.open_groups();
        open.any(|group| !group.conditions.attributes.is_empty())
    }

    fn attribute(&mut self, text: &[u8]) {
        self.origin.note(text);
    }

    fn wanted(&self) -> ReadLevel {
        if self.verdict() != Match::Open {
            return ReadLevel::Nothing;
        }
        let mut open = self.open_groups();
        if open.all(|group| group.conditions.recipients.is_empty()) {
            ReadLevel::QueueFile
        } else {
            ReadLevel::Everything
        }
    }

    fn message(&mut self, head: &MessageHead<'_>) {
        for group in &mut self.groups {
            let may = group.conditions.admits_name(head.queue, head.id)
                && group.conditions.admits_head(head, self.null_shown);
            if may {
                group.conclude(0)
            } else {
                group.verdict = Match::No
            }
        }
    }

    fn recipient(&mut self, recipient: &Recipient<'_>) {
        if self.verdict() != Match::Open {
            return;
        }
        self.recipients = self.recipients.saturating_add(1);
        for group in &mut self.groups {
            if group.verdict == Match::Open {
                group.recipient(recipient, self.null_shown);
                group.conclude(self.recipients);
            }
        }
    }

    fn end(&mut self) {
        for group in &mut self.groups {
            if group.verdict == Match::Open {
                let matches = group.decide(self.recipients, &self.origin);
                group.verdict = if matches { Match::Yes } else { Match::No };
            }
        }
    }

    // The warning is given when the message is listed, if it matches.
    fn warning(&mut self, _: Vec<u8>) {}
}

impl Clause<RecipientTest> {
    /// Whether a test is true of the recipients, all of which have been seen.
    fn truth(&self, seen: RecipientMatches, recipients: u64) -> bool {
        let counted = |test: &RecipientTest| match test {
            RecipientTest::Count(bound) => bound.admits(recipients),
            RecipientTest::AllTo(_) => seen.hit && !seen.miss,
            _ => seen.hit,
        };
        self.tests.iter().any(counted)
    }

    /// Whether a test is true of the recipients, of which more may follow; `None`
    /// if that depends on the others.
    fn truth_so_far(&self, seen: RecipientMatches, recipients: u64) -> Option<bool> {
        match self.tests.first() {
            // With more recipients, `AtLeast` can only become true; `AtMost` is
            // decided at the end.
            Some(RecipientTest::Count(_)) => {
                let reached = |test: &RecipientTest| match test {
                    RecipientTest::Count(Bound::AtLeast(least)) => recipients >= *least,
                    _ => false,
                };
                self.tests.iter().any(reached).then_some(true)
            }
            Some(RecipientTest::AllTo(_)) => seen.miss.then_some(false),
            _ => seen.hit.then_some(true),
        }
    }
}
