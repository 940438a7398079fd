//! `--notify` with `--rate`: each message that was moved is handed on for
//! delivery by itself, so that it leaves as slowly as it was released.
//!
//! A released message goes to the flush service, as by `postqueue -i`; a
//! requeued one is for pickup. The queue manager is not woken: it would try
//! all deferred mail at once.

use crate::applets::flush;
use crate::config::Config;
use crate::diag::Diag;
use crate::spool::QueueId;
use crate::spool::note::{Deed, Fact, Fate};
use crate::sys::dir::Dir;

/// Hands on messages of one instance.
#[derive(Clone, Copy, Debug)]
pub struct Delivery<'a> {
    /// The instance's configuration.
    pub config: &'a Config,
    /// Its queue directory.
    pub spool: &'a Dir,
}

impl Delivery<'_> {
    /// Hands on the message that an action was on, if it was moved.
    ///
    /// # Errors
    /// Why the daemon cannot take it; Postfix's words where it has any.
    pub fn of(self, fact: &Fact, diag: &mut Diag) -> Result<(), String> {
        match fact.fate {
            Fate::Done(Deed::Released, _) => match QueueId::parse(&fact.id) {
                Some(id) => flush::hand_over(&id, self.config, diag),
                None => Ok(()),
            },
            Fate::Done(Deed::Requeued, _) => {
                flush::wake_pickup(self.config, self.spool).map_err(|error| error.to_string())
            }
            _ => Ok(()),
        }
    }
}
