//! What stands between the braces of `${…}`: names, comparisons, branches.
//!
//! Owns their syntax and the words of its errors. Expands nothing: operands
//! and branches are handed out as they are written.

use super::level::Level;
use crate::text::trim_space_start;

/// How much of the text after an error is shown.
const SHOWN_MAX: usize = 20;

/// The text of an operand, without its braces.
#[derive(Clone, Copy, Debug)]
pub struct Operand<'t>(pub &'t [u8]);

/// What decides between the branches of a reference.
#[derive(Clone, Copy, Debug)]
pub enum Condition<'t> {
    /// Whether a name's raw value is not empty.
    Name(&'t [u8]),
    /// Whether a comparison holds.
    Comparison(Operand<'t>, Operator, Operand<'t>),
}

/// The first half of a reference, and the text after it.
#[derive(Clone, Copy, Debug)]
pub struct Reference<'t> {
    /// What decides.
    pub condition: Condition<'t>,
    /// What follows, without leading white space: branches or nothing.
    pub rest: &'t [u8],
}

/// The second half of a reference: what could be read of it, and the error
/// after that. Postfix expands a branch before it looks further.
#[derive(Clone, Debug, Default)]
pub struct Branches<'t> {
    /// What it stands for if the condition holds.
    pub yes: Option<&'t [u8]>,
    /// What it stands for if not.
    pub no: Option<&'t [u8]>,
    /// The words if the rest is malformed.
    pub fault: Option<Vec<u8>>,
}

/// A comparison, and of what: numbers and bytes, or levels.
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

/// An operator without its suffix, as read and as written.
struct Token<'t> {
    relation: Relation,
    token: &'t [u8],
    after: &'t [u8],
}

/// Why two operands cannot be compared.
#[derive(Clone, Debug)]
pub enum Incomparable {
    /// Digits that make too large a number.
    Number(Vec<u8>),
    /// Not a level; the words of the warning.
    Level(Vec<u8>),
}

/// How a reference is written.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum ReferenceForm {
    /// `$name`
    Name,
    /// `${name}` or `$(name)`
    Braces,
}

/// A reference cut out of a text.
#[derive(Clone, Copy, Debug)]
pub struct ScannedReference<'t> {
    /// How it is written.
    pub form: ReferenceForm,
    /// The name, or what is in the braces.
    pub body: &'t [u8],
    /// What follows.
    pub rest: &'t [u8],
}

/// Cuts the name or the braces' contents off the text after a `$`. `whole`
/// is what an error shows.
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

/// The words for a reference to nothing.
pub fn empty(whole: &[u8]) -> Vec<u8> {
    quoted("empty macro name: ", whole)
}

/// Reads the first half of a reference: a name, or `{left} operator {right}`.
pub fn condition(body: &[u8]) -> Result<Reference<'_>, Vec<u8>> {
    let start = trim_space_start(body);
    if start.first() == Some(&b'{') {
        return comparison(start);
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

fn comparison(text: &[u8]) -> Result<Reference<'_>, Vec<u8>> {
    let (left, after) = operand(text)?;
    let Token {
        relation,
        token,
        after,
    } = relation(left, trim_space_start(after))?;
    let suffix_length = after
        .iter()
        .take_while(|byte| byte.is_ascii_alphanumeric())
        .count();
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

/// Reads an operator: the longest run of characters that occur in any.
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
            // Postfix's list of operators has these doubled quotes.
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

/// Reads the second half of a reference; `None` if there is none.
pub fn branches(rest: &[u8]) -> Option<Branches<'_>> {
    let mut branches = Branches::default();
    let result = match rest.split_first()? {
        (b'?', after) => branches.read_both(after),
        (b':', no) => branches.read_no(no),
        // Behind a name, `condition` lets nothing else through.
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

/// Reads `{text}`; braces inside must be balanced.
fn operand(text: &[u8]) -> Result<(Operand<'_>, &[u8]), Vec<u8>> {
    let (inside, rest) = balanced(text, b'{', b'}')
        .ok_or_else(|| quoted("unbalanced {} in attribute expression: ", text))?;
    Ok((Operand(inside), rest))
}

/// Cuts a text that begins with `open` after the `close` that belongs to it:
/// what is inside, and what follows.
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
    /// Compares two expanded operands: as levels, as numbers if both are all
    /// digits, else as bytes.
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

fn number(digits: &[u8]) -> Result<i64, Incomparable> {
    std::str::from_utf8(digits)
        .ok()
        .and_then(|text| text.parse().ok())
        .ok_or_else(|| Incomparable::Number(digits.to_vec()))
}
