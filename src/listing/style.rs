//! What a listing looks like, and what stands around the messages.

use super::counts::CountPlan;
use super::format::json::Members;
use super::format::template::{RequiredParts, Template};
use super::format::text::Columns;
use super::sort_spec::SortSpec;
use super::spill::Spill;
use super::times::Clock;
use super::totals::Totals;

/// What a listing looks like.
#[derive(Clone, Copy, Debug)]
pub enum Style<'a> {
    /// mailq, postqueue -p; with times of our own if asked for.
    Text(Columns, Option<Clock>),
    /// postqueue -j; with more members if asked for.
    Json(Members<'a>),
    /// A line for each message.
    Lines(&'a Template),
    /// No messages: only counts of them.
    Counts(&'a CountPlan),
}

/// What a listing looks like and in which order it comes.
#[derive(Clone, Copy, Debug)]
pub struct OutputOptions<'a> {
    /// What it looks like.
    pub style: Style<'a>,
    /// Another order than that of the walk, or an end before the last
    /// message.
    pub sort_spec: Option<&'a SortSpec>,
    /// Where text goes that has to wait and is too much for the memory.
    pub spill: Option<&'a Spill>,
}

impl<'a> From<Style<'a>> for OutputOptions<'a> {
    fn from(style: Style<'a>) -> Self {
        Self {
            style,
            sort_spec: None,
            spill: None,
        }
    }
}

impl<'a> Style<'a> {
    /// What comes before the first message.
    pub fn heading(self) -> &'a str {
        match self {
            Style::Text(columns, _) => columns.heading(),
            Style::Lines(template) => &template.heading,
            Style::Json(_) | Style::Counts(_) => "",
        }
    }

    /// What comes after the last message, or in place of any.
    pub fn footer(self, totals: Totals) -> Vec<u8> {
        let text = match (self, totals.messages) {
            (Style::Text(..), 0) => "Mail queue is empty\n".to_owned(),
            (Style::Text(..), n) => {
                let kbytes = totals.bytes / 1024;
                let s = if n == 1 { "" } else { "s" };
                format!("\n-- {kbytes} Kbytes in {n} Request{s}.\n")
            }
            // A table has its heading even if nothing is in it.
            (Style::Lines(template), 0) => template.heading.clone(),
            _ => String::new(),
        };
        text.into_bytes()
    }

    /// The bytes that separate a message from the one before, which the first
    /// message must not have.
    pub fn separator(self) -> &'static [u8] {
        match self {
            Style::Text(..) => b"\n",
            _ => b"",
        }
    }

    /// What has to be read of a message.
    fn depth(self) -> RequiredParts {
        match self {
            Style::Text(..) | Style::Json(_) => RequiredParts::Everything,
            Style::Lines(template) => template.depth(),
            Style::Counts(plan) => plan.depth(),
        }
    }

    /// Whether more is shown than a message's report alone says.
    pub(super) fn needs_message_info(self) -> bool {
        match self {
            Style::Text(..) => false,
            Style::Json(members) => members.details.is_some(),
            Style::Lines(_) | Style::Counts(_) => true,
        }
    }

    /// Whether it is one of Postfix's own forms, with Postfix's bytes.
    pub fn is_postfixs(self) -> bool {
        match self {
            Style::Text(_, clock) => clock.is_none(),
            Style::Json(members) => members.details.is_none() && members.instance.is_none(),
            Style::Lines(_) | Style::Counts(_) => false,
        }
    }

    /// Whether headers of the message are shown.
    pub(super) fn needs_headers(self) -> bool {
        match self {
            Style::Json(members) => members.details.is_some(),
            Style::Lines(template) => template.needs_headers(),
            _ => false,
        }
    }

    /// What is asked for that only the spool can tell, if anything.
    pub fn needs_spool(self) -> Option<String> {
        match self {
            Style::Json(members) => members.details.map(|_| "--detail".to_owned()),
            Style::Lines(template) => {
                let column = template.needs_spool();
                column.map(|column| format!("the column {column}"))
            }
            Style::Counts(plan) => plan.needs_spool().map(|by| format!("--count={by}")),
            _ => None,
        }
    }
}

impl OutputOptions<'_> {
    /// What has to be read of a message.
    pub(super) fn depth(self) -> RequiredParts {
        let order = self.sort_spec.map_or(RequiredParts::Head, SortSpec::depth);
        self.style.depth().max(order)
    }
}
