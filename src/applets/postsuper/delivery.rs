//! `--notify` with `--rate`: requests delivery of each moved message
//! separately, so that deliveries are as slow as the releases.
//!
//! A released message is passed to the flush service, as by `postqueue -i`; a
//! requeued one is picked up by pickup. The queue manager is not woken, since
//! it would try all deferred mail at once.

use super::super::flush;
use crate::actions::report::{ActionDone, ActionResult, Outcome};
use crate::config::Config;
use crate::logging::Logger;
use crate::spool::QueueId;
use crate::sys::dir::Dir;

/// Requests delivery of an instance's messages.
#[derive(Clone, Copy, Debug)]
pub struct Delivery<'a> {
    /// The instance's configuration.
    pub config: &'a Config,
    /// The queue directory.
    pub spool: &'a Dir,
}

impl Delivery<'_> {
    /// Requests delivery of the message of this result, if it was moved.
    ///
    /// # Errors
    ///
    /// The reason why the daemon cannot accept the message: Postfix's error
    /// text, if Postfix has one.
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
