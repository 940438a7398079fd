//! What stands between the braces of `${…}`: names, comparisons, branches.
//!
//! Owns their syntax and the words of its errors. Expands nothing: operands
//! and branches are handed out as they are written.

use super::file::trim_start;
use super::level::Level;

/// How much of the text behind an error is shown.
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

/// The first half of a reference, and the text behind it.
#[derive(Clone, Copy, Debug)]
pub struct Reference<'t> {
    /// What decides.
    pub condition: Condition<'t>,
    /// What follows, without leading white space: branches or nothing.
    pub rest: &'t [u8],
}

/// The second half of a reference.
#[derive(Clone, Copy, Debug)]
pub struct Branches<'t> {
    /// What it stands for if the condition holds.
    pub yes: Option<&'t [u8]>,
    /// What it stands for if not.
    pub no: Option<&'t [u8]>,
}

/// A comparison, and of what: numbers and bytes, or levels.
#[derive(Clone, Copy, Debug)]
pub struct Operator {
    relation: Relation,
    kind: Kind,
}

#[derive(Clone, Copy, Debug)]
enum Kind {
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

/// Cuts the name or the braces' contents off the text behind a `$`. `whole`
/// is what an error shows.
pub fn scan<'t>(after: &'t [u8], whole: &[u8]) -> Result<(&'t [u8], &'t [u8]), Vec<u8>> {
    let (body, rest) = match after.first() {
        Some(b'{') => balanced(after, b'{', b'}'),
        Some(b'(') => balanced(after, b'(', b')'),
        _ => Some(
            after
                .split_at_checked(name_length(after))
                .unwrap_or_default(),
        ),
    }
    .ok_or_else(|| quoted("truncated macro reference: ", whole))?;
    if body.is_empty() {
        return Err(quoted("empty macro name: ", whole));
    }
    Ok((body, rest))
}

/// Reads the first half of a reference: a name, or `{left} operator {right}`.
pub fn condition(body: &[u8]) -> Result<Reference<'_>, Vec<u8>> {
    let start = trim_start(body);
    if start.first() == Some(&b'{') {
        return comparison(start);
    }
    let (name, after) = start
        .split_at_checked(name_length(start))
        .unwrap_or_default();
    let rest = trim_start(after);
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
    } = relation(left, trim_start(after))?;
    let suffix_length = after
        .iter()
        .take_while(|byte| byte.is_ascii_alphanumeric())
        .count();
    let (suffix, after) = after.split_at_checked(suffix_length).unwrap_or_default();
    let kind = match suffix {
        b"" => Kind::Plain,
        b"level" => Kind::Level,
        _ => return Err(unexpected("bad operator suffix", token, suffix)),
    };
    if trim_start(after).first() != Some(&b'{') {
        let before = [b"{", left.0, b"} ", token].concat();
        return Err(unexpected("\"{expression}\" expected", &before, after));
    }
    let (right, after) = operand(trim_start(after))?;
    Ok(Reference {
        condition: Condition::Comparison(left, Operator { relation, kind }, right),
        rest: trim_start(after),
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
pub fn branches(rest: &[u8]) -> Result<Option<Branches<'_>>, Vec<u8>> {
    match rest.split_first() {
        None => Ok(None),
        Some((b':', no)) => Ok(Some(Branches {
            yes: None,
            no: Some(last_branch(no)?),
        })),
        Some((b'?', after)) => both_branches(after).map(Some),
        // Behind a name, `condition` lets nothing else through.
        Some(_) => Err(unexpected("\"?\" or \":\" expected", b"}", rest)),
    }
}

fn both_branches(after: &[u8]) -> Result<Branches<'_>, Vec<u8>> {
    if trim_start(after).first() != Some(&b'{') {
        let yes = Some(after);
        return Ok(Branches { yes, no: None });
    }
    let (yes, rest) = operand(trim_start(after))?;
    let rest = trim_start(rest);
    let no = match rest.split_first() {
        None => None,
        Some((b':', no)) => Some(last_branch(no)?),
        Some(_) => {
            let before = [yes.0, b"}"].concat();
            return Err(unexpected("\":\" expected", &before, rest));
        }
    };
    let yes = Some(yes.0);
    Ok(Branches { yes, no })
}

fn last_branch(text: &[u8]) -> Result<&[u8], Vec<u8>> {
    if trim_start(text).first() != Some(&b'{') {
        return Ok(text);
    }
    let (branch, rest) = operand(trim_start(text))?;
    match trim_start(rest) {
        [] => Ok(branch.0),
        rest => Err(unexpected(
            "unexpected input",
            &[branch.0, b"}"].concat(),
            rest,
        )),
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
            Kind::Level => level(left)?.cmp(&level(right)?),
            Kind::Plain if is_digits(left) && is_digits(right) => {
                number(left)?.cmp(&number(right)?)
            }
            Kind::Plain => left.cmp(right),
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
