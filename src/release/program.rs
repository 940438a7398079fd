//! The version in a program file of Postfix: the bytes `mail_version=`, then
//! the version up to a NUL.
//!
//! No program of Debian's 3.11.7 contains these bytes; its master contains the
//! default of the parameter, the version alone between NULs.
//!
//! Files are read in pieces, up to the version.

use std::fs::{File, OpenOptions};
use std::io::{BufRead, BufReader, Read, Take};
use std::os::unix::fs::OpenOptionsExt;
use std::path::Path;

use bstr::ByteSlice;
use nix::fcntl::OFlag;

/// The mark that precedes the version.
const MARK: &[u8] = b"mail_version=";
/// The maximum number of bytes that are searched. Programs are smaller.
const SIZE_MAX: u64 = 16 * 1024 * 1024;
/// The maximum length of a version.
const VERSION_MAX: usize = 40;
/// The number of bytes to read at a time.
const PIECE: usize = 64 * 1024;

/// Returns the version in a program as written there; `None` if the file cannot
/// be read or has none.
pub(super) fn version_in(program: &Path) -> Option<String> {
    search(open(program)?)
}

/// Returns the first text between two NULs that is a version and nothing else.
/// Only versions of Postfix 3 are accepted, since other numbers can be a
/// delivery status such as 5.1.2.
pub(super) fn version_alone_in(program: &Path) -> Option<String> {
    search_alone(open(program)?)
}

/// Opens a program file; `None` if it is not one.
fn open(program: &Path) -> Option<Take<File>> {
    // Opening a FIFO or a device in the program's place must not block.
    let file = OpenOptions::new()
        .read(true)
        .custom_flags((OFlag::O_NONBLOCK | OFlag::O_NOCTTY).bits())
        .open(program)
        .ok()?;
    let metadata = file.metadata().ok()?;
    if !metadata.is_file() || metadata.len() > SIZE_MAX {
        return None;
    }
    Some(file.take(SIZE_MAX))
}

/// Searches `input` for the marked version.
fn search(mut input: impl Read) -> Option<String> {
    let mut window = Vec::with_capacity(PIECE);
    loop {
        let before = window.len();
        let wanted = u64::try_from(PIECE).ok()?;
        let count = input.by_ref().take(wanted).read_to_end(&mut window).ok()?;
        match find(&window) {
            SectionData::Version(version) => return Some(version),
            SectionData::No if count == 0 => return None,
            // A mark without the end of its version stays in the window until
            // more is read.
            SectionData::Part(at) if count > 0 && at == 0 && before > PIECE => return None,
            SectionData::Part(_) if count == 0 => return None,
            SectionData::Part(at) => drop(window.drain(..at)),
            SectionData::No => {
                let rest = MARK.len().saturating_sub(1);
                let unneeded = window.len().saturating_sub(rest);
                window.drain(..unneeded);
            }
        }
    }
}

/// Searches `input` for a text that is a version as a whole.
fn search_alone(input: impl Read) -> Option<String> {
    let mut input = BufReader::with_capacity(PIECE, input);
    let limit = u64::try_from(VERSION_MAX).ok()?;
    let mut text = Vec::with_capacity(VERSION_MAX);
    // Text before the first NUL, or after the length limit, is not a whole
    // text.
    let mut begins = false;
    loop {
        text.clear();
        let count = input.by_ref().take(limit).read_until(0, &mut text).ok()?;
        let whole = text.strip_suffix(&[0]);
        if let Some(whole) = whole
            && begins
            && whole.starts_with(b"3.")
            && let Ok(version) = std::str::from_utf8(whole)
            && version.matches(['.', '-']).count() >= 2
            && super::Release::parse(version).is_some()
        {
            return Some(version.to_owned());
        }
        begins = whole.is_some();
        if count == 0 {
            return None;
        }
    }
}

/// The result of searching a part of a file.
#[derive(Debug, PartialEq, Eq)]
enum SectionData {
    /// The part has no mark.
    No,
    /// The part has a mark at this position, and the version may continue after
    /// the part.
    Part(usize),
    /// The part has this version.
    Version(String),
}

fn find(bytes: &[u8]) -> SectionData {
    let mut from = 0usize;
    while let Some(at) = bytes.get(from..).and_then(|rest| rest.find(MARK)) {
        let at = from.saturating_add(at);
        let start = at.saturating_add(MARK.len());
        let text = bytes.get(start..).unwrap_or_default();
        let version = text.get(..VERSION_MAX).unwrap_or(text);
        match version.split_once_str("\0") {
            Some((version, _)) => {
                if let Ok(version) = std::str::from_utf8(version)
                    && super::Release::parse(version).is_some()
                {
                    return SectionData::Version(version.to_owned());
                }
            }
            None if text.len() < VERSION_MAX => return SectionData::Part(at),
            None => {}
        }
        from = start;
    }
    SectionData::No
}

#[cfg(test)]
mod tests {
    use super::*;

    fn found(bytes: &[u8]) -> Option<String> {
        search(bytes)
    }

    #[test]
    fn the_version_ends_at_the_nul() {
        let version = |text: &str| Some(text.to_owned());
        assert_eq!(found(b"x\0mail_version=3.7.11\0y"), version("3.7.11"));
        let snapshot = found(b"mail_version=3.12-20260821\0");
        assert_eq!(snapshot, version("3.12-20260821"));
        assert_eq!(found(b"mmail_version=3.12\0"), version("3.12"));
        assert_eq!(
            found(b"mail_version=%s\0mail_version=3.9.1\0"),
            version("3.9.1")
        );
    }

    #[test]
    fn text_that_is_not_a_version_is_refused() {
        for text in [
            &b"mail_version=\0"[..],
            b"mail_version=3.7.11",
            b"mail_version=x.y\0",
            b"mail_version=3.\xff\0",
            b"nothing",
            b"",
            b"m",
        ] {
            assert_eq!(found(text), None, "{text:?}");
        }
        let endless = [MARK, &[b'3'; 200_000]].concat();
        assert_eq!(found(&endless), None);
    }

    #[test]
    fn a_version_alone_is_one_of_postfix_3_and_between_nuls() {
        let alone = |bytes: &[u8]| search_alone(bytes);
        let debian = b"\x7fELF\x005.1.2\0x3.9.1\x003.11.7\x003.8.1\0";
        assert_eq!(alone(debian).as_deref(), Some("3.11.7"));
        let snapshot = b"\x003.12-20260821\0";
        assert_eq!(alone(snapshot).as_deref(), Some("3.12-20260821"));
        let long = [&b"\0"[..], &[b'x'; VERSION_MAX], b"3.11.7\0"].concat();
        for text in [
            &b"3.11.7\0"[..],
            b"\x003.11.7",
            b"\x003.11\0",
            b"\x003.11.x\0",
            b"\x004.4.2\0",
            b"",
            &long,
        ] {
            assert_eq!(alone(text), None, "{text:?}");
        }
    }

    #[test]
    fn a_version_across_two_pieces_is_found() {
        for before in PIECE - 40..PIECE + 3 {
            let text = [&vec![b'm'; before], &b"mail_version=3.10.5\0"[..]].concat();
            assert_eq!(found(&text).as_deref(), Some("3.10.5"), "{before}");
        }
    }
}
