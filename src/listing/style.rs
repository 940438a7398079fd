//! The styles of a listing, their heading and footer, and what has to be read for
//! them.

use super::counts::CountPlan;
use super::format::column::RequiredParts;
use super::format::json::Members;
use super::format::template::Template;
use super::format::text::Columns;
use super::sort_spec::SortSpec;
use super::spill::Spill;
use super::times::Clock;
use super::totals::Totals;
use crate::queue_file::mime::TextForm;

/// The style of a listing.
#[derive(Clone, Copy, Debug)]
pub enum Style<'a> {
    /// mailq and `postqueue -p`, optionally with another time format.
    Text(Columns, Option<Clock>),
    /// `postqueue -j`, optionally with additional members.
    Json(Members<'a>),
    /// One line for each message.
    Lines(&'a Template),
    /// Only counts, no messages.
    Counts(&'a CountPlan),
}

/// The style and the order of a listing.
#[derive(Clone, Copy, Debug)]
pub struct OutputOptions<'a> {
    /// The style of the messages.
    pub style: Style<'a>,
    /// Sort keys and limit; `None` lists all messages in the order of the walk.
    pub sort_spec: Option<&'a SortSpec>,
    /// Holds text that has to wait and is too large for memory.
    pub spill: Option<&'a Spill>,
    /// Whether headers are shown decoded.
    pub text_form: TextForm,
}

impl<'a> From<Style<'a>> for OutputOptions<'a> {
    fn from(style: Style<'a>) -> Self {
        Self {
            style,
            sort_spec: None,
            spill: None,
            text_form: TextForm::default(),
        }
    }
}

impl<'a> Style<'a> {
    /// The text before the first message.
    pub fn heading(self) -> &'a str {
        match self {
            Style::Text(columns, _) => columns.heading(),
            Style::Lines(template) => template.heading(),
            Style::Json(_) | Style::Counts(_) => "",
        }
    }

    /// The text after the last message, or the whole output if there are no
    /// messages.
    pub fn footer(self, totals: Totals) -> Vec<u8> {
        let text = match (self, totals.messages) {
            (Style::Text(..), 0) => "Mail queue is empty\n".to_owned(),
            (Style::Text(..), n) => {
                let kbytes = totals.bytes / 1024;
                let s = if n == 1 { "" } else { "s" };
                format!("\n-- {kbytes} Kbytes in {n} Request{s}.\n")
            }
            // A table has its heading even if it is empty.
            (Style::Lines(template), 0) => template.heading().to_owned(),
            _ => String::new(),
        };
        text.into_bytes()
    }

    /// The bytes that separate a message from the one before, and which are removed
    /// before the first message.
    pub fn separator(self) -> &'static [u8] {
        match self {
            Style::Text(..) => b"\n",
            _ => b"",
        }
    }

    /// The parts of a message that have to be read.
    fn depth(self) -> RequiredParts {
        match self {
            Style::Text(..) | Style::Json(_) => RequiredParts::Everything,
            Style::Lines(template) => template.depth(),
            Style::Counts(plan) => plan.depth(),
        }
    }

    /// Whether [`MessageInfo`](super::message_info::MessageInfo) has to be filled
    /// in for the output.
    pub(super) fn needs_message_info(self) -> bool {
        match self {
            Style::Text(..) => false,
            Style::Json(members) => members.details.is_some(),
            Style::Lines(_) | Style::Counts(_) => true,
        }
    }

    /// Whether the output is byte for byte that of Postfix.
    pub fn is_of_postfix(self) -> bool {
        match self {
            Style::Text(_, clock) => clock.is_none(),
            Style::Json(members) => members.details.is_none() && members.instance.is_none(),
            Style::Lines(_) | Style::Counts(_) => false,
        }
    }

    /// Whether the message header is shown.
    pub(super) fn needs_headers(self) -> bool {
        match self {
            Style::Json(members) => members.details.is_some(),
            Style::Lines(template) => template.needs_headers(),
            Style::Counts(plan) => !plan.headers().is_empty(),
            Style::Text(..) => false,
        }
    }

    /// The headers that are shown instead of Subject and Message-ID, in lower case.
    pub(super) fn headers(self) -> Vec<String> {
        match self {
            Style::Counts(plan) => plan.headers(),
            _ => Vec::new(),
        }
    }

    /// The option or column that needs the spool, if there is one.
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
    /// The parts of a message that have to be read to format and sort it.
    pub(super) fn depth(self) -> RequiredParts {
        let order = self.sort_spec.map_or(RequiredParts::Head, SortSpec::depth);
        self.style.depth().max(order)
    }
}
