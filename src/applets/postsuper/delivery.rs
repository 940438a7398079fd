//! `--notify` with `--rate`: each message that was moved is handed on for
//! delivery by itself, so that it leaves as slowly as it was released.
//!
//! A released message goes to the flush service, as by `postqueue -i`; a
//! requeued one is for pickup. The queue manager is not woken: it would try
//! all deferred mail at once.

use super::super::flush;
use crate::actions::report::{ActionDone, ActionResult, Outcome};
use crate::config::Config;
use crate::logging::Logger;
use crate::spool::QueueId;
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
    pub fn of(self, action_result: &ActionResult, logger: &mut Logger) -> Result<(), String> {
        match action_result.outcome {
            Outcome::Done(ActionDone::Released, _) => match QueueId::parse(&action_result.id) {
                Some(id) => flush::hand_over(&id, self.config, logger),
                None => Ok(()),
            },
            Outcome::Done(ActionDone::Requeued, _) => {
                flush::wake_pickup(self.config, self.spool).map_err(|error| error.to_string())
            }
            _ => Ok(()),
        }
    }
}
