//! The request for a listing: its format, selection, order and source, and the
//! call and instance it is for.

use std::ffi::OsString;

use super::super::authorization;
use super::super::authorization::AccessRequest;
use super::super::borrowed::Connections;
use super::super::{Call, Fatal};
use crate::config::Config;
use crate::listing::{SortSpec, Style};
use crate::logging::Logger;
use crate::queue_file::mime::TextForm;
use crate::selection::Selection;
use crate::sys::dir::Dir;

/// A requested listing.
#[derive(Clone, Copy, Debug)]
pub struct ListingRequest<'a> {
    /// The output format.
    pub style: Style<'a>,
    /// The messages to list; all if `None`.
    pub selection: Option<&'a Selection>,
    /// The order and limit; `None` for all messages in the order of the scan.
    pub sort_spec: Option<&'a SortSpec>,
    /// The source of the messages.
    pub source: ListingSource,
    /// Whether headers are shown decoded.
    pub text_form: TextForm,
    /// Whether a progress bar is requested.
    pub progress: ProgressMode,
}

/// Whether a progress bar is requested.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum ProgressMode {
    /// No progress bar is requested.
    #[default]
    Nothing,
    /// A progress bar is requested.
    Progress,
}

/// The source of a listing.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum ListingSource {
    /// The spool if the caller may read it, otherwise the daemon.
    #[default]
    Auto,
    /// The spool.
    Spool,
    /// The showq daemon.
    Showq,
}

impl ListingSource {
    /// Parses a value of `--source`.
    pub fn parse(value: &OsString) -> Option<Self> {
        match value.to_str()? {
            "auto" => Some(Self::Auto),
            "spool" => Some(Self::Spool),
            "showq" => Some(Self::Showq),
            _ => None,
        }
    }
}

/// The call of an applet that lists an instance's queue.
#[derive(Debug)]
pub struct Session<'a> {
    /// How the applet was called.
    pub call: &'a Call,
    /// The instance's configuration.
    pub config: &'a Config,
    /// The queue directory.
    pub spool: &'a Dir,
    /// The logger for messages to the user.
    pub logger: &'a mut Logger,
    /// Whether other sockets are connected after the listing's.
    pub connections: Connections,
}

impl Session<'_> {
    /// Reborrows the session for a part of the work.
    pub fn reborrow(&mut self) -> Session<'_> {
        Session {
            logger: &mut *self.logger,
            ..*self
        }
    }

    /// Refuses a caller that is not authorized for this operation.
    ///
    /// # Errors
    ///
    /// The caller is not authorized, or cannot be identified. It was reported.
    pub fn authorize(&mut self, request: AccessRequest) -> Result<(), Fatal> {
        authorization::authorize(self.call, request, self.config, self.logger)
    }
}
