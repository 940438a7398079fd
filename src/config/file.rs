//! Reads a configuration file and splits it into logical lines.
//!
//! Limits the size of the file. Independent of the meaning of a line and of error
//! texts.

use std::fs::{File, OpenOptions};
use std::io;
use std::io::Read;
use std::os::unix::fs::{FileTypeExt, OpenOptionsExt};
use std::path::Path;

use bstr::ByteSlice;
use nix::errno::Errno;
use nix::fcntl::OFlag;

use super::error::{ConfigError, printable};
use crate::text::{Charset, is_space, trim_space_start};

/// Largest size of a configuration file in bytes. Postfix has no limit; this one
/// keeps a set-gid program from reading without end.
const SIZE_MAX: u64 = 16 << 20;
/// Largest number of bytes that a warning shows of a continuation line without a
/// line before it.
const SHOWN_MAX: usize = 30;

/// Why a file could not be read.
#[derive(Debug)]
pub enum FileError {
    /// The file cannot be opened.
    Open(io::Error),
    /// The file cannot be read.
    Read(io::Error),
}

impl FileError {
    /// Converts to a [`ConfigError`] with the texts of the caller.
    pub fn of(self, path: &Path, open: &'static str, read: &'static str) -> ConfigError {
        let (words, source) = match self {
            Self::Open(source) => (open, source),
            Self::Read(source) => (read, source),
        };
        ConfigError::File {
            words,
            path: path.to_owned(),
            source,
        }
    }
}

/// Reads a configuration file. Refuses a FIFO, for which Postfix would wait, and a
/// file without end.
///
/// # Errors
///
/// The file cannot be opened or read, or is none that is read.
pub fn read(path: &Path) -> Result<Vec<u8>, FileError> {
    let file = open_without_waiting(path).map_err(FileError::Open)?;
    let mut text = Vec::new();
    file.take(SIZE_MAX.saturating_add(1))
        .read_to_end(&mut text)
        .map_err(FileError::Read)?;
    match u64::try_from(text.len()) {
        Ok(size) if size <= SIZE_MAX => Ok(text),
        _ => Err(FileError::Read(Errno::EFBIG.into())),
    }
}

fn open_without_waiting(path: &Path) -> io::Result<File> {
    let file = OpenOptions::new()
        .read(true)
        .custom_flags((OFlag::O_NONBLOCK | OFlag::O_NOCTTY).bits())
        .open(path)?;
    if file.metadata()?.file_type().is_fifo() {
        return Err(io::Error::other("Not a regular file"));
    }
    Ok(file)
}

/// Joins continuation lines and drops comments. Each logical line comes with the
/// number of its first physical line. A NUL terminates a logical line as it does a
/// C string.
pub fn logical_lines(text: &[u8]) -> impl Iterator<Item = (u64, Vec<u8>)> {
    spans(text).filter_map(|span| Some((span.first, span.line?)))
}

/// The part of a file that is read for one logical line.
#[derive(Debug)]
pub struct Span {
    /// Number of the first physical line.
    pub first: u64,
    /// Number of the last physical line, including comments and blank lines that
    /// were read.
    pub last: u64,
    /// Whether any of the physical lines contains a NUL.
    pub has_nul: bool,
    /// The logical line; `None` at the end of a file that ends in comments.
    pub line: Option<Vec<u8>>,
}

impl Span {
    /// Returns the same span with lines counted from the one after `before`.
    pub fn counted_from(&self, before: u64) -> Self {
        Self {
            first: self.first.saturating_sub(before),
            last: self.last.saturating_sub(before),
            has_nul: self.has_nul,
            line: self.line.clone(),
        }
    }

    /// The warning of Postfix 3.9 and later about a NUL, if there is one.
    pub fn nul_warning(&self, path: &str) -> Option<String> {
        let Self { first, last, .. } = self;
        let lines = if first == last {
            first.to_string()
        } else {
            format!("{first}-{last}")
        };
        let text = format!("{path}, line {lines}: text after null byte may be ignored");
        self.has_nul.then_some(text)
    }
}

/// Splits a file into spans, one for each logical line.
pub fn spans(text: &[u8]) -> impl Iterator<Item = Span> {
    let text = text.strip_suffix(b"\n").unwrap_or(text);
    let mut physical = (1u64..).zip(text.split(|&byte| byte == b'\n')).peekable();
    std::iter::from_fn(move || {
        let &(first, _) = physical.peek()?;
        let mut span = Span {
            first,
            last: first,
            has_nul: false,
            line: None,
        };
        let mut next = |is_begun: bool| {
            let belongs = |line: &[u8]| !is_begun || is_ignored(line) || begins_with_space(line);
            physical.next_if(|(_, line)| belongs(line))
        };
        while let Some((number, line)) = next(span.line.is_some()) {
            span.last = number;
            span.has_nul |= line.contains(&0);
            if let Some(logical) = &mut span.line {
                if !is_ignored(line) {
                    logical.extend_from_slice(line);
                }
            } else {
                span.first = number;
                span.line = (!is_ignored(line)).then(|| line.to_vec());
            }
        }
        if let Some(logical) = &mut span.line
            && let Some(end) = logical.find_byte(0)
        {
            logical.truncate(end);
        }
        Some(span)
    })
}

/// Whether a physical line is blank or a comment.
fn is_ignored(line: &[u8]) -> bool {
    matches!(trim_space_start(line).first(), None | Some(b'#'))
}

/// Whether a physical line continues the logical line before it.
pub fn begins_with_space(line: &[u8]) -> bool {
    line.first().is_some_and(|&byte| is_space(byte))
}

/// The warning about a continuation line without a line before it.
pub fn no_beginning(path: &str, line: &[u8], charset: Charset) -> String {
    let start = line.get(..SHOWN_MAX).unwrap_or(line);
    let dots = if start.len() < line.len() { "..." } else { "" };
    let start = printable(start, charset);
    format!("{path}: logical line must not start with whitespace: \"{start}{dots}\"")
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_logical_line_continues_across_comments_and_blank_lines() {
        let text = b"\n x\n#\ny \n\t \n z\n  #\nw\0v\n u";
        let lines: Vec<_> = logical_lines(text).collect();
        let expected = [(2, " x"), (4, "y  z"), (8, "w")];
        assert_eq!(lines, expected.map(|(n, line)| (n, line.into())));
    }

    // The line numbers are those of Postfix 3.10.13.
    #[test]
    fn a_warning_about_a_nul_names_all_lines_that_were_read() {
        for (text, lines) in [
            ("x = 1\0\n#c\ny = 1\n", "1-2"),
            ("x = 1\0\n#c\n", "1-2"),
            ("z = a\n b\0c\n\n# k\nw = 1\n", "1-4"),
            ("w = 1\0\n\n\n", "1-3"),
            ("w = 1\0\n\n#\n\nq = 1\n", "1-4"),
            ("q = 2\n r\0", "1-2"),
            ("\n#c\0\n", "2"),
            ("x=1\n#\0\n x2\n", "1-3"),
            ("x=1\n\n#\n x\0\n#\ny = 2\n", "1-5"),
            (" a\0b\nx = 1\n", "1"),
            ("x = 1\n\0\ny = 2\n", "2"),
        ] {
            let warnings: Vec<_> = spans(text.as_bytes())
                .filter_map(|span| span.nul_warning("F"))
                .collect();
            let expected = format!("F, line {lines}: text after null byte may be ignored");
            assert_eq!(warnings, [expected], "{text:?}");
        }
    }

    #[test]
    fn a_fifo_does_not_block() {
        let directory = tempfile::tempdir().unwrap();
        let path = directory.path().join("main.cf");
        nix::unistd::mkfifo(&path, nix::sys::stat::Mode::S_IRWXU).unwrap();
        assert!(matches!(read(&path), Err(FileError::Open(_))));
    }

    #[test]
    fn a_file_without_end_is_refused() {
        assert!(matches!(
            read(Path::new("/dev/zero")),
            Err(FileError::Read(_))
        ));
        assert!(read(Path::new("/dev/null")).unwrap().is_empty());
    }
}
