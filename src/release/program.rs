//! The version that a program of Postfix carries: the bytes `mail_version=`
//! in its file, then the version up to a NUL.
//!
//! Reads a file piece by piece and ends where the version is found.

use std::fs::OpenOptions;
use std::io::Read;
use std::os::unix::fs::OpenOptionsExt;
use std::path::Path;

use nix::fcntl::OFlag;

/// What is before the version.
const MARK: &[u8] = b"mail_version=";
/// A program is small; nothing larger is searched.
const SIZE_MAX: u64 = 16 * 1024 * 1024;
/// Bytes of a version at most.
const VERSION_MAX: usize = 40;
/// Bytes read at a time.
const PIECE: usize = 64 * 1024;

/// The version in a program, as it is written there; `None` if the file
/// cannot be read or has none.
pub(super) fn version_in(program: &Path) -> Option<String> {
    // A FIFO or a device in the program's place must not make us wait.
    let file = OpenOptions::new()
        .read(true)
        .custom_flags((OFlag::O_NONBLOCK | OFlag::O_NOCTTY).bits())
        .open(program)
        .ok()?;
    let metadata = file.metadata().ok()?;
    if !metadata.is_file() || metadata.len() > SIZE_MAX {
        return None;
    }
    search(file.take(SIZE_MAX))
}

/// Looks for the version in all that `input` has.
fn search(mut input: impl Read) -> Option<String> {
    let mut window = Vec::with_capacity(PIECE);
    loop {
        let before = window.len();
        let wanted = u64::try_from(PIECE).ok()?;
        let count = input.by_ref().take(wanted).read_to_end(&mut window).ok()?;
        match find(&window) {
            SectionData::Version(version) => return Some(version),
            SectionData::No if count == 0 => return None,
            // A mark without its end stays in the window until more is read.
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

/// What a part of a file holds.
#[derive(Debug, PartialEq, Eq)]
enum SectionData {
    /// No mark.
    No,
    /// A mark, from there, whose version may go on after the part.
    Part(usize),
    /// A version.
    Version(String),
}

fn find(bytes: &[u8]) -> SectionData {
    let mut from = 0;
    while let Some(at) = next_mark(bytes, from) {
        let start = at.saturating_add(MARK.len());
        let text = bytes.get(start..).unwrap_or_default();
        match text.iter().take(VERSION_MAX).position(|&byte| byte == 0) {
            Some(end) => {
                let version = text.get(..end).unwrap_or_default();
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

/// Where the next mark begins. Most bytes of a program are no `m`: looking for
/// that one first is what makes it quick.
fn next_mark(bytes: &[u8], mut from: usize) -> Option<usize> {
    loop {
        let rest = bytes.get(from..)?;
        let at = from.saturating_add(rest.iter().position(|byte| MARK.first() == Some(byte))?);
        if bytes.get(at..)?.starts_with(MARK) {
            return Some(at);
        }
        from = at.saturating_add(1);
    }
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
    fn a_text_that_is_no_version_is_none() {
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
    fn a_version_across_two_pieces_is_found() {
        for before in PIECE - 40..PIECE + 3 {
            let text = [&vec![b'm'; before], &b"mail_version=3.10.5\0"[..]].concat();
            assert_eq!(found(&text).as_deref(), Some("3.10.5"), "{before}");
        }
    }
}
