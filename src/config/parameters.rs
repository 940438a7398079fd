//! Parameters: the settings of main.cf together with the defaults, expanded and
//! converted to types.
//!
//! Error texts are those of Postfix. The parameters are listed in `table`.

use std::collections::HashMap;
use std::time::Duration;

use bstr::ByteSlice;

use super::error::{ConfigError, printable};
use super::expand::expand;
use super::expansion::ExpansionError;
use super::main_cf::MainCf;
use super::reference::LevelOperators;
use crate::text::{Charset, leading_number, whole_number};

/// The settings of a main.cf, and the defaults of parameters that it does not set.
#[derive(Clone, Debug)]
pub struct Parameters {
    file: MainCf,
    /// The expanded values of the parameters that have been read.
    taken: HashMap<&'static str, Vec<u8>>,
    charset: Charset,
    levels: LevelOperators,
}

impl Parameters {
    /// The settings of a file, without defaults.
    pub fn new(file: MainCf) -> Self {
        Self {
            file,
            taken: HashMap::new(),
            charset: Charset::Ascii,
            levels: LevelOperators::Known,
        }
    }

    /// Sets whether values can compare levels from now on.
    pub fn set_level_operators(&mut self, levels: LevelOperators) {
        self.levels = levels;
    }

    /// Sets the characters that messages can contain from now on.
    pub fn set_charset(&mut self, charset: Charset) {
        self.charset = charset;
    }

    /// The characters that messages can contain.
    pub fn charset(&self) -> Charset {
        self.charset
    }

    /// The path of the file as it appears in messages.
    pub fn file(&self) -> String {
        use std::os::unix::ffi::OsStrExt;
        self.shown(self.file.path().as_os_str().as_bytes())
    }

    /// Reads a parameter: its expanded value, or its expanded default if the file
    /// does not set it. As in Postfix, later values refer to the expanded default,
    /// which is then expanded again.
    ///
    /// # Errors
    ///
    /// The value cannot be expanded.
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

    /// Whether any value in the file contains this text.
    pub fn mentions(&self, text: &str) -> bool {
        let mut values = self.file.values().values();
        values.any(|value| value.contains_str(text))
    }

    /// The expanded value of any parameter; empty if nothing sets it. The same as
    /// the output of `postconf -x -h NAME`, except for runs of blanks.
    ///
    /// # Errors
    ///
    /// The value cannot be expanded.
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

    /// Bytes as they can appear in a message.
    pub fn shown(&self, bytes: &[u8]) -> String {
        printable(bytes, self.charset)
    }

    /// The expanded current value of any parameter. Adds warnings about the
    /// expansion.
    ///
    /// # Errors
    ///
    /// The value cannot be expanded.
    pub fn expanded(
        &self,
        name: &[u8],
        warnings: &mut Vec<String>,
    ) -> Result<Vec<u8>, ConfigError> {
        self.expand(self.file.get(name).unwrap_or_default(), warnings)
    }

    fn expand(&self, raw: &[u8], warnings: &mut Vec<String>) -> Result<Vec<u8>, ConfigError> {
        let mut faults = Vec::new();
        let result = expand(raw, self.file.values(), self.levels, &mut faults);
        warnings.extend(faults.iter().map(|words| self.shown(words)));
        result.map_err(|fault| match fault {
            ExpansionError::Malformed => ConfigError::Macro,
            ExpansionError::Conversion(digits) => ConfigError::Conversion {
                text: self.shown(&digits),
            },
        })
    }

    /// Checks that a value has at least `least` bytes.
    ///
    /// # Errors
    ///
    /// It is shorter.
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

    /// Parses `digits`, a part of `value`. An error shows `value`.
    ///
    /// # Errors
    ///
    /// They are no number, or none that fits.
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

    /// Sets a parameter to the value as it is interpreted.
    pub fn replace(&mut self, name: &'static str, value: String) {
        let value = value.into_bytes();
        self.file.set(name.as_bytes(), &value);
        self.taken.insert(name, value);
    }

    /// Parses a number that must be at least `least`.
    ///
    /// # Errors
    ///
    /// It is no number, none that fits, or less than `least`.
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

    /// Parses yes or no.
    ///
    /// # Errors
    ///
    /// It is neither.
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

    /// Parses a time that must be at least `least` seconds.
    ///
    /// # Errors
    ///
    /// It is no time, none that fits, or less than `least` seconds.
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

/// Parses a time: a number and one letter for its unit; the default unit is the
/// second. Like Postfix, accepts a unit alone as zero, and ignores text after the
/// unit.
fn seconds(text: &[u8]) -> Option<i32> {
    if text.is_empty() {
        return None;
    }
    // No number at all: the unit is looked for where the text begins.
    let (number, unit) = leading_number(text).unwrap_or((0, text));
    let number = i32::try_from(number).ok().filter(|number| *number >= 0)?;
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
