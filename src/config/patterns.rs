//! Pattern lists such as `authorized_mailq_users` and `fast_flush_domains`.
//!
//! Matches lists. Independent of what is matched, and why. Lists are parsed in
//! `pattern_parser`; lookup tables are in `tables`.

use super::error::ConfigError;
use super::pattern_parser::{ListParser, ListPattern, PatternEffect};
use super::tables::{LookupTable, Reading};

pub use super::pattern_parser::Unsupported;

/// How a pattern is compared.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum PatternMatching {
    /// Exactly: user names.
    Whole,
    /// As a domain that also matches its subdomains.
    DomainAndSubdomains,
    /// As a domain that does not match its subdomains, which patterns with a
    /// leading dot do.
    Domain,
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
    matching: PatternMatching,
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
        matching: PatternMatching,
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
        matching: PatternMatching,
        reading: Reading<'_>,
        unsupported: Unsupported,
        warnings: &mut Vec<String>,
    ) -> Result<Self, ConfigError> {
        let parser = ListParser::new(parameter, reading, unsupported, warnings);
        let patterns = parser.patterns(list)?;
        Ok(Self { patterns, matching })
    }

    /// A list that matches everything.
    pub fn of_all() -> Self {
        Self {
            patterns: vec![(
                PatternEffect::Accept,
                ListPattern::Table(LookupTable::Static),
            )],
            matching: PatternMatching::Whole,
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
            matching: PatternMatching::Whole,
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
            PatternMatching::Whole => false,
            PatternMatching::Domain => parents.any(is),
            PatternMatching::DomainAndSubdomains => parents.any(|parent| {
                // An empty parent is the end of "name.", not a domain.
                parent
                    .get(1..)
                    .is_some_and(|domain| !domain.is_empty() && is(domain))
            }),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::release::{Installed, Release};
    use crate::text::Charset;

    fn parse(list: &str, matching: PatternMatching) -> (Result<PatternList, String>, Vec<String>) {
        parse_as("3.7.11", list, matching)
    }

    fn parse_as(
        version: &str,
        list: &str,
        matching: PatternMatching,
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
        let list = parse(list, PatternMatching::Whole).0.unwrap();
        list.matches(b"nobody")
    }

    fn error(list: &str) -> String {
        parse(list, PatternMatching::Whole).0.unwrap_err()
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
        let (with, without) = (
            PatternMatching::DomainAndSubdomains,
            PatternMatching::Domain,
        );
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
        let (list, warnings) = parse(&file("c", "foo # x\nnobody"), PatternMatching::Whole);
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
            let warnings = |version| parse_as(version, list, PatternMatching::Whole).1;
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
            let (list, warnings) = parse_as(version, &path, PatternMatching::Whole);
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
