//! Determines which main.cf to read, from the `-c` option, the environment and the
//! default; and which other directories a set-gid program accepts.
//!
//! Independent of how a program got its rights. Interprets nothing else in main.cf.

use std::ffi::OsStr;
use std::os::unix::ffi::OsStrExt;
use std::path::{Path, PathBuf};

use super::error::{ConfigError, printable};
use super::file;
use super::main_cf::{file_of, split_setting};
use super::tokens::words;
use crate::sys::process::Trust;
use crate::text::Charset;

/// The default directory of main.cf.
pub const DEFAULT_DIRECTORY: &str = "/etc/postfix";
/// The environment variable that overrides the default directory.
pub const ENVIRONMENT: &str = "MAIL_CONFIG";

/// The parameters that list other configuration directories.
const LISTS: [&[u8]; 2] = [
    b"alternate_config_directories",
    b"multi_instance_directories",
];

/// The directory of main.cf: the value of `-c`, else that of MAIL_CONFIG, else
/// `default`, which is called only if it is needed. The first two are used
/// unchanged, even if empty.
pub fn locate(
    option: Option<&OsStr>,
    environment: Option<&OsStr>,
    trust: Trust,
    default: impl FnOnce() -> PathBuf,
    warnings: &mut Vec<String>,
) -> Result<PathBuf, ConfigError> {
    let named = option.or(environment).map(PathBuf::from);
    match trust {
        Trust::OwnRights => Ok(named.unwrap_or_else(default)),
        Trust::BorrowedRights => {
            let default = default();
            let directory = named.unwrap_or_else(|| default.clone());
            authorize(&directory, &default, warnings)?;
            Ok(directory)
        }
    }
}

/// Refuses a directory that is not listed, literally, in the main.cf of `default`.
fn authorize(
    directory: &Path,
    default: &Path,
    warnings: &mut Vec<String>,
) -> Result<(), ConfigError> {
    let wanted = directory.as_os_str().as_bytes();
    if wanted == default.as_os_str().as_bytes() {
        return Ok(());
    }
    let path = file_of(default);
    let text = file::read(&path).map_err(|fault| fault.of(&path, "open file", "read file"))?;
    for (_, line) in file::logical_lines(&text) {
        if file::begins_with_space(&line) {
            let path = path.display().to_string();
            warnings.push(file::no_beginning(&path, &line, Charset::Ascii));
        } else if lists(&line, wanted) {
            return Ok(());
        }
    }
    Err(ConfigError::Unauthorized {
        directory: printable(wanted, Charset::Ascii),
        default_file: path,
    })
}

/// Whether a line sets one of the two lists and contains a directory. Malformed
/// lines set nothing; every setting counts, not only the last one.
fn lists(line: &[u8], wanted: &[u8]) -> bool {
    split_setting(line).is_ok_and(|(name, value)| {
        LISTS.contains(&name) && words(value).any(|directory| directory == wanted)
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    struct Default(tempfile::TempDir);

    impl Default {
        fn with(text: &str) -> Self {
            let directory = tempfile::tempdir().unwrap();
            std::fs::write(directory.path().join("main.cf"), text).unwrap();
            Self(directory)
        }

        fn ask(&self, option: &str) -> Result<PathBuf, ConfigError> {
            let option = Some(OsStr::new(option));
            locate(
                option,
                None,
                Trust::BorrowedRights,
                || self.0.path().to_owned(),
                &mut Vec::new(),
            )
        }
    }

    #[test]
    fn the_option_precedes_the_environment_and_the_default() {
        let (option, environment) = (Some(OsStr::new("")), Some(OsStr::new("e")));
        let default = Path::new("/d");
        let ask = |option, environment| {
            locate(
                option,
                environment,
                Trust::OwnRights,
                || default.to_owned(),
                &mut Vec::new(),
            )
            .unwrap()
        };
        assert_eq!(ask(option, environment), Path::new(""));
        assert_eq!(ask(None, environment), Path::new("e"));
        assert_eq!(ask(None, None), default);
    }

    #[test]
    fn a_set_gid_program_accepts_only_directories_in_the_default_main_cf() {
        for text in [
            "alternate_config_directories = /alt",
            "multi_instance_directories = /x,/alt",
            "alternate_config_directories = /x\n  /alt",
            "alternate_config_directories = /alt\nalternate_config_directories = /x",
            "bad line\n= x\nalternate_config_directories={ /alt }",
            " lead\n#\nalternate_config_directories\n = /alt",
        ] {
            assert_eq!(Default::with(text).ask("/alt").unwrap(), Path::new("/alt"));
        }
        for text in [
            "",
            "alternate_config_directories = /alt/",
            "alternate_config_directories = {/alt}",
            "x = /alt\nalternate_config_directories = $x",
            "alternate_config_directories : /alt",
            "Alternate_config_directories = /alt",
            "# alternate_config_directories = /alt",
        ] {
            assert!(Default::with(text).ask("/alt").is_err(), "{text}");
        }
    }

    #[test]
    fn the_default_directory_is_compared_literally() {
        let default = Default::with("");
        let name = default.0.path().display().to_string();
        assert!(default.ask(&name).is_ok());
        assert!(default.ask(&format!("{name}/")).is_err());
    }

    #[test]
    fn a_refusal_has_two_lines() {
        let default = Default::with("");
        let error = default.ask("/a\tb").unwrap_err();
        assert_eq!(
            error.preamble().unwrap(),
            "unauthorized configuration directory name: /a?b"
        );
        let expected = format!(
            "specify \"alternate_config_directories = /a?b\" or \
             \"multi_instance_directories = /a?b\" in {}/main.cf",
            default.0.path().display()
        );
        assert_eq!(error.to_string(), expected);
    }

    #[test]
    fn a_default_that_cannot_be_read_authorizes_nothing() {
        let directory = tempfile::tempdir().unwrap();
        let option = Some(OsStr::new("/alt"));
        let result = locate(
            option,
            None,
            Trust::BorrowedRights,
            || directory.path().to_owned(),
            &mut Vec::new(),
        );
        let expected = format!(
            "open file {}/main.cf: No such file or directory",
            directory.path().display()
        );
        assert_eq!(result.unwrap_err().to_string(), expected);
    }
}
