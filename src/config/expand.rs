//! `$name` and its kin: replaces references in a value by other values.
//!
//! Owns the syntax of references, its limits and its warnings, in Postfix's
//! words. Knows nothing of files, defaults or types. What stands between the braces is taken apart by `reference`.

use std::collections::HashMap;

use super::reference::{self, Condition, Reference};

/// Deepest nesting that Postfix accepts, values and branches counted alike.
const NESTING_MAX: u32 = 100;
/// Most items (pieces of text and references) of one value. Postfix has no
/// such limit; ours ends values that double themselves at every step.
const ITEMS_MAX: u32 = 100_000;
/// Deepest recursion. Postfix has no such limit, because it does not count
/// comparisons within comparisons as nesting, and dies of it.
const DEPTH_MAX: u32 = 4 * NESTING_MAX;
/// Longest value that expansion may make.
const LENGTH_MAX: usize = 1 << 20;
/// What a comparison that holds stands for if it has no branches.
const TRUE: &[u8] = b"true";

/// Raw values by name.
pub type Values = HashMap<Vec<u8>, Vec<u8>>;

/// Why a value cannot be expanded.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Fault {
    /// The value is malformed or too deep; a warning says where.
    Malformed,
    /// A number in a comparison is too large.
    Conversion(Vec<u8>),
}

/// Replaces all references in `text`, and those in what they stand for.
pub fn expand(text: &[u8], values: &Values, warnings: &mut Vec<Vec<u8>>) -> Result<Vec<u8>, Fault> {
    let mut expander = Expander {
        values,
        warnings,
        items: 0,
        depth: 0,
    };
    expander.whole(text)
}

struct Expander<'a> {
    values: &'a Values,
    warnings: &'a mut Vec<Vec<u8>>,
    /// How many items there were so far.
    items: u32,
    /// How many references the present item is in.
    depth: u32,
}

/// The expansion of one value or one operand: what nesting is counted in.
#[derive(Default)]
struct Progress {
    result: Vec<u8>,
    nesting: u32,
    too_deep: TooDeep,
}

/// Whether the nesting limit was exceeded, which does not stop the expansion
/// at once, as other faults do.
#[derive(Clone, Copy, Default, PartialEq, Eq)]
enum TooDeep {
    #[default]
    No,
    Yes,
}

impl Expander<'_> {
    fn whole(&mut self, text: &[u8]) -> Result<Vec<u8>, Fault> {
        let mut progress = Progress::default();
        self.text(text, &mut progress)?;
        match progress.too_deep {
            TooDeep::No => Ok(progress.result),
            TooDeep::Yes => Err(Fault::Malformed),
        }
    }

    /// Expands a text item by item: what lies between two references is one.
    fn text(&mut self, text: &[u8], progress: &mut Progress) -> Result<(), Fault> {
        let mut literal = Vec::new();
        let mut rest = text;
        while let Some(at) = rest.iter().position(|&byte| byte == b'$') {
            let (before, from) = rest.split_at_checked(at).unwrap_or((rest, &[]));
            literal.extend_from_slice(before);
            let after = from.get(1..).unwrap_or_default();
            if let Some(more) = after.strip_prefix(b"$") {
                literal.push(b'$');
                rest = more;
                continue;
            }
            self.literal(&mut literal, progress)?;
            let (body, more) = reference::scan(after, text).map_err(|words| self.fault(words))?;
            self.reference(body, progress)?;
            rest = more;
        }
        literal.extend_from_slice(rest);
        self.literal(&mut literal, progress)
    }

    fn literal(&mut self, literal: &mut Vec<u8>, progress: &mut Progress) -> Result<(), Fault> {
        if literal.is_empty() {
            return Ok(());
        }
        if self.enter(literal, progress)? == TooDeep::No {
            self.append(literal, progress)?;
            leave(progress);
        }
        literal.clear();
        Ok(())
    }

    /// Replaces one reference; `body` is what stands in its braces.
    fn reference(&mut self, body: &[u8], progress: &mut Progress) -> Result<(), Fault> {
        if self.enter(body, progress)? == TooDeep::Yes {
            return Ok(());
        }
        if self.depth > DEPTH_MAX {
            return Err(self.fault(nesting(body)));
        }
        self.depth = self.depth.saturating_add(1);
        match self.resolve(body)? {
            Resolved::Nothing => {}
            Resolved::True => self.append(TRUE, progress)?,
            Resolved::Value(name) => {
                if let Some(value) = self.values.get(name) {
                    self.text(value, progress)?;
                }
            }
            Resolved::Branch(text) => self.text(text, progress)?,
        }
        self.depth = self.depth.saturating_sub(1);
        leave(progress);
        Ok(())
    }

    /// Finds out what a reference stands for.
    fn resolve<'t>(&mut self, body: &'t [u8]) -> Result<Resolved<'t>, Fault> {
        let Reference { condition, rest } =
            reference::condition(body).map_err(|words| self.fault(words))?;
        let (holds, name) = match condition {
            Condition::Name(name) => {
                let value = self.values.get(name);
                (value.is_some_and(|value| !value.is_empty()), Some(name))
            }
            Condition::Comparison(left, operator, right) => {
                // Postfix complains of both operands before it stops.
                let (left, right) = (self.whole(left.0), self.whole(right.0));
                let holds = operator.compare(&left?, &right?);
                (holds.map_err(|wrong| self.comparison_fault(wrong))?, None)
            }
        };
        let Some(branches) = reference::branches(rest).map_err(|words| self.fault(words))? else {
            return Ok(match name {
                Some(name) => Resolved::Value(name),
                None if holds => Resolved::True,
                None => Resolved::Nothing,
            });
        };
        let chosen = if holds { branches.yes } else { branches.no };
        Ok(chosen.map_or(Resolved::Nothing, Resolved::Branch))
    }

    /// Counts an item. As in Postfix, one that is too deep stays counted, so
    /// that what follows it is too deep as well.
    fn enter(&mut self, item: &[u8], progress: &mut Progress) -> Result<TooDeep, Fault> {
        self.items = self.items.saturating_add(1);
        if self.items > ITEMS_MAX {
            return Err(self.fault(b"too many macro calls".to_vec()));
        }
        let outer = progress.nesting;
        progress.nesting = outer.saturating_add(1);
        if outer <= NESTING_MAX {
            return Ok(TooDeep::No);
        }
        progress.too_deep = TooDeep::Yes;
        self.warnings.push(nesting(item));
        Ok(TooDeep::Yes)
    }

    fn append(&mut self, text: &[u8], progress: &mut Progress) -> Result<(), Fault> {
        if progress.result.len().saturating_add(text.len()) > LENGTH_MAX {
            return Err(self.fault(b"macro result too long".to_vec()));
        }
        progress.result.extend_from_slice(text);
        Ok(())
    }

    fn comparison_fault(&mut self, wrong: reference::Incomparable) -> Fault {
        match wrong {
            reference::Incomparable::Number(digits) => Fault::Conversion(digits),
            reference::Incomparable::Level(words) => self.fault(words),
        }
    }

    fn fault(&mut self, words: Vec<u8>) -> Fault {
        self.warnings.push(words);
        Fault::Malformed
    }
}

/// What a reference stands for.
enum Resolved<'t> {
    Nothing,
    True,
    Value(&'t [u8]),
    Branch(&'t [u8]),
}

fn leave(progress: &mut Progress) {
    progress.nesting = progress.nesting.saturating_sub(1);
}

fn nesting(item: &[u8]) -> Vec<u8> {
    [b"unreasonable macro call nesting: \"", item, b"\""].concat()
}
