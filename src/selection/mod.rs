//! Selections: which messages match. One
//! implementation for every applet that lists or acts.
//!
//! Owns the options, what they mean and how little has to be read to know:
//! queue and ID before a file is opened; then the envelope up to the sender;
//! the rest of it and the logs for recipients and reasons; the text of the
//! message only for subject, header and body. Recipients, senders and reasons
//! are those that a listing shows. Does not walk queues, print or act.
//!
//! How an applet uses it:
//!
//! 1. Its option table contains the [`group`].
//! 2. Every scanned option goes to [`Builder::take`] first; [`Taken::No`] means
//!    that it is the applet's own. [`Builder::finish`] gives the selection,
//!    `None` if there was no option of one. Both before anything is read; the
//!    Display of [`SelectionError`] is the whole complaint.
//! 3. On a walk, [`Selection::admits_queue`] tells whether a queue is worth
//!    walking and [`Selection::admits_name`] whether a name is worth opening.
//! 4. The file is opened with [`message::open`] relative to its open directory,
//!    and [`Matcher::matches`] decides. A matcher belongs to one thread; its
//!    rules are `applets::instance::rules` of the configuration.
//! 5. Who acts (postsuper) uses [`Matcher::examine`] instead, which returns
//!    [`FileIdentity`] for a message that matches. Right before the act
//!    [`Matcher::file_identity`] of the file, which is kept open, has to be equal
//!    (same sender), and what `Dir::stat` says of the name has to be the same
//!    inode ([`FileIdentity::identity`]). Else it is another message by now and
//!    must be left alone. As long as the file is open its inode number cannot
//!    be given to another.
//!
//! Who need not walk himself lets a listing find the messages, in parallel and
//! in the order of the queues, and takes the paths it prints: so does
//! `applets::postcat::matching`.
//!
//! A listing that comes from a daemon is matched with [`Evaluator`], which gets
//! what the daemon reports; [`Selection::needs_spool`] names an option for which
//! that is not enough.
//!
//! [`message::open`]: crate::spool::message::open

mod client;
mod conditions;
mod error;
mod evaluator;
mod matcher;
mod options;
mod pattern;
mod values;

pub use conditions::Selection;
pub use error::SelectionError;
pub use evaluator::{Evaluator, Match};
pub use matcher::{FileIdentity, Matcher};
pub use options::{Builder, NOTE, Taken, group};
pub use pattern::domain;
pub use values::{duration, moment};
