//! Finds, opens and shows queue files, one after the other, and reports files
//! that cannot be opened or read.

use std::ffi::{OsStr, OsString};
use std::fs::File;
use std::io;
use std::io::{Seek, Write};
use std::os::fd::AsFd;
use std::os::unix::ffi::OsStrExt;

use nix::errno::Errno;

use super::super::Fatal;
use super::arguments::DisplayMode;
use super::errors::{STATUS, failed, fatal};
use crate::config::Config;
use crate::logging::Logger;
use crate::queue_file::records::{Buffers, RecordReader, StreamSource};
use crate::queue_file::render;
use crate::queue_file::render::{ContentsError, OutputSink, Plan, StartPosition, TextBuffer};
use crate::release::Installed;
use crate::spool::{Layout, Queue, id};
use crate::sys::dir::{Dir, FileKind, stat_open};
use crate::sys::error_text::error_text;
use crate::sys::source::{FileSource, Source};
use crate::sys::time;

/// The name of standard input in messages.
const STDIN: &[u8] = b"stdin";
/// The bytes with which a queue file can begin. Postfix rejects files with any
/// other first byte.
const FIRST_BYTES: &[u8] = b"MCTcFILSDRO/WVA>K<ion\0";
/// How often all queues are searched, since a message may move in the meantime.
const SEARCHES: usize = 2;

/// The queue directories in which queue IDs are looked up.
pub(super) struct IdSearch {
    pub(super) spool: Dir,
    pub(super) layout: Layout,
}

impl IdSearch {
    pub(super) fn new(spool: Dir, config: &Config) -> Self {
        let layout = Layout::of(config);
        Self { spool, layout }
    }

    /// Opens the message. Returns the file and its path in the spool.
    /// Directories below a queue's own are never entered through symbolic
    /// links: they would be read with the caller's rights.
    pub(super) fn open(&self, name: &[u8]) -> io::Result<(File, OsString)> {
        let mut last = io::Error::from(io::ErrorKind::NotFound);
        for _ in 0..SEARCHES {
            for queue in Queue::SEARCHED {
                let path = self.layout.path(queue, name);
                match self.spool.open_file_below(&path).and_then(not_endless) {
                    Ok(file) => return Ok((file, path)),
                    Err(error) => last = error,
                }
            }
        }
        Err(last)
    }
}

/// Rejects a FIFO or a device as if it were a socket, which cannot be opened:
/// reading it might never end.
fn not_endless(file: File) -> io::Result<File> {
    match FileKind::of(&stat_open(&file)?) {
        FileKind::File | FileKind::Directory => Ok(file),
        FileKind::Link | FileKind::Other => Err(Errno::ENXIO.into()),
    }
}

/// Standard output and standard error.
pub(super) struct StandardStreams {
    pub(super) stdout: File,
    pub(super) logger: Logger,
}

impl OutputSink for StandardStreams {
    fn write(&mut self, piece: &[u8]) -> io::Result<()> {
        self.stdout.write_all(piece)
    }

    fn warning(&mut self, text: &[u8]) {
        self.logger.warning(text);
    }
}

/// The state of a run over all operands.
pub(super) struct OperandRun {
    pub(super) look: DisplayMode,
    /// The name of the instance, if an option chose it.
    pub(super) instance: Option<String>,
    pub(super) plan: Plan,
    pub(super) start: u64,
    pub(super) search: Option<IdSearch>,
    pub(super) postfix: Installed,
    pub(super) output: TextBuffer<StandardStreams>,
    pub(super) damaged: Damaged,
    pub(super) buffers: Buffers,
}

/// How a file that cannot be read to its end is handled.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub(super) enum Damaged {
    /// The error ends the run, as in Postfix.
    #[default]
    Ends,
    /// A warning is printed; the number is that of the damaged files so far.
    Counts(u64),
}

impl OperandRun {
    pub(super) fn print(mut self, operands: &[OsString]) -> Result<(), Fatal> {
        if operands.is_empty() {
            self.print_stdin()?;
        }
        for operand in operands {
            self.print_operand(operand)?;
        }
        self.finish()
    }

    /// Writes the buffered output.
    pub(super) fn finish(mut self) -> Result<(), Fatal> {
        let flushed = self.output.flush();
        flushed.map_err(|error| self.failed(&ContentsError::Output(error)))
    }

    fn print_operand(&mut self, operand: &OsStr) -> Result<(), Fatal> {
        let text = operand.as_bytes();
        let (file, path) = match &self.search {
            None => match File::open(operand) {
                Ok(file) => (file, operand.to_owned()),
                Err(error) => {
                    let fatal = self.no_file(b"open ", text, &error);
                    if error.kind() == io::ErrorKind::NotFound && looks_like_id(text) {
                        self.output.sink().logger.hint("-q finds it by queue ID");
                    }
                    return Err(fatal);
                }
            },
            Some(_) if !id::is_valid(text) => {
                return Err(self.fatal(&[b"bad mail queue ID: ", text].concat()));
            }
            Some(search) => match search.open(text) {
                Ok(found) => found,
                Err(error) => return Err(self.no_file(b"open queue file ", text, &error)),
            },
        };
        self.print_named(file, path.as_bytes(), text)
    }

    /// Shows an open file; `asked_for` is the name that the user gave.
    pub(super) fn print_named(
        &mut self,
        file: File,
        name: &[u8],
        asked_for: &[u8],
    ) -> Result<(), Fatal> {
        let failure = self.print_file(file, name, Position::Start)?;
        if let Some(error) = failure {
            let what = error_text(&error);
            let warning = [b"close ", asked_for, b": ", what.as_bytes()].concat();
            return self.warn(&warning);
        }
        Ok(())
    }

    /// Writes the buffered output, then a warning.
    pub(super) fn warn(&mut self, text: &[u8]) -> Result<(), Fatal> {
        let warned = self.output.warning(text);
        warned.map_err(|error| self.failed(&ContentsError::Output(error)))
    }

    fn print_stdin(&mut self) -> Result<(), Fatal> {
        match io::stdin().as_fd().try_clone_to_owned() {
            Ok(stdin) => self
                .print_file(File::from(stdin), STDIN, Position::Current)
                .map(drop),
            Err(error) => Err(self.no_file(b"open ", STDIN, &error)),
        }
    }

    /// Shows an open file. Returns the read error that ended it, if there was
    /// one.
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

    /// Checks that the input is at least as long as the number of bytes to
    /// skip.
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
        let reader = RecordReader::new(source, &mut buffers);
        let mut reader = match self.look {
            DisplayMode::Records => reader,
            DisplayMode::Message(_) | DisplayMode::Json => reader.passing_over_zeros(),
        };
        if let Err(error) = reader.start_at(start) {
            let text = format!(": seek to {start}: {}", error_text(&error));
            return Err(self.fatal(&[name, text.as_bytes()].concat()));
        }
        let shown = self.show(&mut reader, name, modified);
        let failure = reader.take_failure();
        self.buffers = buffers;
        match (shown, self.damaged) {
            (Ok(()), _) => Ok(failure),
            (Err(error), Damaged::Counts(count)) if error.is_of_file() => {
                self.damaged = Damaged::Counts(count.saturating_add(1));
                let text = [name, b": ", error.to_string().as_bytes()].concat();
                self.warn(&text)?;
                Ok(failure)
            }
            (Err(error), _) => Err(self.failed(&error)),
        }
    }

    fn show<S: Source>(
        &mut self,
        reader: &mut RecordReader<'_, S>,
        name: &[u8],
        modified: i64,
    ) -> Result<(), ContentsError> {
        let begin = match self.start {
            0 => StartPosition::AtStart,
            _ => StartPosition::Within,
        };
        let first = reader.peek();
        if begin == StartPosition::AtStart && first.is_some_and(|byte| !FIRST_BYTES.contains(&byte))
        {
            let warning = [name, b": input is not a valid queue file"].concat();
            return Ok(self.output.warning(&warning)?);
        }
        let output = &mut self.output;
        match self.look {
            DisplayMode::Records => {
                let plan = self.plan;
                render::show(reader, name, plan, begin, &self.postfix, output)
            }
            DisplayMode::Message(form) => render::raw_message(reader, name, form, modified, output),
            DisplayMode::Json => render::json(reader, (name, self.instance.as_deref()), output),
        }
    }

    fn no_file(&mut self, what: &[u8], name: &[u8], error: &io::Error) -> Fatal {
        let error = error_text(error);
        self.fatal(&[what, name, b": ", error.as_bytes()].concat())
    }

    /// Writes the buffered output, then reports a fatal error.
    pub(super) fn fatal(&mut self, text: &[u8]) -> Fatal {
        match self.output.flush() {
            Ok(()) => fatal(&mut self.output.sink().logger, text),
            Err(error) => self.failed(&ContentsError::Output(error)),
        }
    }

    pub(super) fn failed(&mut self, error: &ContentsError) -> Fatal {
        if !matches!(error, ContentsError::Output(_)) && self.output.flush().is_err() {
            return Fatal::already_reported(STATUS);
        }
        failed(&mut self.output.sink().logger, error)
    }
}

/// Whether a file name can be a queue ID: an ID has at least six
/// characters, and nearly always a digit.
fn looks_like_id(text: &[u8]) -> bool {
    id::is_valid(text) && text.len() >= 6 && text.iter().any(u8::is_ascii_digit)
}

/// The origin of offsets.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Position {
    Start,
    /// The current position, up to which another program has read.
    Current,
}
