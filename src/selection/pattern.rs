//! Patterns for texts and addresses: exact text, a glob, or a regular expression.
//!
//! Regular expressions are matched by the regex crate in time linear in the text,
//! so that no pattern or message can make a selection hang.

use bstr::ByteSlice;
use regex::bytes::{Regex, RegexBuilder};

use crate::text::fold::{FOLDED, fold};

/// Prefix of a regular expression.
const REGEX: &str = "re:";
/// The notation of the null sender.
const NULL: &str = "<>";
/// The length in bytes up to which an expression is compiled. The compiler needs
/// about a kilobyte for each asterisk of a glob.
const EXPRESSION_MAX: usize = 256 << 10;

/// The number of wildcards of a glob without `@` that are tried as the place of the
/// `@`: the size of the expression grows with it.
const WILDCARDS_MAX: usize = 8;

/// A pattern for a text.
#[derive(Clone, Debug)]
pub enum Pattern {
    /// The text is equal to this.
    Exact(Vec<u8>),
    /// The expression is found in the text. A glob is compiled to an expression for
    /// the whole text.
    Search(Regex),
}

impl Pattern {
    /// Parses a pattern from the command line.
    ///
    /// # Errors
    ///
    /// The regular expression is invalid; the text is the compiler's message.
    pub fn parse(text: &str) -> Result<Self, String> {
        match notation(text) {
            Notation::Exact => Ok(Self::Exact(text.as_bytes().to_vec())),
            Notation::Glob => compile(&glob(text)).map(Self::Search),
            Notation::Regex(regex) => compile(regex).map(Self::Search),
        }
    }

    /// Whether a text matches.
    pub fn matches(&self, text: &[u8]) -> bool {
        match self {
            Self::Exact(exact) => text == exact,
            Self::Search(regex) => regex.is_match(text),
        }
    }

    /// Whether a deferral reason matches, as it is or as counts show it: with `…` in
    /// place of particulars. The second form is tried only if the pattern is an
    /// exact text or contains `…`.
    pub fn matches_reason(&self, reason: &[u8]) -> bool {
        let tries_folded = match self {
            Self::Exact(_) => true,
            Self::Search(regex) => regex.as_str().contains(FOLDED),
        };
        self.matches(reason)
            || tries_folded && {
                let mut folded = Vec::new();
                fold(reason, &mut folded);
                self.matches(&folded)
            }
    }

    /// Whether a host name matches. Like [`Pattern::matches`], but an exact name
    /// matches in upper or lower case.
    pub fn matches_host(&self, name: &[u8]) -> bool {
        match self {
            Self::Exact(exact) => name.eq_ignore_ascii_case(exact),
            Self::Search(regex) => regex.is_match(name),
        }
    }
}

/// A pattern for an address.
#[derive(Clone, Debug)]
pub enum AddressPattern {
    /// The null address.
    Null,
    /// The address is equal to this, with the domain in upper or lower case.
    Exact(Vec<u8>),
    /// A glob or regular expression, as in `Pattern`.
    Search(Regex),
}

/// An address as a listing shows it and, if known, as the envelope contains it.
#[derive(Clone, Copy, Debug)]
pub struct Address<'a> {
    /// The address as shown: quoted and printable.
    pub shown: &'a [u8],
    /// The address as in the envelope; `None` if it is not known.
    pub given: Option<&'a [u8]>,
    /// How the null address is shown.
    pub null_shown: &'a [u8],
}

impl AddressPattern {
    /// Parses a pattern from the command line.
    ///
    /// # Errors
    ///
    /// The pattern is empty or its regular expression invalid; the text says which.
    pub fn parse(text: &str) -> Result<Self, String> {
        if text == NULL {
            return Ok(Self::Null);
        }
        match notation(text) {
            Notation::Exact if text.is_empty() => Err("say <> for the null sender".to_owned()),
            Notation::Exact => Ok(Self::Exact(text.as_bytes().to_vec())),
            Notation::Glob => compile(&address_glob(text)).map(Self::Search),
            Notation::Regex(regex) => compile(regex).map(Self::Search),
        }
    }

    /// A pattern for the addresses that contain this one's text, in upper or lower
    /// case; `None` for patterns that are no text.
    pub fn similar(&self) -> Option<Self> {
        match self {
            Self::Exact(text) => {
                let text = regex::escape(&text.to_str_lossy());
                compile(&format!("(?i){text}")).ok().map(Self::Search)
            }
            Self::Search(glob) if glob.as_str().starts_with('^') => {
                compile(&format!("(?i){}", glob.as_str()))
                    .ok()
                    .map(Self::Search)
            }
            Self::Null | Self::Search(_) => None,
        }
    }

    /// Whether an address matches.
    pub fn matches(&self, address: Address<'_>) -> bool {
        match (self, address.given) {
            (Self::Null, Some(given)) => given.is_empty(),
            (Self::Null, None) => address.shown == address.null_shown,
            (Self::Search(regex), _) => regex.is_match(address.shown),
            (Self::Exact(exact), given) => {
                same_address(exact, address.shown) || given.is_some_and(|g| same_address(exact, g))
            }
        }
    }
}

/// A domain, or the subdomains of a domain.
#[derive(Clone, Debug)]
pub struct DomainPattern(Vec<u8>);

impl DomainPattern {
    /// Parses a domain from the command line.
    ///
    /// # Errors
    ///
    /// The text is not a domain; the error says what to write instead.
    pub fn parse(text: &str) -> Result<Self, String> {
        let is_pattern = !matches!(notation(text), Notation::Exact);
        if text.is_empty() || text == "." || text.contains('@') || is_pattern {
            let hint =
                "give a domain, or .domain for its subdomains; patterns go with --from, --to";
            return Err(hint.to_owned());
        }
        Ok(Self(text.as_bytes().to_ascii_lowercase()))
    }

    /// Whether the domain of an address matches.
    pub fn matches(&self, address: &[u8]) -> bool {
        let domain = domain(address);
        match self.0.as_slice() {
            // `x.example.com` ends in `.example.com`; `.example.com` itself is not
            // a domain.
            [b'.', ..] => {
                let front = domain.len().checked_sub(self.0.len()).filter(|&n| n > 0);
                let end = front.and_then(|front| domain.get(front..));
                end.is_some_and(|end| end.eq_ignore_ascii_case(&self.0))
            }
            exact => domain.eq_ignore_ascii_case(exact),
        }
    }
}

/// The text after the last `@`; empty if there is none.
pub fn domain(address: &[u8]) -> &[u8] {
    let parts = address.rsplit_once_str("@");
    parts.map_or(b"", |(_, domain)| domain)
}

fn same_address(a: &[u8], b: &[u8]) -> bool {
    let (domain_a, domain_b) = (domain(a), domain(b));
    let local = |address: &[u8], domain: &[u8]| address.len().saturating_sub(domain.len());
    let (end_a, end_b) = (local(a, domain_a), local(b, domain_b));
    a.get(..end_a) == b.get(..end_b) && domain_a.eq_ignore_ascii_case(domain_b)
}

/// The notation of a pattern.
enum Notation<'a> {
    Exact,
    Glob,
    Regex(&'a str),
}

fn notation(text: &str) -> Notation<'_> {
    match text.strip_prefix(REGEX) {
        Some(regex) => Notation::Regex(regex),
        None if text.contains(['*', '?']) => Notation::Glob,
        None => Notation::Exact,
    }
}

/// The regular expression for a glob: `*` matches any text, `?` one character.
fn glob(text: &str) -> String {
    format!("^{}$", glob_part(text))
}

/// The same for an address, with the domain in upper or lower case.
fn address_glob(text: &str) -> String {
    match text.rsplit_once('@') {
        Some((local, domain)) => domain_glob(local, "@", domain),
        // Each wildcard can match the `@`, and what follows it is in the domain then.
        None => {
            let wildcards = text.char_indices().filter(|(_, c)| matches!(c, '*' | '?'));
            let mut all = vec![glob(text)];
            for (at, wildcard) in wildcards.take(WILDCARDS_MAX) {
                let (local, domain) = text.split_at(at);
                let domain = domain.get(1..).unwrap_or_default();
                let around = if wildcard == '*' { "*@*" } else { "@" };
                all.push(domain_glob(local, around, domain));
            }
            all.join("|")
        }
    }
}

/// The regular expression for an address whose domain starts in `around`.
fn domain_glob(local: &str, around: &str, domain: &str) -> String {
    let (local, around) = (glob_part(local), glob_part(around));
    format!("^{local}{around}(?i:{})$", glob_part(domain))
}

fn glob_part(text: &str) -> String {
    let mut expression = String::with_capacity(text.len().saturating_mul(2));
    let mut previous = None;
    for character in text.chars() {
        let before = previous.replace(character);
        match character {
            // Several asterisks in a row match what one does.
            '*' if before == Some('*') => {}
            // Match any bytes, also invalid UTF-8.
            '*' => expression.push_str("(?s-u:.*)"),
            '?' => expression.push_str("(?s:.)"),
            other => expression.push_str(&regex::escape(other.encode_utf8(&mut [0; 4]))),
        }
    }
    expression
}

fn compile(expression: &str) -> Result<Regex, String> {
    if expression.len() > EXPRESSION_MAX {
        return Err("the pattern is too long".to_owned());
    }
    let compiled = RegexBuilder::new(expression).build();
    compiled.map_err(|error| match error {
        // The message quotes the expression on several lines; only the last one
        // describes the problem.
        regex::Error::Syntax(text) => {
            let last = text.lines().last().unwrap_or_default();
            last.trim_start_matches("error: ").to_owned()
        }
        other => other.to_string(),
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    fn shown(address: &str) -> Address<'_> {
        Address {
            shown: address.as_bytes(),
            given: None,
            null_shown: b"MAILER-DAEMON",
        }
    }

    fn from(pattern: &str, address: &str) -> bool {
        AddressPattern::parse(pattern)
            .unwrap()
            .matches(shown(address))
    }

    #[test]
    fn exact_addresses_ignore_case_in_the_domain_only() {
        assert!(from("a@example.com", "a@EXAMPLE.com"));
        assert!(!from("A@example.com", "a@example.com"));
        assert!(!from("a@example.com", "a@example.com.au"));
        assert!(from("local", "local"));
        assert!(!from("local", "LOCAL"));
    }

    #[test]
    fn a_dot_is_a_dot_unless_it_is_in_a_regular_expression() {
        assert!(!from("a.b@x", "aXb@x"));
        assert!(!from("a.*@x", "aXb@x"));
        assert!(from("re:^a.b@x$", "aXb@x"));
        assert!(from("re:b@", "aXb@x"));
    }

    #[test]
    fn globs_cover_the_whole_text() {
        assert!(from("*@Example.COM", "x@example.com"));
        assert!(!from("X*@example.com", "x@example.com"));
        assert!(!from("*@example.com", "x@example.com.au"));
        assert!(from("?@*", "ü@x"));
        assert!(!from("?@*", "üü@x"));
        assert!(from("*", "\u{fffd}"));
        assert!(from("*bulk.example", "a@BULK.example"));
        assert!(from("*@x?y", "a@X.Y") && from("a?X", "a@x"));
        assert!(!from("A*bulk.example", "a@bulk.example"));
        assert!(!from("*Bulk.example", "bulk.example"));
        assert!(Pattern::parse("a*b").unwrap().matches(b"a\xff\nb"));
        assert!(!Pattern::parse("a*b").unwrap().matches(b"a\xff\nbc"));
    }

    #[test]
    fn the_null_sender_is_no_text() {
        assert!(from("<>", "MAILER-DAEMON"));
        assert!(!from("<>", "a@x"));
        let given = |given: &'static [u8]| Address {
            given: Some(given),
            ..shown("MAILER-DAEMON")
        };
        let null = AddressPattern::parse("<>").unwrap();
        assert!(null.matches(given(b"")) && !null.matches(given(b"MAILER-DAEMON")));
        assert!(AddressPattern::parse("").is_err());
    }

    #[test]
    fn similar_addresses_contain_the_text_in_any_case() {
        let similar = |pattern: &str, address: &str| {
            let pattern = AddressPattern::parse(pattern).unwrap().similar();
            pattern.is_some_and(|pattern| pattern.matches(shown(address)))
        };
        assert!(similar("bulk.example", "Joe@Bulk.Example"));
        assert!(similar("joe@x", "Joe@x") && similar("j*@x", "Joe@x"));
        assert!(!similar("joe.x", "joe@x") && !similar("re:joe", "Joe@x"));
        assert!(AddressPattern::Null.similar().is_none());
    }

    #[test]
    fn reasons_match_as_counts_show_them() {
        let reason = b"delivery temporarily suspended: connect to mx.a[192.0.2.1]:25: refused";
        let matches = |pattern: &str| Pattern::parse(pattern).unwrap().matches_reason(reason);
        assert!(matches("connect to \u{2026}: refused"));
        assert!(matches("connect to \u{2026}*") && matches("*suspended*"));
        assert!(!matches("connect to *"));
    }

    #[test]
    fn domains_are_whole() {
        let matches = |pattern: &str, address: &str| {
            let domain = DomainPattern::parse(pattern).unwrap();
            domain.matches(address.as_bytes())
        };
        assert!(matches("example.com", "a@Example.com"));
        assert!(!matches("example.com", "a@x.example.com"));
        assert!(matches(".example.com", "a@x.EXAMPLE.com"));
        assert!(!matches(".example.com", "a@example.com"));
        assert!(!matches(".example.com", "a@.example.com"));
        assert!(!matches("example.com", "a@xexample.com"));
        assert!(!matches("example.com", "example.com"));
        for wrong in ["", ".", "*.example.com", "re:x", "a@b"] {
            assert!(DomainPattern::parse(wrong).is_err(), "{wrong}");
        }
    }

    #[test]
    fn compile_errors_describe_the_problem() {
        let wrong = Pattern::parse("re:a(b").map(drop);
        assert_eq!(wrong, Err("unclosed group".to_owned()));
        assert!(Pattern::parse("re:(?:a{1000}){1000}{1000}").is_err());
    }

    #[test]
    fn long_patterns_are_refused_before_they_are_compiled() {
        assert!(from(&"*".repeat(100_000), "a@x"));
        let long = Pattern::parse(&"*a".repeat(100_000)).map(drop);
        assert_eq!(long, Err("the pattern is too long".to_owned()));
    }
}
