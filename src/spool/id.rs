//! Queue IDs, short and long, as postconf(5) describes them under
//! enable_long_queue_ids.
//!
//! Owns what makes a name a queue ID and what is encoded in it. Where a file
//! of that name belongs is decided in `layout`.

use std::ffi::OsStr;
use std::fmt;
use std::os::unix::ffi::OsStrExt;

/// Digits of the long form: base 52, and base 51 without the final `z`.
const LONG_ALPHABET: &[u8; 52] = b"0123456789BCDFGHJKLMNPQRSTVWXYZbcdfghjklmnpqrstvwxyz";
/// The letter between the time part and the inode number of a long ID.
const INODE_SEPARATOR: u8 = b'z';
/// Digits of the microseconds in a short ID.
pub const SHORT_MICROSECONDS: usize = 5;
/// Least digits of the seconds in a long ID.
const LONG_SECONDS_MIN: usize = 6;
/// Digits of the microseconds in a long ID.
const LONG_MICROSECONDS: usize = 4;
/// Longest name that can be an ID: that of a host name, because fast-flush
/// logs are named after domains.
const LENGTH_MAX: usize = 255;

/// A valid queue ID: 1 to 255 ASCII letters, digits and underscores.
///
/// Once parsed it can be joined to a path: it holds no slash and no dot.
#[derive(Clone, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub struct QueueId(Box<[u8]>);

impl QueueId {
    /// Accepts a name that is a valid queue ID.
    pub fn parse(name: &[u8]) -> Option<Self> {
        is_valid(name).then(|| Self(name.into()))
    }

    /// The short ID of a file: microseconds of its creation, inode number.
    pub fn short(microseconds: u32, inode: u64) -> Self {
        Self(format!("{microseconds:05X}{inode:X}").into_bytes().into())
    }

    /// The long ID of a file: time of its creation, inode number.
    pub fn long(seconds: u64, microseconds: u32, inode: u64) -> Self {
        let mut name = encode(seconds, 52, LONG_SECONDS_MIN);
        name.extend(encode(microseconds.into(), 52, LONG_MICROSECONDS));
        name.push(INODE_SEPARATOR);
        name.extend(encode(inode, 51, 1));
        Self(name.into())
    }

    /// The ID as bytes, all of them ASCII.
    pub fn as_bytes(&self) -> &[u8] {
        &self.0
    }

    /// The ID as a file name.
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

/// Whether a name is a valid queue ID.
pub fn is_valid(name: &[u8]) -> bool {
    (1..=LENGTH_MAX).contains(&name.len())
        && name.iter().all(|&b| b.is_ascii_alphanumeric() || b == b'_')
}

/// The microseconds part of a long ID, as written; `None` for a short one.
///
/// A name counts as long if its last `z` is after at least six digits of
/// seconds and four of microseconds.
pub fn long_microseconds(name: &[u8]) -> Option<&[u8]> {
    let separator = name.iter().rposition(|&b| b == INODE_SEPARATOR)?;
    if separator < LONG_SECONDS_MIN + LONG_MICROSECONDS {
        return None;
    }
    name.get(separator.checked_sub(LONG_MICROSECONDS)?..separator)
}

/// The inode number in a name that is a valid ID; `None` if it has none, or
/// one that does not fit.
///
/// Observed: strtoull(3) reads that of a short ID, so `0x` may precede
/// the digits, and no digits at all are a zero. Neither can a file have.
pub fn inode(name: &[u8]) -> Option<u64> {
    if long_microseconds(name).is_some() {
        let separator = name.iter().rposition(|&b| b == INODE_SEPARATOR)?;
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

/// The kind of names that a mail system makes.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum IdStyle {
    /// enable_long_queue_ids is off.
    Short,
    /// enable_long_queue_ids is on.
    Long,
}

/// A name with its time part kept and the inode number of a file put in; a
/// long name becomes a short one if `style` asks for that.
pub fn renumbered(name: &[u8], inode: u64, style: IdStyle) -> Vec<u8> {
    match (long_microseconds(name), style) {
        (Some(digits), IdStyle::Short) => {
            let mut new = short_microseconds(digits);
            new.push_str(&format!("{inode:X}"));
            new.into_bytes()
        }
        (Some(_), IdStyle::Long) => {
            let end = name.iter().rposition(|&b| b == INODE_SEPARATOR);
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

/// The microseconds of a long ID rewritten as in a short one: at least five
/// upper-case hexadecimal digits. Digits that do not fit the base count as 0.
pub fn short_microseconds(digits: &[u8]) -> String {
    let microseconds = decode(digits, 52).unwrap_or(0);
    format!("{microseconds:0width$X}", width = SHORT_MICROSECONDS)
}

/// The number that `digits` of the long alphabet encode; `None` if a digit
/// does not belong to the base or the number does not fit.
fn decode(digits: &[u8], base: u8) -> Option<u64> {
    let alphabet = LONG_ALPHABET.get(..base.into())?;
    digits.iter().try_fold(0u64, |number, digit| {
        let value = alphabet.iter().position(|a| a == digit)?;
        number
            .checked_mul(base.into())?
            .checked_add(u64::try_from(value).ok()?)
    })
}

/// `number` in the long alphabet, padded with zeros to `width` digits.
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
