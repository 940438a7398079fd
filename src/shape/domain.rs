//! What an address counts as: its domain, and the domains above that.
//!
//! The rules are those of the original's text substitutions, which work on
//! lines: an address can hold anything, line ends too.

/// What an empty address counts as.
pub const NO_ADDRESS: &[u8] = b"MAILER-DAEMON";
/// Bytes of a name that are kept: the last ones. No domain is that long, and
/// what an address may hold is not for ever.
const NAME_MAX: usize = 1024;

/// Puts what an address counts as into `to`: its domain in lower case.
pub fn domain_of(address: &[u8], to: &mut Vec<u8>) {
    lower_case(address, to);
    if address.is_empty() {
        return;
    }
    remove_local_part(to);
    join_dots(to);
    trim_dots(to);
    let excess = to.len().saturating_sub(NAME_MAX);
    to.drain(..excess);
}

/// Puts an address into `to` in lower case; of a long one the last bytes.
pub fn lower_case(address: &[u8], to: &mut Vec<u8>) {
    to.clear();
    match address {
        [] => to.extend_from_slice(NO_ADDRESS),
        _ => to.extend(address.iter().map(u8::to_ascii_lowercase)),
    }
}

/// The domain above a name: `.b.c` of `a.b.c` and `.c.d` of `.b.c.d`. Top
/// level domains are none.
pub fn parent(name: &[u8]) -> Option<&[u8]> {
    let dot = usize::from(name.first() == Some(&b'.'));
    let label = name.get(dot..)?;
    let end = label.iter().position(|&b| b == b'.').filter(|&at| at > 0)?;
    let above = label.get(end..)?;
    let rest = above.get(1..)?;
    let next = rest.iter().find(|b| matches!(**b, b'.' | b'\n'))?;
    (*next == b'.').then_some(above)
}

/// Removes what stands before and including the last `@` of the first line
/// that has one.
fn remove_local_part(text: &mut Vec<u8>) {
    let mut start = 0usize;
    for line in text.split(|&b| b == b'\n') {
        if let Some(at) = line.iter().rposition(|&b| b == b'@') {
            let end = start.saturating_add(at);
            text.drain(start..=end);
            return;
        }
        start = start.saturating_add(line.len()).saturating_add(1);
    }
}

/// Makes one dot of every two.
fn join_dots(text: &mut Vec<u8>) {
    let mut after_dot = false;
    text.retain(|&byte| {
        let is_second = after_dot && byte == b'.';
        after_dot = byte == b'.' && !is_second;
        !is_second
    });
}

/// Removes one dot at the front and one at the end of the last line, unless
/// nothing would be left. A line end behind it does not count.
fn trim_dots(text: &mut Vec<u8>) {
    let end = match text.last() {
        Some(b'\n') => text.len().saturating_sub(1),
        _ => text.len(),
    };
    let above = text.get(..end).unwrap_or_default();
    let start = above.iter().rposition(|&b| b == b'\n');
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

    // Each pair as qshape of Postfix 3.7.11 showed it.
    #[test]
    fn addresses_count_as_in_the_original() {
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
    fn parents_are_those_of_the_original() {
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
    fn of_endless_names_the_end_is_kept() {
        let mut found = Vec::new();
        domain_of(&[b'x'; 100_000], &mut found);
        assert_eq!(found.len(), NAME_MAX);
    }
}
