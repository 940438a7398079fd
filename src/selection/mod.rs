//! Selections of messages by sender, recipients, age, size and so on. Shared by all
//! applets that list messages or act on them.
//!
//! This module defines the options and evaluates them, reading as little as
//! possible: queue and ID before a file is opened; then the envelope up to the
//! sender; the rest of it and the logs for recipients and reasons; the message
//! itself only for subject, header and body. Recipients, senders and reasons are
//! compared as a listing shows them. This module does not walk queues, print or
//! act.
//!
//! To use it in an applet:
//!
//! 1. Add [`group`] to the option table.
//! 2. Pass every scanned option to [`Builder::take`] first; [`Taken::No`] means
//!    that the option is the applet's own. Then call [`Builder::finish`], which
//!    returns the selection, or `None` if no selection option was given. Do both
//!    before reading anything. The Display of [`SelectionError`] is the complete
//!    error message. When main.cf has been read, call [`Selection::set_lifetimes`]
//!    if [`Selection::needs_lifetimes`].
//! 3. When walking the spool, skip queues that [`Selection::admits_queue`] rules
//!    out, and names that [`Selection::admits_name`] rules out.
//! 4. Open the file with [`message::open`] relative to its open directory, and call
//!    [`Matcher::matches`]. Each thread needs a matcher of its own; its rules are
//!    `applets::instance::rules` of the configuration.
//! 5. To act on messages, as postsuper does, call [`Matcher::examine`] instead,
//!    which returns a [`FileIdentity`] for a message that matches. Keep the file
//!    open. Immediately before acting, check that [`Matcher::file_identity`] of the
//!    open file is still equal (same sender), and that `Dir::stat` of the name gives
//!    the same inode ([`FileIdentity::identity`]). Otherwise the name now belongs to
//!    another message, which must be left alone. While the file is open, its inode
//!    number cannot be reused.
//!
//! An applet that does not need a walk of its own can have a listing find the
//! messages, in parallel and in the order of the queues, and use the paths in its
//! output, as `applets::postcat::matching` does.
//!
//! For a listing from a daemon, pass the messages to an [`Evaluator`];
//! [`Selection::needs_spool`] names an option for which the daemon's listing is not
//! sufficient.
//!
//! [`message::open`]: crate::spool::message::open

mod builder;
mod client;
mod conditions;
mod error;
mod evaluator;
mod groups;
mod lists;
mod matcher;
mod options;
mod pattern;
mod values;

pub use builder::{Builder, Taken};
pub use error::SelectionError;
pub use evaluator::{Evaluator, Match};
pub use groups::Selection;
pub use matcher::{FileIdentity, Matcher};
pub use options::{NOTE, group};
pub use pattern::{Address, AddressPattern, domain};
pub use values::{coming_moment, duration, moment};
