//! The index of an import: one line of JSON for each message, with the names it
//! had and has. It says where the files of a batch belong and, later, which
//! messages have been imported before.

use std::fs::File;
use std::io;
use std::io::{BufRead, BufReader, BufWriter, Read, Seek, SeekFrom, Write};

use serde::{Deserialize, Serialize};

use super::TransferError;
use super::checksum::Checksum;
use super::format::{self, ArchiveHeader};
use crate::spool::{Queue, QueueId};
use crate::text::append_json_line;

/// The largest length of a line in bytes.
const LINE_MAX: u64 = 64 << 10;
/// The length of most lines at the most.
const LINE_USUAL: usize = 1024;

/// The first line: the source of the messages.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct ImportSource {
    /// The name of the host.
    pub host: String,
    /// The queue directory there.
    pub queue_directory: String,
    /// Whether all messages are to stay on hold.
    pub destination: Destination,
}

/// The queue that imported messages are moved to.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum Destination {
    /// Each message goes to the queue that it was in.
    Queues,
    /// All messages stay on hold.
    Hold,
}

impl ImportSource {
    /// Returns the source that the header of an archive names.
    pub fn of(header: &ArchiveHeader, destination: Destination) -> Self {
        Self {
            host: header.host.clone(),
            queue_directory: header.queue_directory.clone(),
            destination,
        }
    }
}

/// A message of an import.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct ImportedMessage {
    /// Its number in the archive, which is also the name of its staged file.
    pub number: u64,
    /// Its queue ID here.
    pub id: String,
    /// Its inode number here.
    pub inode: u64,
    /// The queue that it was in.
    pub queue: String,
    /// Its queue ID at the source.
    pub from_id: String,
    /// Its inode number at the source.
    pub from_inode: u64,
    /// Arrival time in seconds since the epoch.
    pub arrival: i64,
    /// The microseconds of the arrival time.
    pub arrival_microseconds: u32,
}

impl ImportedMessage {
    /// Returns its queue ID here; `None` if the line is damaged.
    pub fn queue_id(&self) -> Option<QueueId> {
        QueueId::parse(self.id.as_bytes())
    }

    /// Returns the queue that it is to be moved to; `None` if the line is
    /// damaged. A message that was being delivered is taken up again by way of
    /// incoming, as after a restart of qmgr(8).
    pub fn target(&self, destination: Destination) -> Option<Queue> {
        Some(match (format::parse_queue(&self.queue)?, destination) {
            (_, Destination::Hold) => Queue::Hold,
            (Queue::Active, Destination::Queues) => Queue::Incoming,
            (queue, Destination::Queues) => queue,
        })
    }

    /// Whether it is the same message of the same source as another.
    pub fn is_same_as(&self, other: &Self) -> bool {
        self.from_id == other.from_id
            && self.from_inode == other.from_inode
            && (self.arrival, self.arrival_microseconds)
                == (other.arrival, other.arrival_microseconds)
    }

    /// Returns a number that is equal for the same message of the same source.
    pub fn key(&self, source: &ImportSource) -> u64 {
        let mut sum = Checksum::default();
        for text in [&source.host, &source.queue_directory, &self.from_id] {
            sum.add(text.as_bytes());
            sum.add(b"\0");
        }
        sum.add(&self.from_inode.to_le_bytes());
        sum.add(&self.arrival.to_le_bytes());
        sum.add(&self.arrival_microseconds.to_le_bytes());
        sum.number()
    }
}

/// Writes an index.
#[derive(Debug)]
pub struct IndexWriter {
    to: BufWriter<File>,
    offset: u64,
}

impl IndexWriter {
    /// Begins an index.
    ///
    /// # Errors
    ///
    /// It cannot be written.
    pub fn begin(file: File, source: &ImportSource) -> io::Result<Self> {
        let to = BufWriter::new(file);
        let mut writer = Self { to, offset: 0 };
        writer.line(source)?;
        Ok(writer)
    }

    /// Adds a message. Returns the offset of its line.
    ///
    /// # Errors
    ///
    /// It cannot be written.
    pub fn add(&mut self, message: &ImportedMessage) -> io::Result<u64> {
        self.line(message)
    }

    /// Writes out what is buffered.
    ///
    /// # Errors
    ///
    /// It cannot be written.
    pub fn finish(mut self) -> io::Result<()> {
        self.to.flush()
    }

    fn line(&mut self, value: &impl Serialize) -> io::Result<u64> {
        let mut line = Vec::new();
        append_json_line(value, &mut line);
        self.to.write_all(&line)?;
        let start = self.offset;
        self.offset = start.saturating_add(line.len() as u64);
        Ok(start)
    }
}

/// Reads an index from its beginning.
#[derive(Debug)]
pub struct IndexReader {
    input: BufReader<File>,
    path: String,
    source: ImportSource,
    line: Vec<u8>,
    number: u64,
}

impl IndexReader {
    /// Opens an index.
    ///
    /// # Errors
    ///
    /// It cannot be read, or its first line is damaged.
    pub fn new(mut file: File, path: &str) -> Result<Self, TransferError> {
        file.seek(SeekFrom::Start(0))
            .map_err(TransferError::spool("read", path))?;
        let mut reader = Self {
            input: BufReader::new(file),
            path: path.to_owned(),
            source: ImportSource {
                host: String::new(),
                queue_directory: String::new(),
                destination: Destination::Hold,
            },
            line: Vec::new(),
            number: 0,
        };
        let source = if reader.next_line()? {
            serde_json::from_slice(&reader.line).ok()
        } else {
            None
        };
        reader.source = source.ok_or_else(|| reader.damaged())?;
        Ok(reader)
    }

    /// Returns the source of the messages.
    pub fn source(&self) -> &ImportSource {
        &self.source
    }

    /// Returns the next message; `None` at the end.
    ///
    /// # Errors
    ///
    /// The index cannot be read, or a line is damaged.
    pub fn next_message(&mut self) -> Result<Option<ImportedMessage>, TransferError> {
        if !self.next_line()? {
            return Ok(None);
        }
        let message = serde_json::from_slice(&self.line);
        message.map(Some).map_err(|_| self.damaged())
    }

    /// Reads the next line. Returns false at the end of the file.
    fn next_line(&mut self) -> Result<bool, TransferError> {
        self.line.clear();
        self.number = self.number.saturating_add(1);
        let mut bounded = (&mut self.input).take(LINE_MAX);
        let read = bounded.read_until(b'\n', &mut self.line);
        read.map_err(TransferError::spool("read", &self.path))?;
        match self.line.last() {
            None => Ok(false),
            Some(b'\n') => Ok(true),
            Some(_) => Err(self.damaged()),
        }
    }

    fn damaged(&self) -> TransferError {
        TransferError::Index {
            path: self.path.clone(),
            why: format!("line {} cannot be read", self.number),
        }
    }
}

/// Returns the message whose line begins at an offset.
///
/// # Errors
///
/// The line cannot be read.
pub fn message_at(mut file: &File, offset: u64) -> io::Result<ImportedMessage> {
    file.seek(SeekFrom::Start(offset))?;
    let mut line = Vec::new();
    let mut input = BufReader::with_capacity(LINE_USUAL, file).take(LINE_MAX);
    input.read_until(b'\n', &mut line)?;
    serde_json::from_slice(&line).map_err(io::Error::from)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn message(number: u64) -> ImportedMessage {
        ImportedMessage {
            number,
            id: "3A78999CD00".to_owned(),
            inode: 7,
            queue: "active".to_owned(),
            from_id: "4F2vDb1Kcmz1".to_owned(),
            from_inode: 9,
            arrival: 1_700_000_000,
            arrival_microseconds: 12,
        }
    }

    #[test]
    fn a_written_index_is_read_back() {
        let file = tempfile::tempfile().unwrap();
        let source = ImportSource {
            host: "mx\n1".to_owned(),
            queue_directory: "/var/spool/postfix".to_owned(),
            destination: Destination::Queues,
        };
        let mut writer = IndexWriter::begin(file.try_clone().unwrap(), &source).unwrap();
        let offsets: Vec<u64> = (1..4).map(|n| writer.add(&message(n)).unwrap()).collect();
        writer.finish().unwrap();
        for (number, offset) in (1..).zip(offsets) {
            assert_eq!(message_at(&file, offset).unwrap(), message(number));
        }
        let mut reader = IndexReader::new(file, "index").unwrap();
        assert_eq!(*reader.source(), source);
        for number in 1..4 {
            assert_eq!(reader.next_message().unwrap(), Some(message(number)));
        }
        assert_eq!(reader.next_message().unwrap(), None);
    }

    #[test]
    fn mail_in_delivery_arrives_in_incoming() {
        let target = |destination| message(1).target(destination).unwrap();
        assert_eq!(target(Destination::Queues), Queue::Incoming);
        assert_eq!(target(Destination::Hold), Queue::Hold);
    }

    #[test]
    fn the_key_depends_on_everything_that_identifies_a_message() {
        let source = |host: &str| ImportSource {
            host: host.to_owned(),
            queue_directory: "/q".to_owned(),
            destination: Destination::Hold,
        };
        let key = message(1).key(&source("a"));
        assert_eq!(message(2).key(&source("a")), key);
        assert_ne!(message(1).key(&source("b")), key);
        let mut other = message(1);
        other.from_inode = 10;
        assert_ne!(other.key(&source("a")), key);
        assert!(!other.is_same_as(&message(1)));
    }
}
