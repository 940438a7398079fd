//! Any bytes as a command line, an argument a line; and as the options of a
//! selection with a text that they are compared with.

use std::ffi::{OsStr, OsString};
use std::fmt::Write;
use std::os::unix::ffi::OsStringExt;

use spoolbox::applets::{Call, postcat, postfix, postqueue, postsuper, qshape};
use spoolbox::cli::{Opt, ScanError, Scanned, Scanner, Value};
use spoolbox::logging::Logger;
use spoolbox::queue_file::message_visitor::{
    LogClass, LogFacts, MessageHead, MessageVisitor, Recipient,
};
use spoolbox::selection;
use spoolbox::selection::{Builder, Evaluator, Match, Selection, Taken, duration, moment};
use spoolbox::sys::process::ProcessIds;

/// A table with options of every kind.
const OPTIONS: [Opt; 8] = [
    Opt::short('c', Value::Required("DIR"), ""),
    Opt::short('d', Value::Required("ID"), ""),
    Opt::short('p', Value::None, ""),
    Opt::short('v', Value::None, ""),
    Opt::long("count", Value::Optional("BY"), ""),
    Opt::long("help", Value::None, ""),
    Opt::long("undo", Value::Optional("BATCH"), ""),
    Opt::long("version", Value::None, ""),
];

/// Options of a selection whose values are no patterns.
const VALUES: [&str; 9] = [
    "older",
    "newer",
    "size",
    "rcpt-count",
    "queue",
    "status",
    "client",
    "from-domain",
    "to-domain",
];
/// Characters of a text that has to find itself: patterns are slow to make.
const FOUND_MAX: usize = 40;

/// Time of the selections here.
const NOW: i64 = 1_700_000_000;

/// Reads any lines as the arguments of each applet; the first names one.
pub fn options(input: &[u8]) {
    let mut lines = input.split(|&b| b == b'\n').map(argument);
    let name = lines.next().unwrap_or_default();
    let arguments: Vec<OsString> = lines.collect();
    let table = [&OPTIONS[..], &selection::group().options].concat();
    scanned_in_order(&table, &arguments);
    // Twice: parsing has no effect that the second time would show.
    let name = name.to_string_lossy();
    assert_eq!(parses(&name, &arguments), parses(&name, &arguments));
}

/// Whether an applet accepts the arguments. Nothing is done or printed.
fn parses(applet: &str, arguments: &[OsString]) -> bool {
    let call = Call::new(applet, arguments.to_vec(), ProcessIds::of_this_process());
    let mut logger = Logger::unheard(applet);
    match applet {
        "postcat" => postcat::arguments::parse(&call, &mut logger).is_ok(),
        "postfix" => postfix::parse(&call, applet, &mut logger).is_ok(),
        "postqueue" => postqueue::arguments::parse(&call, &mut logger).is_ok(),
        "postsuper" => postsuper::command_line::scan(&call).is_ok(),
        "qshape" => qshape::arguments::parse(call.arguments).is_ok(),
        _ => false,
    }
}

fn argument(line: &[u8]) -> OsString {
    OsString::from_vec(line.split(|&b| b == 0).next().unwrap_or_default().to_vec())
}

type Options = Vec<Result<Scanned, ScanError>>;

fn scan(table: &[Opt], arguments: &[OsString]) -> (Options, Vec<OsString>) {
    let mut scanner = Scanner::new(table, arguments.to_vec());
    let options = scanner.by_ref().collect();
    let operands = scanner.operands().any_after_dashes("operand");
    (options, operands.unwrap_or_default())
}

/// Operands are what is left, unless one looks like an option; options written one by one are the same ones.
fn scanned_in_order(table: &[Opt], arguments: &[OsString]) {
    let (options, operands) = scan(table, arguments);
    assert!(arguments.ends_with(&operands));
    let bytes: usize = arguments.iter().map(|a| a.len()).sum();
    assert!(options.len() <= bytes);
    let Ok(known) = options.iter().cloned().collect::<Result<Vec<_>, _>>() else {
        return;
    };
    let mut again: Vec<OsString> = known.iter().flat_map(|o| spelled(table, o)).collect();
    again.push("--".into());
    again.extend(operands.iter().cloned());
    let (same, left) = scan(table, &again);
    assert_eq!((same, left), (options, operands), "{again:?}");
}

/// An option as it could stand alone.
fn spelled(table: &[Opt], scanned: &Scanned) -> Vec<OsString> {
    match scanned {
        Scanned::Short(letter, value) => {
            let option = table.iter().find(|o| o.letter == Some(*letter));
            let name = OsString::from(format!("-{letter}"));
            match option.expect("it is in the table").value {
                Value::Required(_) => vec![name, value.clone()],
                _ => vec![name],
            }
        }
        Scanned::Long(long, value) => {
            let option = table.iter().find(|o| o.long == Some(long));
            let mut name = OsString::from(format!("--{long}"));
            match option.expect("it is in the table").value {
                Value::None => {}
                // Without a value: with an empty one it is an error.
                Value::Optional(_) if value.is_empty() => {}
                Value::Optional(_) | Value::Required(_) => {
                    name.push("=");
                    name.push(value);
                }
            }
            vec![name]
        }
    }
}

/// Reads lines up to an empty one as the options of a selection, and asks
/// whether it means a message that says what follows.
pub fn patterns(input: &[u8]) {
    let end = input.windows(2).position(|pair| pair == b"\n\n");
    let (lines, text) = input.split_at(end.unwrap_or(input.len()));
    let text = text.get(2..).unwrap_or_default();
    let arguments: Vec<OsString> = lines.split(|&b| b == b'\n').map(argument).collect();
    for argument in &arguments {
        each_value(argument);
    }
    let table = selection::group().options;
    let (options, _) = scan(&table, &arguments);
    if let Ok(options) = options.into_iter().collect::<Result<Vec<_>, _>>() {
        opposites_differ(&options, text);
    }
    if let Ok(text) = std::str::from_utf8(text) {
        finds_itself(text);
    }
}

/// The values of options of our own that are numbers, times and the like.
fn each_value(argument: &OsStr) {
    let Some(value) = argument.to_str().and_then(|text| text.split_once('=')) else {
        return;
    };
    let value = value.1;
    if let Some(seconds) = duration(value) {
        assert!(seconds >= 0);
        assert_eq!(moment(value, NOW).ok(), NOW.checked_sub(seconds));
    }
    for option in VALUES {
        let scanned = Scanned::Long(option, value.into());
        if let Err(error) = Builder::new(NOW).take(&scanned) {
            assert!(error.to_string().contains("--"), "{error}");
        }
    }
}

fn build(options: &[Scanned]) -> Option<Selection> {
    let mut builder = Builder::new(NOW);
    for option in options {
        if builder.take(option).ok()? == Taken::No {
            return None;
        }
    }
    builder.finish().ok()?
}

/// Of an option and its opposite one means the message.
fn opposites_differ(options: &[Scanned], text: &[u8]) {
    if let Some(selection) = build(options) {
        let _ = means(&selection, text);
        let _ = selection.without_expired();
    }
    for option in options {
        let not = Scanned::Long("not", OsString::new());
        let both = (
            build(std::slice::from_ref(option)),
            build(&[not, option.clone()]),
        );
        let (Some(plain), Some(opposite)) = both else {
            continue;
        };
        if plain.needs_spool().is_none() {
            let matching = (means(&plain, text), means(&opposite, text));
            assert_ne!(matching.0, matching.1, "{option:?}");
        }
    }
}

/// Whether a selection means a message that says this everywhere.
fn means(selection: &Selection, text: &[u8]) -> bool {
    let mut lines = text.split(|&b| b == b'\n');
    let mut line = || lines.next().unwrap_or_default();
    let (id, sender) = (line(), line());
    if !selection.admits_name(b"deferred", id) {
        return false;
    }
    let mut verdict = Evaluator::new(selection, b"MAILER-DAEMON");
    verdict.message(&MessageHead {
        queue: b"deferred",
        id,
        arrival: NOW,
        arrival_microseconds: 0,
        size: i64::try_from(text.len()).unwrap_or(i64::MAX),
        forced_expire: Some(sender.len().is_multiple_of(2)),
        next_attempt: None,
        sender,
        envelope_sender: None,
    });
    for address in lines {
        verdict.recipient(&Recipient {
            address,
            original: None,
            reason: Some((address, LogClass::Defer)),
            facts: LogFacts::default(),
        });
    }
    verdict.end();
    verdict.verdict() == Match::Yes
}

/// A text matches itself, a glob of it, and an expression of it;
/// not by a glob that is a character short.
fn finds_itself(text: &str) {
    let text: String = text.chars().take(FOUND_MAX).collect();
    let finds = |pattern: String| {
        let selection = build(&[Scanned::Long("id", pattern.clone().into())]);
        let selection = selection.unwrap_or_else(|| panic!("no pattern: {pattern:?}"));
        selection.admits_name(b"hold", text.as_bytes())
    };
    let characters = text.chars().count();
    let mut expression = String::from("re:^");
    for character in text.chars() {
        let _ = write!(expression, "\\x{{{:x}}}", u32::from(character));
    }
    assert!(finds(expression + "$"), "{text:?}");
    let glob = format!("*{}", text.replace('*', "?"));
    assert!(finds(glob), "{text:?}");
    if !text.contains(['*', '?']) && !text.starts_with("re:") {
        assert!(finds(text.clone()), "{text:?}");
    }
    if let Some(shorter) = characters.checked_sub(1) {
        assert!(finds("?".repeat(characters)), "{text:?}");
        assert!(!finds("?".repeat(shorter)), "{text:?}");
    }
}
