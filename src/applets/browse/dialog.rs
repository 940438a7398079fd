//! What is shown over a view: the keys, the confirmation of an act, and its
//! outcome.

use super::acts::ActOutcome;
use super::keys::BrowseAct;
use super::model::Summary;

/// The word that confirms a deletion for good.
pub const WORD: &str = "delete";

/// What is shown over a view.
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
    /// What is to be done.
    pub act: BrowseAct,
    /// With which messages.
    pub scope: Scope,
    /// What these messages are together.
    pub summary: Summary,
    /// The command line that does the same.
    pub one_liner: String,
    /// What has been typed: the word that confirms, a time or a reason.
    pub typed: String,
}

/// What the user has to type before an act.
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
    /// What the user has to type.
    pub fn needed(&self) -> Needed {
        match self.act {
            BrowseAct::Erase => Needed::Word,
            BrowseAct::Postpone | BrowseAct::Spread | BrowseAct::Bounce => Needed::Text,
            _ => Needed::Yes,
        }
    }
}
