//! The sort keys, the direction and the limit of a listing.
//!
//! Each message gets a byte string, its rank, such that comparing ranks bytewise
//! gives the order of the values.

use super::format::column::RequiredParts;
use super::message_info::MessageInfo;
use crate::spool::Queue;

/// Largest number of bytes of a text that are compared.
const TEXT_MAX: usize = 1000;

/// A property by which a listing is sorted.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum SortKey {
    /// The queue ID.
    Id,
    /// The time since arrival.
    Age,
    /// The size in bytes.
    Size,
    /// The sender address.
    Sender,
    /// The number of recipients.
    Recipients,
    /// The queue, in the order of a listing.
    Queue,
}

/// The hint for keys that are not valid.
pub const SORT_KEYS_HINT: &str = "the keys are id, age, size, sender, recipients and queue";

impl SortKey {
    /// Looks up a key by its name on the command line.
    pub fn parse(name: &str) -> Option<Self> {
        Some(match name {
            "id" => Self::Id,
            "age" => Self::Age,
            "size" => Self::Size,
            "sender" => Self::Sender,
            "recipients" => Self::Recipients,
            "queue" => Self::Queue,
            _ => return None,
        })
    }

    /// Parses names that are separated by commas; `None` if one of them is unknown.
    pub fn parse_list(names: &str) -> Option<Vec<Self>> {
        names.split(',').map(Self::parse).collect()
    }

    /// Appends the value of a message as bytes that compare like the values,
    /// whatever is appended after them.
    pub fn write_rank(self, known: &MessageInfo, rank: &mut Vec<u8>) {
        match self {
            Self::Id => write_text(&known.id, rank),
            Self::Sender => {
                let sender = &known.sender;
                write_text(sender.get(..TEXT_MAX).unwrap_or(sender), rank);
            }
            Self::Age => write_number(known.arrival.saturating_neg(), rank),
            Self::Size => write_number(known.size, rank),
            Self::Recipients => {
                write_number(i64::try_from(known.recipients).unwrap_or(i64::MAX), rank);
            }
            Self::Queue => {
                let is_it = |queue: &Queue| queue.name().as_bytes() == known.queue;
                let place = Queue::LISTED.iter().position(is_it);
                let place = place.and_then(|place| i64::try_from(place).ok());
                write_number(place.unwrap_or(i64::MAX), rank);
            }
        }
    }
}

/// Appends a number such that larger numbers give larger bytes.
fn write_number(number: i64, rank: &mut Vec<u8>) {
    let from_zero = number.cast_unsigned() ^ i64::MIN.cast_unsigned();
    rank.extend_from_slice(&from_zero.to_be_bytes());
}

/// Appends a text that is terminated by two zero bytes, so that a text sorts before
/// longer texts that begin with it. A zero byte in the text is followed by 1, which
/// is larger than the second byte of the terminator.
fn write_text(text: &[u8], rank: &mut Vec<u8>) {
    for &byte in text {
        match byte {
            0 => rank.extend_from_slice(&[0, 1]),
            _ => rank.push(byte),
        }
    }
    rank.extend_from_slice(&[0, 0]);
}

/// The direction of sorting.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum Direction {
    /// The smallest value comes first.
    #[default]
    Ascending,
    /// The largest value comes first.
    Descending,
}

/// The order of the listed messages, and their number.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct SortSpec {
    /// The sort keys, the most significant first. If empty, messages are in the
    /// order of the walk.
    pub keys: Vec<SortKey>,
    /// The direction, which applies to all keys.
    pub direction: Direction,
    /// Largest number of messages that are listed.
    pub limit: Option<usize>,
}

impl SortSpec {
    /// Whether each message has to be collected as an entry of its own.
    pub fn is_needed(&self) -> bool {
        !self.keys.is_empty() || self.limit.is_some()
    }

    /// The parts of a message that have to be read to sort it.
    pub fn depth(&self) -> RequiredParts {
        if self.keys.contains(&SortKey::Recipients) {
            RequiredParts::Everything
        } else {
            RequiredParts::Head
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn texts_and_numbers_keep_their_order_as_bytes() {
        let rank = |text: &[u8], number| {
            let mut rank = Vec::new();
            write_text(text, &mut rank);
            write_number(number, &mut rank);
            rank
        };
        let texts: [&[u8]; 7] = [b"", b"\0", b"\0\0", b"\0\x01", b"a", b"a\0", b"ab"];
        let numbers = [i64::MIN, -1, 0, 1, i64::MAX];
        let all = texts
            .iter()
            .flat_map(|text| numbers.map(|number| rank(text, number)));
        assert!(all.is_sorted());
    }
}
