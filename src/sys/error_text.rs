//! System errors: their strerror(3) texts without additions, and comparison
//! with error numbers.

use std::io;

use nix::errno::Errno;

/// Returns the strerror(3) text, for example `No such file or directory`.
///
/// The standard library appends ` (os error 2)`; administrators and their
/// scripts know the text without it.
pub fn error_text(error: &io::Error) -> String {
    let text = error.to_string();
    match error.raw_os_error() {
        Some(code) => text
            .strip_suffix(&format!(" (os error {code})"))
            .map_or(text.clone(), str::to_owned),
        None => text,
    }
}

/// Returns whether an error has one of these error numbers.
pub fn is_any(error: &io::Error, errnos: &[Errno]) -> bool {
    errnos.iter().any(|errno| is(error, *errno))
}

/// Returns whether an error has this error number.
pub fn is(error: &io::Error, errno: Errno) -> bool {
    error.raw_os_error() == Some(errno as i32)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_error_number_is_removed() {
        let error = io::Error::from_raw_os_error(nix::libc::ENOENT);
        assert_eq!(error_text(&error), "No such file or directory");
    }
}
