//! What a listing is sorted by, in which direction, and how many messages it
//! has at most.
//!
//! Owns the bytes that messages are compared by: they are in the order of the
//! values that they represent.

use super::format::template::RequiredParts;
use super::message_info::MessageInfo;
use crate::spool::Queue;

/// Bytes of a text that it is sorted by.
const TEXT_MAX: usize = 1000;

/// What a listing can be sorted by.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum SortKey {
    /// The queue ID.
    Id,
    /// Time since arrival.
    Age,
    /// Bytes.
    Size,
    /// The sender.
    Sender,
    /// Number of recipients.
    Recipients,
    /// The queue, in the order of a listing.
    Queue,
}

impl SortKey {
    /// From a name on the command line.
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

    /// Appends what a message is sorted by: bytes in the order of the values,
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

/// The smallest number is the one with the first bytes.
fn write_number(number: i64, rank: &mut Vec<u8>) {
    let from_zero = number.cast_unsigned() ^ i64::MIN.cast_unsigned();
    rank.extend_from_slice(&from_zero.to_be_bytes());
}

/// Two zeros end a text, so that a text comes before those it begins; a zero
/// in it is followed by a larger byte.
fn write_text(text: &[u8], rank: &mut Vec<u8>) {
    for &byte in text {
        match byte {
            0 => rank.extend_from_slice(&[0, 1]),
            _ => rank.push(byte),
        }
    }
    rank.extend_from_slice(&[0, 0]);
}

/// Which end comes first.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum Direction {
    /// The smallest.
    #[default]
    Ascending,
    /// The largest.
    Descending,
}

/// Which messages are listed in which order.
#[derive(Clone, Debug, Default)]
pub struct SortSpec {
    /// What they are sorted by; nothing is the order of the walk.
    pub keys: Vec<SortKey>,
    /// Which end comes first.
    pub direction: Direction,
    /// How many are listed at most.
    pub limit: Option<usize>,
}

impl SortSpec {
    /// Whether messages have to be kept apart.
    pub fn is_needed(&self) -> bool {
        !self.keys.is_empty() || self.limit.is_some()
    }

    /// What has to be read of a message for it.
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
