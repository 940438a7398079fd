//! Evaluates a selection for one message while it is being read, and stops the
//! reading as soon as the result is known.

use super::conditions::{Clause, RecipientTest, Selection};
use super::values::Bound;
use crate::queue_file::message_visitor::{MessageHead, MessageVisitor, ReadLevel, Recipient};
use crate::queue_file::submission::Submission;

/// Evaluates all conditions of a selection except those on the message header and
/// body.
#[derive(Debug)]
pub struct Evaluator<'s> {
    selection: &'s Selection,
    /// How the null address is shown.
    null_shown: &'s [u8],
    verdict: Match,
    /// The result for each clause about recipients, from the recipients so far.
    seen: Vec<RecipientMatches>,
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
        Self {
            selection,
            null_shown,
            verdict: Match::Open,
            seen: vec![RecipientMatches::default(); selection.recipients.len()],
            recipients: 0,
            origin: Submission::default(),
        }
    }

    /// The result so far.
    pub fn verdict(&self) -> Match {
        self.verdict
    }

    /// Sets the result if the recipients so far determine it.
    fn conclude(&mut self) {
        let mut open = !self.selection.attributes.is_empty();
        for (clause, seen) in self.selection.recipients.iter().zip(&self.seen) {
            match clause.truth_so_far(*seen, self.recipients) {
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

    /// Whether the message matches. To be called when all recipients have been
    /// seen.
    fn decide(&self) -> bool {
        let holds = |(clause, seen): (&Clause<RecipientTest>, &RecipientMatches)| {
            clause.negation.wants(clause.truth(*seen, self.recipients))
        };
        self.selection.recipients.iter().zip(&self.seen).all(holds)
            && self.selection.admits_origin(&self.origin)
    }
}

impl MessageVisitor for Evaluator<'_> {
    fn wants_attributes(&self) -> bool {
        !self.selection.attributes.is_empty()
    }

    fn attribute(&mut self, text: &[u8]) {
        self.origin.note(text);
    }

    fn wanted(&self) -> ReadLevel {
        match self.verdict {
            Match::Open if self.selection.recipients.is_empty() => ReadLevel::QueueFile,
            Match::Open => ReadLevel::Everything,
            Match::Yes | Match::No => ReadLevel::Nothing,
        }
    }

    fn message(&mut self, head: &MessageHead<'_>) {
        let may = self.selection.admits_name(head.queue, head.id)
            && self.selection.admits_head(head, self.null_shown);
        if may {
            self.conclude()
        } else {
            self.verdict = Match::No
        }
    }

    fn recipient(&mut self, recipient: &Recipient<'_>) {
        if self.verdict != Match::Open {
            return;
        }
        self.recipients = self.recipients.saturating_add(1);
        for (clause, seen) in self.selection.recipients.iter().zip(&mut self.seen) {
            let is_true = |test: &RecipientTest| test.is_true_of(recipient, self.null_shown);
            if clause.tests.iter().any(is_true) {
                seen.hit = true
            } else {
                seen.miss = true
            }
        }
        self.conclude();
    }

    fn end(&mut self) {
        if self.verdict == Match::Open {
            self.verdict = if self.decide() { Match::Yes } else { Match::No };
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
