//! What a listing is requested to be: its form, its messages, its order, its
//! source; and the call and instance it is for.

use std::ffi::OsString;

use super::super::authorization;
use super::super::authorization::AccessRequest;
use super::super::borrowed::Connections;
use super::super::{Call, Fatal};
use crate::config::Config;
use crate::listing::{SortSpec, Style};
use crate::logging::Logger;
use crate::selection::Selection;
use crate::sys::dir::Dir;

/// Which listing is requested.
#[derive(Clone, Copy, Debug)]
pub struct Request<'a> {
    /// What it looks like.
    pub style: Style<'a>,
    /// Which messages are listed; all without one.
    pub selection: Option<&'a Selection>,
    /// Another order than that of the walk, or an end before the last.
    pub sort_spec: Option<&'a SortSpec>,
    /// Where the messages are read.
    pub source: ListingSource,
    /// Whether a progress bar is requested.
    pub progress: ProgressMode,
}

/// Whether a progress bar is requested.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum ProgressMode {
    /// It is not.
    #[default]
    Nothing,
    /// It is.
    Progress,
}

/// Where a listing comes from.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum ListingSource {
    /// The spool if the caller may read it, else the daemon.
    #[default]
    Auto,
    /// The spool.
    Spool,
    /// The daemon.
    Showq,
}

impl ListingSource {
    /// The source that a value of `--source` names.
    pub fn parse(value: &OsString) -> Option<Self> {
        match value.to_str()? {
            "auto" => Some(Self::Auto),
            "spool" => Some(Self::Spool),
            "showq" => Some(Self::Showq),
            _ => None,
        }
    }
}

/// A call that lists the queue of an instance.
#[derive(Debug)]
pub struct Session<'a> {
    /// How the applet was called.
    pub call: &'a Call,
    /// The instance's configuration.
    pub config: &'a Config,
    /// Its queue directory.
    pub spool: &'a Dir,
    /// Where messages are reported.
    pub logger: &'a mut Logger,
    /// Whether sockets are needed after that of the listing.
    pub connections: Connections,
}

impl Session<'_> {
    /// The same call, for a part of its work.
    pub fn again(&mut self) -> Session<'_> {
        Session {
            logger: &mut *self.logger,
            ..*self
        }
    }

    /// Refuses a caller that may not do this with the instance's queue.
    pub fn authorize(&mut self, request: AccessRequest) -> Result<(), Fatal> {
        authorization::authorize(self.call, request, self.config, self.logger)
    }
}
