//! mailq and sendmail -bp: sendmail's list mode, which hands over to postqueue
//! (spec page 08, "Other names").
//!
//! Takes every option that sendmail takes in this mode, and complains of the
//! same ones in the same words. What else sendmail does is not ours.

use std::ffi::{OsStr, OsString};
use std::os::unix::ffi::OsStrExt;
use std::path::Path;

use super::{Call, Fatal, instance, postqueue};
use crate::cli::{self, Opt, Scanned, Scanner, Value};
use crate::config::locate;
use crate::diag::Diag;
use crate::sys::process::{Trust, set_variable};
use crate::text::shown;

/// What the mail log calls the program, whatever it was called as.
const LOG_NAME: &str = "sendmail";
/// The status of failures before postqueue takes over.
const STATUS: u8 = 75;
/// The status of a request for what is not ours.
const STATUS_NOT_OURS: u8 = 69;

const IGNORED: &str = "accepted for compatibility";

/// Every option that sendmail takes. Most say nothing to a listing.
const OPTIONS: [Opt; 27] = [
    Opt::short('A', Value::Required("X"), IGNORED),
    Opt::short(
        'B',
        Value::Required("TYPE"),
        "7BIT or 8BITMIME; accepted for compatibility",
    ),
    Opt::short(
        'C',
        Value::Required("DIR"),
        "read DIR/main.cf; DIR may end in /main.cf",
    ),
    Opt::short('F', Value::Required("NAME"), IGNORED),
    Opt::short('G', Value::None, IGNORED),
    Opt::short('I', Value::None, "not a listing: newaliases"),
    Opt::short('L', Value::Required("LABEL"), IGNORED),
    Opt::short('N', Value::Required("DSN"), IGNORED),
    Opt::short('O', Value::Required("X=Y"), IGNORED),
    Opt::short('R', Value::Required("RETURN"), IGNORED),
    Opt::short('U', Value::None, IGNORED),
    Opt::short('V', Value::Required("ID"), IGNORED),
    Opt::short('X', Value::Required("FILE"), "refused, as by sendmail"),
    Opt::short(
        'b',
        Value::Required("MODE"),
        "p lists the queue; other modes are not ours",
    ),
    Opt::short('c', Value::None, IGNORED),
    Opt::short('e', Value::Required("MODE"), IGNORED),
    Opt::short('f', Value::Required("SENDER"), IGNORED),
    Opt::short('h', Value::Required("HOPS"), IGNORED),
    Opt::short('i', Value::None, IGNORED),
    Opt::short('m', Value::None, IGNORED),
    Opt::short('n', Value::None, "refused, as by sendmail"),
    Opt::short('o', Value::Required("OPTION"), IGNORED),
    Opt::short('p', Value::Required("PROTOCOL"), IGNORED),
    Opt::short(
        'q',
        Value::Required("WHAT"),
        "alone: deliver all mail now; RSITE, IID: that mail",
    ),
    Opt::short('r', Value::Required("SENDER"), IGNORED),
    Opt::short('t', Value::None, "refused, as by sendmail"),
    Opt::short('v', Value::None, IGNORED),
];

/// An option of sendmail's that says nothing at all there either.
const SILENT: Opt = Opt::short('x', Value::None, IGNORED);

/// What sendmail is to do.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Mode {
    List,
    Flush,
    /// Delivery, which is what sendmail does unless told otherwise.
    Delivery,
    NotOurs,
    /// Nothing: a daemon runs the queue at intervals anyway.
    Nothing,
}

/// What the options came to.
#[derive(Debug)]
struct Arguments {
    mode: Mode,
    /// `-t`: the recipients are in the message.
    reads_recipients: bool,
    /// The site of `-qR`.
    flush_site: Option<OsString>,
    /// The queue ID of `-qI`.
    flush_id: Option<OsString>,
    has_operands: bool,
}

/// Its command line, and that of mailq.
pub fn command() -> clap::Command {
    super::completions::of_table(&options())
}

/// Reads its command line, and that of mailq.
pub fn read(call: &Call, diag: &mut Diag) -> Result<(), Fatal> {
    let mode = match call.base_name().as_str() {
        "mailq" => Mode::List,
        _ => Mode::Delivery,
    };
    let options = options();
    first_pass(call, &options, &call.base_name(), diag);
    understand(call, &options, mode, diag).map(drop)
}

/// Runs mailq.
pub fn run_mailq(call: &Call) -> Result<(), Fatal> {
    run(call, Mode::List)
}

/// Runs sendmail, as far as it lists and flushes the queue.
pub fn run_sendmail(call: &Call) -> Result<(), Fatal> {
    run(call, Mode::Delivery)
}

fn run(call: &Call, mode: Mode) -> Result<(), Fatal> {
    let program = call.base_name();
    let mut diag = instance::diag(call, &program, LOG_NAME);
    let options = options();
    if let Some(text) = asks_for_help(call, &options) {
        return postqueue::print(&mut diag, &text);
    }
    let directory = first_pass(call, &options, &program, &mut diag);
    // A set-gid program must not read what its caller names; postqueue finds
    // the words for that.
    if call.caller.trust == Trust::OwnRights {
        let config = instance::configure(call, directory.as_deref(), LOG_NAME, &mut diag, STATUS)?;
        instance::leave_logtag(&config);
    }
    let arguments = understand(call, &options, mode, &mut diag)?;
    if let Some(directory) = directory {
        set_variable(OsStr::new(locate::ENVIRONMENT), Some(&directory));
    }
    hand_over(call, arguments, &mut diag)
}

/// What the options come to, if they go together.
fn understand(
    call: &Call,
    options: &[Opt],
    mode: Mode,
    diag: &mut Diag,
) -> Result<Arguments, Fatal> {
    let mut arguments = Arguments {
        mode,
        reads_recipients: false,
        flush_site: None,
        flush_id: None,
        has_operands: false,
    };
    second_pass(call, options, &mut arguments, diag)?;
    check(&arguments, diag)?;
    Ok(arguments)
}

fn options() -> Vec<Opt> {
    let ours = [SILENT, cli::HELP, cli::VERSION];
    OPTIONS.iter().copied().chain(ours).collect()
}

/// The answer to `--help` or `--version`, if either is given.
fn asks_for_help(call: &Call, options: &[Opt]) -> Option<String> {
    let mut scanner = Scanner::new(options, call.arguments.clone());
    while let Some(next) = next(&mut scanner) {
        match next {
            Ok(Scanned::Long("help", _)) => {
                let about = "Lists the mail queue, as sendmail's mailq does.";
                return Some(cli::help("mailq [option]...", about, options));
            }
            Ok(Scanned::Long("version", _)) => return Some(super::front::version("mailq")),
            _ => {}
        }
    }
    None
}

/// The next option; a `-q` that stands alone has an empty value.
fn next(scanner: &mut Scanner<'_>) -> Option<Result<Scanned, cli::ScanError>> {
    match scanner.take("-q") {
        true => Some(Ok(Scanned::Short('q', OsString::new()))),
        false => scanner.next(),
    }
}

/// Looks for the configuration directory. Complains of every option that is
/// none, which the second pass does once more: so does sendmail.
fn first_pass(call: &Call, options: &[Opt], program: &str, diag: &mut Diag) -> Option<OsString> {
    let mut scanner = Scanner::new(options, call.arguments.clone());
    let mut directory = None;
    while let Some(next) = next(&mut scanner) {
        match next {
            Ok(Scanned::Short('C', value)) => directory = Some(configuration_directory(&value)),
            Ok(_) => {}
            Err(error) => diag.option_error(program.as_bytes(), &error.message()),
        }
    }
    directory
}

/// `-C` takes a directory, or the path of a main.cf.
fn configuration_directory(value: &OsStr) -> OsString {
    let path = Path::new(value);
    match (path.file_name(), path.parent()) {
        (Some(name), Some(parent)) if name == "main.cf" => parent.as_os_str().to_owned(),
        _ => value.to_owned(),
    }
}

fn second_pass(
    call: &Call,
    options: &[Opt],
    arguments: &mut Arguments,
    diag: &mut Diag,
) -> Result<(), Fatal> {
    let program = call.base_name();
    let mut scanner = Scanner::new(options, call.arguments.clone());
    while let Some(next) = next(&mut scanner) {
        match next {
            Ok(Scanned::Short(letter, value)) => option(letter, &value, arguments, diag)?,
            Ok(Scanned::Long(..)) => {}
            Err(error) => {
                diag.option_error(program.as_bytes(), &error.message());
                return Err(fatal(diag, &format!("usage: {program} [options]")));
            }
        }
        if arguments.mode == Mode::Nothing {
            break;
        }
    }
    arguments.has_operands = !scanner.operands().is_empty();
    Ok(())
}

/// Takes one option, or refuses it as sendmail does.
fn option(
    letter: char,
    value: &OsStr,
    arguments: &mut Arguments,
    diag: &mut Diag,
) -> Result<(), Fatal> {
    let value = value.as_bytes();
    match (letter, value) {
        ('b', [mode, ..]) => arguments.mode = self::mode(*mode, arguments.mode, diag)?,
        ('b', []) => return Err(unsupported('b', value, diag)),
        ('B', kind) if !is_body_type(kind) => {
            return Err(fatal(diag, "-B option needs 8BITMIME or 7BIT"));
        }
        ('I', _) => arguments.mode = Mode::NotOurs,
        ('N', notify) => warn_of_notify(notify, diag),
        ('n', _) => return Err(fatal(diag, "-n option not supported")),
        ('o', b"A") => return Err(fatal(diag, "-oA requires pathname")),
        ('q', what) => queue_run(what, arguments, diag)?,
        ('t', _) => arguments.reads_recipients = true,
        ('X', _) => return Err(unsupported('X', value, diag)),
        _ => {}
    }
    Ok(())
}

/// What sendmail is to do after `-b` with this letter.
fn mode(letter: u8, before: Mode, diag: &mut Diag) -> Result<Mode, Fatal> {
    match letter {
        b'p' => Ok(Mode::List),
        b'm' => Ok(Mode::Delivery),
        // Says how to deliver, not that mail is to be delivered.
        b'v' => Ok(before),
        b'd' | b'h' | b'H' | b'i' | b'l' | b's' => Ok(Mode::NotOurs),
        other => Err(unsupported('b', &[other], diag)),
    }
}

/// `-q`, `-q30m`, `-qIid`, `-qRsite`.
fn queue_run(what: &[u8], arguments: &mut Arguments, diag: &mut Diag) -> Result<(), Fatal> {
    match what {
        [] => arguments.mode = Mode::Flush,
        [b'0'..=b'9', ..] => arguments.mode = Mode::Nothing,
        b"I" => return Err(fatal(diag, "specify: -qIqueueid")),
        b"R" => return Err(fatal(diag, "specify: -qRsitename")),
        [b'I', id @ ..] => arguments.flush_id = Some(OsStr::from_bytes(id).to_owned()),
        [b'R', site @ ..] => arguments.flush_site = Some(OsStr::from_bytes(site).to_owned()),
        [other, ..] => {
            let text = format!("-q{} is not implemented", shown(&[*other]));
            return Err(fatal(diag, &text));
        }
    }
    Ok(())
}

fn is_body_type(value: &[u8]) -> bool {
    value.eq_ignore_ascii_case(b"7BIT") || value.eq_ignore_ascii_case(b"8BITMIME")
}

/// What sendmail says of a DSN NOTIFY value that it does not know.
fn warn_of_notify(value: &[u8], diag: &mut Diag) {
    const KNOWN: [&str; 4] = ["never", "success", "failure", "delay"];
    let is_known = |word: &&[u8]| {
        KNOWN
            .iter()
            .any(|k| word.eq_ignore_ascii_case(k.as_bytes()))
    };
    let unknown = value.split(|&b| b == b',').find(|word| !is_known(word));
    if let Some(word) = unknown {
        let (word, value) = (shown(word), shown(value));
        diag.warning(format!(
            "unknown DSN NOTIFY command value \"{word}\" in \"{value}\""
        ));
        diag.warning("bad -N option value -- ignored");
    }
}

/// Refuses what does not go together.
fn check(arguments: &Arguments, diag: &mut Diag) -> Result<(), Fatal> {
    let operands_refused = match (arguments.mode, one_refused(arguments)) {
        (Mode::Nothing, _) => return Ok(()),
        (Mode::Delivery, _) => match (&arguments.flush_site, &arguments.flush_id) {
            (Some(_), _) => Some("flush site"),
            (None, Some(_)) => Some("flush queue_id"),
            (None, None) => None,
        },
        (_, Some(option)) => {
            let text = format!("{option} can be used only in delivery mode");
            return Err(fatal(diag, &text));
        }
        (Mode::List, None) => Some("display queue mode"),
        (Mode::Flush, None) => Some("flush queue mode"),
        (Mode::NotOurs, None) => None,
    };
    match operands_refused {
        Some(what) if arguments.has_operands => {
            Err(fatal(diag, &format!("{what} requires no recipient")))
        }
        _ => Ok(()),
    }
}

/// The first option that goes with the delivery of mail only.
fn one_refused(arguments: &Arguments) -> Option<&'static str> {
    if arguments.reads_recipients {
        Some("-t")
    } else if arguments.flush_site.is_some() {
        Some("-qR")
    } else {
        arguments.flush_id.as_ref().map(|_| "-qI")
    }
}

/// The rest is postqueue's, in its own name.
fn hand_over(call: &Call, arguments: Arguments, diag: &mut Diag) -> Result<(), Fatal> {
    let options: Vec<OsString> = match arguments {
        Arguments {
            mode: Mode::Nothing,
            ..
        } => return Ok(()),
        Arguments {
            mode: Mode::List, ..
        } => vec!["-p".into()],
        Arguments {
            mode: Mode::Flush, ..
        } => vec!["-f".into()],
        Arguments {
            mode: Mode::Delivery,
            flush_site: Some(site),
            ..
        } => vec!["-s".into(), site],
        Arguments {
            mode: Mode::Delivery,
            flush_id: Some(id),
            ..
        } => vec!["-i".into(), id],
        Arguments {
            mode: Mode::Delivery | Mode::NotOurs,
            ..
        } => {
            diag.fatal("this sendmail only lists and flushes the queue");
            return Err(Fatal::told(STATUS_NOT_OURS));
        }
    };
    postqueue::run(&Call {
        program: "postqueue".into(),
        arguments: options,
        caller: call.caller,
    })
}

fn unsupported(letter: char, value: &[u8], diag: &mut Diag) -> Fatal {
    let start = value.get(..1).unwrap_or_default();
    fatal(diag, &format!("unsupported: -{letter}{}", shown(start)))
}

fn fatal(diag: &mut Diag, text: &str) -> Fatal {
    diag.fatal(text);
    Fatal::told(STATUS)
}
