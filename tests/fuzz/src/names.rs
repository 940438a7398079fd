//! Any bytes as the name of a file in a queue, and as an operand.

use std::os::unix::ffi::OsStrExt;

use spoolbox::actions::Selected;
use spoolbox::actions::id_reader::IdRequest;
use spoolbox::spool::id;
use spoolbox::spool::id::IdStyle;
use spoolbox::spool::{Layout, Queue, QueueId};

/// Bytes of the numbers after the name.
const NUMBERS: usize = 18;
/// Directories on the way to a file at most, here.
const DEPTH_MAX: u8 = 40;

/// Reads any bytes as a queue ID, and makes IDs of any numbers.
pub fn queue_ids(input: &[u8]) {
    let (numbers, name) = input.split_at_checked(NUMBERS).unwrap_or((&[], input));
    let depth = numbers.first().map_or(1, |depth| depth % DEPTH_MAX);
    for name in name.split(|&b| b == b'\n') {
        any_name(name, depth);
    }
    if let [depth, _, numbers @ ..] = numbers {
        made_of_numbers(numbers, depth % DEPTH_MAX);
    }
}

fn any_name(name: &[u8], depth: u8) {
    // What a C string would hold.
    let text = name.split(|&b| b == 0).next().unwrap_or_default();
    let id = QueueId::parse(text);
    match IdRequest::parse(name) {
        IdRequest::Id(asked) => assert_eq!(Some(asked), id),
        IdRequest::NoId(kept) => assert!(id.is_none() && kept == text),
        IdRequest::CutAtNul(line) => panic!("line {line} of a name"),
    }
    // An operand is one queue, whatever it is called.
    let _ = Selected::parse(name).queue();
    assert_eq!(QueueId::parse(name).is_some(), id::is_valid(name));
    let _ = (id::inode(name), id::long_microseconds(name));
    let Some(id) = id else { return };
    assert_eq!(id.as_bytes(), text);
    assert_eq!(QueueId::parse(id.to_string().as_bytes()), Some(id.clone()));
    has_its_place(&id, depth);
    renumbered(&id);
}

/// A file is in its queue, in directories of one letter.
fn has_its_place(id: &QueueId, depth: u8) {
    let layout = Layout::new(&[b"deferred".to_vec(), b"DEFER".to_vec()], depth.into());
    for queue in Queue::LISTED.into_iter().chain(Queue::LOGS) {
        let path = layout.path(queue, id.as_bytes());
        let parts: Vec<&[u8]> = path.as_bytes().split(|&b| b == b'/').collect();
        let [first, letters @ .., last] = &parts[..] else {
            panic!("a name without a queue: {path:?}");
        };
        assert_eq!((*first, *last), (queue.name().as_bytes(), id.as_bytes()));
        assert_eq!(letters.len(), layout.depth(queue));
        let is_letter =
            |part: &&[u8]| matches!(part, [c] if c.is_ascii_alphanumeric() || *c == b'_');
        assert!(letters.iter().all(is_letter), "{path:?}");
        let directory = layout.directory(queue, id.as_bytes());
        assert_eq!(directory, letters.join(&b"/"[..]));
        assert!(layout.is_home(queue, &directory, id.as_bytes()));
        let deeper = [&directory[..], b"/A"].concat();
        assert!(!layout.is_home(queue, &deeper, id.as_bytes()));
    }
}

/// A file that gets another inode number keeps the time in its name.
fn renumbered(id: &QueueId) {
    const INODE: u64 = 0x9_E60_05B;
    let name = id.as_bytes();
    let long = id::renumbered(name, INODE, IdStyle::Long);
    let short = id::renumbered(name, INODE, IdStyle::Short);
    assert_eq!(
        id::long_microseconds(&long),
        id::long_microseconds(name),
        "{id}"
    );
    // Any other file name may be too short or too long to hold both.
    let is_usual = (5..100).contains(&name.len());
    if is_usual {
        assert!(id::is_valid(&long) && id::is_valid(&short));
        assert_eq!(id::inode(&long), Some(INODE), "{id}");
        let digits = id::long_microseconds(name).map(id::short_microseconds);
        if digits.is_none_or(|digits| digits.len() == 5) {
            assert_eq!(id::inode(&short), Some(INODE), "{id}");
        }
    }
}

/// IDs made of a time and an inode number hold both.
fn made_of_numbers(numbers: &[u8], depth: u8) {
    let number = |from: usize| {
        let bytes = numbers.get(from..).and_then(|rest| rest.first_chunk::<8>());
        bytes.map_or(0, |bytes| u64::from_le_bytes(*bytes))
    };
    let (seconds, inode) = (number(0), number(8));
    let microseconds = u32::try_from(seconds % 1_000_000).unwrap_or(0);
    let short = QueueId::short(microseconds, inode);
    let long = QueueId::long(seconds, microseconds, inode);
    for id in [&short, &long] {
        assert_eq!(QueueId::parse(id.as_bytes()).as_ref(), Some(id));
        assert_eq!(id::inode(id.as_bytes()), Some(inode), "{id}");
        has_its_place(id, depth);
        renumbered(id);
    }
    let digits = id::long_microseconds(long.as_bytes()).expect("a long ID");
    let digits = id::short_microseconds(digits);
    assert!(
        short.as_bytes().starts_with(digits.as_bytes()),
        "{digits} {short}"
    );
    assert_eq!(id::long_microseconds(short.as_bytes()), None);
}
