//! Single messages: the columns of the list that are not in the index, for the
//! visible rows, and the text of one message.

use serde::Deserialize;

use super::super::instance;
use super::context::{BrowseContext, Route, SpoolAccess, Wanted};
use super::filter::ListFilter;
use super::model::start_of;
use crate::listing::{
    Ending, ListingError, Members, PartialResult, Sink, Style, Totals, write_iso,
};
use crate::logging::Logger;
use crate::queue_file::message_text;
use crate::queue_file::message_text::{Next, TextPiece};
use crate::queue_file::mime::{BodyDecoder, decode_header};
use crate::queue_file::records::{Buffers, RecordReader};
use crate::queue_file::render;
use crate::queue_file::render::{OutputSink, Plan, StartPosition, TextBuffer};
use crate::spool::message;
use crate::spool::message::Message;
use crate::spool::{Layout, Queue, QueueId};
use crate::sys::time::Zone;

/// The number of bytes that are kept of a listing of single messages.
const LISTED_MAX: usize = 4 << 20;
/// The number of bytes that are shown of a message's text, and of its records.
const TEXT_MAX: usize = 2 << 20;
/// The number of bytes of a field that the list can show.
const FIELD_MAX: usize = 600;

/// The columns of the list that are not in a message's row.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Detail {
    /// The queue ID.
    pub id: Vec<u8>,
    /// The sender.
    pub sender: String,
    /// The recipients, separated by commas.
    pub recipients: String,
    /// The reasons.
    pub reason: String,
    /// The subject.
    pub subject: String,
}

/// Everything that is shown of one message.
#[derive(Clone, Debug, Default)]
pub struct MessageDetails {
    /// The queue ID.
    pub id: String,
    /// Names and values of the envelope.
    pub envelope: Vec<(&'static str, String)>,
    /// The recipients with their reasons.
    pub recipients: Vec<(String, String)>,
    /// The headers.
    pub headers: Vec<(String, String)>,
    /// The lines of the body.
    pub body: Vec<String>,
    /// The records of the file, as postcat(1) shows them.
    pub records: Vec<String>,
    /// Notes about parts that are not shown.
    pub notes: Vec<String>,
}

/// Keeps the beginning of a listing.
#[derive(Default)]
struct Beginning {
    text: Vec<u8>,
    is_cut: bool,
}

impl Sink for Beginning {
    fn piece(&mut self, piece: &[u8]) -> Result<Ending, ListingError> {
        let room = LISTED_MAX.saturating_sub(self.text.len());
        self.text.extend(piece.iter().take(room));
        self.is_cut |= piece.len() > room;
        Ok(if self.is_cut {
            Ending::Enough
        } else {
            Ending::Complete
        })
    }

    fn totals(&mut self, _: Totals) {}

    fn partial(&mut self, _: PartialResult) -> Result<Ending, ListingError> {
        Ok(Ending::Complete)
    }

    fn warning(&mut self, _: &[u8]) {}
}

/// The filter for these IDs.
fn of_ids<'a>(ids: impl Iterator<Item = &'a QueueId>) -> ListFilter {
    let words = ids.map(|id| format!("--id={id}")).collect();
    // An ID is always a valid pattern.
    ListFilter::of_words(words, "").unwrap_or_default()
}

/// The columns of these messages that are not in their rows. Messages that have left
/// the queue are missing.
pub fn of_rows(
    context: &BrowseContext<'_>,
    names: &[(Queue, QueueId)],
    logger: &mut Logger,
) -> Vec<Detail> {
    if names.is_empty() {
        return Vec::new();
    }
    let format = match context.route {
        Route::Spool => "%{id}\\t%{sender}\\t%{recipients}\\t%{reason}\\t%{subject}",
        Route::Daemon | Route::Program(_) => "%{id}\\t%{sender}\\t%{recipients}\\t%{reason}",
    };
    let filter = of_ids(names.iter().map(|(_, id)| id));
    let wanted = Wanted {
        filter: &filter,
        names: Some(names),
    };
    let mut listed = Beginning::default();
    // Fields that cannot be read stay as they were.
    let _ = context.lines(format, wanted, logger, &mut listed);
    let text = String::from_utf8_lossy(&listed.text);
    text.lines().filter_map(detail).collect()
}

fn detail(line: &str) -> Option<Detail> {
    let mut fields = line.split('\t');
    let id = fields.next()?.as_bytes().to_vec();
    let mut field = || start_of(fields.next().unwrap_or_default(), FIELD_MAX).to_owned();
    Some(Detail {
        id,
        sender: field(),
        recipients: field(),
        reason: field(),
        subject: field(),
    })
}

/// The members of a message in the JSON listing.
#[derive(Debug, Default, Deserialize)]
#[serde(default)]
struct Listed {
    queue_name: String,
    queue_id: String,
    arrival_time: i64,
    message_size: u64,
    forced_expire: bool,
    sender: String,
    recipients: Vec<ListedRecipient>,
    next_attempt: String,
    expires: String,
    client_name: String,
    client_address: String,
    sasl_username: String,
    message_id: String,
    path: String,
}

#[derive(Debug, Default, Deserialize)]
#[serde(default)]
struct ListedRecipient {
    address: String,
    delay_reason: String,
}

/// Reads a message; `None` if it has left the queue.
pub fn message(
    context: &BrowseContext<'_>,
    id: &QueueId,
    logger: &mut Logger,
) -> Option<MessageDetails> {
    let layout = Layout::of(context.config);
    let found = match context.route {
        Route::Spool => Some(open(context, &layout, id)?),
        Route::Daemon | Route::Program(_) => None,
    };
    let mut text = MessageDetails {
        id: id.to_string(),
        ..MessageDetails::default()
    };
    let names = found.as_ref().map(|(queue, ..)| vec![(*queue, id.clone())]);
    envelope(context, id, names.as_deref(), logger, &mut text)?;
    match &found {
        Some((_, message, path)) => {
            content(message, &mut text);
            records(context, message, path, &mut text);
        }
        None => text.notes.push(
            "The showq daemon lists envelopes only: headers and body need root's rights."
                .to_owned(),
        ),
    }
    Some(text)
}

/// Opens a message, in whichever queue it is now.
fn open(
    context: &BrowseContext<'_>,
    layout: &Layout,
    id: &QueueId,
) -> Option<(Queue, Message, String)> {
    Queue::LISTED.into_iter().find_map(|queue| {
        let path = layout.path(queue, id.as_bytes());
        let path = path.to_string_lossy().into_owned();
        let opened = message::open(context.spool, path.as_bytes(), queue, &path);
        opened.ok().map(|message| (queue, message, path))
    })
}

fn envelope(
    context: &BrowseContext<'_>,
    id: &QueueId,
    names: Option<&[(Queue, QueueId)]>,
    logger: &mut Logger,
    text: &mut MessageDetails,
) -> Option<()> {
    let filter = of_ids(std::iter::once(id));
    let wanted = Wanted {
        filter: &filter,
        names,
    };
    let mut warnings = Vec::new();
    let rules = instance::detail_rules(context.config, &mut warnings).ok();
    let members = Members {
        details: rules
            .as_ref()
            .filter(|_| context.access() == SpoolAccess::Full),
        instance: None,
    };
    let mut listed = Beginning::default();
    // A failure leaves the listing empty.
    let _ = context.list(Style::Json(members), wanted, logger, &mut listed);
    let line = listed
        .text
        .split(|b| *b == b'\n')
        .next()
        .unwrap_or_default();
    if line.is_empty() {
        return None;
    }
    match serde_json::from_slice::<Listed>(line) {
        Ok(listed) => put_envelope(listed, text),
        Err(_) => text.notes.push(format!(
            "The envelope is too long to be shown: postqueue -j --id {id} prints it."
        )),
    }
    Some(())
}

fn put_envelope(listed: Listed, text: &mut MessageDetails) {
    let mut arrival = Vec::new();
    write_iso(listed.arrival_time, Zone::Local, &mut arrival);
    let sender = match listed.sender.as_str() {
        "" => "<>".to_owned(),
        _ => listed.sender,
    };
    let queue = if listed.forced_expire {
        format!("{}, forced to expire", listed.queue_name)
    } else {
        listed.queue_name
    };
    let client = match (listed.client_name.as_str(), listed.client_address.as_str()) {
        ("", address) => address.to_owned(),
        (name, address) => format!("{name} [{address}]"),
    };
    text.id = listed.queue_id;
    text.envelope = vec![
        ("Queue", queue),
        ("Arrived", String::from_utf8_lossy(&arrival).into_owned()),
        ("Next try", listed.next_attempt),
        ("Expires", listed.expires),
        ("Size", format!("{} bytes", listed.message_size)),
        ("Sender", sender),
        ("Client", client),
        ("Login", listed.sasl_username),
        ("ID", listed.message_id),
        ("File", listed.path),
    ];
    text.envelope.retain(|(_, value)| !value.is_empty());
    let recipients = listed.recipients.into_iter();
    text.recipients = recipients.map(|r| (r.address, r.delay_reason)).collect();
}

/// Reads headers and body, decoded.
fn content(message: &Message, text: &mut MessageDetails) {
    let mut room = Room(TEXT_MAX);
    let mut buffers = Buffers::default();
    let mut decoder = BodyDecoder::default();
    let shown = |bytes: &[u8]| String::from_utf8_lossy(bytes).into_owned();
    let (headers, body) = (&mut text.headers, &mut text.body);
    let read = message_text::read(message, &mut buffers, None, |part| {
        match part {
            TextPiece::Header(name, value) => {
                decoder.header(name, value);
                let value = decode_header(value);
                if room.take(name.len().saturating_add(value.len())) {
                    headers.push((shown(name), shown(&value)));
                }
            }
            TextPiece::Line(line) => decoder.line(line, |line| {
                if room.take(line.len()) {
                    body.push(shown(line));
                }
            }),
        }
        if room.0 > 0 { Next::More } else { Next::Stop }
    });
    decoder.finish(|line| {
        if room.take(line.len()) {
            body.push(shown(line));
        }
    });
    let room = room.0;
    if let Err(error) = read {
        text.notes
            .push(format!("The message cannot be read: {error}."));
    } else if room == 0 {
        text.notes
            .push("The rest of the message is not shown: postcat -q prints it.".to_owned());
    }
}

/// The number of bytes that may still be kept.
struct Room(usize);

impl Room {
    /// Takes the room for a line; there is none for any line after the first
    /// one that does not fit.
    fn take(&mut self, length: usize) -> bool {
        // Each line takes memory besides its bytes.
        let left = self.0.checked_sub(length.saturating_add(32));
        self.0 = left.unwrap_or(0);
        left.is_some()
    }
}

/// Keeps the beginning of what postcat(1) would print.
#[derive(Default)]
struct Records(Vec<u8>);

impl OutputSink for Records {
    fn write(&mut self, piece: &[u8]) -> std::io::Result<()> {
        let room = TEXT_MAX.saturating_sub(self.0.len());
        self.0.extend(piece.iter().take(room));
        if piece.len() > room {
            return Err(std::io::ErrorKind::WriteZero.into());
        }
        Ok(())
    }

    fn warning(&mut self, text: &[u8]) {
        let _ = self.write(&[b"warning: ", text, b"\n"].concat());
    }
}

fn records(context: &BrowseContext<'_>, message: &Message, path: &str, text: &mut MessageDetails) {
    let mut buffers = Buffers::default();
    let mut reader = RecordReader::new(message.source(), &mut buffers);
    let mut output = TextBuffer::new(Records::default());
    let plan = Plan::default().or_all_parts();
    let postfix = &context.config.postfix;
    let shown = render::show(
        &mut reader,
        path.as_bytes(),
        plan,
        StartPosition::AtStart,
        postfix,
        &mut output,
    );
    // The sink takes no more at its limit.
    let _ = output.flush();
    let records = std::mem::take(&mut output.sink().0);
    let records = String::from_utf8_lossy(&records);
    text.records = records.lines().map(str::to_owned).collect();
    if let Err(error) = shown {
        let cut = records.len() >= TEXT_MAX;
        let why = if cut {
            "postcat -q prints the rest".to_owned()
        } else {
            error.to_string()
        };
        text.records.push(format!("({why})"));
    }
}
