//! A message in listings of every form, and whether it matches a
//! selection or by its opposite.

use spoolbox::cli::Scanned;
use spoolbox::listing::format::counts;
use spoolbox::listing::metrics::{ScanFacts, Top};
use spoolbox::listing::{
    COUNTED_BY, Clock, Columns, CountKeys, CountPlan, Counts, DetailRules, Formatter, Members,
    OutputOptions, PartialResult, Style, Template, Terminator, TimeStyle, metrics,
};
use spoolbox::queue_file::message_reader::MessageReader;
use spoolbox::queue_file::message_text;
use spoolbox::queue_file::message_text::{Next, TextPiece};
use spoolbox::queue_file::message_visitor::{
    MessageHead, MessageVisitor, ReadLevel, Recipient, Rules,
};
use spoolbox::queue_file::read_error::Location;
use spoolbox::queue_file::records::Buffers;
use spoolbox::release::{Release, charset_of};
use spoolbox::selection::{Builder, Matcher, Selection};
use spoolbox::spool::message::Message;
use spoolbox::spool::{Layout, Queue};

use super::super::scratch::Scratch;
use super::super::{assert_json_lines, assert_printable, assert_printable_lines};

/// Bytes after which the reader of a listing has gone.
const LISTED_MAX: usize = 1 << 18;

/// Selections, of which each message matches one or its opposite.
const OPTIONS: [(&str, &str); 8] = [
    ("from", "*@example.com"),
    ("to-domain", "example.net"),
    ("reason", "re:."),
    ("rcpt-count", "+2"),
    ("sasl-user", "*"),
    ("client", "127.0.0.0/8"),
    ("subject", "*a*"),
    ("body", "re:[a-z]"),
];

fn rules(release: Release) -> Rules {
    Rules {
        release,
        charset: charset_of(release),
        empty_address: b"MAILER-DAEMON".to_vec(),
        duplicate_limit: Some(3),
        stop: None,
    }
}

/// The moment of all listings here.
const CLOCK: Clock = Clock {
    style: TimeStyle::Iso,
    now: 1_700_000_000,
};
/// A line with everything that only the spool tells.
const FORMAT: &str = "%{status}|%{age}|%{sender_domain}|%{next_attempt}|%{path}|%{client_name}|\
                      %{client_address}|%{sasl_username}|%{subject}|%{message_id}";

/// Calls `work` with where the message lies.
fn located<T>(scratch: &Scratch, work: impl FnOnce(&Location<'_>) -> T) -> T {
    let layout = Layout::new(&[], 1);
    work(&Location {
        spool: scratch.spool(),
        layout: &layout,
        queue: Queue::Deferred,
        id: b"F022ED",
        path: "deferred/F022ED",
    })
}

/// A form that checks what it receives, and is left after a while.
struct Watched<'a> {
    form: Formatter<'a>,
    written: usize,
}

impl<'a> Watched<'a> {
    fn new(style: Style<'a>) -> Self {
        Self {
            form: Formatter::new(OutputOptions::from(style)),
            written: 0,
        }
    }
}

impl MessageVisitor for Watched<'_> {
    fn begin(&mut self) {
        self.form.begin();
    }

    fn wants_attributes(&self) -> bool {
        self.form.wants_attributes()
    }

    fn attribute(&mut self, text: &[u8]) {
        self.form.attribute(text);
    }

    fn done_recipient(&mut self) {
        self.form.done_recipient();
    }

    fn wanted(&self) -> ReadLevel {
        match self.written > LISTED_MAX {
            true => ReadLevel::Nothing,
            false => self.form.wanted(),
        }
    }

    fn message(&mut self, head: &MessageHead<'_>) {
        assert_printable(head.sender);
        assert!(!head.sender.is_empty());
        self.form.message(head);
    }

    fn recipient(&mut self, recipient: &Recipient<'_>) {
        assert_printable(recipient.address);
        assert_printable(recipient.original.unwrap_or_default());
        self.form.recipient(recipient);
        // What lines and counts write is small, but they remember.
        self.written = self.form.out().len().max(self.written.saturating_add(1));
    }

    fn end(&mut self) {
        self.form.end();
    }

    fn warning(&mut self, text: Vec<u8>) {
        assert!(!text.is_empty());
    }
}

/// A formatter that received the message, as far as it is one.
fn received<'a>(
    scratch: &Scratch,
    message: &Message,
    release: Release,
    style: Style<'a>,
) -> Formatter<'a> {
    let mut watched = Watched::new(style);
    if let Some(facts) = watched.form.file_facts() {
        facts.path = "deferred/F022ED".to_owned();
        message_text::read(message, &mut Buffers::default(), None, |piece| {
            if let TextPiece::Header(name, value) = piece {
                facts.note_header(name, value);
            }
            Next::Headers
        })
        .expect("a file that can be read");
    }
    // An error ends the whole listing: it leads where no file can be.
    let _ = located(scratch, |at| {
        MessageReader::default().report(message, at, &rules(release), &mut watched)
    });
    watched.form
}

/// Lists the message as text, as JSON, in columns.
pub fn listed_in_every_form(scratch: &Scratch, message: &Message, release: Release) {
    let list = |style| received(scratch, message, release, style).out().clone();
    for columns in [Columns::Short, Columns::Long] {
        let text = list(Style::Text(columns, None));
        assert_printable_lines(&text);
    }
    let details = DetailRules {
        host: "mx1.example.com".to_owned(),
        now: CLOCK.now,
        lifetime: 432_000,
        bounce_lifetime: 0,
    };
    for details in [None, Some(&details)] {
        let instance = details.map(|_| "postfix-out");
        let json = list(Style::Json(Members { details, instance }));
        // What broke off has no end.
        if json.ends_with(b"\n") {
            assert_json_lines(&json);
        }
    }
    let templates = [
        Template::oneline(Terminator::Newline, CLOCK),
        Template::csv(CLOCK),
        Template::format(FORMAT, Terminator::Newline, CLOCK).expect("a format"),
    ];
    for template in &templates {
        let line = list(Style::Lines(template));
        assert_printable_lines(&line);
        assert!(line.iter().filter(|&&b| b == b'\n').count() <= 1);
    }
}

/// Counts the message by everything there is, in tables, JSON and metrics.
pub fn counted_in_every_form(scratch: &Scratch, message: &Message, release: Release) {
    let counts = |plan: &CountPlan| -> Counts {
        let gathered = received(scratch, message, release, Style::Counts(plan)).take_partial();
        match gathered {
            Some(PartialResult::Counts(counts)) => counts,
            _ => Counts::default(),
        }
    };
    let plan = CountPlan {
        by: COUNTED_BY
            .iter()
            .map(|(_, by)| by.clone().into())
            .chain(CountKeys::parse("header:x-mailer,reason"))
            .collect(),
        ages_at: None,
        needs_sizes: true,
        forecast: Some(DetailRules {
            host: String::new(),
            now: CLOCK.now,
            lifetime: 1,
            bounce_lifetime: i64::MAX,
        }),
    };
    for (groups, by) in counts(&plan).by.into_iter().zip(&plan.by) {
        let rows = counts::rows(groups, by, None);
        assert_printable_lines(&counts::table(&rows, by, CLOCK));
        assert_json_lines(&counts::json(&rows, by, None));
    }
    let counted = counts(&metrics::plan(CLOCK.now));
    let scan = ScanFacts {
        instance: "\x1b[1m\"\\",
        began: CLOCK.now,
        duration: std::time::Duration::from_millis(1500),
        errors: 1,
        corrupt: Some(1),
    };
    let mut text = Vec::new();
    metrics::write(counted, &scan, Top::First(3), &mut text).expect("memory");
    assert_printable_lines(&text);
}

fn selection(option: &'static str, value: &str, negated: bool) -> Selection {
    let mut builder = Builder::new(1_700_000_000);
    if negated {
        let taken = builder.take(&Scanned::Long("not", "".into()));
        taken.expect("an option of a selection");
    }
    let taken = builder.take(&Scanned::Long(option, value.into()));
    taken.expect("an option of a selection");
    let built = builder.finish().expect("a whole selection");
    built.expect("an option was given")
}

/// A message matches a selection or its opposite, not both; what
/// is no message, by neither.
pub fn selected_or_not(scratch: &Scratch, message: &Message, release: Release) {
    let rules = rules(release);
    let (option, value) = match message.stat.st_size {
        size if size > 0 => OPTIONS[usize::try_from(size).unwrap_or(0) % OPTIONS.len()],
        _ => OPTIONS[0],
    };
    let matches = |negated| {
        let selection = selection(option, value, negated);
        located(scratch, |at| {
            let mut matcher = Matcher::new(&selection, &rules);
            let evidence = matcher
                .file_identity(message, at)
                .map(|found| found.is_some());
            (matcher.matches(message, at), evidence)
        })
    };
    let ((plain, evidence), (opposite, _)) = (matches(false), matches(true));
    if let (Ok(plain), Ok(opposite), Ok(is_message)) = (plain, opposite, evidence) {
        let matching = u8::from(plain) + u8::from(opposite);
        assert_eq!(matching, u8::from(is_message), "--{option}={value}");
    }
}
