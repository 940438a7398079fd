//! Any bytes as the answer of a daemon, and of what took its place.

use std::cell::{Cell, RefCell};
use std::collections::VecDeque;
use std::io;
use std::io::{BufReader, Read, Write};

use spoolbox::ipc::flush;
use spoolbox::ipc::flush::{FirstSpeaker, FlushStatus, Request};
use spoolbox::ipc::showq::Showq;
use spoolbox::listing::{
    Columns, DaemonRequest, Ending, ListingError, Members, OutputOptions, PartialResult, Sink,
    Style, Totals, list_daemon,
};
use spoolbox::queue_file::message_visitor::{LogClass, MessageHead, MessageVisitor, Recipient};
use spoolbox::release::{Installed, Release};
use spoolbox::spool::QueueId;
use spoolbox::text::Charset;

use super::{assert_json_lines, assert_printable, assert_printable_lines};

const GREETING: &[u8] = b"protocol\0mail_queue_list_protocol\0\0";

/// Reads any bytes as showq's listing.
pub fn showq_attributes(input: &[u8]) {
    let text = Style::Text(Columns::Short, None);
    let json = Style::Json(Members::default());
    // To Postfix 3.7 some bytes are UTF-8 that are none, in JSON too.
    copied_alike(input, Charset::LooseUtf8, text, assert_printable_lines);
    copied_alike(input, Charset::StrictUtf8, json, assert_json_lines);
    assert_read_alike(&received(input));
}

/// The Postfix that is installed, as far as it matters.
fn installed() -> Installed {
    Installed::of_release(Release::parse("3.7.11").expect("a version"))
}

/// However the listing is cut up on its way, it is the same one.
fn copied_alike(input: &[u8], charset: Charset, style: Style<'_>, check: fn(&[u8])) {
    let whole = copied(showq(input, 64 * 1024, charset), style);
    let pieces = copied(showq(input, 7, charset), style);
    assert_eq!(whole, pieces);
    check(&whole.unwrap_or_default());
}

/// The whole listing, if the daemon does not break off.
fn copied(mut showq: Showq<BufReader<&[u8]>>, style: Style<'_>) -> Option<Vec<u8>> {
    showq.greeting(&installed()).ok()?;
    let seen = Cell::new(0);
    let request = DaemonRequest {
        seen: &seen,
        look: OutputOptions::from(style),
        selection: None,
        null_shown: b"MAILER-DAEMON",
    };
    let mut sink = Collected::default();
    let ending = list_daemon(showq, &request, &mut sink);
    ending.is_ok().then_some(sink.text)
}

fn showq(input: &[u8], capacity: usize, charset: Charset) -> Showq<BufReader<&[u8]>> {
    let input = BufReader::with_capacity(capacity, input);
    Showq::new(input, "public/showq", charset)
}

#[derive(Default)]
struct Collected {
    text: Vec<u8>,
}

impl Sink for Collected {
    fn piece(&mut self, piece: &[u8]) -> Result<Ending, ListingError> {
        self.text.extend_from_slice(piece);
        Ok(Ending::Complete)
    }

    fn totals(&mut self, _: Totals) {}

    fn partial(&mut self, _: PartialResult) -> Result<Ending, ListingError> {
        Ok(Ending::Complete)
    }

    fn warning(&mut self, _: &[u8]) {}
}

/// A value that a daemon sends.
type Value = Vec<u8>;

/// What a daemon reported: messages with their recipients.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
struct Received(Vec<(Message, Vec<ToldRecipient>)>);

#[derive(Clone, Debug, PartialEq, Eq)]
struct Message {
    /// Queue, ID, sender.
    texts: [Value; 3],
    /// Arrival, size.
    numbers: [i64; 2],
    forced_expire: Option<bool>,
}

#[derive(Clone, Debug, PartialEq, Eq)]
struct ToldRecipient {
    address: Value,
    original: Option<Value>,
    reason: Option<(Value, LogClass)>,
}

impl MessageVisitor for Received {
    fn message(&mut self, head: &MessageHead<'_>) {
        let texts = [head.queue, head.id, head.sender];
        texts.into_iter().for_each(assert_printable);
        let message = Message {
            texts: texts.map(<[u8]>::to_vec),
            numbers: [head.arrival, head.size],
            forced_expire: head.forced_expire,
        };
        self.0.push((message, Vec::new()));
    }

    fn recipient(&mut self, recipient: &Recipient<'_>) {
        assert_printable(recipient.address);
        let (_, recipients) = self.0.last_mut().expect("a message comes first");
        recipients.push(ToldRecipient {
            address: recipient.address.to_vec(),
            original: recipient.original.map(<[u8]>::to_vec),
            reason: recipient.reason.map(|(text, class)| {
                assert_printable(text);
                (text.to_vec(), class)
            }),
        });
    }

    fn end(&mut self) {}

    fn warning(&mut self, _: Vec<u8>) {}
}

fn received(input: &[u8]) -> Received {
    let mut received = Received::default();
    let mut showq = showq(input, 64 * 1024, Charset::LooseUtf8);
    if showq.greeting(&installed()).is_ok() {
        while let Ok(true) = showq.next(&mut received) {}
    }
    received
}

/// What was received is written again as a daemon writes it, and is read alike.
fn assert_read_alike(before: &Received) {
    let mut words = GREETING.to_vec();
    for (message, recipients) in &before.0 {
        tell_message(message, &mut words);
        for recipient in recipients {
            tell_recipient(recipient, &mut words);
        }
        words.push(0);
    }
    words.push(0);
    assert_eq!(&received(&words), before);
}

fn tell(name: &str, value: &[u8], words: &mut Vec<u8>) {
    words.extend([name.as_bytes(), b"\0", value, b"\0"].concat());
}

fn tell_message(message: &Message, words: &mut Vec<u8>) {
    let [queue, id, sender] = &message.texts;
    let [arrival, size] = message.numbers.map(|number| number.to_string());
    tell("queue_name", queue, words);
    tell("queue_id", id, words);
    tell("time", arrival.as_bytes(), words);
    tell("size", size.as_bytes(), words);
    if let Some(forced_expire) = message.forced_expire {
        let number = u8::from(forced_expire).to_string();
        tell("forced_expire", number.as_bytes(), words);
    }
    tell("sender", sender, words);
}

fn tell_recipient(recipient: &ToldRecipient, words: &mut Vec<u8>) {
    let (reason, class) = match &recipient.reason {
        Some((reason, class)) => (reason.as_slice(), Some(class)),
        None => (&b""[..], None),
    };
    let class = match class {
        Some(LogClass::Bounce) => "bounce",
        Some(LogClass::Other) => "other",
        Some(LogClass::Defer) | None => "defer",
    };
    if let Some(original) = &recipient.original {
        tell("original_recipient", original, words);
        tell("recipient", &recipient.address, words);
        tell("log_class", class.as_bytes(), words);
    } else {
        tell("recipient", &recipient.address, words);
    }
    tell("reason", reason, words);
}

/// Reads any bytes as the words of a flush daemon. A newline stands where it
/// pauses.
pub fn flush_attributes(input: &[u8]) {
    let id = QueueId::parse(b"4F1A2B3C").expect("a queue ID");
    let orders = [FirstSpeaker::Greeting, FirstSpeaker::Request];
    for (request, expected) in [
        (
            Request::File(&id),
            &b"request\0send_file\0queue_id\x004F1A2B3C\0\0"[..],
        ),
        (
            Request::Site(b"example.com"),
            b"request\0send_site\0site\0example.com\0\0",
        ),
    ] {
        for order in orders {
            let daemon = Daemon::new(input);
            let mut warnings = Vec::new();
            let answer = flush::converse(
                &daemon,
                "public/flush",
                request,
                order,
                &installed(),
                &mut warnings,
            );
            assert!(warnings.len() <= 2, "{warnings:?}");
            match answer {
                Ok(status) => {
                    assert_eq!(*daemon.heard.borrow(), expected);
                    assert_eq!(FlushStatus::from(status.number()), status);
                }
                Err(error) => assert!(!error.to_string().is_empty()),
            }
        }
    }
}

/// A daemon that says one piece after the other, whatever it receives.
struct Daemon {
    says: RefCell<VecDeque<Vec<u8>>>,
    heard: RefCell<Vec<u8>>,
}

impl Daemon {
    fn new(words: &[u8]) -> Self {
        let pieces = words
            .split(|&b| b == b'\n')
            .filter(|piece| !piece.is_empty());
        Self {
            says: RefCell::new(pieces.map(<[u8]>::to_vec).collect()),
            heard: RefCell::default(),
        }
    }
}

impl Read for &Daemon {
    fn read(&mut self, buffer: &mut [u8]) -> io::Result<usize> {
        let mut says = self.says.borrow_mut();
        let Some(mut piece) = says.pop_front() else {
            return Ok(0);
        };
        let count = piece.len().min(buffer.len());
        buffer[..count].copy_from_slice(&piece[..count]);
        if count < piece.len() {
            says.push_front(piece.split_off(count));
        }
        Ok(count)
    }
}

impl Write for &Daemon {
    fn write(&mut self, bytes: &[u8]) -> io::Result<usize> {
        self.heard.borrow_mut().extend_from_slice(bytes);
        Ok(bytes.len())
    }

    fn flush(&mut self) -> io::Result<()> {
        Ok(())
    }
}
