//! Parses the text between the braces of `${…}`: names, comparisons, branches.
//!
//! Error texts are those of Postfix. Operands and branches are returned unexpanded.

use super::level::Level;
use crate::text::{digits, trim_space_start};

/// Largest number of bytes that an error shows of the text after it.
const SHOWN_MAX: usize = 20;

/// The text of an operand, without its braces.
#[derive(Clone, Copy, Debug)]
pub struct Operand<'t>(pub &'t [u8]);

/// The condition that selects a branch of a reference.
#[derive(Clone, Copy, Debug)]
pub enum Condition<'t> {
    /// The unexpanded value of this name is not empty.
    Name(&'t [u8]),
    /// The comparison holds.
    Comparison(Operand<'t>, Operator, Operand<'t>),
}

/// The first part of a reference, and the text after it.
#[derive(Clone, Copy, Debug)]
pub struct Reference<'t> {
    /// The condition.
    pub condition: Condition<'t>,
    /// The remaining text without leading white space: branches or nothing.
    pub rest: &'t [u8],
}

/// The second part of a reference: the branches that could be parsed, and the error
/// after them. Postfix expands a branch before it parses further.
#[derive(Clone, Debug, Default)]
pub struct Branches<'t> {
    /// The replacement if the condition holds.
    pub yes: Option<&'t [u8]>,
    /// The replacement if the condition does not hold.
    pub no: Option<&'t [u8]>,
    /// The warning if the rest is malformed.
    pub fault: Option<Vec<u8>>,
}

/// A comparison operator for numbers and bytes, or for levels.
#[derive(Clone, Copy, Debug)]
pub struct Operator {
    relation: Relation,
    kind: ReferenceKind,
}

#[derive(Clone, Copy, Debug)]
enum ReferenceKind {
    Plain,
    Level,
}

#[derive(Clone, Copy, Debug)]
enum Relation {
    Equal,
    NotEqual,
    Less,
    LessOrEqual,
    GreaterOrEqual,
    Greater,
}

/// An operator without its suffix, parsed and as written.
struct Token<'t> {
    relation: Relation,
    token: &'t [u8],
    after: &'t [u8],
}

/// Whether operators can compare levels, as in `<level`.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum LevelOperators {
    /// Since Postfix 3.6.
    Known,
    /// Before.
    Unknown,
}

/// Why two operands cannot be compared.
#[derive(Clone, Debug)]
pub enum Incomparable {
    /// A number is too large; contains its digits.
    Number(Vec<u8>),
    /// An operand is not a level; contains the text of the warning.
    Level(Vec<u8>),
}

/// The notation of a reference.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum ReferenceForm {
    /// `$name`
    Name,
    /// `${name}` or `$(name)`
    Braces,
}

/// A reference and the text after it.
#[derive(Clone, Copy, Debug)]
pub struct ScannedReference<'t> {
    /// The notation.
    pub form: ReferenceForm,
    /// The name, or the text in the braces.
    pub body: &'t [u8],
    /// The text after the reference.
    pub rest: &'t [u8],
}

/// Scans the reference after a `$`. An error shows `whole`.
///
/// # Errors
///
/// The text of a warning: a brace is not closed.
pub fn scan<'t>(after: &'t [u8], whole: &[u8]) -> Result<ScannedReference<'t>, Vec<u8>> {
    let (form, cut) = match after.first() {
        Some(b'{') => (ReferenceForm::Braces, balanced(after, b'{', b'}')),
        Some(b'(') => (ReferenceForm::Braces, balanced(after, b'(', b')')),
        _ => (
            ReferenceForm::Name,
            after.split_at_checked(name_length(after)),
        ),
    };
    let (body, rest) = cut.ok_or_else(|| quoted("truncated macro reference: ", whole))?;
    Ok(ScannedReference { form, body, rest })
}

/// The warning about an empty reference.
pub fn empty(whole: &[u8]) -> Vec<u8> {
    quoted("empty macro name: ", whole)
}

/// Parses the first part of a reference: a name, or `{left} operator {right}`.
///
/// # Errors
///
/// The text of a warning: the reference is malformed.
pub fn condition(body: &[u8], levels: LevelOperators) -> Result<Reference<'_>, Vec<u8>> {
    let start = trim_space_start(body);
    if start.first() == Some(&b'{') {
        return comparison(start, levels);
    }
    let (name, after) = start
        .split_at_checked(name_length(start))
        .unwrap_or_default();
    let rest = trim_space_start(after);
    if !matches!(rest.first(), None | Some(b'?' | b':')) {
        let before = body.strip_suffix(after).unwrap_or_default();
        return Err(unexpected("attribute name syntax error", before, after));
    }
    let condition = Condition::Name(name);
    Ok(Reference { condition, rest })
}

fn comparison(text: &[u8], levels: LevelOperators) -> Result<Reference<'_>, Vec<u8>> {
    let (left, after) = operand(text)?;
    let Token {
        relation,
        token,
        after,
    } = relation(left, trim_space_start(after))?;
    let suffix_length = match levels {
        LevelOperators::Known => after
            .iter()
            .take_while(|byte| byte.is_ascii_alphanumeric())
            .count(),
        LevelOperators::Unknown => 0,
    };
    let (suffix, after) = after.split_at_checked(suffix_length).unwrap_or_default();
    let kind = match suffix {
        b"" => ReferenceKind::Plain,
        b"level" => ReferenceKind::Level,
        _ => return Err(unexpected("bad operator suffix", token, suffix)),
    };
    if trim_space_start(after).first() != Some(&b'{') {
        let before = [b"{", left.0, b"} ", token].concat();
        return Err(unexpected("\"{expression}\" expected", &before, after));
    }
    let (right, after) = operand(trim_space_start(after))?;
    Ok(Reference {
        condition: Condition::Comparison(left, Operator { relation, kind }, right),
        rest: trim_space_start(after),
    })
}

/// Parses an operator: the longest run of characters that occur in operators.
fn relation<'t>(left: Operand<'_>, text: &'t [u8]) -> Result<Token<'t>, Vec<u8>> {
    let length = text
        .iter()
        .take_while(|byte| b"<>!=?+-*/~&|%".contains(byte))
        .count();
    let (token, after) = text.split_at_checked(length).unwrap_or_default();
    let relation = match token {
        b"==" => Relation::Equal,
        b"!=" => Relation::NotEqual,
        b"<" => Relation::Less,
        b"<=" => Relation::LessOrEqual,
        b">=" => Relation::GreaterOrEqual,
        b">" => Relation::Greater,
        _ => {
            // The doubled quotes are those of Postfix's text.
            let expected = r#""==" or "!="" or "<"" or "<="" or ">="" or ">" expected"#;
            return Err(unexpected(expected, &[left.0, b"}"].concat(), text));
        }
    };
    Ok(Token {
        relation,
        token,
        after,
    })
}

/// Parses the second part of a reference; `None` if there is none.
pub fn branches(rest: &[u8]) -> Option<Branches<'_>> {
    let mut branches = Branches::default();
    let result = match rest.split_first()? {
        (b'?', after) => branches.read_both(after),
        (b':', no) => branches.read_no(no),
        // Occurs only after a comparison; `condition` refuses other text after a
        // name.
        _ => Err(unexpected("\"?\" or \":\" expected", b"}", rest)),
    };
    branches.fault = result.err();
    Some(branches)
}

impl<'t> Branches<'t> {
    fn read_both(&mut self, after: &'t [u8]) -> Result<(), Vec<u8>> {
        if trim_space_start(after).first() != Some(&b'{') {
            self.yes = Some(after);
            return Ok(());
        }
        let (yes, rest) = operand(trim_space_start(after))?;
        self.yes = Some(yes.0);
        let rest = trim_space_start(rest);
        match rest.split_first() {
            None => Ok(()),
            Some((b':', no)) => self.read_no(no),
            Some(_) => {
                let before = [yes.0, b"}"].concat();
                Err(unexpected("\":\" expected", &before, rest))
            }
        }
    }

    fn read_no(&mut self, text: &'t [u8]) -> Result<(), Vec<u8>> {
        if trim_space_start(text).first() != Some(&b'{') {
            self.no = Some(text);
            return Ok(());
        }
        let (no, rest) = operand(trim_space_start(text))?;
        self.no = Some(no.0);
        match trim_space_start(rest) {
            [] => Ok(()),
            rest => {
                let before = [no.0, b"}"].concat();
                Err(unexpected("unexpected input", &before, rest))
            }
        }
    }
}

/// Parses `{text}`; braces inside must be balanced.
fn operand(text: &[u8]) -> Result<(Operand<'_>, &[u8]), Vec<u8>> {
    let (inside, rest) = balanced(text, b'{', b'}')
        .ok_or_else(|| quoted("unbalanced {} in attribute expression: ", text))?;
    Ok((Operand(inside), rest))
}

/// Splits a text that begins with `open` at the matching `close`. Returns the text
/// inside and the text after it.
fn balanced(text: &[u8], open: u8, close: u8) -> Option<(&[u8], &[u8])> {
    let mut depth = 0usize;
    let end = text.iter().position(|&byte| {
        if byte == open {
            depth = depth.saturating_add(1);
        } else if byte == close {
            depth = depth.saturating_sub(1);
        }
        depth == 0
    })?;
    Some((text.get(1..end)?, text.get(end.checked_add(1)?..)?))
}

fn name_length(text: &[u8]) -> usize {
    text.iter()
        .take_while(|&&byte| byte.is_ascii_alphanumeric() || byte == b'_')
        .count()
}

fn quoted(words: &str, text: &[u8]) -> Vec<u8> {
    [words.as_bytes(), b"\"", text, b"\""].concat()
}

fn unexpected(words: &str, before: &[u8], at: &[u8]) -> Vec<u8> {
    let at = at.get(..SHOWN_MAX).unwrap_or(at);
    let place = [b"...", before, b">>>", at].concat();
    quoted(&format!("{words} at: "), &place)
}

impl Operator {
    /// Compares two expanded operands: as levels, as numbers if both consist of
    /// digits, or else as bytes.
    ///
    /// # Errors
    ///
    /// One is no level, or does not fit.
    pub fn compare(self, left: &[u8], right: &[u8]) -> Result<bool, Incomparable> {
        let ordering = match self.kind {
            ReferenceKind::Level => level(left)?.cmp(&level(right)?),
            ReferenceKind::Plain if is_digits(left) && is_digits(right) => {
                number(left)?.cmp(&number(right)?)
            }
            ReferenceKind::Plain => left.cmp(right),
        };
        Ok(match self.relation {
            Relation::Equal => ordering.is_eq(),
            Relation::NotEqual => ordering.is_ne(),
            Relation::Less => ordering.is_lt(),
            Relation::LessOrEqual => ordering.is_le(),
            Relation::GreaterOrEqual => ordering.is_ge(),
            Relation::Greater => ordering.is_gt(),
        })
    }
}

fn level(text: &[u8]) -> Result<Level, Incomparable> {
    Level::parse(text)
        .ok_or_else(|| Incomparable::Level(quoted("malformed compatibility level syntax: ", text)))
}

fn is_digits(text: &[u8]) -> bool {
    !text.is_empty() && text.iter().all(u8::is_ascii_digit)
}

fn number(text: &[u8]) -> Result<i64, Incomparable> {
    digits(text).ok_or_else(|| Incomparable::Number(text.to_vec()))
}
