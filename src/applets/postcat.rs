//! postcat: shows queue files (spec page 07).
//!
//! Finds and opens the files and says what went wrong; what they look like is
//! the business of `contents`.

use std::ffi::{OsStr, OsString};
use std::fs::File;
use std::io::{self, Seek, Write};
use std::os::fd::AsFd;
use std::os::unix::ffi::OsStrExt;

use super::{Call, Fatal, instance};
use crate::cli::{self, Opt, Scanned, Scanner, Value};
use crate::config::Config;
use crate::contents::{self, Begin, ContentsError, Flag, Form, Output, Plan, Sink};
use crate::diag::Diag;
use crate::record::{Buffers, FileSource, Reader, Source, StreamSource};
use crate::spool::{Layout, Queue, id};
use crate::sys::dir::{Dir, stat_open};
use crate::sys::error_text::error_text;
use crate::sys::{process, time};

/// What main.cf's reader calls the program.
const PROGRAM: &str = "postcat";
/// The status of every failure.
const STATUS: u8 = 1;
/// What standard input is called.
const STDIN: &[u8] = b"stdin";
/// The bytes that a queue file can begin with, to Postfix.
const FIRST_BYTES: &[u8] = b"MCTcFILSDRO/WVA>K<ion\0";
/// Bytes read at a time.
const READ_AHEAD: usize = 128 * 1024;
/// How often all queues are searched: a message may move meanwhile.
const SEARCHES: usize = 2;

const OPTIONS: [Opt; 16] = [
    Opt::short('b', Value::None, "show the body"),
    Opt::short('c', Value::Required("DIR"), "read DIR/main.cf"),
    Opt::short('d', Value::None, "number of the type before each record"),
    Opt::short('e', Value::None, "show the envelope"),
    Opt::short('f', Value::None, "name of the file before each record"),
    Opt::short('h', Value::None, "show the message header"),
    Opt::short('o', Value::None, "offset in the file before each record"),
    Opt::short('q', Value::None, "operands are queue IDs"),
    Opt::short('r', Value::None, "with -v: do not follow pointer records"),
    Opt::short('s', Value::Required("OFFSET"), "begin there in the file"),
    Opt::short('v', Value::None, "show pointer and padding records too"),
    Opt::long(
        "raw-message",
        Value::None,
        "write only the message, as it would be sent",
    ),
    Opt::long("mbox", Value::None, "write each message as an mbox entry"),
    Opt::long(
        "json",
        Value::None,
        "describe each message as a JSON object",
    ),
    cli::HELP,
    cli::VERSION,
];

/// What is to be done.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
enum Mode {
    #[default]
    Show,
    Help,
    Version,
}

/// What a file is shown as.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
enum Look {
    #[default]
    Records,
    Message(Form),
    Json,
}

/// What operands are.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
enum Operands {
    #[default]
    Files,
    Ids,
}

/// The command line, understood.
#[derive(Debug, Default)]
struct Arguments {
    config_directory: Option<OsString>,
    mode: Mode,
    look: Look,
    plan: Plan,
    operands_are: Operands,
    /// The offset to begin at.
    start: u64,
    operands: Vec<OsString>,
}

/// Runs postcat.
pub fn run(call: &Call) -> Result<(), Fatal> {
    process::die_of_closed_pipes();
    let program = call.program.to_string_lossy();
    let mut diag = Diag::without_log(&program);
    let arguments = parse(call, &mut diag)?;
    match arguments.mode {
        Mode::Help => return print(&mut diag, &help()),
        Mode::Version => return print(&mut diag, &super::front::version(PROGRAM)),
        Mode::Show => {}
    }
    let directory = arguments.config_directory.as_deref();
    let config = instance::configure(call, directory, PROGRAM, &mut diag, STATUS)?;
    let spool = match arguments.operands_are {
        Operands::Files => None,
        Operands::Ids => Some(instance::enter_queue_directory(&config, &mut diag, STATUS)?),
    };
    let stdout = io::stdout().as_fd().try_clone_to_owned().map(File::from);
    let stdout = stdout.map_err(|error| failed(&mut diag, &ContentsError::Output(error)))?;
    let screen = Screen { stdout, diag };
    Printer {
        look: arguments.look,
        plan: arguments.plan.or_all_parts(),
        start: arguments.start,
        search: spool.map(|spool| Search::new(spool, &config)),
        output: Output::new(screen),
        buffers: Buffers::reading_ahead(READ_AHEAD),
    }
    .print(&arguments.operands)
}

fn parse(call: &Call, diag: &mut Diag) -> Result<Arguments, Fatal> {
    let mut arguments = Arguments::default();
    let mut scanner = Scanner::new(&OPTIONS, call.arguments.clone());
    while let Some(scanned) = scanner.next() {
        let scanned = scanned.map_err(|error| {
            diag.option_error(call.program.as_bytes(), &error.message());
            usage(call, diag)
        })?;
        take(scanned, &mut arguments).map_err(|text| fatal(diag, &text))?;
    }
    arguments.operands = scanner.operands();
    if arguments.look != Look::Records && (!arguments.plan.is_empty() || arguments.start > 0) {
        let text = b"--raw-message, --mbox and --json go with -c and -q only";
        return Err(fatal(diag, text));
    }
    Ok(arguments)
}

/// Notes one option; the text of the complaint if its value is bad.
fn take(option: Scanned, arguments: &mut Arguments) -> Result<(), Vec<u8>> {
    let flag = match option {
        Scanned::Short('b', _) => Flag::Body,
        Scanned::Short('d', _) => Flag::Type,
        Scanned::Short('e', _) => Flag::Envelope,
        Scanned::Short('f', _) => Flag::FileName,
        Scanned::Short('h', _) => Flag::Header,
        Scanned::Short('o', _) => Flag::Offset,
        Scanned::Short('r', _) => Flag::FileOrder,
        Scanned::Short('v', _) => Flag::Raw,
        other => return take_setting(other, arguments),
    };
    arguments.plan.add(flag);
    Ok(())
}

fn take_setting(option: Scanned, arguments: &mut Arguments) -> Result<(), Vec<u8>> {
    match option {
        Scanned::Short('c', value) => arguments.config_directory = Some(value),
        Scanned::Short('q', _) => arguments.operands_are = Operands::Ids,
        Scanned::Short('s', value) => arguments.start = offset(&value)?,
        Scanned::Long("raw-message", _) if arguments.look == Look::Message(Form::Mbox) => {}
        Scanned::Long("raw-message", _) => arguments.look = Look::Message(Form::Plain),
        Scanned::Long("mbox", _) => arguments.look = Look::Message(Form::Mbox),
        Scanned::Long("json", _) => arguments.look = Look::Json,
        Scanned::Long("help", _) => arguments.mode = Mode::Help,
        Scanned::Long("version", _) => arguments.mode = Mode::Version,
        Scanned::Short(_, _) | Scanned::Long(_, _) => {}
    }
    Ok(())
}

/// An offset on the command line; one that no file can have becomes the
/// largest that one can.
fn offset(value: &OsStr) -> Result<u64, Vec<u8>> {
    let text = value.as_bytes();
    if text.is_empty() || !text.iter().all(u8::is_ascii_digit) {
        return Err([b"bad offset: ", text].concat());
    }
    let number = text.iter().fold(0u64, |number, digit| {
        let digit = u64::from(digit & 0x0f);
        number.saturating_mul(10).saturating_add(digit)
    });
    Ok(number.min(i64::MAX.unsigned_abs()))
}

/// Where queue IDs are looked for.
struct Search {
    spool: Dir,
    layout: Layout,
}

impl Search {
    fn new(spool: Dir, config: &Config) -> Self {
        let layout = Layout::new(&config.hash_queue_names, config.hash_queue_depth);
        Self { spool, layout }
    }

    /// Opens the message, and says as what.
    fn open(&self, name: &[u8]) -> io::Result<(File, OsString)> {
        let mut last = io::Error::from(io::ErrorKind::NotFound);
        for _ in 0..SEARCHES {
            for queue in Queue::SEARCHED {
                let path = self.layout.path(queue, name);
                match self.spool.open_file(&path) {
                    Ok(file) => return Ok((file, path)),
                    Err(error) => last = error,
                }
            }
        }
        Err(last)
    }
}

/// Standard output and standard error.
struct Screen {
    stdout: File,
    diag: Diag,
}

impl Sink for Screen {
    fn write(&mut self, piece: &[u8]) -> io::Result<()> {
        self.stdout.write_all(piece)
    }

    fn warning(&mut self, text: &[u8]) {
        self.diag.warning(text);
    }
}

/// One run over all operands.
struct Printer {
    look: Look,
    plan: Plan,
    start: u64,
    search: Option<Search>,
    output: Output<Screen>,
    buffers: Buffers,
}

impl Printer {
    fn print(mut self, operands: &[OsString]) -> Result<(), Fatal> {
        if operands.is_empty() {
            self.print_stdin()?;
        }
        for operand in operands {
            self.print_operand(operand)?;
        }
        let flushed = self.output.flush();
        flushed.map_err(|error| self.failed(&ContentsError::Output(error)))
    }

    fn print_operand(&mut self, operand: &OsStr) -> Result<(), Fatal> {
        let text = operand.as_bytes();
        let (file, path) = match &self.search {
            None => match File::open(operand) {
                Ok(file) => (file, operand.to_owned()),
                Err(error) => return Err(self.no_file(b"open ", text, &error)),
            },
            Some(_) if !id::is_valid(text) => {
                return Err(self.fatal(&[b"bad mail queue ID: ", text].concat()));
            }
            Some(search) => match search.open(text) {
                Ok(found) => found,
                Err(error) => return Err(self.no_file(b"open queue file ", text, &error)),
            },
        };
        let failure = self.print_file(file, path.as_bytes(), Position::Start)?;
        if let Some(error) = failure {
            let what = error_text(&error);
            let warning = [b"close ", text, b": ", what.as_bytes()].concat();
            let warned = self.output.warning(&warning);
            return warned.map_err(|error| self.failed(&ContentsError::Output(error)));
        }
        Ok(())
    }

    fn print_stdin(&mut self) -> Result<(), Fatal> {
        match io::stdin().as_fd().try_clone_to_owned() {
            Ok(stdin) => self
                .print_file(File::from(stdin), STDIN, Position::Current)
                .map(drop),
            Err(error) => Err(self.no_file(b"open ", STDIN, &error)),
        }
    }

    /// Shows an open file; returns the read error that ended it, if one did.
    fn print_file(
        &mut self,
        mut file: File,
        name: &[u8],
        from: Position,
    ) -> Result<Option<io::Error>, Fatal> {
        let Ok(position) = file.stream_position() else {
            let source = StreamSource::new(file);
            let skipped = source.skip(self.start);
            self.check_skip(name, skipped.unwrap_or(0))?;
            return self.print_source(source, name, self.start, time::now());
        };
        let stat = stat_open(&file).ok();
        let size = stat.map_or(0, |stat| stat.st_size.unsigned_abs());
        let modified = stat.map_or(0, |stat| stat.st_mtime);
        let start = match from {
            Position::Start => self.start,
            Position::Current => {
                self.check_skip(name, size.saturating_sub(position))?;
                position.saturating_add(self.start)
            }
        };
        self.print_source(FileSource { file, size }, name, start, modified)
    }

    /// An input that is not named has to have as many bytes as shall be left
    /// out.
    fn check_skip(&mut self, name: &[u8], available: u64) -> Result<(), Fatal> {
        let wanted = self.start;
        if available >= wanted {
            return Ok(());
        }
        let text = format!(": skip {wanted} bytes failed after {available}");
        Err(self.fatal(&[name, text.as_bytes()].concat()))
    }

    fn print_source(
        &mut self,
        source: impl Source,
        name: &[u8],
        start: u64,
        modified: i64,
    ) -> Result<Option<io::Error>, Fatal> {
        let mut buffers = std::mem::take(&mut self.buffers);
        let mut reader = Reader::new(source, &mut buffers);
        if let Err(error) = reader.start_at(start) {
            let text = format!(": seek to {start}: {}", error_text(&error));
            return Err(self.fatal(&[name, text.as_bytes()].concat()));
        }
        let shown = self.show(&mut reader, name, modified);
        let failure = reader.take_failure();
        self.buffers = buffers;
        shown.map_err(|error| self.failed(&error))?;
        Ok(failure)
    }

    fn show<S: Source>(
        &mut self,
        reader: &mut Reader<'_, S>,
        name: &[u8],
        modified: i64,
    ) -> Result<(), ContentsError> {
        let begin = match self.start {
            0 => Begin::AtStart,
            _ => Begin::Within,
        };
        let first = reader.peek();
        if begin == Begin::AtStart && first.is_some_and(|byte| !FIRST_BYTES.contains(&byte)) {
            let warning = [name, b": input is not a valid queue file"].concat();
            return Ok(self.output.warning(&warning)?);
        }
        let output = &mut self.output;
        match self.look {
            Look::Records => contents::show(reader, name, self.plan, begin, output),
            Look::Message(form) => contents::raw_message(reader, name, form, modified, output),
            Look::Json => {
                let file = String::from_utf8_lossy(name);
                contents::json(reader, name, vec![("file", file.into())], output)
            }
        }
    }

    fn no_file(&mut self, what: &[u8], name: &[u8], error: &io::Error) -> Fatal {
        let error = error_text(error);
        self.fatal(&[what, name, b": ", error.as_bytes()].concat())
    }

    /// Ends the run, behind all that was shown.
    fn fatal(&mut self, text: &[u8]) -> Fatal {
        match self.output.flush() {
            Ok(()) => fatal(&mut self.output.sink().diag, text),
            Err(error) => self.failed(&ContentsError::Output(error)),
        }
    }

    fn failed(&mut self, error: &ContentsError) -> Fatal {
        if !matches!(error, ContentsError::Output(_)) && self.output.flush().is_err() {
            return Fatal::told(STATUS);
        }
        failed(&mut self.output.sink().diag, error)
    }
}

/// From where offsets are counted.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Position {
    Start,
    /// From where somebody else has read to.
    Current,
}

fn help() -> String {
    let about = "Shows queue files, as Postfix's postcat does.";
    cli::help("postcat [option]... [file]...", about, &OPTIONS)
}

fn print(diag: &mut Diag, text: &str) -> Result<(), Fatal> {
    let written = io::stdout().lock().write_all(text.as_bytes());
    written.map_err(|error| failed(diag, &ContentsError::Output(error)))
}

fn usage(call: &Call, diag: &mut Diag) -> Fatal {
    let text = b" [-b (body text)] [-c config_dir] [-d (decimal record type)] \
        [-e (envelope records)] [-h (header text)] [-q (access queue)] [-v] [file(s)...]";
    let program = call.program.as_bytes();
    fatal(diag, &[b"usage: ", program, text].concat())
}

fn failed(diag: &mut Diag, error: &ContentsError) -> Fatal {
    fatal(diag, error.to_string().as_bytes())
}

fn fatal(diag: &mut Diag, text: &[u8]) -> Fatal {
    diag.fatal(text);
    Fatal::told(STATUS)
}
