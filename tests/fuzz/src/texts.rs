//! Any bytes as text that is shown, folded, quoted, taken for a number, a
//! name or a time; and as the format of lines that are filled with text.

use spoolbox::config::level::Level;
use spoolbox::config::{host_name, mail_host};
use spoolbox::listing::{
    Clock, CountKeys, Formatter, OutputOptions, SortKey, Style, Template, Terminator, TimeStyle,
    write_duration,
};
use spoolbox::qshape_report::domain;
use spoolbox::queue_file::message_visitor::{
    LogClass, LogFacts, MessageHead, MessageVisitor, Recipient,
};
use spoolbox::queue_file::mime::{BodyDecoder, decode_header};
use spoolbox::selection::moment;
use spoolbox::sys::time::Zone;
use spoolbox::text::{
    Charset, first_hundred, fold, make_printable, numbers, quote_address, to_printable,
};

use super::{assert_printable, assert_printable_lines};

/// Bytes of a folded reason at most.
const FOLDED_MAX: usize = 512;
/// Columns of `--csv`.
const CSV_COLUMNS: usize = 10;

/// Reads any bytes as text.
pub fn texts(input: &[u8]) {
    made_printable(input);
    folded_and_quoted(input);
    decoded(input);
    names(input);
    for text in input.split(|&b| b == b'\n') {
        number(text);
    }
    let seconds = input
        .first_chunk::<8>()
        .map_or(0, |b| i64::from_le_bytes(*b));
    for seconds in [seconds, seconds >> 20, seconds >> 28] {
        time(seconds);
    }
}

fn made_printable(input: &[u8]) {
    for charset in [Charset::Ascii, Charset::LooseUtf8, Charset::StrictUtf8] {
        let mut text = input.to_vec();
        make_printable(&mut text, charset);
        assert_eq!(text.len(), input.len());
        assert_printable(&text);
        let mut again = text.clone();
        make_printable(&mut again, charset);
        assert_eq!(again, text);
        if charset == Charset::StrictUtf8 {
            assert!(std::str::from_utf8(&text).is_ok());
        }
    }
    assert_eq!(to_printable(input).len(), input.len());
    assert!(first_hundred(input).len() <= 100);
}

fn folded_and_quoted(input: &[u8]) {
    let mut folded = b"before".to_vec();
    fold::fold(input, &mut folded);
    let folded = folded.strip_prefix(b"before").expect("what was there");
    assert!(folded.len() <= FOLDED_MAX + 4, "{}", folded.len());
    if std::str::from_utf8(input).is_ok() {
        assert!(std::str::from_utf8(folded).is_ok(), "half a character");
    }
    let mut quoted = Vec::new();
    quote_address(input, &mut quoted);
    assert!(quoted.len() >= input.len());
    let is_plain = |b: &u8| b.is_ascii_alphanumeric();
    if !input.is_empty() && input.iter().all(is_plain) {
        assert_eq!(quoted, input);
    }
}

/// A header with encoded words, and a body in parts: each line is a header until
/// the first empty one.
fn decoded(input: &[u8]) {
    let mut decoder = BodyDecoder::default();
    let mut in_header = true;
    for line in input.split(|&b| b == b'\n') {
        let header = decode_header(line);
        assert!(header.len() <= 3 * line.len().max(1), "{}", header.len());
        in_header &= !line.is_empty();
        match line.iter().position(|&b| b == b':') {
            Some(colon) if in_header => decoder.header(&line[..colon], &line[colon + 1..]),
            _ => decoder.line(line, |_| {}),
        }
    }
    decoder.finish(|_| {});
}

fn names(input: &[u8]) {
    if host_name::check(input).is_ok() {
        let fits = |b: &u8| b.is_ascii_alphanumeric() || matches!(b, b'.' | b'-' | b'_');
        assert!(input.iter().all(fits) && input.len() <= 255);
        assert!(mail_host::is_valid(input));
    }
    if mail_host::is_valid(input) {
        assert_printable(input);
        assert!(!input.contains(&b'/') && !input.is_empty());
    }
    if let Some(level) = Level::parse(input) {
        assert_eq!(level.cmp(&level), std::cmp::Ordering::Equal);
    }
    let (mut of_domain, mut of_address) = (Vec::new(), Vec::new());
    domain::domain_of(input, &mut of_domain);
    domain::address_of(input, &mut of_address);
    assert!(!of_address.is_empty());
    let mut last = of_domain.len() + 1;
    for parent in domain::parents(&of_domain) {
        assert!(parent.len() < last && of_domain.ends_with(parent));
        last = parent.len();
    }
}

fn number(text: &[u8]) {
    let number = numbers::number(text);
    let shown = numbers::format(number.value);
    let again = numbers::number(shown.as_bytes());
    assert!(again.is_whole, "{shown}");
    // Fifteen digits, and integers in full.
    let close = (again.value - number.value).abs() <= number.value.abs() * 1e-14;
    let same = again.value == number.value || again.value.is_nan() && number.value.is_nan();
    assert!(same || close, "{} is shown as {shown}", number.value);
}

fn time(seconds: i64) {
    let mut text = Vec::new();
    write_duration(seconds.max(0), &mut text);
    assert_printable(&text);
    let Some(time) = Zone::Utc.date_time(seconds) else {
        return;
    };
    let text = format!("{time:?}Z");
    // A year of four digits, as people write it.
    if (-62_135_596_800..253_402_300_800).contains(&seconds) {
        assert_eq!(moment(&text, 0), Ok(seconds), "{text}");
    }
}

/// Reads the first line as a format and fills it with the others.
pub fn formats(input: &[u8]) {
    let mut lines = input.split(|&b| b == b'\n');
    let format = lines.next().unwrap_or_default();
    let texts: Vec<Vec<u8>> = lines.map(printable).collect();
    if let Ok(format) = std::str::from_utf8(format) {
        let _ = (SortKey::parse(format), CountKeys::parse(format));
        for style in [TimeStyle::Iso, TimeStyle::Epoch, TimeStyle::Relative] {
            let made = Template::format(format, Terminator::Newline, clock(style));
            match made {
                Ok(template) => drop(filled(&template, &texts)),
                Err(problem) => assert!(!problem.is_empty()),
            }
        }
        plain_text_is_itself(format, &texts);
    }
    let csv = filled(&Template::csv(clock(TimeStyle::Iso)), &texts);
    assert_printable_lines(&csv);
    assert_eq!(csv_fields(&csv).len(), CSV_COLUMNS);
    assert_eq!(
        csv_fields(&csv)[6],
        texts.first().cloned().unwrap_or_default()
    );
}

fn clock(style: TimeStyle) -> Clock {
    Clock {
        style,
        now: 1_700_000_000,
    }
}

fn printable(text: &[u8]) -> Vec<u8> {
    let mut text = text.to_vec();
    make_printable(&mut text, Charset::StrictUtf8);
    text
}

/// A line about a message with this sender and these recipients.
fn filled(template: &Template, texts: &[Vec<u8>]) -> Vec<u8> {
    let mut form = Formatter::new(OutputOptions::from(Style::Lines(template)));
    let (sender, recipients) = texts.split_first().unzip();
    let sender = sender.cloned().unwrap_or_default();
    form.begin();
    form.message(&MessageHead {
        queue: b"deferred",
        id: b"F022ED",
        arrival: i64::try_from(sender.len()).unwrap_or(0),
        arrival_microseconds: 0,
        size: -1,
        forced_expire: Some(true),
        next_attempt: None,
        sender: &sender,
        envelope_sender: Some(&sender),
    });
    for address in recipients.unwrap_or_default() {
        form.recipient(&Recipient {
            address,
            original: None,
            reason: Some((address, LogClass::Bounce)),
            facts: LogFacts::default(),
        });
    }
    form.end();
    form.out().clone()
}

/// A text whose special characters are doubled is in each line unchanged.
fn plain_text_is_itself(text: &str, texts: &[Vec<u8>]) {
    let format = text.replace('%', "%%").replace('\\', "\\\\");
    let template = Template::format(&format, Terminator::Nul, clock(TimeStyle::Iso));
    let line = filled(&template.expect("plain text"), texts);
    assert_eq!(line, [text.as_bytes(), b"\0"].concat());
}

/// The fields of one line of comma-separated values.
fn csv_fields(line: &[u8]) -> Vec<Vec<u8>> {
    let mut fields = vec![Vec::new()];
    let mut is_quoted = false;
    let mut bytes = line.iter().copied().peekable();
    while let Some(byte) = bytes.next() {
        let field = fields.last_mut().expect("one at least");
        match byte {
            b'"' if is_quoted && bytes.peek() == Some(&b'"') => {
                bytes.next();
                field.push(b'"');
            }
            b'"' => is_quoted = !is_quoted,
            b',' if !is_quoted => fields.push(Vec::new()),
            b'\n' if !is_quoted => {}
            other => field.push(other),
        }
    }
    fields
}
