//! The known part of a configuration while it is loaded, to report an error in it
//! as Postfix does.

use crate::release::Installed;

/// The state of loading a configuration. If loading fails, it serves to report the
/// error.
#[derive(Debug, Default)]
pub struct LoadState {
    /// The texts that follow `PROG: warning: `, in order. They precede the error,
    /// if there is one.
    pub warnings: Vec<String>,
    /// The syslog facility, which applies to the warnings after it and to the
    /// error.
    pub facility: Option<KnownFacility>,
    /// syslog_name, which applies to the errors that are found after it.
    pub syslog_name: Option<Vec<u8>>,
    /// Number of warnings before the settings for the mail log apply; `None` if
    /// they never did.
    pub before_log: Option<usize>,
    /// The Postfix, which is known as soon as the file is read.
    pub postfix: Option<Installed>,
}

/// The syslog facility, and when it became known.
#[derive(Clone, Copy, Debug)]
pub struct KnownFacility {
    /// The number of the facility.
    pub facility: u8,
    /// Number of warnings before the facility was known.
    pub after: usize,
}
