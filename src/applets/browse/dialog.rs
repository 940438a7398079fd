//! The dialogs over a view: the keys, the confirmation of an act, and its
//! outcome.

use super::acts::ActOutcome;
use super::keys::BrowseAct;
use super::model::Summary;

/// The word that confirms a deletion for good.
pub const WORD: &str = "delete";

/// A dialog over a view.
#[derive(Debug)]
pub enum Dialog {
    /// The keys, from this line on.
    Help(usize),
    /// The confirmation of an act.
    Confirm(Confirmation),
    /// The outcome of an act.
    Outcome(ActOutcome),
}

/// The messages of an act.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Scope {
    /// The message under the cursor.
    Cursor,
    /// The tagged messages.
    Tagged,
    /// All messages of the list.
    All,
}

impl Scope {
    /// The words for it on the screen.
    pub fn name(self) -> &'static str {
        match self {
            Scope::Cursor => "the message under the cursor",
            Scope::Tagged => "the tagged messages",
            Scope::All => "all messages of the list",
        }
    }
}

/// An act that waits for its confirmation.
#[derive(Debug)]
pub struct Confirmation {
    /// The act.
    pub act: BrowseAct,
    /// Its messages.
    pub scope: Scope,
    /// The summary of these messages.
    pub summary: Summary,
    /// The command line that does the same.
    pub one_liner: String,
    /// The typed text: the word that confirms, a time or a reason.
    pub typed: String,
}

/// The input that an act requires.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Needed {
    /// The key y.
    Yes,
    /// [`WORD`].
    Word,
    /// A time, or a reason.
    Text,
}

impl Confirmation {
    /// The input that the act requires.
    pub fn needed(&self) -> Needed {
        match self.act {
            BrowseAct::Erase => Needed::Word,
            BrowseAct::Postpone | BrowseAct::Spread | BrowseAct::Bounce => Needed::Text,
            _ => Needed::Yes,
        }
    }
}
