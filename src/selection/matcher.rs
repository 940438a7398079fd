//! Decides whether a message in the spool is meant, reading no more of it
//! than that takes.

use nix::sys::stat::FileStat;

use super::conditions::{Clause, ContentTest, Selection, Sense};
use super::judge::{Judge, Verdict};
use crate::record::Buffers;
use crate::spool::message::{Identity, Message};
use crate::spool::message_text::{self, Next, Piece};
use crate::spool::report::{Head, Recipient, Report, Rules, Wanted};
use crate::spool::reporter::{Location, ReportError, Reporter, shown_null};

/// Looks at messages one after the other, with the same buffers.
#[derive(Debug)]
pub struct Matcher<'s> {
    selection: &'s Selection,
    rules: &'s Rules,
    /// How the null address is shown.
    null_shown: Vec<u8>,
    reporter: Reporter,
    buffers: Buffers,
}

/// The message that was found to be meant, to be known again: a name in the
/// queue can be another message's a moment later.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Evidence {
    identity: Identity,
    sender: Vec<u8>,
}

impl Evidence {
    /// Whether this is what lstat(2) says of the same file.
    pub fn is_inode_of(&self, stat: &FileStat) -> bool {
        Identity::of(stat) == self.identity
    }

    /// Which file it is.
    pub fn identity(&self) -> Identity {
        self.identity
    }
}

impl<'s> Matcher<'s> {
    /// A matcher that has seen nothing.
    pub fn new(selection: &'s Selection, rules: &'s Rules) -> Self {
        Self {
            selection,
            rules,
            null_shown: shown_null(rules),
            reporter: Reporter::default(),
            buffers: Buffers::default(),
        }
    }

    /// Whether an open message is meant. [`Selection::admits_name`] is to be
    /// asked before it is opened; here its answer counts once more.
    pub fn is_meant(&mut self, message: &Message, at: &Location<'_>) -> Result<bool, ReportError> {
        if !self
            .selection
            .admits_name(at.queue.name().as_bytes(), at.id)
        {
            return Ok(false);
        }
        if self.selection.needs_names_only() {
            return Ok(true);
        }
        let mut judge = Judge::new(self.selection, &self.null_shown);
        self.reporter.report(message, at, self.rules, &mut judge)?;
        match judge.verdict() {
            Verdict::Meant => self.text_is_meant(message, at),
            Verdict::Open | Verdict::NotMeant => Ok(false),
        }
    }

    /// As [`Matcher::is_meant`], for those who act on the message: what it
    /// takes to know it again, if it is meant.
    pub fn examine(
        &mut self,
        message: &Message,
        at: &Location<'_>,
    ) -> Result<Option<Evidence>, ReportError> {
        match self.is_meant(message, at)? {
            true => self.evidence(message, at),
            false => Ok(None),
        }
    }

    /// What an open message is known by; `None` if it has no sender, and so
    /// is no message.
    pub fn evidence(
        &mut self,
        message: &Message,
        at: &Location<'_>,
    ) -> Result<Option<Evidence>, ReportError> {
        let mut sender = SenderOnly(None);
        self.reporter.report(message, at, self.rules, &mut sender)?;
        Ok(sender.0.map(|sender| Evidence {
            identity: Identity::of(&message.stat),
            sender,
        }))
    }

    fn text_is_meant(&mut self, message: &Message, at: &Location<'_>) -> Result<bool, ReportError> {
        let clauses = &self.selection.contents;
        if clauses.is_empty() {
            return Ok(true);
        }
        let mut found = Found {
            clauses,
            hits: vec![false; clauses.len()],
        };
        let (buffers, stop) = (&mut self.buffers, self.rules.stop);
        let read = message_text::read(message, buffers, stop, |piece| found.look_at(piece));
        match read {
            Ok(()) => Ok(found.holds()),
            Err(_) if self.rules.is_stopped() => Err(ReportError::Interrupted),
            Err(cause) => Err(ReportError::unread(at, cause)),
        }
    }
}

/// Takes note of the sender, as it stands in the envelope.
struct SenderOnly(Option<Vec<u8>>);

impl Report for SenderOnly {
    fn wanted(&self) -> Wanted {
        match self.0 {
            Some(_) => Wanted::Nothing,
            None => Wanted::QueueFile,
        }
    }

    fn message(&mut self, head: &Head<'_>) {
        self.0 = Some(head.envelope_sender.unwrap_or(head.sender).to_vec());
    }

    fn recipient(&mut self, _: &Recipient<'_>) {}
    fn end(&mut self) {}
    fn warning(&mut self, _: Vec<u8>) {}
}

/// What was found in the text of a message.
struct Found<'s> {
    clauses: &'s [Clause<ContentTest>],
    hits: Vec<bool>,
}

impl Found<'_> {
    fn look_at(&mut self, piece: Piece<'_>) -> Next {
        let is_true = |test: &ContentTest| match (test, piece) {
            (ContentTest::Header(wanted, pattern), Piece::Header(name, value)) => {
                name.eq_ignore_ascii_case(wanted) && pattern.matches(value)
            }
            (ContentTest::Body(pattern), Piece::Line(line)) => pattern.matches(line),
            _ => false,
        };
        for (clause, hit) in self.clauses.iter().zip(&mut self.hits) {
            *hit = *hit || clause.tests.iter().any(is_true);
        }
        self.next()
    }

    fn next(&self) -> Next {
        let mut next = Next::Stop;
        for (clause, hit) in self.clauses.iter().zip(&self.hits) {
            match (hit, clause.sense) {
                // One clause that does not hold is enough.
                (true, Sense::IsNot) => return Next::Stop,
                (true, Sense::Is) => {}
                (false, _) if clause.reads_body() => next = Next::More,
                (false, _) if next == Next::Stop => next = Next::Headers,
                (false, _) => {}
            }
        }
        next
    }

    fn holds(&self) -> bool {
        let mut all = self.clauses.iter().zip(&self.hits);
        all.all(|(clause, hit)| clause.sense.wants(*hit))
    }
}

impl Clause<ContentTest> {
    fn reads_body(&self) -> bool {
        let body = |test: &ContentTest| matches!(test, ContentTest::Body(_));
        self.tests.iter().any(body)
    }
}
