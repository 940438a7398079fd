//! The group of a set-gid binary: given up as soon as the sockets below
//! `public/` are connected, its only purpose.

use super::Fatal;
use super::fatal::unavailable;
use crate::logging::Logger;
use crate::sys::rights;

/// Whether a socket that is connected is the last one.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum Connections {
    /// It is: no rights of others are needed from now on.
    #[default]
    Last,
    /// Others will be connected later.
    MoreToCome,
}

/// Gives up the group if no other socket will be connected.
pub fn give_up_group(connections: Connections, logger: &mut Logger) -> Result<(), Fatal> {
    match connections {
        Connections::MoreToCome => Ok(()),
        Connections::Last => rights::irrevocably_drop_borrowed_group()
            .map_err(|error| unavailable(logger, error.to_string())),
    }
}
