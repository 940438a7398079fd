//! The messages of an act. Their names are in a file, so that a million of them
//! take no memory.

use std::fs::File;
use std::io;
use std::io::{BufReader, BufWriter, Read, Seek, Write};

use super::context::BrowseContext;
use super::model::short_inode;
use crate::spool::{Layout, Queue, QueueId, id};

/// The number of bytes that are written at a time.
const BUFFER_SIZE: usize = 64 * 1024;

/// The messages to act on.
#[derive(Debug)]
pub enum ActTargets {
    /// These messages.
    Named(NamedMessages),
    /// All that match these selection options, or all if there are none.
    Matching(Vec<String>),
}

/// The messages to act on, as far as the command line on the screen has room
/// for them.
#[derive(Clone, Debug)]
pub enum ShownTargets {
    /// These messages.
    Named(Vec<QueueId>),
    /// All that match these selection options, or all if there are none.
    Matching(Vec<String>),
}

/// Queue IDs in a file without a name, each with a part of its inode number.
#[derive(Debug)]
pub struct NamedMessages {
    file: File,
    /// Their number.
    pub count: u64,
}

impl NamedMessages {
    /// Writes down these messages. Those whose names are no queue IDs are left
    /// out.
    ///
    /// # Errors
    ///
    /// The file cannot be made or written.
    pub fn of<'a>(messages: impl Iterator<Item = (&'a [u8], u32)>) -> io::Result<Self> {
        let mut writer = NameWriter::new()?;
        for (id, inode) in messages {
            writer.add(id, inode)?;
        }
        writer.finish()
    }

    /// The messages whose names still belong to the same files.
    ///
    /// # Errors
    ///
    /// The file cannot be read, or another one made and written.
    pub fn still_there(&self, context: &BrowseContext<'_>) -> io::Result<Self> {
        let layout = Layout::of(context.config);
        let is_same = |id: &QueueId, inode: u32| {
            Queue::LISTED.into_iter().any(|queue| {
                let found = context.spool.stat(&layout.path(queue, id.as_bytes()));
                found.is_ok_and(|found| inode == 0 || short_inode(found.st_ino) == inode)
            })
        };
        let mut same = NameWriter::new()?;
        for message in self.read()? {
            let (id, inode) = message?;
            if is_same(&id, inode) {
                same.add(id.as_bytes(), inode)?;
            }
        }
        same.finish()
    }

    /// A file with the queue IDs alone, one on each line.
    ///
    /// # Errors
    ///
    /// The file cannot be read, or another one made and written.
    pub fn lines(&self) -> io::Result<File> {
        let mut writer = BufWriter::new(tempfile::tempfile()?);
        for message in self.read()? {
            let (id, _) = message?;
            writeln!(writer, "{id}")?;
        }
        let mut file = finished(writer)?;
        file.rewind()?;
        Ok(file)
    }

    /// Reads the messages.
    ///
    /// # Errors
    ///
    /// The file cannot be read.
    pub fn read(&self) -> io::Result<impl Iterator<Item = io::Result<(QueueId, u32)>>> {
        let mut file = &self.file;
        file.rewind()?;
        let mut reader = BufReader::new(file);
        let names = (0..self.count).map(move |_| read_name(&mut reader));
        Ok(names)
    }
}

/// Reads what [`NameWriter::add`] has written.
fn read_name(from: &mut impl Read) -> io::Result<(QueueId, u32)> {
    let mut inode = [0; 4];
    from.read_exact(&mut inode)?;
    let mut length = [0];
    from.read_exact(&mut length)?;
    let [length] = length;
    let mut id = vec![0; usize::from(length)];
    from.read_exact(&mut id)?;
    let id = QueueId::parse(&id).ok_or(io::ErrorKind::InvalidData)?;
    Ok((id, u32::from_le_bytes(inode)))
}

/// Writes down messages: of each, the part of the inode number, the length of the
/// queue ID in a byte, and the queue ID. As text, a million would take so long that
/// the screen would stand still.
struct NameWriter {
    writer: BufWriter<File>,
    count: u64,
}

impl NameWriter {
    fn new() -> io::Result<Self> {
        Ok(Self {
            writer: BufWriter::with_capacity(BUFFER_SIZE, tempfile::tempfile()?),
            count: 0,
        })
    }

    /// Adds a message. A name that is no queue ID is left out.
    fn add(&mut self, id: &[u8], inode: u32) -> io::Result<()> {
        let length = u8::try_from(id.len());
        let Some(length) = length.ok().filter(|_| id::is_valid(id)) else {
            return Ok(());
        };
        self.count = self.count.saturating_add(1);
        self.writer.write_all(&inode.to_le_bytes())?;
        self.writer.write_all(&[length])?;
        self.writer.write_all(id)
    }

    fn finish(self) -> io::Result<NamedMessages> {
        let file = finished(self.writer)?;
        let count = self.count;
        Ok(NamedMessages { file, count })
    }
}

fn finished(writer: BufWriter<File>) -> io::Result<File> {
    writer.into_inner().map_err(io::IntoInnerError::into_error)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_is_written_is_read_again() {
        let messages: [(&[u8], u32); 3] = [(b"4ABC", 17), (b"../x y", 1), (b"Z9", u32::MAX)];
        let named = NamedMessages::of(messages.into_iter()).unwrap();
        assert_eq!(named.count, 2);
        for _ in 0..2 {
            let read: io::Result<Vec<(QueueId, u32)>> = named.read().unwrap().collect();
            let read: Vec<(String, u32)> = read
                .unwrap()
                .into_iter()
                .map(|(id, inode)| (id.to_string(), inode))
                .collect();
            assert_eq!(read, [("4ABC".to_owned(), 17), ("Z9".to_owned(), u32::MAX)]);
        }
    }
}
