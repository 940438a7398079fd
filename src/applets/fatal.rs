//! An error that ends an applet, with the exit status that belongs to it.

/// The end of an applet that failed. Its words are out already: whoever makes
/// one says them first, in the one place that makes messages.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[must_use]
pub struct Fatal {
    status: u8,
}

impl Fatal {
    /// An end with `status`, of which the user has been told.
    pub fn already_reported(status: u8) -> Self {
        Self { status }
    }

    /// The exit status.
    pub fn status(self) -> u8 {
        self.status
    }
}
