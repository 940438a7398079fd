//! RFC 822 quoting of an envelope address.

use bstr::ByteSlice;

/// Appends `address`, with its local part quoted if RFC 822 requires it.
///
/// A source route at the beginning (`@a,@b:`) is kept unchanged. The local part
/// is the text after it, up to the last `@` or the end.
pub fn quote_address(address: &[u8], to: &mut Vec<u8>) {
    let (route, mailbox) = split_route(address);
    let (local, domain) = match mailbox.rfind_byte(b'@') {
        Some(at) => mailbox.split_at(at),
        None => (mailbox, &[][..]),
    };
    to.extend_from_slice(route);
    if is_dot_string(local) {
        to.extend_from_slice(local);
    } else {
        quote_local_part(local, to);
    }
    to.extend_from_slice(domain);
}

/// Splits off a source route: the text up to the first colon, if the address
/// begins with `@`.
fn split_route(address: &[u8]) -> (&[u8], &[u8]) {
    match address {
        [b'@', ..] => match address.find_byte(b':') {
            Some(colon) => address.split_at(colon.saturating_add(1)),
            None => (&[], address),
        },
        _ => (&[], address),
    }
}

/// Whether a local part needs no quotes.
fn is_dot_string(local: &[u8]) -> bool {
    let mut previous = b'.';
    for &byte in local {
        let special = matches!(
            byte,
            b' ' | b'('
                | b')'
                | b'<'
                | b'>'
                | b'@'
                | b','
                | b';'
                | b':'
                | b'\\'
                | b'"'
                | b'['
                | b']'
        );
        if special || byte.is_ascii_control() || (byte == b'.' && previous == b'.') {
            return false;
        }
        previous = byte;
    }
    // This is also false for an empty local part.
    previous != b'.'
}

fn quote_local_part(local: &[u8], to: &mut Vec<u8>) {
    to.push(b'"');
    for &byte in local {
        if matches!(byte, b'"' | b'\\' | b'\r') {
            to.push(b'\\');
        }
        to.push(byte);
    }
    to.push(b'"');
}

#[cfg(test)]
mod tests {
    use super::*;

    // Observed with listings of Postfix 3.7.11, before control bytes are
    // replaced.
    #[test]
    fn quoting_is_that_of_postfix() {
        for (address, expected) in [
            ("a b@c", r#""a b"@c"#),
            (".a@b", r#"".a"@b"#),
            ("a.@b", r#""a."@b"#),
            ("a..b@c", r#""a..b"@c"#),
            ("@", r#"""@"#),
            ("@b", r#"""@b"#),
            ("a@", "a@"),
            ("a@b@c", r#""a@b"@c"#),
            (r#""q"@x"#, r#""\"q\""@x"#),
            (r"a\b@c", r#""a\\b"@c"#),
            ("a\rb@c", "\"a\\\rb\"@c"),
            ("@x:y@z", "@x:y@z"),
            ("@x,@y:a b@w", r#"@x,@y:"a b"@w"#),
            ("@x:", r#"@x:"""#),
            ("@x@y:z", "@x@y:z"),
            ("@x:a:b@z", r#"@x:"a:b"@z"#),
            ("@xy@z", r#""@xy"@z"#),
            ("@x,@y", r#""@x,"@y"#),
            ("@:x@y", "@:x@y"),
            ("ü@x", "ü@x"),
            ("a@b c", "a@b c"),
        ] {
            let mut quoted = Vec::new();
            quote_address(address.as_bytes(), &mut quoted);
            assert_eq!(String::from_utf8(quoted).unwrap(), expected);
        }
    }
}
