//! The kinds of rows of the table.

/// The names that the rows of the table stand for.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum GroupBy {
    /// Recipient domains.
    #[default]
    Domain,
    /// Sender domains.
    SenderDomain,
    /// Recipients.
    Recipient,
    /// Senders.
    Sender,
    /// Deferral reasons without particulars.
    Reason,
    /// The requested queues.
    Queue,
    /// Size classes.
    Size,
}

impl GroupBy {
    /// The name of the grouping.
    pub fn name(self) -> &'static str {
        match self {
            Self::Domain => "domain",
            Self::SenderDomain => "sender_domain",
            Self::Recipient => "recipient",
            Self::Sender => "sender",
            Self::Reason => "reason",
            Self::Queue => "queue",
            Self::Size => "size",
        }
    }

    /// The noun for the counted items.
    pub fn counted(self) -> &'static str {
        match self {
            Self::Domain | Self::Recipient | Self::Reason => "recipients",
            Self::SenderDomain | Self::Sender | Self::Queue | Self::Size => "messages",
        }
    }
}
