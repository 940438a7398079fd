//! The values of the parameters that were looked at, each of its type.
//!
//! Owns the access by name. Which parameters there are, and of which type, is
//! decided by `table`.

use std::collections::HashMap;
use std::ffi::OsString;
use std::os::unix::ffi::OsStringExt;
use std::path::PathBuf;
use std::time::Duration;

use super::error::ConfigError;
use super::parameters::Parameters;
use super::table::Rule;
use super::tokens::words;

enum ParameterValue {
    Text(Vec<u8>),
    Number(u32),
    Switch(bool),
    Time(Duration),
}

/// Values by the names of their parameters.
#[derive(Default)]
pub(super) struct ParameterValues(HashMap<&'static str, ParameterValue>);

impl ParameterValues {
    /// Adds the value that `text` is by the rule of its parameter.
    ///
    /// # Errors
    ///
    /// It is none.
    pub(super) fn add(
        &mut self,
        name: &'static str,
        rule: Rule,
        text: Vec<u8>,
        parameters: &Parameters,
    ) -> Result<(), ConfigError> {
        let value = match rule {
            Rule::Unused => return Ok(()),
            Rule::Text(least) => ParameterValue::Text(parameters.text(name, text, least)?),
            Rule::Integer(least) => {
                let number = parameters.integer(name, &text, least)?;
                ParameterValue::Number(number.unsigned_abs())
            }
            Rule::Boolean => ParameterValue::Switch(parameters.boolean(name, &text)?),
            Rule::Time(least) => ParameterValue::Time(parameters.time(name, &text, least)?),
        };
        self.0.insert(name, value);
        Ok(())
    }

    /// The value of a text parameter.
    pub(super) fn text(&self, name: &str) -> Vec<u8> {
        self.value(name, |value| match value {
            ParameterValue::Text(text) => Some(text.clone()),
            _ => None,
        })
    }

    /// The words of a text.
    pub(super) fn list(&self, name: &str) -> Vec<Vec<u8>> {
        words(&self.text(name)).map(<[u8]>::to_vec).collect()
    }

    /// A text as a path.
    pub(super) fn path(&self, name: &str) -> PathBuf {
        OsString::from_vec(self.text(name)).into()
    }

    /// The value of a parameter that is a number.
    pub(super) fn number(&self, name: &str) -> u32 {
        self.value(name, |value| match value {
            ParameterValue::Number(number) => Some(*number),
            _ => None,
        })
    }

    /// The value of a parameter that is yes or no.
    pub(super) fn switch(&self, name: &str) -> bool {
        self.value(name, |value| match value {
            ParameterValue::Switch(is_on) => Some(*is_on),
            _ => None,
        })
    }

    /// The value of a parameter that is a time.
    pub(super) fn time(&self, name: &str) -> Duration {
        self.value(name, |value| match value {
            ParameterValue::Time(time) => Some(*time),
            _ => None,
        })
    }

    /// The value of a parameter in `table`, if it is of the type that `of_type`
    /// takes. Every load reads all of them, so a missing name or another type
    /// fails the first test.
    fn value<T: Default>(
        &self,
        name: &str,
        of_type: impl FnOnce(&ParameterValue) -> Option<T>,
    ) -> T {
        let value = self.0.get(name).and_then(of_type);
        debug_assert!(value.is_some(), "no value of this type: {name}");
        value.unwrap_or_default()
    }
}
