//! Decides whether a message in the spool matches a selection, reading no more of
//! the queue file than necessary.

use super::conditions::{Clause, Conditions, ContentTest, Negation};
use super::evaluator::{Evaluator, Match};
use super::groups::Selection;
use crate::queue_file::message_reader::MessageReader;
use crate::queue_file::message_text;
use crate::queue_file::message_text::{Next, TextPiece};
use crate::queue_file::message_visitor::{
    MessageHead, MessageVisitor, ReadLevel, Recipient, Rules,
};
use crate::queue_file::mime::{BodyDecoder, TextForm, decode_header};
use crate::queue_file::read_error::{Location, ReadError};
use crate::queue_file::records::Buffers;
use crate::queue_file::shown_address::shown_null;
use crate::spool::message::{Identity, Message};

/// Evaluates a selection for one message after the other, reusing its buffers.
#[derive(Debug)]
pub struct Matcher<'s> {
    selection: &'s Selection,
    rules: &'s Rules,
    /// How the null address is shown.
    null_shown: Vec<u8>,
    reader: MessageReader,
    buffers: Buffers,
}

/// Identifies a message that matched, so that it can be recognized later: by then
/// its queue file name may belong to another message.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct FileIdentity {
    identity: Identity,
    sender: Vec<u8>,
}

impl FileIdentity {
    /// The identity of the queue file.
    pub fn identity(&self) -> Identity {
        self.identity
    }
}

impl<'s> Matcher<'s> {
    /// Creates a matcher.
    pub fn new(selection: &'s Selection, rules: &'s Rules) -> Self {
        Self {
            selection,
            rules,
            null_shown: shown_null(rules),
            reader: MessageReader::default(),
            buffers: Buffers::default(),
        }
    }

    /// Creates a matcher that compares recipients that are done like pending ones.
    pub fn with_done_recipients(selection: &'s Selection, rules: &'s Rules) -> Self {
        Self {
            reader: MessageReader::with_done_recipients(),
            ..Self::new(selection, rules)
        }
    }

    /// Whether an open message matches. Callers should check
    /// [`Selection::admits_name`] before they open the file; it is checked again
    /// here.
    ///
    /// # Errors
    ///
    /// The message cannot be read to its end: whether it matches is not known.
    pub fn matches(&mut self, message: &Message, at: &Location<'_>) -> Result<bool, ReadError> {
        if !self
            .selection
            .admits_name(at.queue.name().as_bytes(), at.id)
        {
            return Ok(false);
        }
        if self.selection.needs_names_only() {
            return Ok(true);
        }
        let mut evaluator = Evaluator::new(self.selection, &self.null_shown);
        self.reader
            .report(message, at, self.rules, &mut evaluator)?;
        match evaluator.verdict() {
            Match::Yes => {
                let candidates: Vec<&Conditions> = evaluator.candidates().collect();
                let text = MessageText {
                    message,
                    at,
                    form: self.selection.form,
                };
                text_matches(&text, &candidates, &mut self.buffers, self.rules)
            }
            Match::Open | Match::No => Ok(false),
        }
    }

    /// Like [`Matcher::matches`], for callers that act on the message. Returns the
    /// identity of the message if it matches.
    ///
    /// # Errors
    ///
    /// As [`Matcher::matches`].
    pub fn examine(
        &mut self,
        message: &Message,
        at: &Location<'_>,
    ) -> Result<Option<FileIdentity>, ReadError> {
        if self.matches(message, at)? {
            self.file_identity(message, at)
        } else {
            Ok(None)
        }
    }

    /// Identifies an open message; `None` if the file has no sender and so is not a
    /// message.
    ///
    /// # Errors
    ///
    /// The message cannot be read to its end.
    pub fn file_identity(
        &mut self,
        message: &Message,
        at: &Location<'_>,
    ) -> Result<Option<FileIdentity>, ReadError> {
        let mut sender = SenderOnly(None);
        self.reader.report(message, at, self.rules, &mut sender)?;
        Ok(sender.0.map(|sender| FileIdentity {
            identity: Identity::of(&message.stat),
            sender,
        }))
    }
}

/// The message whose text is compared, and how.
struct MessageText<'a> {
    message: &'a Message,
    at: &'a Location<'a>,
    form: TextForm,
}

/// Whether the message itself meets the conditions of one of the groups.
fn text_matches(
    text: &MessageText<'_>,
    groups: &[&Conditions],
    buffers: &mut Buffers,
    rules: &Rules,
) -> Result<bool, ReadError> {
    if groups.iter().any(|group| group.contents.is_empty()) {
        return Ok(true);
    }
    let mut found = TextMatches::new(groups);
    let mut decoder = BodyDecoder::default();
    let read = message_text::read(text.message, buffers, rules.stop, |piece| {
        match (piece, text.form) {
            (_, TextForm::Raw) => found.visit(piece),
            (TextPiece::Header(name, value), TextForm::Decoded) => {
                decoder.header(name, value);
                found.visit(TextPiece::Header(name, &decode_header(value)));
            }
            (TextPiece::Line(line), TextForm::Decoded) => {
                decoder.line(line, |line| found.visit(TextPiece::Line(line)));
            }
        }
        found.next()
    });
    decoder.finish(|line| found.visit(TextPiece::Line(line)));
    match read {
        Ok(()) => Ok(found.holds()),
        Err(_) if rules.is_stopped() => Err(ReadError::Interrupted),
        Err(cause) => Err(ReadError::unread(text.at, cause)),
    }
}

/// Stores the sender as in the envelope.
struct SenderOnly(Option<Vec<u8>>);

impl MessageVisitor for SenderOnly {
    fn wanted(&self) -> ReadLevel {
        match self.0 {
            Some(_) => ReadLevel::Nothing,
            None => ReadLevel::QueueFile,
        }
    }

    fn message(&mut self, head: &MessageHead<'_>) {
        self.0 = Some(head.envelope_sender.unwrap_or(head.sender).to_vec());
    }

    fn recipient(&mut self, _: &Recipient<'_>) {}
    fn end(&mut self) {}
    fn warning(&mut self, _: Vec<u8>) {}
}

/// The results of the conditions on the message header and body, for each group of
/// conditions.
struct TextMatches<'s>(Vec<GroupMatches<'s>>);

/// The results of one group.
struct GroupMatches<'s> {
    clauses: &'s [Clause<ContentTest>],
    hits: Vec<bool>,
}

impl<'s> TextMatches<'s> {
    fn new(groups: &[&'s Conditions]) -> Self {
        let of_group = |group: &&'s Conditions| GroupMatches {
            clauses: &group.contents,
            hits: vec![false; group.contents.len()],
        };
        Self(groups.iter().map(of_group).collect())
    }

    fn visit(&mut self, piece: TextPiece<'_>) {
        for group in &mut self.0 {
            group.visit(piece);
        }
    }

    fn next(&self) -> Next {
        let mut next = Next::Stop;
        for group in &self.0 {
            match group.next() {
                // One group that holds decides the result.
                Next::Stop if group.holds() => return Next::Stop,
                Next::Stop => {}
                Next::More => next = Next::More,
                Next::Headers if next == Next::Stop => next = Next::Headers,
                Next::Headers => {}
            }
        }
        next
    }

    fn holds(&self) -> bool {
        self.0.iter().any(GroupMatches::holds)
    }
}

impl GroupMatches<'_> {
    fn visit(&mut self, piece: TextPiece<'_>) {
        let is_true = |test: &ContentTest| match (test, piece) {
            (ContentTest::Header(wanted, pattern), TextPiece::Header(name, value)) => {
                name.eq_ignore_ascii_case(wanted) && pattern.matches(value)
            }
            (ContentTest::Body(pattern), TextPiece::Line(line)) => pattern.matches(line),
            _ => false,
        };
        for (clause, hit) in self.clauses.iter().zip(&mut self.hits) {
            *hit = *hit || clause.tests.iter().any(is_true);
        }
    }

    fn next(&self) -> Next {
        let mut next = Next::Stop;
        for (clause, hit) in self.clauses.iter().zip(&self.hits) {
            match (hit, clause.negation) {
                // One clause that does not hold decides the result.
                (true, Negation::IsNot) => return Next::Stop,
                (true, Negation::Is) => {}
                (false, _) if clause.reads_body() => next = Next::More,
                (false, _) if next == Next::Stop => next = Next::Headers,
                (false, _) => {}
            }
        }
        next
    }

    fn holds(&self) -> bool {
        let mut all = self.clauses.iter().zip(&self.hits);
        all.all(|(clause, hit)| clause.negation.wants(*hit))
    }
}

impl Clause<ContentTest> {
    fn reads_body(&self) -> bool {
        let body = |test: &ContentTest| matches!(test, ContentTest::Body(_));
        self.tests.iter().any(body)
    }
}
