//! Any bytes as an archive of messages, as `spoolbox import` reads it.

use std::io::{BufReader, Write};

use spoolbox::spool::{Queue, QueueId};
use spoolbox::transfer::archive_reader::{FileReceiver, ReceivedMessage, read};
use spoolbox::transfer::{TransferError, format};

/// The size of a block of a tar archive, and the place of the checksum in a
/// header.
const BLOCK: usize = 512;
const SUM: std::ops::Range<usize> = 148..156;
/// The place of the size in a header.
const SIZE: std::ops::Range<usize> = 124..136;

/// Reads any bytes as an archive, and once more with the right checksums of its
/// headers, which nobody guesses.
pub fn archive(input: &[u8]) {
    check(input);
    check(&with_right_sums(input));
}

fn check(input: &[u8]) {
    let whole = received(input);
    let pieces = received(BufReader::with_capacity(7, input));
    assert_eq!(whole.is_ok(), pieces.is_ok());
    match (whole, pieces) {
        (Ok(whole), Ok(pieces)) => assert_eq!(whole, pieces),
        (Err(whole), Err(pieces)) => assert_eq!(whole, pieces),
        _ => {}
    }
}

/// What is received: the files of each message, by their queues.
type Received = Vec<(QueueId, Queue, Vec<(Option<Queue>, Vec<u8>)>)>;

/// The messages, or the text of the error.
fn received(input: impl std::io::Read) -> Result<Received, String> {
    let receiver = |_: &format::ArchiveHeader| Ok(Receiver::default());
    match read(input, receiver) {
        Ok((receiver, end)) => {
            assert_eq!(receiver.messages.len() as u64, end.messages);
            Ok(receiver.messages)
        }
        Err(error) => Err(error.to_string()),
    }
}

#[derive(Default)]
struct Receiver {
    files: Vec<(Option<Queue>, Vec<u8>)>,
    messages: Received,
}

impl FileReceiver for Receiver {
    fn file(&mut self, number: u64, log: Option<Queue>) -> Result<&mut dyn Write, TransferError> {
        assert_eq!(number, self.messages.len() as u64 + 1);
        assert_eq!(log.is_none(), self.files.is_empty());
        self.files.push((log, Vec::new()));
        Ok(&mut self.files.last_mut().expect("a file").1)
    }

    fn message(&mut self, _: u64, message: ReceivedMessage<'_>) -> Result<(), TransferError> {
        assert!(format::MOVED.contains(&message.queue));
        assert!(!message.id.as_bytes().contains(&b'/'));
        let sizes = message.entry.files.iter().map(|file| file.size);
        let received = self.files.iter().map(|(_, content)| content.len() as u64);
        assert!(sizes.eq(received));
        let files = std::mem::take(&mut self.files);
        self.messages
            .push((message.id.clone(), message.queue, files));
        Ok(())
    }
}

/// Corrects the checksum of each header.
fn with_right_sums(input: &[u8]) -> Vec<u8> {
    let mut archive = input.to_vec();
    let mut at = 0;
    while let Some(header) = archive.get_mut(at..at + BLOCK) {
        if header.iter().all(|byte| *byte == 0) {
            break;
        }
        header[SUM].fill(b' ');
        let sum: u32 = header.iter().map(|byte| u32::from(*byte)).sum();
        header[SUM].copy_from_slice(format!("{sum:06o}\0 ").as_bytes());
        let size = std::str::from_utf8(&header[SIZE]).unwrap_or_default();
        let size = size.trim_matches(|c: char| c == '\0' || c == ' ');
        let size = usize::from_str_radix(size, 8).unwrap_or(0);
        at = at.saturating_add(BLOCK + size.min(archive.len()).next_multiple_of(BLOCK));
    }
    archive
}
