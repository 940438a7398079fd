//! The expansion of a value as it grows: its text, its errors and its limits.
//!
//! The limits and warnings are those of Postfix; where it has none, own limits keep
//! a hostile main.cf from filling the memory or the stack.

/// Largest nesting depth that Postfix accepts, of values and branches alike.
const NESTING_MAX: u32 = 100;
/// Largest number of items (literals and references) in the expansion of one value.
/// Postfix has no such limit; this one stops values that double at each step.
const ITEMS_MAX: u32 = 100_000;
/// Largest recursion depth. Postfix has no such limit: it does not count
/// comparisons within comparisons as nesting, and crashes.
const DEPTH_MAX: u32 = 4 * NESTING_MAX;
/// Largest length of an expanded value, in bytes.
pub(super) const LENGTH_MAX: usize = 1 << 20;

/// Why a value cannot be expanded.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum ExpansionError {
    /// The value is malformed or nested too deeply; a warning describes the
    /// problem.
    Malformed,
    /// A number in a comparison is too large; contains its digits.
    Conversion(Vec<u8>),
}

/// The expansion of a value or an operand.
#[derive(Default)]
pub(super) struct Expansion {
    /// The text so far.
    pub(super) result: Vec<u8>,
    /// Nesting depth of the current item.
    nesting: u32,
    /// Whether an error was found.
    pub(super) state: ExpansionState,
}

impl Expansion {
    /// Ends an item that was entered.
    pub(super) fn leave(&mut self) {
        self.nesting = self.nesting.saturating_sub(1);
    }
}

/// Whether an error was found. As in Postfix, an error does not stop the expansion
/// immediately: some of the remaining text is still checked, and can give more
/// warnings.
#[derive(Clone, Copy, Default, PartialEq, Eq)]
pub(super) enum ExpansionState {
    /// No error was found.
    #[default]
    Good,
    /// An error was found, and a warning added.
    Failed,
}

/// Whether the nesting depth of an item is accepted.
#[derive(Clone, Copy, PartialEq, Eq)]
pub(super) enum Depth {
    /// The item is expanded.
    Accepted,
    /// A warning was added instead.
    Exceeded,
}

/// Enforces the limits on one expansion, and collects its warnings.
pub(super) struct Limiter<'a> {
    warnings: &'a mut Vec<Vec<u8>>,
    /// Number of items so far.
    items: u32,
    /// Number of references that enclose the current item.
    depth: u32,
}

impl<'a> Limiter<'a> {
    /// Creates the limiter of a new expansion.
    pub(super) fn new(warnings: &'a mut Vec<Vec<u8>>) -> Self {
        Self {
            warnings,
            items: 0,
            depth: 0,
        }
    }

    /// Counts an item. As in Postfix, an item that is nested too deeply remains
    /// counted, so that the items after it are too deep as well.
    ///
    /// # Errors
    ///
    /// There are too many items.
    pub(super) fn enter(
        &mut self,
        item: &[u8],
        progress: &mut Expansion,
    ) -> Result<Depth, ExpansionError> {
        self.items = self.items.saturating_add(1);
        if self.items > ITEMS_MAX {
            return Err(self.give_up(b"too many macro calls".to_vec()));
        }
        let outer = progress.nesting;
        progress.nesting = outer.saturating_add(1);
        if outer <= NESTING_MAX {
            return Ok(Depth::Accepted);
        }
        self.fail(nesting(item), progress);
        Ok(Depth::Exceeded)
    }

    /// Enters the recursion for a reference.
    ///
    /// # Errors
    ///
    /// The recursion is too deep.
    pub(super) fn descend(&mut self, reference: &[u8]) -> Result<(), ExpansionError> {
        self.depth = self.depth.saturating_add(1);
        if self.depth > DEPTH_MAX {
            return Err(self.give_up(nesting(reference)));
        }
        Ok(())
    }

    /// Leaves the recursion for a reference.
    pub(super) fn ascend(&mut self) {
        self.depth = self.depth.saturating_sub(1);
    }

    /// Adds text to the expansion.
    ///
    /// # Errors
    ///
    /// The expansion is too long.
    pub(super) fn append(
        &mut self,
        text: &[u8],
        progress: &mut Expansion,
    ) -> Result<(), ExpansionError> {
        if progress.result.len().saturating_add(text.len()) > LENGTH_MAX {
            return Err(self.give_up(b"macro result too long".to_vec()));
        }
        progress.result.extend_from_slice(text);
        Ok(())
    }

    /// Adds a warning; the expansion continues.
    pub(super) fn fail(&mut self, words: Vec<u8>, progress: &mut Expansion) {
        self.warnings.push(words);
        progress.state = ExpansionState::Failed;
    }

    /// Adds a warning, and returns the error that ends the expansion.
    pub(super) fn give_up(&mut self, words: Vec<u8>) -> ExpansionError {
        self.warnings.push(words);
        ExpansionError::Malformed
    }
}

fn nesting(item: &[u8]) -> Vec<u8> {
    [b"unreasonable macro call nesting: \"", item, b"\""].concat()
}
