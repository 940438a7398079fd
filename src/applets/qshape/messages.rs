//! Messages of qshape on standard error, with the texts of Postfix's qshape, a
//! Perl program. Some of them end with the line number that Postfix 3.7 has.

use std::ffi::{OsStr, OsString};
use std::io;
use std::io::Write;
use std::os::unix::ffi::OsStrExt;
use std::path::Path;

use super::super::Call;
use super::arguments::Typed;
use super::errors::PROGRAM;
use crate::cli::nearest;
use crate::qshape_report::{GroupBy, PrintWarning};
use crate::queue_file::envelope::{EnvelopeWarning, RecordRange};
use crate::release::{Feature, Release};
use crate::spool::Queue;
use crate::spool::join;
use crate::spool::tree::{TraversalError, TraversalIssue};
use crate::sys::error_text::error_text;
use crate::sys::process;
use crate::text::numbers;
use crate::text::numbers::Number;
use crate::text::{Charset, make_printable, to_printable};

/// Where the original uses what it warns of.
const LINE_RECORD: u32 = 223;
const LINE_NAME_RECORD: u32 = 232;
const LINE_POINTER: u32 = 250;
const LINE_CONTENT_POINTER: u32 = 262;
const LINE_TIME: u32 = 282;
const LINE_SENDER: u32 = 294;
const LINE_BATCH: u32 = 309;
const LINE_ROW: u32 = 332;
const LINE_CLEAR: u32 = 352;
const LINE_CHILDREN: u32 = 367;
const LINE_TOP: u32 = 369;
const LINE_SEARCH: u32 = 375;

/// A number option, by the line that compares it.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Compared {
    Width,
    Buckets,
    Minutes,
    Children,
    /// When a message was counted.
    Batch,
    /// The same number, if there was none.
    Clear,
    Top,
}

impl Compared {
    fn line(self) -> u32 {
        match self {
            Self::Width => 181,
            Self::Buckets => 182,
            Self::Minutes => 183,
            Self::Children => 184,
            Self::Batch => LINE_BATCH,
            Self::Clear => LINE_CLEAR,
            Self::Top => LINE_TOP,
        }
    }

    /// The option's letter, if it is an error without a value.
    fn letter(self) -> Option<char> {
        match self {
            Self::Width => Some('w'),
            Self::Buckets => Some('b'),
            Self::Minutes => Some('t'),
            Self::Children => Some('m'),
            Self::Batch | Self::Clear | Self::Top => None,
        }
    }
}

/// Messages on standard error.
#[derive(Clone, Debug)]
pub(super) struct Messages {
    program: Vec<u8>,
}

impl Messages {
    /// The messages of a call. Perl names a program by the path that the kernel was
    /// given, not by argv[0].
    pub(super) fn of(call: &Call) -> Self {
        let named = call.program.as_bytes();
        let started = process::started_from().filter(|path: &OsString| {
            let name = Path::new(path).file_name();
            !named.contains(&b'/') && name == Some(OsStr::new(PROGRAM))
        });
        let program = started.map_or(named.to_vec(), |path| path.as_bytes().to_vec());
        Self { program }
    }

    /// `PROG: text`.
    pub(super) fn say(&self, text: &[u8]) {
        write(&[&self.program[..], b": ", text, b"\n"].concat());
    }

    /// The usage message.
    pub(super) fn usage(&self, release: Release) {
        let the = if release.has(Feature::QshapeUsageText) {
            "the"
        } else {
            "the the"
        };
        let start = [b"Usage: ", self.program.as_slice(), USAGE].concat();
        write(&[start.as_slice(), the.as_bytes(), USAGE_REST].concat());
    }

    /// Takes what was typed for a number, and says so if it is none.
    pub(super) fn number(&self, typed: &Typed, compared: Compared) -> Option<f64> {
        let text = match (typed, compared.letter()) {
            (Typed::Text(text), _) => text.as_bytes(),
            (Typed::LetterOnly, Some(letter)) => {
                let variable = format!("$opts{{\"{letter}\"}}");
                self.no_value(&variable, "numeric gt (>)", compared.line());
                return None;
            }
            _ => return None,
        };
        let Number { value, is_whole } = numbers::number(text);
        if !is_whole {
            self.no_number(text, "numeric gt (>)", compared.line());
        }
        Some(value)
    }

    /// The message of Postfix's qshape about a batch of less than one message.
    pub(super) fn no_batch(&self) {
        self.at_line(b"Illegal modulus zero", LINE_BATCH);
    }

    /// Warns of an unusual file.
    pub(super) fn warn(&self, warning: &EnvelopeWarning, by: GroupBy) {
        match warning {
            EnvelopeWarning::NoRecord => {
                for line in [LINE_RECORD, LINE_NAME_RECORD, LINE_NAME_RECORD] {
                    self.no_value("$r", "string eq", line);
                }
                self.no_value("$qt", "subtraction (-)", LINE_TIME);
            }
            EnvelopeWarning::NoTime => self.no_value("$qt", "subtraction (-)", LINE_TIME),
            EnvelopeWarning::Time(text) => self.no_number(text, "subtraction (-)", LINE_TIME),
            EnvelopeWarning::Pointer(segment, text) => {
                let line = match segment {
                    RecordRange::Envelope => LINE_POINTER,
                    RecordRange::Content => LINE_CONTENT_POINTER,
                };
                self.no_number(text, "numeric gt (>)", line);
            }
        }
        let has_no_sender = matches!(warning, EnvelopeWarning::NoRecord | EnvelopeWarning::NoTime);
        if has_no_sender && by == GroupBy::SenderDomain {
            self.no_value("$_", "lc", LINE_SENDER);
        }
    }

    /// Warns of a directory that cannot be traversed.
    pub(super) fn barred(&self, issue: &TraversalIssue) {
        let TraversalIssue {
            barred,
            parent,
            name,
            cause,
        } = issue;
        let what = match (barred, parent.as_slice()) {
            (TraversalError::Look, _) => [b"Can't stat ", name.as_slice()].concat(),
            (TraversalError::Enter, []) => [b"Can't cd to ", name.as_slice()].concat(),
            (TraversalError::Enter, parent) => {
                [b"Can't cd to (", &join(parent, b"")[..], b") ", name].concat()
            }
            (TraversalError::List, parent) => {
                [b"Can't opendir(", &join(parent, name)[..], b")"].concat()
            }
            (TraversalError::Read, parent) => {
                [b"Can't readdir(", &join(parent, name)[..], b")"].concat()
            }
        };
        let mut text = [&what[..], b": ", error_text(cause).as_bytes()].concat();
        make_printable(&mut text, Charset::Safe);
        text.push(b'\n');
        self.at_line(&text, LINE_SEARCH);
    }

    /// In formats of our own: reports a directory that cannot be read.
    pub(super) fn unread(&self, path: &[u8], cause: &io::Error) {
        let (name, why) = (to_printable(path), error_text(cause));
        let near = match cause.kind() {
            io::ErrorKind::NotFound => nearest(path, Queue::LISTED.map(Queue::name).into_iter()),
            _ => None,
        };
        let near = near.map_or(String::new(), |near| format!("; did you mean {near}?"));
        self.say(format!("cannot read {name}: {why}{near}").as_bytes());
    }

    /// What was wrong with a row of a printed table.
    pub(super) fn fault(&self, fault: PrintWarning) {
        match fault {
            PrintWarning::Childless => {
                let text = b"Use of uninitialized value in numeric lt (<)";
                self.at_line(text, LINE_CHILDREN);
            }
            PrintWarning::Redundant => self.at_line(b"Redundant argument in printf", LINE_ROW),
        }
    }

    fn no_value(&self, variable: &str, where_: &str, line: u32) {
        let text = format!("Use of uninitialized value {variable} in {where_}");
        self.at_line(text.as_bytes(), line);
    }

    fn no_number(&self, text: &[u8], where_: &str, line: u32) {
        let shown = numbers::shown_argument(text);
        let where_ = format!("\" isn't numeric in {where_}");
        self.at_line(
            &[b"Argument \"", &shown[..], where_.as_bytes()].concat(),
            line,
        );
    }

    /// `text at PROG line N.`
    fn at_line(&self, text: &[u8], line: u32) {
        let rest = format!(" line {line}.\n");
        write(&[text, b" at ", &self.program, rest.as_bytes()].concat());
    }
}

/// What output that cannot be written ends with.
pub(super) fn unwritten(error: &io::Error) {
    write(format!("Unable to flush stdout: {}\n", error_text(error)).as_bytes());
}

/// One write per line. A closed standard error is ignored.
fn write(line: &[u8]) {
    let _ = io::stderr().lock().write_all(line);
}

/// The usage message after the program's name.
const USAGE: &[u8] = b" [ -s ] [ -p ] [ -m <min_subdomains> ] [ -l ]
\t[ -b <bucket_count> ] [ -t <bucket_time> ] [ -w <terminal_width> ]
\t[ -N <batch_msg_count> ] [ -n <batch_top_domains> ]
\t[ -c <config_directory> ] [ <queue_name> ... ]
The 's' option shows sender domain counts.
The 'p' option shows address counts by for parent domains.
Parent domains are shown with a leading '.' before the domain name.
Parent domains are only shown if ";
/// Its end, after an article that is doubled in old releases.
const USAGE_REST: &[u8] = b" domain is not a TLD, and at
least <min_subdomains> (default 5) subdomains are shown in the output.

The bucket age ranges in units of <bucket_time> minutes are
[0,1), [1,2), [2,4), [4,8), [8, 16), ... i.e.:
\tthe first bucket is [0, bucket_time) minutes
\tthe second bucket is [bucket_time, 2*bucket_time) minutes
\tthe third bucket is [2*bucket_time, 4*bucket_time) minutes...
'-l' makes the ages linear, the number of buckets shown is <bucket_count>

The default summary is for the incoming and active queues. An explicit
list of queue names can be given on the command line. Non-absolute queue
names are interpreted relative to the Postfix queue directory. Use
<config_directory> to specify a non-default Postfix instance.  Values of
the main.cf queue_directory parameter that use variable expansions are
not supported. If necessary, use explicit absolute paths for all queues.
";
