//! What a line about a message consists of: `--format`, `--oneline`, `--csv`,
//! `--ids`.
//!
//! Owns the columns there are and the notation of formats. `lines` fills
//! them in.

use super::super::times::Clock;

/// What a line can contain.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Column {
    /// The queue ID.
    Id,
    /// The queue.
    Queue,
    /// active, hold, expire, or two of them.
    Status,
    /// When it arrived.
    Arrival,
    /// How long ago.
    Age,
    /// Bytes.
    Size,
    /// The sender.
    Sender,
    /// Its domain.
    SenderDomain,
    /// The recipients, comma between two.
    Recipients,
    /// How many.
    RecipientCount,
    /// Why they wait, `; ` between two different reasons.
    Reason,
    /// When a deferred message is tried again.
    NextAttempt,
    /// The file below the queue directory.
    Path,
    /// Host name of the client.
    ClientName,
    /// Its address.
    ClientAddress,
    /// The login name.
    SaslUser,
    /// The Subject header.
    Subject,
    /// The Message-ID header.
    MessageId,
}

/// The columns and their names.
const COLUMNS: [(&str, Column); 18] = [
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
    ("client_name", Column::ClientName),
    ("client_address", Column::ClientAddress),
    ("sasl_username", Column::SaslUser),
    ("subject", Column::Subject),
    ("message_id", Column::MessageId),
];

/// What has to be read for a line, or for anything else that is made of
/// messages.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub enum RequiredParts {
    /// The queue file up to the sender.
    Head,
    /// The envelope.
    QueueFile,
    /// The logs too.
    Everything,
}

impl Column {
    /// What has to be read for it.
    pub fn depth(self) -> RequiredParts {
        match self {
            Self::Recipients | Self::RecipientCount | Self::Reason => RequiredParts::Everything,
            Self::ClientName | Self::ClientAddress | Self::SaslUser => RequiredParts::QueueFile,
            _ => RequiredParts::Head,
        }
    }

    /// Whether the message itself has to be read for it.
    fn is_header(self) -> bool {
        matches!(self, Self::Subject | Self::MessageId)
    }

    /// Whether only the spool tells, and no daemon.
    fn is_in_spool(self) -> bool {
        self.is_header()
            || self.depth() == RequiredParts::QueueFile
            || matches!(self, Self::NextAttempt | Self::Path)
    }

    fn name(self) -> &'static str {
        let known = COLUMNS.iter().find(|(_, column)| *column == self);
        known.map_or("", |(name, _)| *name)
    }
}

/// A piece of a line.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum TemplatePart {
    /// As it is.
    Text(Vec<u8>),
    /// What the message has there.
    Column(Column),
}

/// How the contents of columns are set off.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Quoting {
    /// They are not.
    Plain,
    /// In double quotes where a comma or quote is in them.
    Csv,
}

/// What ends each line.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Terminator {
    /// Nothing but what the format says.
    Nothing,
    /// A newline.
    Newline,
    /// A NUL byte.
    Nul,
}

impl Terminator {
    /// Its bytes.
    pub fn bytes(self) -> &'static [u8] {
        match self {
            Self::Nothing => b"",
            Self::Newline => b"\n",
            Self::Nul => b"\0",
        }
    }
}

/// What a line consists of.
#[derive(Clone, Debug)]
pub struct Template {
    pub(super) parts: Vec<TemplatePart>,
    pub(super) quoting: Quoting,
    pub(super) terminator: Terminator,
    pub(super) clock: Clock,
    /// What stands above all lines.
    pub(crate) heading: String,
}

/// The columns of `--csv`.
const CSV: [Column; 10] = [
    Column::Id,
    Column::Queue,
    Column::Status,
    Column::Arrival,
    Column::Age,
    Column::Size,
    Column::Sender,
    Column::RecipientCount,
    Column::Recipients,
    Column::Reason,
];

/// The format of `--oneline`.
const ONELINE: &str = "%{id} %{queue} %{arrival} %{size} %{sender} %{recipients} %{reason}";

impl Template {
    /// Whether a column is in it.
    pub(super) fn has(&self, column: Column) -> bool {
        self.parts.contains(&TemplatePart::Column(column))
    }

    /// `--ids`.
    pub fn ids(terminator: Terminator, clock: Clock) -> Self {
        Self::plain(vec![TemplatePart::Column(Column::Id)], terminator, clock)
    }

    /// `--oneline`.
    pub fn oneline(terminator: Terminator, clock: Clock) -> Self {
        Self::plain(parse(ONELINE).unwrap_or_default(), terminator, clock)
    }

    /// `--format`; what is wrong with it otherwise.
    pub fn format(text: &str, terminator: Terminator, clock: Clock) -> Result<Self, String> {
        Ok(Self::plain(parse(text)?, terminator, clock))
    }

    /// `--csv`.
    pub fn csv(clock: Clock) -> Self {
        let names = CSV.map(Column::name);
        let mut parts = Vec::new();
        for column in CSV {
            if !parts.is_empty() {
                parts.push(TemplatePart::Text(b",".to_vec()));
            }
            parts.push(TemplatePart::Column(column));
        }
        Self {
            parts,
            quoting: Quoting::Csv,
            terminator: Terminator::Newline,
            clock,
            heading: format!("{}\n", names.join(",")),
        }
    }

    fn plain(parts: Vec<TemplatePart>, terminator: Terminator, clock: Clock) -> Self {
        Self {
            parts,
            quoting: Quoting::Plain,
            terminator,
            clock,
            heading: String::new(),
        }
    }

    fn columns(&self) -> impl Iterator<Item = Column> {
        self.parts.iter().filter_map(|part| match part {
            TemplatePart::Column(column) => Some(*column),
            TemplatePart::Text(_) => None,
        })
    }

    /// What has to be read for it.
    pub fn depth(&self) -> RequiredParts {
        let depths = self.columns().map(Column::depth);
        depths.max().unwrap_or(RequiredParts::Head)
    }

    /// Whether the message itself has to be read for it.
    pub fn needs_headers(&self) -> bool {
        self.columns().any(Column::is_header)
    }

    /// The name of a column that only the spool can fill, if there is one.
    pub fn needs_spool(&self) -> Option<&'static str> {
        self.columns().find(|c| c.is_in_spool()).map(Column::name)
    }
}

/// Reads a format: `%{column}`, `%%`, and `\t \n \0 \\`.
fn parse(format: &str) -> Result<Vec<TemplatePart>, String> {
    let mut parts = Vec::new();
    let mut text = Vec::new();
    let mut rest = format;
    while let Some(at) = rest.find(['%', '\\']) {
        let (plain, special) = rest.split_at(at);
        text.extend_from_slice(plain.as_bytes());
        let part;
        (part, rest) = parse_special(special)?;
        match part {
            TemplatePart::Text(piece) => text.extend(piece),
            column => {
                if !text.is_empty() {
                    parts.push(TemplatePart::Text(std::mem::take(&mut text)));
                }
                parts.push(column);
            }
        }
    }
    text.extend_from_slice(rest.as_bytes());
    if !text.is_empty() {
        parts.push(TemplatePart::Text(text));
    }
    Ok(parts)
}

/// Reads what begins with a percent sign or backslash; and the rest.
fn parse_special(text: &str) -> Result<(TemplatePart, &str), String> {
    for (notation, byte) in [
        ("%%", b'%'),
        ("\\t", b'\t'),
        ("\\n", b'\n'),
        ("\\0", 0),
        ("\\\\", b'\\'),
    ] {
        if let Some(rest) = text.strip_prefix(notation) {
            return Ok((TemplatePart::Text(vec![byte]), rest));
        }
    }
    let column = text
        .strip_prefix("%{")
        .and_then(|rest| rest.split_once('}'));
    let Some((name, rest)) = column else {
        return Err("a % begins %{column} or %%, a \\ begins \\t, \\n, \\0 or \\\\".to_owned());
    };
    match COLUMNS.iter().find(|(known, _)| *known == name) {
        Some((_, column)) => Ok((TemplatePart::Column(*column), rest)),
        None => {
            let names = COLUMNS.map(|(name, _)| name).join(", ");
            Err(format!(
                "there is no column {name}; the columns are {names}"
            ))
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn formats_are_columns_and_text() {
        let parts = parse("%{id}\\t100%% %{age}x\\n").unwrap();
        let text = |text: &[u8]| TemplatePart::Text(text.to_vec());
        let expected = [
            TemplatePart::Column(Column::Id),
            text(b"\t100% "),
            TemplatePart::Column(Column::Age),
            text(b"x\n"),
        ];
        assert_eq!(parts, expected);
        assert_eq!(parse("").unwrap(), []);
        assert!(!parse(ONELINE).unwrap().is_empty());
    }

    #[test]
    fn what_a_format_does_not_know_is_named() {
        for (format, part) in [
            (
                "%{ids}",
                "there is no column ids; the columns are id, queue,",
            ),
            ("%{id", "a % begins"),
            ("%d", "a % begins"),
            ("100%", "a % begins"),
            ("\\x", "a % begins"),
        ] {
            let error = parse(format).unwrap_err();
            assert!(error.contains(part), "{error}");
        }
    }

    #[test]
    fn every_column_has_a_name() {
        for (name, column) in COLUMNS {
            assert_eq!(column.name(), name);
        }
    }
}
