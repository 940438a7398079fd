//! Reads an archive, entry by entry, and checks that its entries are those that
//! an export writes, in that order.
//!
//! The archive is untrusted input. Names in it are compared, never used; no
//! extension of the tar format is interpreted; what is kept of an entry is
//! bounded.

use std::io;
use std::io::{Read, Write};

use serde::de::DeserializeOwned;
use tar::{Archive, Entries, Entry, EntryType};

use super::TransferError;
use super::checksum::Checksum;
use super::format::{
    self, ArchiveEnd, ArchiveHeader, DESCRIPTION, DESCRIPTION_MAX, END_NAME, FORMAT, FileEntry,
    HEADER_NAME, MessageEntry, QUEUE_FILE, VERSION,
};
use super::staging_area;
use crate::spool::{Queue, QueueId};

/// The size of the buffer for copying, in bytes.
const BUFFER: usize = 64 << 10;

/// Receives the files of the messages in an archive.
pub trait FileReceiver {
    /// Returns a file to write the next file of a message to. `log` is `None`
    /// for the queue file, which is the first.
    ///
    /// # Errors
    ///
    /// The file cannot be made.
    fn file(&mut self, number: u64, log: Option<Queue>) -> Result<&mut dyn Write, TransferError>;

    /// Called when all files of a message have been received and are as
    /// described.
    ///
    /// # Errors
    ///
    /// The message cannot be used. This ends the reading.
    fn message(&mut self, number: u64, message: ReceivedMessage<'_>) -> Result<(), TransferError>;
}

/// A message of which all files have been received.
#[derive(Clone, Copy, Debug)]
pub struct ReceivedMessage<'a> {
    /// The directory of the message in the archive.
    pub directory: &'a str,
    /// Its queue ID.
    pub id: &'a QueueId,
    /// The queue that it was in.
    pub queue: Queue,
    /// Its description.
    pub entry: &'a MessageEntry,
}

/// Reads all of an archive. `begin` is called with its header.
///
/// # Errors
///
/// The archive cannot be read, or is not as an export writes it; those of
/// `begin` and of the receiver.
pub fn read<R: FileReceiver>(
    input: impl Read,
    begin: impl FnOnce(&ArchiveHeader) -> Result<R, TransferError>,
) -> Result<(R, ArchiveEnd), TransferError> {
    let mut archive = Archive::new(input);
    let entries = archive.entries().map_err(TransferError::Read)?.raw(true);
    let mut reader = EntryReader { entries };
    let header = reader.header()?;
    let mut receiver = begin(&header)?;
    let mut number = 0u64;
    let end = loop {
        number = number.saturating_add(1);
        let mut entry = reader.next()?;
        if name_of(&entry) == END_NAME.as_bytes() {
            break json::<_, ArchiveEnd>(&mut entry)?;
        }
        message(&mut reader, &mut receiver, number, entry)?;
    };
    let messages = number.saturating_sub(1);
    if end.messages != messages {
        let why = format!(
            "end.json counts {} messages, there are {messages}",
            end.messages
        );
        return Err(TransferError::NoArchive(why));
    }
    match reader.entries.next() {
        None => Ok((receiver, end)),
        Some(Ok(entry)) => Err(TransferError::Entry(name_of(&entry))),
        Some(Err(cause)) => Err(read_error(cause)),
    }
}

/// Reads the files of a message, of which `first` is the first, and its
/// description.
fn message<R: Read>(
    reader: &mut EntryReader<'_, R>,
    receiver: &mut impl FileReceiver,
    number: u64,
    first: Entry<'_, R>,
) -> Result<(), TransferError> {
    let name = name_of(&first);
    let (directory, id) =
        parse_directory(&name, number).ok_or_else(|| TransferError::Entry(name.clone()))?;
    let mut files = vec![copy(first, QUEUE_FILE, receiver.file(number, None)?)?];
    let described = logs_and_description(reader, receiver, (number, &directory), &mut files)?;
    let checked = check(&described, id.as_ref(), &files);
    let (id, queue) = checked.map_err(|why| TransferError::message(&directory, why))?;
    let received = ReceivedMessage {
        directory: &directory,
        id: &id,
        queue,
        entry: &described,
    };
    receiver.message(number, received)
}

/// Reads the logs of a message, which are added to `files`, and its description.
fn logs_and_description<R: Read>(
    reader: &mut EntryReader<'_, R>,
    receiver: &mut impl FileReceiver,
    (number, directory): (u64, &str),
    files: &mut Vec<FileEntry>,
) -> Result<MessageEntry, TransferError> {
    let mut logs = Queue::LOGS.into_iter();
    loop {
        let mut entry = reader.next()?;
        let name = name_of(&entry);
        let unexpected = || TransferError::Entry(name.clone());
        let below = name_below(directory, &name).ok_or_else(unexpected)?;
        if below == DESCRIPTION {
            return json(&mut entry);
        }
        // Each log once, in this order.
        let log = format::parse_log(below).filter(|log| logs.any(|next| next == *log));
        let log = log.ok_or_else(unexpected)?;
        files.push(copy(entry, log.name(), receiver.file(number, Some(log))?)?);
    }
}

/// Returns what follows the directory in a name; `None` if the name is not below
/// it.
fn name_below<'n>(directory: &str, name: &'n [u8]) -> Option<&'n str> {
    let below = name.strip_prefix(directory.as_bytes())?;
    std::str::from_utf8(below.strip_prefix(b"/")?).ok()
}

/// Compares a description with what was read before it.
fn check(
    described: &MessageEntry,
    id: Option<&QueueId>,
    files: &[FileEntry],
) -> Result<(QueueId, Queue), String> {
    let described_id = QueueId::parse(described.id.as_bytes());
    let described_id = described_id.ok_or("its queue ID is not one")?;
    if id.is_some_and(|id| *id != described_id) {
        return Err("its description names another queue ID".to_owned());
    }
    let queue = format::parse_queue(&described.queue);
    let queue = queue.ok_or("its queue is not one whose messages are moved")?;
    if described.files != files {
        return Err("its files are not as message.json describes them".to_owned());
    }
    Ok((described_id, queue))
}

/// Returns the directory in the name of a queue file, and its queue ID unless
/// that is too long; `None` if it is not the expected name.
fn parse_directory(name: &[u8], number: u64) -> Option<(String, Option<QueueId>)> {
    let name = std::str::from_utf8(name).ok()?;
    let (directory, file) = name.rsplit_once('/')?;
    if file != QUEUE_FILE {
        return None;
    }
    if directory == format!("messages/{number}") {
        return Some((directory.to_owned(), None));
    }
    let id = directory.strip_prefix(&format!("messages/{number}-"))?;
    let id = QueueId::parse(id.as_bytes())?;
    Some((directory.to_owned(), Some(id)))
}

/// The entries of an archive.
struct EntryReader<'a, R: Read> {
    entries: Entries<'a, R>,
}

impl<'a, R: Read> EntryReader<'a, R> {
    /// Returns the next entry, which is a regular file.
    fn next(&mut self) -> Result<Entry<'a, R>, TransferError> {
        let entry = self.entries.next().ok_or(TransferError::Truncated)?;
        let entry = entry.map_err(read_error)?;
        match entry.header().entry_type() {
            EntryType::Regular => Ok(entry),
            _ => Err(TransferError::NotRegular(name_of(&entry))),
        }
    }

    fn header(&mut self) -> Result<ArchiveHeader, TransferError> {
        let no_archive = |why: &str| TransferError::NoArchive(why.to_owned());
        let mut entry = match self.next() {
            Err(TransferError::Truncated) => return Err(no_archive("it is empty")),
            Err(TransferError::Read(cause)) if !is_interruption(&cause) => {
                return Err(no_archive(&cause.to_string()));
            }
            other => other?,
        };
        if name_of(&entry) != HEADER_NAME.as_bytes() {
            return Err(no_archive("it does not begin with spoolbox-queue.json"));
        }
        let header: ArchiveHeader = json(&mut entry)?;
        if header.format != FORMAT {
            return Err(no_archive("spoolbox-queue.json names another format"));
        }
        if header.version == VERSION {
            Ok(header)
        } else {
            Err(TransferError::OtherVersion(header.version))
        }
    }
}

/// Returns the name of an entry without interpreting it.
fn name_of(entry: &Entry<'_, impl Read>) -> Vec<u8> {
    entry.path_bytes().into_owned()
}

/// Returns whether an error stands for a signal.
fn is_interruption(cause: &io::Error) -> bool {
    cause.kind() == io::ErrorKind::TimedOut
}

/// The error that a reader of the archive returns after a signal.
/// ([`io::ErrorKind::Interrupted`] would be retried.)
pub fn interruption() -> io::Error {
    io::ErrorKind::TimedOut.into()
}

fn read_error(cause: io::Error) -> TransferError {
    match cause.kind() {
        io::ErrorKind::UnexpectedEof => TransferError::Truncated,
        _ if is_interruption(&cause) => TransferError::Interrupted,
        _ => TransferError::Read(cause),
    }
}

/// Parses an entry that contains a description.
fn json<R: Read, T: DeserializeOwned>(entry: &mut Entry<'_, R>) -> Result<T, TransferError> {
    let name = name_of(entry);
    let size = entry.size();
    if size > DESCRIPTION_MAX {
        return Err(TransferError::Entry(name));
    }
    let mut text = Vec::new();
    entry.read_to_end(&mut text).map_err(read_error)?;
    if text.len() as u64 != size {
        return Err(TransferError::Truncated);
    }
    serde_json::from_slice(&text).map_err(|error| TransferError::Message {
        entry: String::from_utf8_lossy(&name).into_owned(),
        why: error.to_string(),
    })
}

/// Copies an entry to a file, and returns its description.
fn copy<R: Read>(
    mut entry: Entry<'_, R>,
    name: &str,
    to: &mut dyn Write,
) -> Result<FileEntry, TransferError> {
    let mut buffer = vec![0; BUFFER.min(usize::try_from(entry.size()).unwrap_or(BUFFER).max(1))];
    let (mut size, mut sum) = (0u64, Checksum::default());
    loop {
        let count = match entry.read(&mut buffer) {
            Ok(0) => break,
            Ok(count) => count,
            Err(error) if error.kind() == io::ErrorKind::Interrupted => continue,
            Err(error) => return Err(read_error(error)),
        };
        let bytes = buffer.get(..count).unwrap_or_default();
        sum.add(bytes);
        to.write_all(bytes)
            .map_err(TransferError::spool("write", staging_area::PATH))?;
        size = size.saturating_add(count as u64);
    }
    if size != entry.size() {
        return Err(TransferError::Truncated);
    }
    Ok(FileEntry {
        name: name.to_owned(),
        size,
        fnv1a64: sum.to_string(),
    })
}
