//! import_environment: the environment variables that a program takes over from
//! its caller or from main.cf.
//!
//! Observed with Postfix 3.7.11: every entry in braces is checked before the first
//! setting is.

use super::error::ConfigError;
use super::parameters::Parameters;
use super::tokens::{position_outside_braces, tokens};
use crate::text::{split_assignment, trim_space};

/// The name of the parameter.
const PARAMETER: &str = "import_environment";

/// An entry of import_environment.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum EnvironmentEntry {
    /// The caller's variable of this name.
    Name(Vec<u8>),
    /// A variable that main.cf sets.
    Setting {
        /// The name, not empty.
        name: Vec<u8>,
        /// The value.
        value: Vec<u8>,
    },
}

/// How variables are handled that import_environment does not list.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Unlisted {
    /// They are kept. Observed with Postfix 3.7.11: postcat, postsuper, and
    /// sendmail and mailq until they have started postqueue.
    Kept,
    /// They are removed. Observed with Postfix 3.7.11: postqueue and postfix.
    Dropped,
}

impl Unlisted {
    /// The first word of Postfix's message about a malformed setting.
    fn word(self) -> &'static str {
        match self {
            Self::Kept => "update_env",
            Self::Dropped => "clean_env",
        }
    }
}

/// Parses the value of import_environment.
///
/// # Errors
///
/// A brace is not closed, text follows a closing brace, or a setting has no name or
/// more than one.
pub fn parse(
    value: &[u8],
    unlisted: Unlisted,
    parameters: &Parameters,
) -> Result<Vec<EnvironmentEntry>, ConfigError> {
    let unbraced = tokens(value).map(|token| without_braces(token, parameters));
    let unbraced: Vec<&[u8]> = unbraced.collect::<Result<_, _>>()?;
    let entries = unbraced.into_iter();
    entries
        .map(|text| entry(text, unlisted, parameters))
        .collect()
}

/// Returns the text in braces without the white space at its ends, and any other
/// token as it is.
fn without_braces<'t>(token: &'t [u8], parameters: &Parameters) -> Result<&'t [u8], ConfigError> {
    let Some(inner) = token.strip_prefix(b"{") else {
        return Ok(token);
    };
    let fault = |fault| ConfigError::Braces {
        parameter: PARAMETER,
        fault,
        text: parameters.shown(token),
    };
    let (text, rest) = position_outside_braces(inner, 1, |_| true)
        .and_then(|end| inner.split_at_checked(end))
        .ok_or_else(|| fault("missing '}'"))?;
    match rest {
        [_] => Ok(trim_space(text)),
        _ => Err(fault("syntax error after '}'")),
    }
}

fn entry(
    text: &[u8],
    unlisted: Unlisted,
    parameters: &Parameters,
) -> Result<EnvironmentEntry, ConfigError> {
    if !text.contains(&b'=') {
        return Ok(EnvironmentEntry::Name(text.to_vec()));
    }
    let fault = |fault| ConfigError::EnvironmentSetting {
        word: unlisted.word(),
        fault,
        text: parameters.shown(text),
    };
    match split_assignment(text) {
        ([], _) => Err(fault("missing attribute name")),
        (_, None) => Err(fault("missing '=' after attribute name")),
        (name, Some(value)) => Ok(EnvironmentEntry::Setting {
            name: name.to_vec(),
            value: value.to_vec(),
        }),
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::config::main_cf::{LineRules, MainCf};

    fn parsed(value: &str, unlisted: Unlisted) -> Result<Vec<EnvironmentEntry>, String> {
        let rules = LineRules::LENIENT;
        let nothing = MainCf::parse("main.cf".into(), b"", &[], rules, &mut Vec::new()).unwrap();
        parse(value.as_bytes(), unlisted, &Parameters::new(nothing))
            .map_err(|fault| fault.to_string())
    }

    #[test]
    fn an_entry_is_a_name_or_a_setting() {
        let name = |name: &str| EnvironmentEntry::Name(name.into());
        let setting = |name: &str, value: &str| EnvironmentEntry::Setting {
            name: name.into(),
            value: value.into(),
        };
        for (value, expected) in [
            ("", vec![]),
            (" , ", vec![]),
            ("TZ,LANG=C", vec![name("TZ"), setting("LANG", "C")]),
            ("{ TZ = a b }", vec![setting("TZ", "a b")]),
            ("{a b} TZ=", vec![name("a b"), setting("TZ", "")]),
            ("{}", vec![name("")]),
            ("A=b=c", vec![setting("A", "b=c")]),
            ("a{b a}b", vec![name("a{b a}b")]),
            ("{{TZ=x}}", vec![setting("{TZ", "x}")]),
        ] {
            assert_eq!(parsed(value, Unlisted::Kept).unwrap(), expected, "{value}");
        }
    }

    #[test]
    fn malformed_entries_are_refused_with_the_text_of_postfix() {
        for (value, expected) in [
            ("=x", "clean_env: missing attribute name in: =x"),
            ("TZ = x", "clean_env: missing attribute name in: ="),
            ("{ = x }", "clean_env: missing attribute name in: = x"),
            (
                "{a b = c}",
                "clean_env: missing '=' after attribute name in: a b = c",
            ),
            ("=x {y", "import_environment: missing '}' in \"{y\""),
            (
                "{TZ=x}}",
                "import_environment: syntax error after '}' in \"{TZ=x}}\"",
            ),
        ] {
            assert_eq!(
                parsed(value, Unlisted::Dropped).unwrap_err(),
                expected,
                "{value}"
            );
        }
        assert_eq!(
            parsed("=", Unlisted::Kept).unwrap_err(),
            "update_env: missing attribute name in: ="
        );
    }
}
