//! Expands `$name`, `${name?value}` and similar references in the values of
//! main.cf.
//!
//! Independent of files, defaults and types. The text between the braces is parsed
//! by `reference`; `expansion` has the limits.

use std::collections::HashMap;

use bstr::ByteSlice;

use super::expansion::{Depth, Expansion, ExpansionError, ExpansionState, Limiter};
use super::reference;
use super::reference::{Condition, Incomparable, Operator, ReferenceForm};

pub use super::reference::LevelOperators;

/// The expansion of a comparison that holds and has no branches.
const TRUE: &[u8] = b"true";

/// Unexpanded values by name.
pub type Values = HashMap<Vec<u8>, Vec<u8>>;

/// Replaces all references in `text` and, recursively, in the values that it refers
/// to.
///
/// # Errors
///
/// The value is malformed or too deep, or a number in a comparison is too large.
pub fn expand(
    text: &[u8],
    values: &Values,
    levels: LevelOperators,
    warnings: &mut Vec<Vec<u8>>,
) -> Result<Vec<u8>, ExpansionError> {
    let mut expander = Expander {
        values,
        levels,
        limiter: Limiter::new(warnings),
    };
    expander.whole(text)
}

struct Expander<'a> {
    values: &'a Values,
    levels: LevelOperators,
    limiter: Limiter<'a>,
}

impl Expander<'_> {
    fn whole(&mut self, text: &[u8]) -> Result<Vec<u8>, ExpansionError> {
        let mut progress = Expansion::default();
        self.text(text, &mut progress)?;
        match progress.state {
            ExpansionState::Good => Ok(progress.result),
            ExpansionState::Failed => Err(ExpansionError::Malformed),
        }
    }

    /// Expands a text item by item. The literal text between two references is one
    /// item.
    fn text(&mut self, text: &[u8], progress: &mut Expansion) -> Result<(), ExpansionError> {
        let mut literal = Vec::new();
        let mut rest = text;
        while let Some(at) = rest.find_byte(b'$') {
            let (before, from) = rest.split_at_checked(at).unwrap_or((rest, &[]));
            literal.extend_from_slice(before);
            let after = from.get(1..).unwrap_or_default();
            if let Some(more) = after.strip_prefix(b"$") {
                literal.push(b'$');
                rest = more;
                continue;
            }
            self.literal(&mut literal, progress)?;
            let scanned = match reference::scan(after, text) {
                Ok(scanned) => scanned,
                Err(words) => {
                    self.limiter.fail(words, progress);
                    return Ok(());
                }
            };
            if scanned.form == ReferenceForm::Braces && progress.state == ExpansionState::Failed {
                return Ok(());
            }
            if scanned.body.is_empty() {
                self.limiter.fail(reference::empty(text), progress);
                return Ok(());
            }
            self.reference(scanned.body, progress)?;
            rest = scanned.rest;
        }
        literal.extend_from_slice(rest);
        match progress.state {
            ExpansionState::Good => self.literal(&mut literal, progress),
            ExpansionState::Failed => Ok(()),
        }
    }

    fn literal(
        &mut self,
        literal: &mut Vec<u8>,
        progress: &mut Expansion,
    ) -> Result<(), ExpansionError> {
        if !literal.is_empty() && self.limiter.enter(literal, progress)? == Depth::Accepted {
            self.limiter.append(literal, progress)?;
            progress.leave();
        }
        literal.clear();
        Ok(())
    }

    /// Replaces one reference; `body` is the text in its braces.
    fn reference(&mut self, body: &[u8], progress: &mut Expansion) -> Result<(), ExpansionError> {
        if self.limiter.enter(body, progress)? == Depth::Exceeded {
            return Ok(());
        }
        if progress.state == ExpansionState::Good {
            self.limiter.descend(body)?;
            self.replace(body, progress)?;
            self.limiter.ascend();
        }
        progress.leave();
        Ok(())
    }

    fn replace(&mut self, body: &[u8], progress: &mut Expansion) -> Result<(), ExpansionError> {
        let reference = match reference::condition(body, self.levels) {
            Ok(reference) => reference,
            Err(words) => {
                self.limiter.fail(words, progress);
                return Ok(());
            }
        };
        let holds = match reference.condition {
            Condition::Name(name) => self.values.get(name).is_some_and(|raw| !raw.is_empty()),
            Condition::Comparison(left, operator, right) => {
                // Postfix warns about both operands before it stops.
                let (left, right) = (self.whole(left.0), self.whole(right.0));
                match self.compare(left, operator, right) {
                    Err(ExpansionError::Malformed) => {
                        progress.state = ExpansionState::Failed;
                        return Ok(());
                    }
                    result => result?,
                }
            }
        };
        let Some(branches) = reference::branches(reference.rest) else {
            return self.without_branches(reference.condition, holds, progress);
        };
        let chosen = if holds { branches.yes } else { branches.no };
        if let Some(text) = chosen {
            self.text(text, progress)?;
        }
        if let Some(words) = branches.fault {
            self.limiter.fail(words, progress);
        }
        Ok(())
    }

    /// Replaces a reference that consists only of a name or a comparison.
    fn without_branches(
        &mut self,
        condition: Condition<'_>,
        holds: bool,
        progress: &mut Expansion,
    ) -> Result<(), ExpansionError> {
        let values = self.values;
        match condition {
            Condition::Name(name) => match values.get(name) {
                Some(raw) => self.text(raw, progress),
                None => Ok(()),
            },
            Condition::Comparison(..) if holds => self.limiter.append(TRUE, progress),
            Condition::Comparison(..) => Ok(()),
        }
    }

    fn compare(
        &mut self,
        left: Result<Vec<u8>, ExpansionError>,
        operator: Operator,
        right: Result<Vec<u8>, ExpansionError>,
    ) -> Result<bool, ExpansionError> {
        operator
            .compare(&left?, &right?)
            .map_err(|wrong| match wrong {
                Incomparable::Number(digits) => ExpansionError::Conversion(digits),
                Incomparable::Level(words) => self.limiter.give_up(words),
            })
    }
}

#[cfg(test)]
mod tests;
