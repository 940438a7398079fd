//! The columns of a listing with one line for each message: their names, and which
//! parts of a message have to be read to fill them in.

/// A column of a line.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Column {
    /// The queue ID.
    Id,
    /// The queue.
    Queue,
    /// The words active, hold and expire, as far as they apply.
    Status,
    /// The arrival time.
    Arrival,
    /// The microseconds of the arrival time. It has no name in the format
    /// notation: only `--spread` needs it.
    ArrivalMicroseconds,
    /// The time since arrival.
    Age,
    /// The size in bytes.
    Size,
    /// The sender address.
    Sender,
    /// The domain of the sender address.
    SenderDomain,
    /// The recipients, separated by commas.
    Recipients,
    /// The number of recipients.
    RecipientCount,
    /// The reasons of the delay; different ones are separated by `; `.
    Reason,
    /// The time of the next delivery attempt of a deferred message.
    NextAttempt,
    /// The path of the queue file, relative to the queue directory.
    Path,
    /// The inode number of the queue file.
    Inode,
    /// The host name of the client.
    ClientName,
    /// The address of the client.
    ClientAddress,
    /// The SASL login name of the client.
    SaslUser,
    /// The Subject header.
    Subject,
    /// The Message-ID header.
    MessageId,
    /// The name of the instance.
    Instance,
}

/// The columns by name.
const COLUMNS: [(&str, Column); 20] = [
    ("id", Column::Id),
    ("queue", Column::Queue),
    ("status", Column::Status),
    ("arrival", Column::Arrival),
    ("age", Column::Age),
    ("size", Column::Size),
    ("sender", Column::Sender),
    ("sender_domain", Column::SenderDomain),
    ("recipients", Column::Recipients),
    ("recipient_count", Column::RecipientCount),
    ("reason", Column::Reason),
    ("next_attempt", Column::NextAttempt),
    ("path", Column::Path),
    ("inode", Column::Inode),
    ("client_name", Column::ClientName),
    ("client_address", Column::ClientAddress),
    ("sasl_username", Column::SaslUser),
    ("subject", Column::Subject),
    ("message_id", Column::MessageId),
    ("instance", Column::Instance),
];

/// The parts of a message that have to be read for a line or for other output. Each
/// variant includes the ones before it.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub enum RequiredParts {
    /// The queue file up to the sender.
    Head,
    /// The envelope in the queue file.
    QueueFile,
    /// The envelope and the defer and bounce logs.
    Everything,
}

impl Column {
    /// The column with this name.
    ///
    /// # Errors
    ///
    /// No column has the name; the text lists all names.
    pub fn named(name: &str) -> Result<Self, String> {
        let known = COLUMNS.iter().find(|(known, _)| *known == name);
        known.map(|(_, column)| *column).ok_or_else(|| {
            let names = COLUMNS.map(|(name, _)| name).join(", ");
            format!("there is no column {name}; the columns are {names}")
        })
    }

    /// The parts of a message that have to be read to fill in the column.
    pub fn depth(self) -> RequiredParts {
        match self {
            Self::Recipients | Self::RecipientCount | Self::Reason => RequiredParts::Everything,
            Self::ClientName | Self::ClientAddress | Self::SaslUser => RequiredParts::QueueFile,
            _ => RequiredParts::Head,
        }
    }

    /// Whether the message header has to be read to fill in the column.
    pub fn is_header(self) -> bool {
        matches!(self, Self::Subject | Self::MessageId)
    }

    /// Whether the column can be filled in only from the spool, not from a daemon's
    /// listing.
    pub fn is_in_spool(self) -> bool {
        self.is_header()
            || self.depth() == RequiredParts::QueueFile
            || matches!(self, Self::NextAttempt | Self::Path | Self::Inode)
    }

    /// The column's name in the format notation; empty if it has none.
    pub fn name(self) -> &'static str {
        let known = COLUMNS.iter().find(|(_, column)| *column == self);
        known.map_or("", |(name, _)| *name)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_column_has_a_name() {
        for (name, column) in COLUMNS {
            assert_eq!(column.name(), name);
        }
    }
}
