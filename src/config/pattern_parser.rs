//! Parses pattern lists: patterns, comments, and the files that a list names.

use std::collections::HashSet;
use std::ffi::OsStr;
use std::os::unix::ffi::OsStrExt;
use std::path::Path;

use nix::errno::Errno;

use super::error::{ConfigError, printable};
use super::file;
use super::tables::{LookupTable, Reading};
use super::tokens::next_token;
use crate::release::Feature;

/// Largest depth of files that refer to each other. Postfix continues until it has
/// no more file descriptors.
const DEPTH_MAX: u32 = 100;
/// Largest number of files in a list. Postfix has no such limit; this one stops
/// lists of files that refer to each other repeatedly.
const FILES_MAX: u32 = 1000;
/// How much of the text after a comment's first word is shown since 3.8.
const SHOWN_MAX: usize = 20;

/// Whether a pattern accepts or, after a `!`, refuses.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum PatternEffect {
    Accept,
    Refuse,
}

impl PatternEffect {
    fn negated(self) -> Self {
        match self {
            Self::Accept => Self::Refuse,
            Self::Refuse => Self::Accept,
        }
    }
}

/// A pattern of a list.
#[derive(Debug)]
pub(super) enum ListPattern {
    /// Text in lower case.
    Text(Vec<u8>),
    Table(LookupTable),
    /// A table that cannot be read here because its type is not built in.
    Unreadable,
}

/// How to treat a table whose type is not built in.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Unsupported {
    /// As an error.
    Error,
    /// As a pattern of which it is unknown whether it matches.
    Undecided,
}

/// Parses the value of one parameter.
pub(super) struct ListParser<'w> {
    parameter: &'static str,
    reading: Reading<'w>,
    unsupported: Unsupported,
    warnings: &'w mut Vec<String>,
    /// Number of files that enclose the current one.
    depth: u32,
    /// Number of files so far.
    files: u32,
    /// The names of the tables that have been opened.
    tables: HashSet<Vec<u8>>,
    patterns: Vec<(PatternEffect, ListPattern)>,
}

impl<'w> ListParser<'w> {
    pub(super) fn new(
        parameter: &'static str,
        reading: Reading<'w>,
        unsupported: Unsupported,
        warnings: &'w mut Vec<String>,
    ) -> Self {
        Self {
            parameter,
            reading,
            unsupported,
            warnings,
            depth: 0,
            files: 0,
            tables: HashSet::new(),
            patterns: Vec::new(),
        }
    }

    /// Returns the patterns of a list, with those of the files that it names.
    ///
    /// # Errors
    ///
    /// A pattern is malformed, or names a file or table that cannot be used.
    pub(super) fn patterns(
        mut self,
        list: &[u8],
    ) -> Result<Vec<(PatternEffect, ListPattern)>, ConfigError> {
        self.list(list, PatternEffect::Accept)?;
        Ok(self.patterns)
    }

    fn list(&mut self, list: &[u8], effect: PatternEffect) -> Result<(), ConfigError> {
        let mut rest = list;
        while let Some((token, after)) = next_token(rest) {
            if token.starts_with(b"#") {
                let warning = self.comment_warning(token, after);
                self.warnings.push(warning);
                break;
            }
            self.pattern(token, effect)?;
            rest = after;
        }
        Ok(())
    }

    /// The warning that the rest of a list is no comment.
    fn comment_warning(&self, token: &[u8], after: &[u8]) -> String {
        let Reading { charset, postfix } = self.reading;
        let (words, after, dots) = if postfix.has(Feature::ListsInLogicalLines) {
            let shown = after.get(..SHOWN_MAX).unwrap_or(after);
            ("#comment after other text is not allowed", shown, "...")
        } else {
            ("comment at end of line is not supported", after, "")
        };
        let comment = printable(&[token, b" ", after].concat(), charset);
        format!("{}: {words}: {comment}{dots}", self.parameter)
    }

    fn pattern(&mut self, token: &[u8], effect: PatternEffect) -> Result<(), ConfigError> {
        let (mut token, mut effect) = (token, effect);
        while let Some(pattern) = token.strip_prefix(b"!") {
            (token, effect) = (pattern, effect.negated());
        }
        let pattern = match token {
            [] => {
                let parameter = self.parameter;
                return Err(ConfigError::NoPattern { parameter });
            }
            [b'/', ..] => return self.file(Path::new(OsStr::from_bytes(token)), effect),
            _ if token.contains(&b':') => match (self.table(token), self.unsupported) {
                (Err(ConfigError::UnsupportedTable { .. }), Unsupported::Undecided) => {
                    ListPattern::Unreadable
                }
                (table, _) => ListPattern::Table(table?),
            },
            _ => ListPattern::Text(token.to_ascii_lowercase()),
        };
        self.patterns.push((effect, pattern));
        Ok(())
    }

    /// Opens a table. Warns only the first time, because Postfix shares tables.
    fn table(&mut self, name: &[u8]) -> Result<LookupTable, ConfigError> {
        let mut warnings = Vec::new();
        let table = LookupTable::open(self.parameter, name, self.reading, &mut warnings);
        if self.tables.insert(name.to_vec()) {
            self.warnings.append(&mut warnings);
        }
        table
    }

    /// Reads patterns from a file, line by line.
    fn file(&mut self, path: &Path, effect: PatternEffect) -> Result<(), ConfigError> {
        let name =
            |fault: file::FileError| fault.of(path, "open file", "match_list_parse: read file");
        self.files = self.files.saturating_add(1);
        if self.depth >= DEPTH_MAX || self.files > FILES_MAX {
            return Err(name(file::FileError::Open(Errno::EMFILE.into())));
        }
        let text = file::read(path).map_err(name)?;
        self.depth = self.depth.saturating_add(1);
        if self.reading.postfix.has(Feature::ListsInLogicalLines) {
            self.logical_lines(path, &text, effect)?;
        } else {
            self.physical_lines(&text, effect)?;
        }
        self.depth = self.depth.saturating_sub(1);
        Ok(())
    }

    /// A file as it was read until 3.7.
    fn physical_lines(&mut self, text: &[u8], effect: PatternEffect) -> Result<(), ConfigError> {
        for line in text.split_inclusive(|&byte| byte == b'\n') {
            // A NUL terminates a line, as in all configuration files.
            let line = line.split(|&byte| byte == 0).next().unwrap_or_default();
            if !line.starts_with(b"#") {
                self.list(line, effect)?;
            }
        }
        Ok(())
    }

    /// A file as it is read since 3.8.
    fn logical_lines(
        &mut self,
        path: &Path,
        text: &[u8],
        effect: PatternEffect,
    ) -> Result<(), ConfigError> {
        let Reading { charset, postfix } = self.reading;
        let shown = printable(path.as_os_str().as_bytes(), charset);
        let mut before = 0;
        for span in file::spans(text) {
            // Observed with Postfix 3.10.13: lines are counted anew for each
            // logical line.
            let relative = span.counted_from(before);
            before = span.last;
            let nul_warning = relative.nul_warning(&shown);
            if nul_warning.is_some() && postfix.has(Feature::NulWarning) {
                self.warnings.extend(nul_warning);
            }
            match &relative.line {
                Some(line) if file::begins_with_space(line) => {
                    self.warnings
                        .push(file::no_beginning(&shown, line, charset));
                }
                Some(line) => self.list(line, effect)?,
                None => {}
            }
        }
        Ok(())
    }
}
