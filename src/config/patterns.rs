//! Pattern lists such as `authorized_mailq_users` and `fast_flush_domains`.
//!
//! Parses and matches lists. Independent of what is matched, and why. Lookup tables
//! are in `tables`.

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

/// How a pattern is compared.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Matching {
    /// Exactly: user names.
    Whole,
    /// As a domain that also matches its subdomains.
    DomainAndSubdomains,
    /// As a domain that does not match its subdomains, which patterns with a
    /// leading dot do.
    Domain,
}

/// Whether a pattern accepts or, after a `!`, refuses.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum PatternEffect {
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

#[derive(Debug)]
enum ListPattern {
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
    /// As a pattern whose result is [`ListMatch::Unknown`].
    Undecided,
}

/// The result of matching a list.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum ListMatch {
    /// The first pattern that matches accepts.
    Accepted,
    /// No pattern matches, or the first that matches refuses.
    Refused,
    /// A table that cannot be read here precedes the first pattern that matches.
    Unknown,
}

/// A parsed pattern list. The files in it have been read.
#[derive(Debug)]
pub struct PatternList {
    patterns: Vec<(PatternEffect, ListPattern)>,
    matching: Matching,
}

impl PatternList {
    /// Parses the expanded value of a parameter. A table whose type is not built in
    /// is an error.
    ///
    /// # Errors
    ///
    /// A pattern is malformed, or names a file or table that cannot be used.
    pub fn parse(
        parameter: &'static str,
        list: &[u8],
        matching: Matching,
        reading: Reading<'_>,
        warnings: &mut Vec<String>,
    ) -> Result<Self, ConfigError> {
        let unsupported = Unsupported::Error;
        Self::parse_with(parameter, list, matching, reading, unsupported, warnings)
    }

    /// Like [`PatternList::parse`], with a choice of how to treat a table whose
    /// type is not built in.
    ///
    /// # Errors
    ///
    /// As [`PatternList::parse`].
    pub fn parse_with(
        parameter: &'static str,
        list: &[u8],
        matching: Matching,
        reading: Reading<'_>,
        unsupported: Unsupported,
        warnings: &mut Vec<String>,
    ) -> Result<Self, ConfigError> {
        let mut parser = ListParser {
            parameter,
            reading,
            unsupported,
            warnings,
            depth: 0,
            files: 0,
            tables: HashSet::new(),
            patterns: Vec::new(),
        };
        parser.list(list, PatternEffect::Accept)?;
        let patterns = parser.patterns;
        Ok(Self { patterns, matching })
    }

    /// A list that matches everything.
    pub fn of_all() -> Self {
        Self {
            patterns: vec![(
                PatternEffect::Accept,
                ListPattern::Table(LookupTable::Static),
            )],
            matching: Matching::Whole,
        }
    }

    /// Whether the first pattern that matches accepts. Upper and lower case are
    /// equal, except in the keys of tables, which have to be in lower case.
    pub fn matches(&self, subject: &[u8]) -> bool {
        self.decide(subject) == ListMatch::Accepted
    }

    /// Matches a list; see [`PatternList::matches`].
    pub fn decide(&self, subject: &[u8]) -> ListMatch {
        let subject = subject.to_ascii_lowercase();
        for (effect, pattern) in &self.patterns {
            match (pattern, effect) {
                (ListPattern::Unreadable, _) => return ListMatch::Unknown,
                (pattern, _) if !self.matches_one(pattern, &subject) => {}
                (_, PatternEffect::Accept) => return ListMatch::Accepted,
                (_, PatternEffect::Refuse) => return ListMatch::Refused,
            }
        }
        ListMatch::Refused
    }

    /// A list for which every result is unknown.
    pub fn unknown() -> Self {
        Self {
            patterns: vec![(PatternEffect::Accept, ListPattern::Unreadable)],
            matching: Matching::Whole,
        }
    }

    fn matches_one(&self, pattern: &ListPattern, subject: &[u8]) -> bool {
        let is = |candidate: &[u8]| match pattern {
            ListPattern::Text(text) => text == candidate,
            ListPattern::Table(table) => table.contains(candidate),
            ListPattern::Unreadable => false,
        };
        if is(subject) {
            return true;
        }
        let dots = subject
            .iter()
            .enumerate()
            .filter(|(_, byte)| **byte == b'.');
        let mut parents = dots.filter_map(|(at, _)| subject.get(at..));
        match self.matching {
            Matching::Whole => false,
            Matching::Domain => parents.any(is),
            Matching::DomainAndSubdomains => parents.any(|parent| {
                // An empty parent is the end of "name.", not a domain.
                parent
                    .get(1..)
                    .is_some_and(|domain| !domain.is_empty() && is(domain))
            }),
        }
    }
}

struct ListParser<'w> {
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

impl ListParser<'_> {
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
            // Observed with Postfix 3.7.11: lines are counted anew for each
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

#[cfg(test)]
mod tests {
    use super::*;
    use crate::release::{Installed, Release};
    use crate::text::Charset;

    fn parse(list: &str, matching: Matching) -> (Result<PatternList, String>, Vec<String>) {
        parse_as("3.7.11", list, matching)
    }

    fn parse_as(
        version: &str,
        list: &str,
        matching: Matching,
    ) -> (Result<PatternList, String>, Vec<String>) {
        let postfix = Installed::of_release(Release::parse(version).unwrap());
        let reading = Reading {
            charset: Charset::Ascii,
            postfix: &postfix,
        };
        let mut warnings = Vec::new();
        let list = PatternList::parse("P", list.as_bytes(), matching, reading, &mut warnings);
        (list.map_err(|error| error.to_string()), warnings)
    }

    fn admits(list: &str) -> bool {
        let list = parse(list, Matching::Whole).0.unwrap();
        list.matches(b"nobody")
    }

    fn error(list: &str) -> String {
        parse(list, Matching::Whole).0.unwrap_err()
    }

    #[test]
    fn the_first_pattern_that_matches_decides() {
        for list in [
            "nobody",
            "NoBody",
            "foo, nobody",
            "static:anyone",
            "!!nobody",
            "nobody,!nobody",
            "foo inline:{nobody=1} bar",
            "a{b c}d nobody",
            "static:{x y}",
        ] {
            assert!(admits(list), "{list}");
        }
        for list in [
            "",
            " ,, ",
            "foo",
            "!nobody,static:all",
            "!static:all",
            "!!!nobody",
            "{nobody}",
            "foo;nobody",
            ".nobody",
            "*",
            "a{ nobody",
            "foo # nobody",
            "inline:{NOBODY=1}",
        ] {
            assert!(!admits(list), "{list}");
        }
    }

    #[test]
    fn domains_match_their_subdomains_with_or_without_a_leading_dot() {
        let matches =
            |list, matching, site: &str| parse(list, matching).0.unwrap().matches(site.as_bytes());
        let (with, without) = (Matching::DomainAndSubdomains, Matching::Domain);
        for list in ["example.COM", "inline:{example.com=1}"] {
            assert!(matches(list, with, "A.Example.com"), "{list}");
            assert!(matches(list, without, "Example.com"), "{list}");
            assert!(!matches(list, without, "a.example.com"), "{list}");
            assert!(!matches(list, with, "com"), "{list}");
        }
        for list in [".example.com", "inline:{.example.com=1}"] {
            assert!(!matches(list, with, "a.example.com"), "{list}");
            assert!(matches(list, without, "b.a.example.com"), "{list}");
            assert!(!matches(list, without, "example.com"), "{list}");
        }
        assert!(!matches(
            "!a.example.com example.com",
            with,
            "b.a.example.com"
        ));
        assert!(!matches("ample.com", with, "example.com"));
    }

    #[test]
    fn files_are_read_in_place() {
        let directory = tempfile::tempdir().unwrap();
        let file = |name: &str, text: &str| {
            let path = directory.path().join(name);
            std::fs::write(&path, text).unwrap();
            path.display().to_string()
        };
        let refuse = file("refuse", "#nobody\n!nobody\nstatic:all");
        assert!(!admits(&refuse));
        assert!(admits(&format!("!{refuse}")));
        assert!(admits(&file("nul", "foo\0 x nobody\n nobody")));
        let (list, warnings) = parse(&file("c", "foo # x\nnobody"), Matching::Whole);
        assert!(list.unwrap().matches(b"nobody"));
        assert_eq!(
            warnings,
            ["P: comment at end of line is not supported: # x?"]
        );
        let path = directory.path().join("loop").display().to_string();
        let expected = format!("open file {path}: Too many open files");
        assert_eq!(error(&file("loop", &path)), expected);
    }

    // As Postfix 3.7.11, 3.8.6 and 3.10.13 warned.
    #[test]
    fn a_comment_has_the_words_of_the_release() {
        let long = format!("x # {}", "abcdefghij ".repeat(4));
        for (list, old, new) in [
            ("# a b", "# a b", "# a b..."),
            ("x #y, z", "#y  z", "#y  z..."),
            ("x #", "# ", "# ..."),
            (
                &long,
                "# abcdefghij abcdefghij abcdefghij abcdefghij ",
                "# abcdefghij abcdefghi...",
            ),
        ] {
            let warnings = |version| parse_as(version, list, Matching::Whole).1;
            let old = format!("P: comment at end of line is not supported: {old}");
            assert_eq!(warnings("3.7.11"), [old], "{list}");
            let new = format!("P: #comment after other text is not allowed: {new}");
            assert_eq!(warnings("3.8.6"), warnings("3.10.13"), "{list}");
            assert_eq!(warnings("3.10.13"), [new], "{list}");
        }
    }

    // As Postfix 3.7.11, 3.8.6 and 3.10.13 read the same files.
    #[test]
    fn since_3_8_a_file_has_logical_lines() {
        let directory = tempfile::tempdir().unwrap();
        let path = directory.path().join("list").display().to_string();
        let warnings = |version, text: &str| {
            std::fs::write(&path, text).unwrap();
            let (list, warnings) = parse_as(version, &path, Matching::Whole);
            assert!(list.unwrap().matches(b"nobody"), "{version} {text:?}");
            warnings
        };
        let none: [&str; 0] = [];
        let comment = "  # x\nnobody\n";
        let old = ["P: comment at end of line is not supported: # x?"];
        assert_eq!(warnings("3.7.11", comment), old);
        assert_eq!(warnings("3.8.6", comment), none);
        let begins_with_space = " x\nnobody\n";
        assert_eq!(warnings("3.7.11", begins_with_space), none);
        let space = format!("{path}: logical line must not start with whitespace: \" x\"");
        assert_eq!(warnings("3.8.6", begins_with_space), [space]);
        let nuls = "x y\n z\0a\n b\0c\nd\0e\nnobody";
        assert_eq!(warnings("3.8.6", nuls), none);
        let nul = |lines| format!("{path}, line {lines}: text after null byte may be ignored");
        assert_eq!(warnings("3.10.13", nuls), [nul("1-3"), nul("1")]);
    }

    #[test]
    fn lists_that_cannot_be_used_are_refused_as_a_whole() {
        for (list, message) in [
            ("nobody !", "P: no pattern after '!'"),
            ("! nobody", "P: no pattern after '!'"),
            (
                "nobody /no/pe",
                "open file /no/pe: No such file or directory",
            ),
            ("/", "match_list_parse: read file /: Is a directory"),
            ("nobody hash:/x", "P: unsupported table: hash:/x"),
            (
                "static:",
                "open dictionary: expecting \"type:name\" form instead of \"static:\"",
            ),
            (
                ":x",
                "open dictionary: expecting \"type:name\" form instead of \":x\"",
            ),
        ] {
            assert_eq!(error(list), message, "{list}");
        }
    }
}
