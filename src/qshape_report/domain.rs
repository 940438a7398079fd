//! The name that an address counts for: its domain, and the parent domains.
//!
//! Follows the text substitutions of Postfix's qshape, which work on lines; an
//! address can contain anything, including newlines.

use std::hash::{DefaultHasher, Hash, Hasher};

use bstr::ByteSlice;

/// The name for an empty address.
pub const NO_ADDRESS: &[u8] = b"MAILER-DAEMON";
/// The number of bytes of a name that are kept, from its end. No domain is that
/// long, and memory must not depend on the contents of an address.
const NAME_MAX: usize = 4096;
/// The maximum length of a parent domain in bytes, and the maximum number of
/// its labels: slightly more than DNS allows. An address can contain thousands
/// of dots.
const PARENT_MAX: usize = 256;
const PARENT_LABELS_MAX: usize = 128;
/// The number of bytes that replace those not kept: the length of the name and
/// a hash of it, so that different names remain different.
const STAND_IN: usize = 16;

/// A name as it was counted.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct DomainName<'a> {
    /// The name, or its end if it is too long.
    pub text: &'a [u8],
    /// The length of the name.
    pub length: u64,
}

impl<'a> DomainName<'a> {
    /// Returns the name that a key stands for.
    pub fn of(key: &'a [u8]) -> Self {
        match key.split_at_checked(NAME_MAX) {
            Some((text, [a, b, c, d, e, f, g, h, ..])) => Self {
                text,
                length: u64::from_be_bytes([*a, *b, *c, *d, *e, *f, *g, *h]),
            },
            _ => Self {
                text: key,
                length: key.len() as u64,
            },
        }
    }
}

/// Converts a name to its key: the name itself, unless it is too long.
fn into_key(name: &mut Vec<u8>) {
    let Some(excess) = name.len().checked_sub(NAME_MAX).filter(|n| *n > 0) else {
        return;
    };
    let mut stand_in = [0; STAND_IN];
    let (length, digest) = stand_in.split_at_mut(STAND_IN / 2);
    let mut hasher = DefaultHasher::new();
    name.hash(&mut hasher);
    length.copy_from_slice(&(name.len() as u64).to_be_bytes());
    digest.copy_from_slice(&hasher.finish().to_be_bytes());
    name.drain(..excess);
    name.extend_from_slice(&stand_in);
}

/// Writes the key of an address's domain, in lower case, to `to`.
pub fn domain_of(address: &[u8], to: &mut Vec<u8>) {
    lower_case(address, to);
    if !address.is_empty() {
        remove_local_part(to);
        join_dots(to);
        trim_dots(to);
    }
    into_key(to);
}

/// Writes the key of an address, in lower case, to `to`.
pub fn address_of(address: &[u8], to: &mut Vec<u8>) {
    lower_case(address, to);
    into_key(to);
}

fn lower_case(address: &[u8], to: &mut Vec<u8>) {
    to.clear();
    match address {
        [] => to.extend_from_slice(NO_ADDRESS),
        _ => to.extend(address.iter().map(u8::to_ascii_lowercase)),
    }
}

/// The parent of a name: `.b.c` for `a.b.c` and `.c.d` for `.b.c.d`. `None` if
/// that is a top-level domain.
fn parent(name: &[u8]) -> Option<&[u8]> {
    let dot = usize::from(name.first() == Some(&b'.'));
    let label = name.get(dot..)?;
    let end = label.find_byte(b'.').filter(|&at| at > 0)?;
    let above = label.get(end..)?;
    let rest = above.get(1..)?;
    let next = rest.iter().find(|b| matches!(**b, b'.' | b'\n'))?;
    (*next == b'.').then_some(above)
}

/// The parents of a name that can be domains, starting with the nearest.
pub fn parents(name: &[u8]) -> impl Iterator<Item = &[u8]> {
    let is_domain = |name: &&[u8]| {
        let dots = name.iter().filter(|&&b| b == b'.').count();
        name.len() <= PARENT_MAX && dots <= PARENT_LABELS_MAX
    };
    std::iter::successors(parent(name), |below| parent(below)).filter(is_domain)
}

/// Removes the text up to and including the last `@` of the first line that has
/// one.
fn remove_local_part(text: &mut Vec<u8>) {
    let mut start = 0usize;
    for line in text.split(|&b| b == b'\n') {
        if let Some(at) = line.rfind_byte(b'@') {
            let end = start.saturating_add(at);
            text.drain(start..=end);
            return;
        }
        start = start.saturating_add(line.len()).saturating_add(1);
    }
}

/// Replaces each pair of dots with one dot.
fn join_dots(text: &mut Vec<u8>) {
    let mut after_dot = false;
    text.retain(|&byte| {
        let is_second = after_dot && byte == b'.';
        after_dot = byte == b'.' && !is_second;
        !is_second
    });
}

/// Removes a dot at the beginning and one at the end of the last line, unless
/// nothing would be left. A newline after that dot is ignored.
fn trim_dots(text: &mut Vec<u8>) {
    let end = match text.last() {
        Some(b'\n') => text.len().saturating_sub(1),
        _ => text.len(),
    };
    let above = text.get(..end).unwrap_or_default();
    let start = above.rfind_byte(b'\n');
    let start = start.map_or(0, |at| at.saturating_add(1));
    let line = above.get(start..).unwrap_or_default();
    let leads = line.len() > 1 && line.starts_with(b".");
    let rest = line.len().saturating_sub(usize::from(leads));
    if rest > 1 && line.ends_with(b".") {
        text.remove(end.saturating_sub(1));
    }
    if leads {
        text.remove(start);
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    // Observed with qshape of Postfix 3.7.11.
    #[test]
    fn domains_are_those_of_postfixs_qshape() {
        for (address, domain) in [
            ("", "MAILER-DAEMON"),
            ("MAILER-DAEMON", "mailer-daemon"),
            ("A@B.C", "b.c"),
            ("USER", "user"),
            ("a@b@c", "c"),
            ("@", ""),
            ("a@", ""),
            ("a@.b.", "b"),
            ("a@..b", "b"),
            ("a@...b", ".b"),
            ("a@b...c", "b..c"),
            ("a@b....c", "b..c"),
            ("a@b....", "b."),
            ("a@b.....", "b.."),
            ("a@.", "."),
            ("a@...", "."),
            ("..a..", "a"),
            ("a\n@b", "a\nb"),
            ("\na@b.c", "\nb.c"),
            ("x@y\nz@w", "y\nz@w"),
            ("q\nx@y@v\nz@w", "q\nv\nz@w"),
            ("x@a\n.b\n.c", "a\n.b\nc"),
            ("x@a.b.\nc.d.", "a.b.\nc.d"),
            ("x@b.\n", "b\n"),
            ("x@\n.", "\n."),
            ("x@a.\n\n", "a.\n\n"),
            ("x@a\n.\n", "a\n.\n"),
        ] {
            let mut found = Vec::new();
            domain_of(address.as_bytes(), &mut found);
            assert_eq!(found, domain.as_bytes(), "{address:?}");
        }
    }

    #[test]
    fn parents_are_those_of_postfixs_qshape() {
        for (name, above) in [
            ("a.b.c", Some(".b.c")),
            (".b.c.d", Some(".c.d")),
            (".b.c", None),
            ("a.b", None),
            ("a", None),
            ("", None),
            ("b..", Some("..")),
            ("b.", None),
            (".b..", Some("..")),
            ("a.b..c..d.e", Some(".b..c..d.e")),
            ("..c..d.e", None),
            ("a.b\nc.d", None),
            ("a.b.c\nd.e", Some(".b.c\nd.e")),
            (".b.c\nd.e", None),
            ("a\nx.b.c", Some(".b.c")),
        ] {
            let expected = above.map(str::as_bytes);
            assert_eq!(parent(name.as_bytes()), expected, "{name:?}");
        }
    }

    #[test]
    fn only_the_end_of_a_long_name_is_kept() {
        let key = |length| {
            let mut found = Vec::new();
            domain_of(&vec![b'x'; length], &mut found);
            found
        };
        let (long, longer) = (key(100_000), key(100_001));
        assert_ne!(long, longer);
        assert_eq!(DomainName::of(&long).text, [b'x'; NAME_MAX]);
        assert_eq!(DomainName::of(&longer).length, 100_001);
        let short = key(NAME_MAX);
        assert_eq!(DomainName::of(&short).text, short);
    }
}
