//! The messages that an export has put on hold and copied: a list in a
//! temporary file, from which they are moved to the trash or, if the export
//! fails, back to their queues.

use std::fs::File;
use std::io;
use std::io::{BufRead, BufReader, BufWriter, Read, Seek, SeekFrom, Write};

use nix::sys::stat::FileStat;

use super::TransferError;
use super::export_context::{ExportContext, ExportObserver};
use crate::actions::executor::Executor;
use crate::actions::message_lookup::LocatedMessage;
use crate::actions::report::{ActionLog, ActionObserver, Counters};
use crate::actions::spool_ops::{FileAt, SpoolOps, StepResult};
use crate::actions::{Action, Effects, Selected};
use crate::listing::nameless_file;
use crate::spool::message;
use crate::spool::message::{Identity, Message};
use crate::spool::{Queue, QueueId};
use crate::sys::error_text::error_text;
use crate::text::digits;

/// The largest number of messages that are announced to the trash at once.
const CHUNK: usize = 64;
/// The largest length of a line in bytes.
const LINE_MAX: u64 = 1024;

/// A message on hold, as it was when it was copied.
#[derive(Clone, Debug, PartialEq, Eq)]
struct HeldEntry {
    id: QueueId,
    /// The queue that it was in before.
    queue: Queue,
    /// Inode number, size, modification and change time.
    state: [i64; 6],
}

/// Returns what of a file must not have changed.
fn state(stat: &FileStat) -> [i64; 6] {
    [
        stat.st_ino.cast_signed(),
        stat.st_size,
        stat.st_mtime,
        stat.st_mtime_nsec,
        stat.st_ctime,
        stat.st_ctime_nsec,
    ]
}

impl HeldEntry {
    fn line(&self) -> String {
        let numbers = self.state.map(|number| number.cast_unsigned().to_string());
        format!("{} {} {}\n", self.id, self.queue, numbers.join(" "))
    }

    fn parse(line: &[u8]) -> Option<Self> {
        let mut words = line.split(|&byte| byte == b' ');
        let id = QueueId::parse(words.next()?)?;
        let queue = Queue::parse(words.next()?)?;
        let mut state = [0; 6];
        for number in &mut state {
            *number = digits::<u64>(words.next()?)?.cast_signed();
        }
        Some(Self { id, queue, state })
    }
}

/// The list of held messages.
#[derive(Debug)]
pub struct HeldMessages {
    file: BufWriter<File>,
}

impl HeldMessages {
    /// Creates an empty list.
    ///
    /// # Errors
    ///
    /// No temporary file can be made.
    pub fn new() -> Result<Self, TransferError> {
        let file = nameless_file().map_err(failed)?;
        Ok(Self {
            file: BufWriter::new(file),
        })
    }

    /// Adds a message, with its lstat(2) result on hold.
    ///
    /// # Errors
    ///
    /// The temporary file cannot be written.
    pub(super) fn add(
        &mut self,
        id: &QueueId,
        queue: Queue,
        stat: &FileStat,
    ) -> Result<(), TransferError> {
        let message = HeldEntry {
            id: id.clone(),
            queue,
            state: state(stat),
        };
        self.file
            .write_all(message.line().as_bytes())
            .map_err(failed)
    }

    /// Moves the messages back to the queues that they were in, except those
    /// that changed since. Problems are reported.
    ///
    /// # Errors
    ///
    /// The list cannot be read.
    pub fn put_back(
        &mut self,
        context: ExportContext<'_>,
        observer: &mut impl ExportObserver,
    ) -> Result<(), TransferError> {
        let ops = context.ops();
        self.each_chunk(|chunk| {
            for message in chunk.iter().filter(|message| message.queue != Queue::Hold) {
                let name = message.id.as_bytes();
                let Ok(home) = ops.home(Queue::Hold, name) else {
                    continue;
                };
                let stat = home.stat(message.id.as_os_str());
                if !stat.is_ok_and(|stat| state(&stat) == message.state) {
                    continue;
                }
                let path = ops.path(Queue::Hold, name);
                let at = FileAt {
                    dir: &home,
                    name,
                    path: &path,
                };
                if let Err(cause) = ops.rename_to_free(at, message.queue, name, name) {
                    let why = error_text(&cause);
                    let queue = message.queue;
                    let text = format!("{path}: stays on hold, cannot be moved to {queue}: {why}");
                    observer.warning(text.as_bytes());
                }
            }
            Ok(())
        })
    }

    /// Deletes the messages, which moves them to the trash if `effects` has a
    /// journal, except those that
    /// changed since they were copied, which are reported. Returns the counters
    /// of what was done.
    ///
    /// # Errors
    ///
    /// The list cannot be read, the trash cannot be used, or a signal was
    /// caught. The rest stays on hold.
    pub fn remove(
        &mut self,
        context: ExportContext<'_>,
        effects: Effects<'_>,
        observer: &mut dyn ActionObserver,
        counters: &mut Counters,
    ) -> Result<u64, TransferError> {
        let selected = [Selected::Queue(Queue::Hold)];
        let mut executor = Executor::new(context.ops(), &selected, effects);
        let mut left = 0u64;
        self.each_chunk(|chunk| {
            let mut action_log = ActionLog::default();
            let ended = remove_chunk(context, chunk, &mut executor, &mut action_log);
            observer.lines(&action_log.lines);
            *counters += action_log.counters;
            let removed = action_log.counters.trashed;
            left = left.saturating_add((chunk.len() as u64).saturating_sub(removed));
            ended
        })?;
        Ok(left)
    }

    /// Calls `each` with the messages in order, some at a time.
    fn each_chunk(
        &mut self,
        mut each: impl FnMut(&[HeldEntry]) -> Result<(), TransferError>,
    ) -> Result<(), TransferError> {
        self.file.seek(SeekFrom::Start(0)).map_err(failed)?;
        let mut input = BufReader::new(self.file.get_ref());
        let (mut chunk, mut line) = (Vec::new(), Vec::new());
        loop {
            line.clear();
            let mut bounded = (&mut input).take(LINE_MAX);
            let count = bounded.read_until(b'\n', &mut line).map_err(failed)?;
            if count > 0 {
                let message = HeldEntry::parse(line.strip_suffix(b"\n").unwrap_or(&line));
                let damaged = || failed(io::ErrorKind::InvalidData.into());
                chunk.push(message.ok_or_else(damaged)?);
            }
            if chunk.len() >= CHUNK || (count == 0 && !chunk.is_empty()) {
                each(&chunk)?;
                chunk.clear();
            }
            if count == 0 {
                return Ok(());
            }
        }
    }
}

/// Removes those messages of a chunk that did not change.
fn remove_chunk(
    context: ExportContext<'_>,
    chunk: &[HeldEntry],
    executor: &mut Executor<'_>,
    action_log: &mut ActionLog,
) -> Result<(), TransferError> {
    let open = |held: &HeldEntry| Some((held.id.clone(), open(context, held)?));
    let found: Vec<(QueueId, Message)> = chunk.iter().filter_map(open).collect();
    let located: Vec<_> = found
        .iter()
        .map(|(id, open)| (id, LocatedMessage::of(Queue::Hold, open)))
        .collect();
    let announced = located.iter().map(|(id, located)| (*id, located));
    let _announced = executor.announce(Action::Delete, announced)?;
    for (id, open) in &found {
        if context.interrupts.caught().is_some() {
            return Err(TransferError::Interrupted);
        }
        let examined = (Queue::Hold, Identity::of(&open.stat));
        executor.act_on_same(Action::Delete, id, examined, action_log)?;
    }
    Ok(())
}

/// Opens a message on hold, if it is as it was when it was copied.
fn open(context: ExportContext<'_>, held: &HeldEntry) -> Option<Message> {
    let path = context.layout.path(Queue::Hold, held.id.as_bytes());
    let path = path.as_encoded_bytes();
    let shown = String::from_utf8_lossy(path);
    let message = message::open(context.spool, path, Queue::Hold, &shown).ok()?;
    (state(&message.stat) == held.state).then_some(message)
}

/// Puts a message on hold.
///
/// # Errors
///
/// It cannot be moved; `EEXIST` if hold has another message of that ID.
pub(super) fn hold(ops: &SpoolOps<'_>, queue: Queue, id: &QueueId) -> io::Result<StepResult> {
    let home = ops.home(queue, id.as_bytes())?;
    let path = ops.path(queue, id.as_bytes());
    let at = FileAt {
        dir: &home,
        name: id.as_bytes(),
        path: &path,
    };
    ops.rename_to_free(at, Queue::Hold, id.as_bytes(), id.as_bytes())
}

fn failed(cause: io::Error) -> TransferError {
    TransferError::spool("use", "a temporary file")(cause)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_written_line_is_read_back() {
        let message = HeldEntry {
            id: QueueId::parse(b"3A78999CD00").unwrap(),
            queue: Queue::Deferred,
            state: [1, 2, -3, 4, 5, 999_999_999],
        };
        let line = message.line();
        assert_eq!(HeldEntry::parse(line.trim_end().as_bytes()), Some(message));
    }
}
