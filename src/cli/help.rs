//! The text of `--help`: how an applet is called, what it does, its options in
//! groups, and examples. No line is longer than a terminal of 80 columns.

use std::fmt::Write;

use super::option::{Opt, OptionGroup};

/// Columns of a line.
const WIDTH: usize = 80;
/// Columns before the explanation of an option.
const INDENT: usize = 26;

/// What the `--help` of an applet consists of.
#[derive(Clone, Copy, Debug)]
pub struct HelpPage<'a> {
    /// The ways to call it, the usual one first.
    pub usage: &'a [&'a str],
    /// What it does: paragraphs without line breaks.
    pub about: &'a [&'a str],
    /// Its options.
    pub groups: &'a [OptionGroup],
    /// Commands that are often needed, each with what it does.
    pub examples: &'a [(&'a str, &'a str)],
}

impl HelpPage<'_> {
    /// The text, with a newline at its end.
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

/// An option with its explanation, beside it or below it.
fn entry(option: &Opt) -> String {
    let spelling = format!("  {}", option.spelling());
    let text = wrapped(&option.explanation(), INDENT);
    if spelling.len().saturating_add(2) > INDENT {
        return format!("{spelling}\n{text}");
    }
    format!("{spelling:INDENT$}{}", text.trim_start())
}

/// The options without an explanation, in as few lines as they need.
fn named_only(options: &[Opt]) -> String {
    // A blank within an option must not end a line.
    let glued = |option: &Opt| option.spelling().replace(' ', "\u{a0}");
    let named = options.iter().filter(|option| option.help.is_empty());
    let names: Vec<String> = named.map(glued).collect();
    wrapped(&names.join(" "), 2).replace('\u{a0}', " ")
}

/// A paragraph in lines of the width, each after `indent` blanks.
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
