//! The options of the actions on recipients: `--drop-recipient`, and the text and
//! the status code of `--bounce`.
//!
//! Checks that each has what it needs. Changes nothing.

use std::ffi::{OsStr, OsString};

use crate::actions::Action;
use crate::actions::recipient_change::{BounceReason, RecipientChange};
use crate::selection::AddressPattern;

/// The options, without --bounce, which takes a message.
pub const NAMES: [&str; 3] = ["drop-recipient", "reason-text", "status-code"];

/// The status code of a message that is returned: delivery is not authorized (RFC
/// 3463).
const STATUS: &str = "5.7.1";

/// The options that were given.
#[derive(Debug, Default)]
pub struct RecipientOptions {
    patterns: Vec<AddressPattern>,
    text: Option<String>,
    status: Option<String>,
}

impl RecipientOptions {
    /// Applies one of [`NAMES`].
    ///
    /// # Errors
    ///
    /// The value cannot be used, or the option is given twice.
    pub fn take(&mut self, name: &str, value: &OsStr) -> Result<(), String> {
        let bad = |problem: &str| format!("bad value for --{name}: {}: {problem}", value.display());
        let text = value.to_str().ok_or_else(|| bad("it is not UTF-8"))?;
        let once = match name {
            "drop-recipient" => {
                let pattern = AddressPattern::parse(text).map_err(|problem| bad(&problem))?;
                self.patterns.push(pattern);
                return Ok(());
            }
            "reason-text" => &mut self.text,
            _ => &mut self.status,
        };
        match once.replace(text.to_owned()) {
            Some(_) => Err(format!("--{name} is given twice: give it once")),
            None => Ok(()),
        }
    }

    /// Whether `--drop-recipient` is given.
    pub fn drops(&self) -> bool {
        !self.patterns.is_empty()
    }

    /// Returns the change; `None` if none of the options is given.
    ///
    /// # Errors
    ///
    /// The options contradict each other or the actions, or one is missing.
    pub fn finish(self, actions: &[(Action, OsString)]) -> Result<Option<RecipientChange>, String> {
        let of = |action: Action| actions.iter().any(|(other, _)| *other == action);
        let (drops, bounces) = (of(Action::DropRecipients), of(Action::Bounce));
        if (drops || bounces) && actions.len() > 1 {
            let name = if drops { "drop-recipient" } else { "bounce" };
            return Err(format!("--{name} is given without another action"));
        }
        if !bounces {
            let given = [("reason-text", &self.text), ("status-code", &self.status)];
            if let Some((name, _)) = given.iter().find(|(_, value)| value.is_some()) {
                return Err(format!("--{name} is for --bounce"));
            }
            return Ok(drops.then_some(RecipientChange::Drop(self.patterns)));
        }
        let missing = "--bounce needs the text that is returned: --reason-text TEXT";
        let text = self.text.ok_or(missing)?;
        let status = self.status.unwrap_or_else(|| STATUS.to_owned());
        let reason = BounceReason::new(&text, &status)
            .map_err(|problem| format!("bad value for --bounce: {problem}"))?;
        Ok(Some(RecipientChange::Return(reason)))
    }
}
