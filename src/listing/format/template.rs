//! The line templates of `--format`, `--oneline`, `--csv` and `--ids`, and the
//! parser of the format notation.
//!
//! `column` has the available columns; `lines` fills them in.

use super::super::times::Clock;
use super::column::{Column, RequiredParts};

/// A part of a line.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum TemplatePart {
    /// Literal text.
    Text(Vec<u8>),
    /// The value of a column.
    Column(Column),
}

/// How column values are quoted.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Quoting {
    /// Values are not quoted.
    Plain,
    /// Values are quoted as in CSV if they contain a comma, a double quote or a
    /// line break.
    Csv,
}

/// The terminator of each line.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Terminator {
    /// Nothing; the format has to contain its own terminators.
    Nothing,
    /// A newline.
    Newline,
    /// A NUL byte.
    Nul,
}

impl Terminator {
    /// The terminator as bytes.
    pub fn bytes(self) -> &'static [u8] {
        match self {
            Self::Nothing => b"",
            Self::Newline => b"\n",
            Self::Nul => b"\0",
        }
    }
}

/// The parts of a line and how they are written.
#[derive(Clone, Debug)]
pub struct Template {
    pub(super) parts: Vec<TemplatePart>,
    pub(super) quoting: Quoting,
    pub(super) terminator: Terminator,
    pub(super) clock: Clock,
    /// The text before the first line; empty if there is none.
    pub(super) heading: String,
    /// The name of the instance.
    pub(super) instance: Vec<u8>,
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
    /// Whether the line contains a column.
    pub(super) fn has(&self, column: Column) -> bool {
        self.parts.contains(&TemplatePart::Column(column))
    }

    /// The template of `--ids`.
    pub fn ids(terminator: Terminator, clock: Clock) -> Self {
        Self::plain(vec![TemplatePart::Column(Column::Id)], terminator, clock)
    }

    /// The template of `--spread`: the queue ID, and the arrival time in
    /// seconds and microseconds.
    pub fn arrivals(clock: Clock) -> Self {
        let blank = || TemplatePart::Text(b" ".to_vec());
        let parts = vec![
            TemplatePart::Column(Column::Id),
            blank(),
            TemplatePart::Column(Column::Arrival),
            blank(),
            TemplatePart::Column(Column::ArrivalMicroseconds),
        ];
        Self::plain(parts, Terminator::Newline, clock)
    }

    /// The template of `--oneline`.
    pub fn oneline(terminator: Terminator, clock: Clock) -> Self {
        Self::plain(parse(ONELINE).unwrap_or_default(), terminator, clock)
    }

    /// The template of `--format`.
    ///
    /// # Errors
    ///
    /// The format is malformed or names an unknown column; the text says which.
    pub fn format(text: &str, terminator: Terminator, clock: Clock) -> Result<Self, String> {
        Ok(Self::plain(parse(text)?, terminator, clock))
    }

    /// The template of `--csv`.
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
            instance: Vec::new(),
        }
    }

    /// Sets the name of the instance, for its column.
    pub fn of_instance(self, name: &str) -> Self {
        Self {
            instance: name.as_bytes().to_vec(),
            ..self
        }
    }

    /// Adds a column with the name of the instance to the template of `--csv`.
    pub fn with_instance_column(mut self, name: &str) -> Self {
        self.parts.push(TemplatePart::Text(b",".to_vec()));
        self.parts.push(TemplatePart::Column(Column::Instance));
        let heading = self.heading.trim_end();
        self.heading = format!("{heading},{}\n", Column::Instance.name());
        self.of_instance(name)
    }

    /// Removes the heading.
    pub fn without_heading(self) -> Self {
        Self {
            heading: String::new(),
            ..self
        }
    }

    /// The text before the first line; empty if there is none.
    pub fn heading(&self) -> &str {
        &self.heading
    }

    fn plain(parts: Vec<TemplatePart>, terminator: Terminator, clock: Clock) -> Self {
        Self {
            parts,
            quoting: Quoting::Plain,
            terminator,
            clock,
            heading: String::new(),
            instance: Vec::new(),
        }
    }

    fn columns(&self) -> impl Iterator<Item = Column> {
        self.parts.iter().filter_map(|part| match part {
            TemplatePart::Column(column) => Some(*column),
            TemplatePart::Text(_) => None,
        })
    }

    /// The parts of a message that have to be read to fill in the line.
    pub fn depth(&self) -> RequiredParts {
        let depths = self.columns().map(Column::depth);
        depths.max().unwrap_or(RequiredParts::Head)
    }

    /// Whether the message header has to be read to fill in the line.
    pub fn needs_headers(&self) -> bool {
        self.columns().any(Column::is_header)
    }

    /// The name of a column that can be filled in only from the spool, if there is
    /// one.
    pub fn needs_spool(&self) -> Option<&'static str> {
        self.columns().find(|c| c.is_in_spool()).map(Column::name)
    }
}

/// Parses a format: `%{column}`, `%%`, and `\t \n \0 \\`.
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

/// Parses what begins with a percent sign or backslash, and returns it with the
/// remaining text.
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
    Ok((TemplatePart::Column(Column::named(name)?), rest))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn formats_are_parsed_into_columns_and_text() {
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
    fn errors_name_the_unknown_part() {
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
}
