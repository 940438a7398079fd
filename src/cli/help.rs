//! The text of `--help`: usage lines, a description, the options in groups, and
//! examples. Lines have at most 80 columns.

use std::fmt::Write;

use super::option::{Opt, OptionGroup};

/// The width of a line in columns.
const WIDTH: usize = 80;
/// The column at which explanations of options start.
const INDENT: usize = 26;

/// The contents of an applet's `--help`.
#[derive(Clone, Copy, Debug)]
pub struct HelpPage<'a> {
    /// The usage lines, the most common one first.
    pub usage: &'a [&'a str],
    /// The description: paragraphs without line breaks.
    pub about: &'a [&'a str],
    /// Its options.
    pub groups: &'a [OptionGroup],
    /// Common commands, each with its explanation.
    pub examples: &'a [(&'a str, &'a str)],
}

impl HelpPage<'_> {
    /// Formats the text, which ends with a newline.
    pub fn text(&self) -> String {
        let mut out = String::new();
        for (number, usage) in self.usage.iter().enumerate() {
            let start = if number == 0 { "usage: " } else { "       " };
            out.push_str(&format!("{start}{usage}\n"));
        }
        for paragraph in self.about {
            out.push('\n');
            out.push_str(&wrapped(paragraph, 0));
        }
        for group in self.groups {
            out.push_str(&format!("\n{}:\n", group.heading));
            for option in group.options.iter().filter(|o| !o.help.is_empty()) {
                out.push_str(&entry(option));
            }
            out.push_str(&named_only(&group.options));
        }
        if !self.examples.is_empty() {
            out.push_str("\nExamples:\n");
        }
        for (command, what) in self.examples {
            out.push_str(&format!("  {command}\n      {what}\n"));
        }
        out
    }
}

/// Formats an option with its explanation, next to it or below it.
fn entry(option: &Opt) -> String {
    let spelling = format!("  {}", option.spelling());
    let text = wrapped(&option.explanation(), INDENT);
    if spelling.len().saturating_add(2) > INDENT {
        return format!("{spelling}\n{text}");
    }
    format!("{spelling:INDENT$}{}", text.trim_start())
}

/// Formats the options without an explanation, in as few lines as possible.
fn named_only(options: &[Opt]) -> String {
    // A non-breaking space keeps an option and its value on one line.
    let glued = |option: &Opt| option.spelling().replace(' ', "\u{a0}");
    let named = options.iter().filter(|option| option.help.is_empty());
    let names: Vec<String> = named.map(glued).collect();
    wrapped(&names.join(" "), 2).replace('\u{a0}', " ")
}

/// Wraps a paragraph, with each line after `indent` blanks.
fn wrapped(text: &str, indent: usize) -> String {
    let mut out = String::new();
    let mut column = 0;
    for word in text.split(' ').filter(|word| !word.is_empty()) {
        let width = word.chars().count();
        if column > 0 && indent.saturating_add(column).saturating_add(width) >= WIDTH {
            out.push('\n');
            column = 0;
        }
        if column == 0 {
            let _ = write!(out, "{:indent$}{word}", "");
            column = width;
        } else {
            out.push(' ');
            out.push_str(word);
            column = column.saturating_add(width).saturating_add(1);
        }
    }
    if column > 0 {
        out.push('\n');
    }
    out
}

#[cfg(test)]
mod tests {
    use super::super::option::Value;
    use super::*;

    #[test]
    fn long_explanations_are_wrapped_below_their_option() {
        let group = OptionGroup::new(
            "Listing",
            &[
                Opt::short('p', Value::None, "list the queue"),
                Opt::long("source", Value::Required("WHERE"), "read the messages here")
                    .one_of(&["auto", "spool", "showq"]),
                Opt::long(
                    "x",
                    Value::Required("Y"),
                    "some words more than fit a line, so that the rest of them is in the next one",
                ),
                Opt::short('A', Value::Required("X"), ""),
                Opt::short('G', Value::None, ""),
            ],
        );
        let page = HelpPage {
            usage: &["tool -p", "tool -A"],
            about: &["It lists."],
            groups: &[group],
            examples: &[("tool -p", "Lists the queue.")],
        };
        assert_eq!(
            page.text(),
            "usage: tool -p
       tool -A

It lists.

Listing:
  -p                      list the queue
  --source=auto|spool|showq
                          read the messages here
  --x=Y                   some words more than fit a line, so that the rest of
                          them is in the next one
  -A X -G

Examples:
  tool -p
      Lists the queue.
"
        );
    }
}
