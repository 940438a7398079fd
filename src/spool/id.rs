//! Queue IDs, short and long, as described in postconf(5) under
//! enable_long_queue_ids.
//!
//! Defines which names are queue IDs and what they encode. The directory where
//! a file of that name belongs is determined in `layout`.

use std::ffi::OsStr;
use std::fmt;
use std::os::unix::ffi::OsStrExt;

use bstr::ByteSlice;

/// The digits of the long form: all of them in base 52, all but the final `z`
/// in base 51.
const LONG_ALPHABET: &[u8; 52] = b"0123456789BCDFGHJKLMNPQRSTVWXYZbcdfghjklmnpqrstvwxyz";
/// The letter between the time part and the inode number of a long ID.
const INODE_SEPARATOR: u8 = b'z';
/// The number of digits for the microseconds in a short ID.
pub const SHORT_MICROSECONDS: usize = 5;
/// The smallest number of digits for the seconds in a long ID.
const LONG_SECONDS_MIN: usize = 6;
/// The number of digits for the microseconds in a long ID.
const LONG_MICROSECONDS: usize = 4;
/// The longest name that can be an ID. The limit is that of a host name,
/// because fast-flush logs are named after domains.
const LENGTH_MAX: usize = 255;

/// A valid queue ID: 1 to 255 ASCII letters, digits and underscores.
///
/// It can safely be joined to a path, because it contains neither slashes nor
/// dots.
#[derive(Clone, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub struct QueueId(Box<[u8]>);

impl QueueId {
    /// Returns the queue ID in `name`; `None` if it is not a valid one.
    pub fn parse(name: &[u8]) -> Option<Self> {
        is_valid(name).then(|| Self(name.into()))
    }

    /// Returns the short ID of a file: the microseconds of its creation time,
    /// and its inode number.
    pub fn short(microseconds: u32, inode: u64) -> Self {
        Self(format!("{microseconds:05X}{inode:X}").into_bytes().into())
    }

    /// Returns the long ID of a file: its creation time, and its inode number.
    pub fn long(seconds: u64, microseconds: u32, inode: u64) -> Self {
        let mut name = encode(seconds, 52, LONG_SECONDS_MIN);
        name.extend(encode(microseconds.into(), 52, LONG_MICROSECONDS));
        name.push(INODE_SEPARATOR);
        name.extend(encode(inode, 51, 1));
        Self(name.into())
    }

    /// Returns the ID as ASCII bytes.
    pub fn as_bytes(&self) -> &[u8] {
        &self.0
    }

    /// Returns the ID as a file name.
    pub fn as_os_str(&self) -> &OsStr {
        OsStr::from_bytes(&self.0)
    }
}

impl fmt::Display for QueueId {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        String::from_utf8_lossy(&self.0).fmt(f)
    }
}

impl fmt::Debug for QueueId {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "QueueId({self})")
    }
}

/// Returns whether a name is a valid queue ID.
pub fn is_valid(name: &[u8]) -> bool {
    (1..=LENGTH_MAX).contains(&name.len())
        && name.iter().all(|&b| b.is_ascii_alphanumeric() || b == b'_')
}

/// Returns the digits of the microseconds in a long ID; `None` for a short one.
///
/// A name is long if its last `z` comes after at least six digits of seconds
/// and four of microseconds.
pub fn long_microseconds(name: &[u8]) -> Option<&[u8]> {
    let separator = name.rfind_byte(INODE_SEPARATOR)?;
    if separator < LONG_SECONDS_MIN + LONG_MICROSECONDS {
        return None;
    }
    name.get(separator.checked_sub(LONG_MICROSECONDS)?..separator)
}

/// Returns the inode number in a valid ID; `None` if it contains none or one
/// that is too large.
///
/// Observed with Postfix 3.7.11: Postfix reads the number in a short ID with
/// strtoull(3), so `0x` may precede the digits, and no digits count as 0. No
/// real file has such a name.
pub fn inode(name: &[u8]) -> Option<u64> {
    if long_microseconds(name).is_some() {
        let separator = name.rfind_byte(INODE_SEPARATOR)?;
        return decode(name.get(separator.checked_add(1)?..)?, 51);
    }
    let digits = name.get(SHORT_MICROSECONDS..)?;
    let digits = match digits {
        [b'0', b'x' | b'X', rest @ ..] => match rest {
            [] => return None,
            rest => rest,
        },
        all => all,
    };
    digits.iter().try_fold(0u64, |number, &digit| {
        let value = char::from(digit).to_digit(16)?;
        number.checked_mul(16)?.checked_add(value.into())
    })
}

/// The kind of queue IDs that a mail system generates.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum IdStyle {
    /// Short queue IDs (`enable_long_queue_ids = no`).
    Short,
    /// Long queue IDs (`enable_long_queue_ids = yes`).
    Long,
}

/// Returns a name with the same time part and another inode number. A long name
/// becomes a short one if `style` is [`IdStyle::Short`].
pub fn renumbered(name: &[u8], inode: u64, style: IdStyle) -> Vec<u8> {
    match (long_microseconds(name), style) {
        (Some(digits), IdStyle::Short) => {
            let mut new = short_microseconds(digits);
            new.push_str(&format!("{inode:X}"));
            new.into_bytes()
        }
        (Some(_), IdStyle::Long) => {
            let end = name.rfind_byte(INODE_SEPARATOR);
            let mut new = name.get(..=end.unwrap_or(0)).unwrap_or(name).to_vec();
            new.extend(encode(inode, 51, 1));
            new
        }
        (None, _) => {
            let time = name.get(..SHORT_MICROSECONDS).unwrap_or(name);
            [time, format!("{inode:X}").as_bytes()].concat()
        }
    }
}

/// Converts the microseconds of a long ID to those of a short one: at least
/// five upper-case hexadecimal digits. Invalid digits count as 0.
pub fn short_microseconds(digits: &[u8]) -> String {
    let microseconds = decode(digits, 52).unwrap_or(0);
    format!("{microseconds:0width$X}", width = SHORT_MICROSECONDS)
}

/// Decodes digits of the long form; `None` if a digit does not belong to the
/// base or the number is too large.
fn decode(digits: &[u8], base: u8) -> Option<u64> {
    let alphabet = LONG_ALPHABET.get(..base.into())?;
    digits.iter().try_fold(0u64, |number, digit| {
        let value = alphabet.iter().position(|a| a == digit)?;
        number
            .checked_mul(base.into())?
            .checked_add(u64::try_from(value).ok()?)
    })
}

/// Encodes a number in digits of the long form, padded with zeros to `width`
/// digits.
fn encode(mut number: u64, base: u8, width: usize) -> Vec<u8> {
    let mut digits = Vec::with_capacity(13);
    let base = u64::from(base);
    while number > 0 || digits.len() < width {
        let digit = usize::try_from(number % base).unwrap_or(0);
        digits.push(LONG_ALPHABET.get(digit).copied().unwrap_or(b'0'));
        number /= base;
    }
    digits.reverse();
    digits
}
