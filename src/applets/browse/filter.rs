//! The filter: selection options as they are typed, and a text that has to be
//! in the line of a message.
//!
//! Words are split and quoted as by a shell, so that what is typed can be
//! copied to a command line and back.

use std::ffi::OsString;

use crate::cli;
use crate::cli::{Opt, Scanner, Value};
use crate::selection;
use crate::selection::{Builder, Selection, Taken};
use crate::sys::time;

/// Which messages are listed.
#[derive(Clone, Debug, Default)]
pub struct ListFilter {
    /// The selection options, as they are typed.
    pub words: Vec<String>,
    /// The selection that they make; `None` if there are none.
    pub selection: Option<Selection>,
    /// The text that a line has to contain, in lower case; empty if there is
    /// none.
    pub needle: String,
}

impl ListFilter {
    /// Parses options that the user typed.
    ///
    /// # Errors
    ///
    /// They are wrong; the text says what is.
    pub fn parse(line: &str, needle: &str) -> Result<Self, String> {
        Self::of_words(split(line)?, needle)
    }

    /// Parses options that were split into words.
    ///
    /// # Errors
    ///
    /// They are wrong; the text says what is.
    pub fn of_words(words: Vec<String>, needle: &str) -> Result<Self, String> {
        let options = options();
        let mut scanner = Scanner::new(&options, words.iter().map(OsString::from).collect());
        let mut builder = Builder::new(time::now());
        for scanned in scanner.by_ref() {
            let scanned = scanned.map_err(|error| error.to_string())?;
            match builder.take(&scanned) {
                Ok(Taken::Yes | Taken::No) => {}
                Err(error) => return Err(error.to_string()),
            }
        }
        let operands = scanner.operands().without_options("an operand");
        if let Some(operand) = operands.map_err(|error| error.to_string())?.first() {
            let operand = operand.display();
            return Err(format!(
                "{operand} is no option; --from {operand}? or / for a text"
            ));
        }
        Ok(Self {
            selection: builder.finish().map_err(|error| error.to_string())?,
            words,
            needle: needle.to_lowercase(),
        })
    }

    /// Whether all messages are listed.
    pub fn is_empty(&self) -> bool {
        self.words.is_empty() && self.needle.is_empty()
    }

    /// The options as a command line.
    pub fn line(&self) -> String {
        let words: Vec<String> = self.words.iter().map(|word| quoted(word)).collect();
        words.join(" ")
    }

    /// The same filter and one more option.
    ///
    /// # Errors
    ///
    /// The value is not one of the option's.
    pub fn with(&self, option: &str, value: &str) -> Result<Self, String> {
        let mut words = self.words.clone();
        words.push(option.to_owned());
        words.push(value.to_owned());
        Self::of_words(words, &self.needle)
    }
}

/// The selection options.
fn options() -> Vec<Opt> {
    cli::options_of(vec![selection::group()])
}

/// The last word of a line completed to the name of an option, or to the part
/// that all possible names have in common; `None` if there is nothing to add.
pub fn completed(line: &str) -> Option<String> {
    let start = line
        .rfind(char::is_whitespace)
        .map_or(0, |at| at.saturating_add(1));
    let (before, word) = line.split_at_checked(start)?;
    let begun = word
        .strip_prefix("--")
        .or((word.is_empty() || word == "-").then_some(""))?;
    let table = options();
    let matches: Vec<&Opt> = table
        .iter()
        .filter(|option| option.long.is_some_and(|name| name.starts_with(begun)))
        .collect();
    let names: Vec<&str> = matches.iter().filter_map(|option| option.long).collect();
    let mut common = (*names.first()?).to_owned();
    while !names.iter().all(|name| name.starts_with(&common)) {
        common.pop();
    }
    let end = match matches.as_slice() {
        [option] if option.value == Value::None => " ",
        [_] => " ",
        _ if common == begun => return None,
        _ => "",
    };
    Some(format!("{before}--{common}{end}"))
}

/// The names of options that begin like the last word of a line.
pub fn candidates(line: &str) -> Vec<&'static str> {
    let word = line.rsplit(char::is_whitespace).next().unwrap_or_default();
    let Some(begun) = word.strip_prefix("--") else {
        return Vec::new();
    };
    let names = options().into_iter().filter_map(|option| option.long);
    names.filter(|name| name.starts_with(begun)).collect()
}

/// A word as a shell reads it back.
pub fn quoted(word: &str) -> String {
    let is_plain = |c: char| c.is_ascii_alphanumeric() || "-_./:@=+,%".contains(c);
    if !word.is_empty() && word.chars().all(is_plain) {
        word.to_owned()
    } else {
        format!("'{}'", word.replace('\'', r"'\''"))
    }
}

/// Splits a line into words: blanks separate them, and quotes and backslashes
/// work as in a shell.
fn split(line: &str) -> Result<Vec<String>, String> {
    let mut words = Vec::new();
    let mut word: Option<String> = None;
    let mut characters = line.chars();
    let mut quote = None;
    while let Some(c) = characters.next() {
        match (quote, c) {
            (Some(open), c) if open == c => quote = None,
            (Some('\''), c) => word.get_or_insert_default().push(c),
            (_, '\\') => match characters.next() {
                Some(next) => word.get_or_insert_default().push(next),
                None => return Err("the last character is a backslash".to_owned()),
            },
            (Some(_), c) => word.get_or_insert_default().push(c),
            (None, '\'' | '"') => {
                quote = Some(c);
                word.get_or_insert_default();
            }
            (None, c) if c.is_whitespace() => words.extend(word.take()),
            (None, c) => word.get_or_insert_default().push(c),
        }
    }
    if quote.is_some() {
        return Err("a quote is not closed".to_owned());
    }
    words.extend(word);
    Ok(words)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_typed_filter_is_a_selection_and_can_be_copied_back() {
        let line = r#"--from '*bulk*' --older 2d --not --reason "it's full""#;
        let filter = ListFilter::parse(line, "Ümlaut").unwrap();
        assert!(filter.selection.is_some());
        assert_eq!(filter.needle, "ümlaut");
        let again = ListFilter::parse(&filter.line(), "").unwrap();
        assert_eq!(again.words, filter.words);
        assert!(ListFilter::parse("", "").unwrap().is_empty());
    }

    #[test]
    fn errors_say_what_is_wrong() {
        for (line, part) in [
            ("--from", "requires an argument"),
            ("--form x", "did you mean --from?"),
            ("bulk", "bulk is no option"),
            ("--older soon", "give a time"),
            ("--from 'x", "a quote is not closed"),
            ("--not", "--not"),
        ] {
            let error = ListFilter::parse(line, "").map(drop).unwrap_err();
            assert!(error.contains(part), "{line}: {error}");
        }
    }

    #[test]
    fn names_of_options_are_completed() {
        assert_eq!(completed("--sasl").as_deref(), Some("--sasl-user "));
        assert_eq!(
            completed("--older 2d --fr").as_deref(),
            Some("--older 2d --from")
        );
        assert_eq!(completed("--from"), None);
        assert_eq!(completed("--xyz"), None);
        assert_eq!(candidates("--fro"), ["from", "from-domain"]);
    }
}
