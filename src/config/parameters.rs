//! Parameters: main.cf together with the defaults, values by name and type.
//!
//! Owns how a value is expanded and converted and the words when it cannot be.
//! Which parameters there are is decided by `table`.

use std::collections::HashMap;
use std::time::Duration;

use super::error::{ConfigError, printable};
use super::expand::{ExpansionError, expand};
use super::main_cf::MainCf;
use crate::text::{Charset, trim_space_start, whole_number};

/// The settings of a main.cf and the defaults of what it does not set.
#[derive(Clone, Debug)]
pub struct Parameters {
    file: MainCf,
    /// The values of the parameters that were looked at.
    taken: HashMap<&'static str, Vec<u8>>,
    charset: Charset,
}

impl Parameters {
    /// The settings of a file, without any default yet.
    pub fn new(file: MainCf) -> Self {
        Self {
            file,
            taken: HashMap::new(),
            charset: Charset::Ascii,
        }
    }

    /// Which bytes messages may hold from now on.
    pub fn set_charset(&mut self, charset: Charset) {
        self.charset = charset;
    }

    /// Which bytes messages may hold.
    pub fn charset(&self) -> Charset {
        self.charset
    }

    /// The name of the file, as it appears in messages.
    pub fn file(&self) -> String {
        use std::os::unix::ffi::OsStrExt;
        self.shown(self.file.path().as_os_str().as_bytes())
    }

    /// The expanded value of a parameter, or of its default if the file does
    /// not set it. As in Postfix, it is the expanded default that other values
    /// refer to from then on, and that is expanded again with them.
    pub fn take(
        &mut self,
        name: &'static str,
        default: &[u8],
        warnings: &mut Vec<String>,
    ) -> Result<Vec<u8>, ConfigError> {
        let raw = self.file.get(name.as_bytes());
        let value = self.expand(raw.unwrap_or(default), warnings)?;
        self.file.set_default(name.as_bytes(), &value);
        self.taken.insert(name, value.clone());
        Ok(value)
    }

    /// Whether the file or a default sets a parameter.
    pub fn is_set(&self, name: &str) -> bool {
        self.file.get(name.as_bytes()).is_some()
    }

    /// Whether any value in the file has this text in it.
    pub fn mentions(&self, text: &str) -> bool {
        let has = |value: &Vec<u8>| {
            value
                .windows(text.len())
                .any(|part| part == text.as_bytes())
        };
        self.file.values().values().any(has)
    }

    /// The expanded value of any name; empty if nothing sets it. What
    /// `postconf -x -h NAME` says, apart from runs of blanks.
    pub fn value(&self, name: &[u8]) -> Result<Vec<u8>, ConfigError> {
        let taken = self
            .taken
            .iter()
            .find(|(taken, _)| taken.as_bytes() == name);
        match taken {
            Some((_, value)) => Ok(value.clone()),
            None => self.expanded(name, &mut Vec::new()),
        }
    }

    /// Bytes as they may appear in a message.
    pub fn shown(&self, bytes: &[u8]) -> String {
        printable(bytes, self.charset)
    }

    /// The present value of any name, with the warnings on the way.
    pub fn expanded(
        &self,
        name: &[u8],
        warnings: &mut Vec<String>,
    ) -> Result<Vec<u8>, ConfigError> {
        self.expand(self.file.get(name).unwrap_or_default(), warnings)
    }

    fn expand(&self, raw: &[u8], warnings: &mut Vec<String>) -> Result<Vec<u8>, ConfigError> {
        let mut faults = Vec::new();
        let result = expand(raw, self.file.values(), &mut faults);
        warnings.extend(faults.iter().map(|words| self.shown(words)));
        result.map_err(|fault| match fault {
            ExpansionError::Malformed => ConfigError::Macro,
            ExpansionError::Conversion(digits) => ConfigError::Conversion {
                text: self.shown(&digits),
            },
        })
    }

    /// Takes a value as text of at least that many bytes.
    pub fn text(
        &self,
        name: &'static str,
        value: Vec<u8>,
        least: usize,
    ) -> Result<Vec<u8>, ConfigError> {
        let length = value.len();
        if length >= least {
            return Ok(value);
        }
        Err(ConfigError::Length {
            name,
            value: self.shown(&value),
            length,
            least,
        })
    }

    /// The number in `digits`, a part of `value`, which an error shows.
    pub fn integer_in(
        &self,
        name: &'static str,
        digits: &[u8],
        value: &[u8],
    ) -> Result<i32, ConfigError> {
        whole_number(digits).ok_or_else(|| ConfigError::Integer {
            name,
            value: self.shown(value),
        })
    }

    /// Sets a parameter to what its text is understood as.
    pub fn replace(&mut self, name: &'static str, value: String) {
        let value = value.into_bytes();
        self.file.set(name.as_bytes(), &value);
        self.taken.insert(name, value);
    }

    /// Takes a value as a number.
    pub fn integer(
        &self,
        name: &'static str,
        value: &[u8],
        least: i32,
    ) -> Result<i32, ConfigError> {
        let number = whole_number(value).ok_or_else(|| ConfigError::Integer {
            name,
            value: self.shown(value),
        })?;
        if number < least {
            return Err(ConfigError::IntegerRange {
                name,
                value: number,
                least,
            });
        }
        Ok(number)
    }

    /// Takes a value as yes or no.
    pub fn boolean(&self, name: &'static str, value: &[u8]) -> Result<bool, ConfigError> {
        if value.eq_ignore_ascii_case(b"yes") {
            Ok(true)
        } else if value.eq_ignore_ascii_case(b"no") {
            Ok(false)
        } else {
            let value = self.shown(value);
            Err(ConfigError::Boolean { name, value })
        }
    }

    /// Takes a value as a time.
    pub fn time(
        &self,
        name: &'static str,
        value: &[u8],
        least: i32,
    ) -> Result<Duration, ConfigError> {
        let seconds = seconds(value).ok_or_else(|| ConfigError::Time {
            name,
            value: self.shown(value),
        })?;
        if seconds < least {
            return Err(ConfigError::TimeRange {
                name,
                value: seconds,
                least,
            });
        }
        Ok(Duration::from_secs(seconds.unsigned_abs().into()))
    }
}

/// A time: a number, then a letter for its unit, or nothing for seconds. Like
/// Postfix, takes a unit alone for zero, and ignores what follows the unit.
fn seconds(text: &[u8]) -> Option<i32> {
    let start = trim_space_start(text);
    let (sign, unsigned) = match start.split_first() {
        Some((sign @ (b'-' | b'+'), rest)) => (*sign, rest),
        _ => (b'+', start),
    };
    let length = unsigned.iter().take_while(|b| b.is_ascii_digit()).count();
    let (digits, unit) = unsigned.split_at_checked(length)?;
    let (number, unit) = match digits {
        // No number at all: the unit is looked for where the text begins.
        [] => (0, text),
        digits => (std::str::from_utf8(digits).ok()?.parse().ok()?, unit),
    };
    if text.is_empty() || (sign == b'-' && number != 0) {
        return None;
    }
    let factor: i32 = match unit.first() {
        None | Some(b's') => 1,
        Some(b'm') => 60,
        Some(b'h') => 60 * 60,
        Some(b'd') => 24 * 60 * 60,
        Some(b'w') => 7 * 24 * 60 * 60,
        Some(_) => return None,
    };
    // Postfix refuses the largest number of a unit that would still fit.
    let limit = i32::MAX.checked_div(factor)?;
    (factor == 1 || number < limit).then_some(())?;
    number.checked_mul(factor)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn times_are_a_number_and_one_letter() {
        for (text, expected) in [
            ("10", Some(10)),
            ("10s", Some(10)),
            ("+5", Some(5)),
            ("010m", Some(600)),
            ("1d2h", Some(86400)),
            ("10sx", Some(10)),
            ("s", Some(0)),
            ("2147483647", Some(i32::MAX)),
            ("35791393m", Some(35_791_393 * 60)),
            ("35791394m", None),
            ("3549w", Some(3549 * 604_800)),
            ("3550w", None),
            ("2147483648", None),
            ("", None),
            ("-1", None),
            ("10S", None),
            ("10 s", None),
            ("1.5m", None),
            ("x", None),
        ] {
            assert_eq!(seconds(text.as_bytes()), expected, "{text}");
        }
    }

    #[test]
    fn numbers_fit_an_int() {
        assert_eq!(whole_number(b"+5"), Some(5));
        assert_eq!(whole_number(b"-1"), Some(-1));
        assert_eq!(whole_number(b"2147483647"), Some(i32::MAX));
        for text in ["", "x", "1x", "0x10", "2147483648", "5 6", "1.0"] {
            assert_eq!(whole_number::<i32>(text.as_bytes()), None, "{text}");
        }
    }
}
