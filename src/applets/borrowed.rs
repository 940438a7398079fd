//! The group of a set-gid binary. Its only purpose is to reach the sockets
//! below `public/`, so it is given up as soon as they are connected.

use super::Fatal;
use super::fatal::unavailable;
use crate::logging::Logger;
use crate::sys::rights;

/// Whether more sockets will be connected after the current one.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum Connections {
    /// This is the last connection: the group is not needed any longer.
    #[default]
    Last,
    /// Other sockets will be connected later.
    MoreToCome,
}

/// Gives up the group unless another socket will be connected.
///
/// # Errors
///
/// The group cannot be given up, which was reported.
pub fn give_up_group(connections: Connections, logger: &mut Logger) -> Result<(), Fatal> {
    match connections {
        Connections::MoreToCome => Ok(()),
        Connections::Last => rights::irrevocably_drop_borrowed_group()
            .map_err(|error| unavailable(logger, error.to_string())),
    }
}
