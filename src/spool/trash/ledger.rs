//! The file of the trash's journal, `saved/journal.spoolbox`: opened, locked,
//! read line by line, and written at its end only.
//!
//! Its name is no queue ID, so Postfix's tools pass it over. What the lines
//! say is `line`'s business.

use std::ffi::OsStr;
use std::fs::File;
use std::io::{self, BufRead, BufReader, Read, Seek, SeekFrom, Write};
use std::os::unix::fs::{FileExt, MetadataExt};
use std::thread::sleep;
use std::time::Duration;

use nix::errno::Errno;

use super::TrashError;
use super::line::{ANY_HEADER, HEADER, LINE_MAX, Line};
use crate::spool::Queue;
use crate::spool::note::WorkError;
use crate::sys::dir::Dir;
use crate::sys::error_text::is;
use crate::sys::lock::{Locked, try_lock};
use crate::sys::signals::Interrupts;

/// The name of the file in saved/.
const NAME: &str = "journal.spoolbox";
/// Its path below the queue directory.
pub const PATH: &str = "saved/journal.spoolbox";
/// How often the lock is tried, and how long between two tries: half a minute
/// for another to finish.
const TRIES: u32 = 600;
const PAUSE: Duration = Duration::from_millis(50);

/// The journal, open.
#[derive(Debug)]
pub struct Ledger {
    file: File,
    saved: Dir,
}

/// A line with its number and where it begins.
#[derive(Debug)]
pub struct Numbered {
    /// The offset of its first byte.
    pub offset: u64,
    /// Its number in the file.
    pub number: u64,
    /// What it says; `None` if it cannot be read.
    pub line: Option<Line>,
}

impl Ledger {
    /// Opens the journal to write to it; makes one if there is none.
    pub fn open(spool: &Dir, interrupts: &Interrupts) -> Result<Self, WorkError> {
        let saved = open_saved(spool)?;
        let opened = saved.open_to_append(OsStr::new(NAME));
        let file = opened.map_err(TrashError::open(PATH))?;
        let ledger = Self { file, saved };
        ledger.check_type()?;
        let _locked = ledger.lock(interrupts)?;
        ledger.begin()?;
        Ok(ledger)
    }

    /// Opens the journal to read it; `None` if there is none.
    pub fn open_to_read(spool: &Dir) -> Result<Option<Self>, WorkError> {
        let saved = match open_saved(spool) {
            Err(TrashError::NoDirectory) => return Ok(None),
            other => other?,
        };
        let file = match saved.open_file(OsStr::new(NAME)) {
            Err(cause) if is(&cause, Errno::ENOENT) => return Ok(None),
            other => other.map_err(TrashError::open(PATH))?,
        };
        let ledger = Self { file, saved };
        ledger.check_type()?;
        match ledger.header()? {
            Header::Ours => Ok(Some(ledger)),
            Header::Unfinished => Ok(None),
        }
    }

    /// Keeps other processes from the trash until it is dropped. A hostile one
    /// could keep us waiting, so the patience has an end.
    pub fn lock(&self, interrupts: &Interrupts) -> Result<Locked, WorkError> {
        for _ in 0..TRIES {
            if let Some(locked) = try_lock(&self.file).map_err(TrashError::open(PATH))? {
                return Ok(locked);
            }
            if interrupts.caught().is_some() {
                return Err(WorkError::Interrupted);
            }
            sleep(PAUSE);
        }
        Err(TrashError::Busy.into())
    }

    /// Adds lines and waits until they are on the disk. Under the lock.
    pub fn append(&self, lines: &[u8]) -> Result<(), TrashError> {
        let failed = TrashError::write;
        let length = self.length().map_err(failed)?;
        let text = match self.ends_line(length).map_err(failed)? {
            true => lines.to_vec(),
            // What was begun by one who was killed stays a line of its own.
            false => [b"\n", lines].concat(),
        };
        let written = (&self.file).write_all(&text);
        written
            .and_then(|()| self.file.sync_data())
            .map_err(|cause| {
                // Half of it would be told of as damage ever after. If this fails
                // too it is told of, and no harm is done.
                let _ = self.file.set_len(length);
                TrashError::write(cause)
            })
    }

    /// Waits until what was moved into and out of saved/ is on the disk.
    pub fn sync_directory(&self) -> Result<(), TrashError> {
        self.saved.sync().map_err(TrashError::write)
    }

    /// Reads the lines from an offset on to the end that the file has now, as
    /// long as `each` says so. Holds one line at a time.
    pub fn read(
        &self,
        from: u64,
        mut each: impl FnMut(Numbered) -> Result<(), WorkError>,
    ) -> Result<(), WorkError> {
        let failed = TrashError::open(PATH);
        let length = self.length().map_err(&failed)?;
        let mut file = self.file.try_clone().map_err(&failed)?;
        file.seek(SeekFrom::Start(from)).map_err(&failed)?;
        let mut input = BufReader::new(file.take(length.saturating_sub(from)));
        let (mut offset, mut number) = (from, 0);
        let mut line = Vec::new();
        loop {
            let (bytes, end) = next_line(&mut input, &mut line).map_err(&failed)?;
            if end == End::OfFile {
                // What stands there without a newline was never finished, and
                // nothing was moved for it.
                return Ok(());
            }
            number += 1;
            if offset > 0 && !line.is_empty() {
                let line = Line::parse(&line);
                each(Numbered {
                    offset,
                    number,
                    line,
                })?;
            }
            offset = offset.saturating_add(bytes);
        }
    }

    fn length(&self) -> io::Result<u64> {
        Ok(self.file.metadata()?.size())
    }

    fn ends_line(&self, length: u64) -> io::Result<bool> {
        let mut last = [b'\n'];
        if let Some(at) = length.checked_sub(1) {
            self.file.read_exact_at(&mut last, at)?;
        }
        Ok(last == [b'\n'])
    }

    fn check_type(&self) -> Result<(), TrashError> {
        match self.file.metadata() {
            Ok(found) if found.is_file() => Ok(()),
            Ok(_) => Err(TrashError::NoJournal),
            Err(cause) => Err(TrashError::open(PATH)(cause)),
        }
    }

    /// Writes the first line, unless it is there.
    fn begin(&self) -> Result<(), TrashError> {
        if self.header()? == Header::Ours {
            return Ok(());
        }
        // Its beginning, if that much was written before a kill, says nothing.
        self.file.set_len(0).map_err(TrashError::write)?;
        self.append(HEADER.as_bytes())?;
        self.sync_directory()
    }

    fn header(&self) -> Result<Header, TrashError> {
        let mut start = [0; HEADER.len()];
        let length = read_at_most(&self.file, &mut start).map_err(TrashError::open(PATH))?;
        let start = start.get(..length).unwrap_or_default();
        if start == HEADER.as_bytes() {
            return Ok(Header::Ours);
        }
        match HEADER.as_bytes().starts_with(start) {
            true => Ok(Header::Unfinished),
            false if start.starts_with(ANY_HEADER.as_bytes()) => Err(TrashError::OtherVersion),
            false => Err(TrashError::NoJournal),
        }
    }
}

/// Whether the first line is there.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Header {
    Ours,
    Unfinished,
}

/// What a line ended with.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum End {
    OfLine,
    OfFile,
}

fn open_saved(spool: &Dir) -> Result<Dir, TrashError> {
    // A link is fine here: its parent is not the mail owner's.
    match spool.open_dir_through_link(OsStr::new(Queue::Saved.name())) {
        Err(cause) if is(&cause, Errno::ENOENT) => Err(TrashError::NoDirectory),
        other => other.map_err(TrashError::open(Queue::Saved.name())),
    }
}

/// Puts the next line into `line`, without its newline: of one that is too
/// long a piece that is too long to be one of ours. Returns its length.
fn next_line(input: &mut impl BufRead, line: &mut Vec<u8>) -> io::Result<(u64, End)> {
    line.clear();
    let mut bytes: u64 = 0;
    loop {
        let room = LINE_MAX.saturating_add(1).saturating_sub(line.len());
        let piece = match input.fill_buf() {
            Err(error) if error.kind() == io::ErrorKind::Interrupted => continue,
            other => other?,
        };
        if piece.is_empty() {
            return Ok((bytes, End::OfFile));
        }
        let newline = piece.iter().position(|&b| b == b'\n');
        let text = piece.get(..newline.unwrap_or(piece.len())).unwrap_or(piece);
        line.extend_from_slice(text.get(..room).unwrap_or(text));
        let taken = text.len().saturating_add(newline.map_or(0, |_| 1));
        bytes = bytes.saturating_add(u64::try_from(taken).unwrap_or(u64::MAX));
        input.consume(taken);
        if newline.is_some() {
            return Ok((bytes, End::OfLine));
        }
    }
}

fn read_at_most(file: &File, buffer: &mut [u8]) -> io::Result<usize> {
    let mut length = 0;
    while let Some(room) = buffer.get_mut(length..).filter(|room| !room.is_empty()) {
        let at = u64::try_from(length).unwrap_or(u64::MAX);
        match file.read_at(room, at) {
            Ok(0) => break,
            Ok(more) => length = length.saturating_add(more),
            Err(error) if error.kind() == io::ErrorKind::Interrupted => {}
            Err(error) => return Err(error),
        }
    }
    Ok(length)
}
