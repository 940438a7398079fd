//! Decides which files qshape reads: by their names, and by their kinds and
//! permissions once they are open. Observed with qshape of Postfix 3.7.11.

use std::io;

use crate::spool::message;
use crate::spool::message::Message;
use crate::sys::dir::Dir;

/// The file permissions that a message must have, and the mask of those that are
/// compared.
const MODE: (u32, u32) = (0o700, 0o733);
/// Smallest number of letters and digits in a file name.
const NAME_MIN: usize = 6;

/// Whether a file with this name is opened.
pub fn is_candidate(name: &[u8]) -> bool {
    // In a Perl regular expression, `$` also matches before a newline at the end.
    let name = name.strip_suffix(b"\n").unwrap_or(name);
    name.len() >= NAME_MIN && name.iter().all(u8::is_ascii_alphanumeric)
}

/// Opens the file `name` in `dir`. Returns `None` if it cannot be counted.
///
/// # Errors
///
/// Descriptors or memory are exhausted: a count without the file would be wrong.
pub fn open(dir: &Dir, name: &[u8]) -> io::Result<Option<Message>> {
    let (file, stat) = match message::open_any(dir, name) {
        Ok(opened) => opened,
        Err(cause) if message::is_exhaustion(&cause) => return Err(cause),
        // Missing, a symbolic link, or not readable. Observed with Postfix
        // 3.7.11: not reported.
        Err(_) => return Ok(None),
    };
    let counts = message::is_regular(&stat) && stat.st_mode & MODE.1 == MODE.0;
    Ok(counts.then_some(Message { file, stat }))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn candidate_names_are_letters_and_digits() {
        for (name, is_candidate_) in [
            (&b"ABCDEF"[..], true),
            (b"3A78999CD00", true),
            (b"ABCDEF\n", true),
            (b"ABCDE", false),
            (b"ABC_EF", false),
            (b"ABCDEF\n\n", false),
            (b"\xc3\xa9BCDEF", false),
        ] {
            assert_eq!(is_candidate(name), is_candidate_, "{name:?}");
        }
    }
}
