//! Parses main.cf into names and unexpanded values. Independent of which parameters
//! exist and of what their values mean.

use std::os::unix::ffi::OsStrExt;
use std::path::{Path, PathBuf};

use bstr::ByteSlice;

use super::error::{ConfigError, printable};
use super::expand::Values;
use super::file;
use super::file::{begins_with_space, spans};
use crate::text::{Charset, split_assignment};

/// Differences between Postfix releases in parsing the file.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct LineRules {
    /// How to treat NUL bytes.
    pub nuls: Nuls,
    /// How to treat lines that begin with the equals sign.
    pub no_name: NoName,
}

impl LineRules {
    /// The rules that accept most, for parsing a file before its release is known.
    pub const LENIENT: Self = Self {
        nuls: Nuls::Ignore,
        no_name: NoName::Accept,
    };
}

/// How to treat NUL bytes in the file.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Nuls {
    /// Without a warning.
    Ignore,
    /// With a warning.
    Warn,
}

/// How to treat a setting without a name.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum NoName {
    /// Accept it; nothing can refer to the parameter that it sets.
    Accept,
    /// Refuse it with an error.
    Refuse,
}

/// The settings of a main.cf, not yet expanded.
#[derive(Clone, Debug)]
pub struct MainCf {
    path: PathBuf,
    values: Values,
}

impl MainCf {
    /// Reads `directory`/main.cf. The file can refer to the directory as
    /// `$config_directory`, and to `process_name` if there is one. `rules_of` is
    /// called only if the file contains something that the rules apply to.
    pub fn read(
        directory: &Path,
        process_name: Option<&str>,
        rules_of: impl FnOnce(&Self) -> LineRules,
        warnings: &mut Vec<String>,
    ) -> Result<Self, ConfigError> {
        let path = file_of(directory);
        let text = file::read(&path).map_err(|fault| fault.of(&path, "open", "read"))?;
        let mut presets = vec![("config_directory", directory.as_os_str().as_bytes())];
        presets.extend(process_name.map(|name| ("process_name", name.as_bytes())));
        // The rules depend on daemon_directory, which is set in the file.
        let first_look = |text: &[u8]| {
            let rules = LineRules::LENIENT;
            Self::parse(path.clone(), text, &presets, rules, &mut Vec::new())
        };
        let has_no_name = text.starts_with(b"=") || text.contains_str("\n=");
        let rules = if text.contains(&0) || has_no_name {
            // A file with errors does not say where the daemons are.
            let file = first_look(&text).or_else(|_| first_look(b""));
            file.map_or(LineRules::LENIENT, |file| rules_of(&file))
        } else {
            LineRules::LENIENT
        };
        Self::parse(path.clone(), &text, &presets, rules, warnings)
    }

    /// Parses `text` as the contents of `path`. `presets` are set beforehand.
    ///
    /// # Errors
    ///
    /// A line is no setting, as the rules have it.
    pub fn parse(
        path: PathBuf,
        text: &[u8],
        presets: &[(&str, &[u8])],
        rules: LineRules,
        warnings: &mut Vec<String>,
    ) -> Result<Self, ConfigError> {
        let values = presets
            .iter()
            .map(|(name, value)| (name.as_bytes().to_vec(), value.to_vec()))
            .collect();
        let mut file = Self { path, values };
        let shown = printable(file.path.as_os_str().as_bytes(), Charset::Ascii);
        for span in spans(text) {
            if rules.nuls == Nuls::Warn {
                warnings.extend(span.nul_warning(&shown));
            }
            if let Some(line) = &span.line {
                file.take_line(span.first, line, rules.no_name, warnings)?;
            }
        }
        Ok(file)
    }

    /// The path of the file.
    pub fn path(&self) -> &Path {
        &self.path
    }

    /// The unexpanded value of a parameter, if it is set.
    pub fn get(&self, name: &[u8]) -> Option<&[u8]> {
        self.values.get(name).map(Vec::as_slice)
    }

    /// All unexpanded values.
    pub fn values(&self) -> &Values {
        &self.values
    }

    /// Sets a parameter.
    pub fn set(&mut self, name: &[u8], value: &[u8]) {
        self.values.insert(name.to_vec(), value.to_vec());
    }

    /// Sets a parameter unless it is already set.
    pub fn set_default(&mut self, name: &[u8], value: &[u8]) {
        if !self.values.contains_key(name) {
            self.values.insert(name.to_vec(), value.to_vec());
        }
    }

    fn take_line(
        &mut self,
        line: u64,
        text: &[u8],
        no_name: NoName,
        warnings: &mut Vec<String>,
    ) -> Result<(), ConfigError> {
        let shown = |bytes: &[u8]| printable(bytes, Charset::Ascii);
        let path = shown(self.path.as_os_str().as_bytes());
        if begins_with_space(text) {
            warnings.push(file::no_beginning(&path, text, Charset::Ascii));
            return Ok(());
        }
        let (name, value) = match split_setting(text) {
            Ok(setting) => setting,
            Err(LineError::NoName) if no_name == NoName::Accept && text.first() == Some(&b'=') => {
                return Ok(());
            }
            Err(fault) => return Err(self.fault(fault, line, shown(text))),
        };
        if let Some(old) = self.get(name).filter(|old| *old != value) {
            warnings.push(format!(
                "{path}, line {line}: overriding earlier entry: {}={}",
                shown(name),
                shown(old)
            ));
        }
        self.values.insert(name.to_vec(), value.to_vec());
        Ok(())
    }

    fn fault(&self, fault: LineError, line: u64, text: String) -> ConfigError {
        let path = self.path.clone();
        match fault {
            LineError::NoName => ConfigError::MissingName { path, line, text },
            LineError::NoEquals => ConfigError::MissingEquals { path, line, text },
        }
    }
}

/// The path of main.cf in a configuration directory as Postfix writes it: the
/// directory is unchanged, even if it is empty or ends in a slash.
pub fn file_of(directory: &Path) -> PathBuf {
    let mut name = directory.as_os_str().to_owned();
    name.push("/main.cf");
    name.into()
}

/// Why a line is not a setting.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum LineError {
    /// It has no name.
    NoName,
    /// It has no equals sign after the name.
    NoEquals,
}

/// Splits `name = value`, and removes the white space around both.
///
/// # Errors
///
/// There is no name, or no equals sign.
pub fn split_setting(line: &[u8]) -> Result<(&[u8], &[u8]), LineError> {
    match split_assignment(line) {
        ([], _) => Err(LineError::NoName),
        (name, Some(value)) => Ok((name, value)),
        (_, None) => Err(LineError::NoEquals),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const NEWEST: LineRules = LineRules {
        nuls: Nuls::Ignore,
        no_name: NoName::Refuse,
    };

    fn parse(text: &[u8]) -> (Result<MainCf, ConfigError>, Vec<String>) {
        let mut warnings = Vec::new();
        let file = MainCf::parse("F".into(), text, &[], NEWEST, &mut warnings);
        (file, warnings)
    }

    fn value_of_x(text: &[u8]) -> Vec<u8> {
        parse(text).0.unwrap().get(b"x").unwrap().to_vec()
    }

    #[test]
    fn a_logical_line_continues_across_comments_and_blank_lines() {
        assert_eq!(value_of_x(b"x = a\n#c\n  b\n\n  # d\n  c\n"), b"a  b  c");
        assert_eq!(value_of_x(b"x = a  \n  b  \n"), b"a    b");
        assert_eq!(value_of_x(b"x = a"), b"a");
        assert_eq!(value_of_x(b"x\x0b=\x0c1\r\n"), b"1");
        assert_eq!(value_of_x(b"x = a\0b\n y\nz=1"), b"a");
    }

    #[test]
    fn a_continuation_without_a_line_before_it_is_ignored_with_a_warning() {
        let (file, warnings) = parse(b"#c\n lead\n cont\nx=1");
        assert_eq!(file.unwrap().get(b"x"), Some(b"1".as_slice()));
        assert_eq!(
            warnings,
            ["F: logical line must not start with whitespace: \" lead cont\""]
        );
        let (_, warnings) = parse(
            &[b' '; 3]
                .repeat(20)
                .into_iter()
                .chain(*b"z")
                .collect::<Vec<_>>(),
        );
        assert!(warnings.first().unwrap().ends_with("  ...\""));
    }

    #[test]
    fn the_last_setting_wins_and_a_different_one_warns() {
        let (file, warnings) = parse(b"x=1\nx = 1\n\nx=\n 3\n");
        assert_eq!(file.unwrap().get(b"x"), Some(b"3".as_slice()));
        assert_eq!(warnings, ["F, line 4: overriding earlier entry: x=1"]);
    }

    #[test]
    fn lines_without_a_setting_are_fatal() {
        for (text, message) in [
            (
                "\n#\nno\teq \n t\n",
                "F, line 3: missing '=' after attribute name: \"no?eq  t\"",
            ),
            ("= 3", "F, line 1: missing attribute name: \"= 3\""),
            (
                "x += 3",
                "F, line 1: missing '=' after attribute name: \"x += 3\"",
            ),
            ("\0x = 1", "F, line 1: missing attribute name: \"\""),
        ] {
            assert_eq!(parse(text.as_bytes()).0.unwrap_err().to_string(), message);
        }
    }

    #[test]
    fn errors_in_reading_name_the_file_and_the_reason() {
        let directory = tempfile::tempdir().unwrap();
        let message = || {
            let result = MainCf::read(directory.path(), Some("x"), |_| NEWEST, &mut Vec::new());
            result.unwrap_err().to_string()
        };
        let path = directory.path().join("main.cf");
        let shown = path.display();
        assert_eq!(
            message(),
            format!("open {shown}: No such file or directory")
        );
        std::fs::create_dir(&path).unwrap();
        assert_eq!(message(), format!("read {shown}: Is a directory"));
    }

    #[test]
    fn the_spelling_of_the_directory_is_kept() {
        assert_eq!(file_of(Path::new("")), Path::new("/main.cf"));
        assert_eq!(file_of(Path::new("a/")).as_os_str(), "a//main.cf");
    }
}
