//! The entries of a bounce log, in the form of the bounce daemon. Observed with
//! Postfix 3.7.11.
//!
//! Addresses are untrusted: none of them can add a line to an entry.

use crate::text::{Charset, append, make_printable, quote_address};

/// An entry of a bounce log. Addresses are unquoted.
#[derive(Clone, Copy, Debug)]
pub struct BounceEntry<'a> {
    /// The recipient.
    pub recipient: &'a [u8],
    /// The original recipient; empty if there is none.
    pub original: &'a [u8],
    /// The offset of the recipient's record in the queue file.
    pub offset: u64,
    /// The original recipient of a delivery status notification; empty if there is
    /// none.
    pub dsn_original: &'a [u8],
    /// The notify flags; 0 if there are none.
    pub notify: u8,
    /// The enhanced status code.
    pub status: &'a str,
    /// The reason, which is printable.
    pub reason: &'a str,
}

impl BounceEntry<'_> {
    /// Appends the entry to `out` as it is in the file, with the blank lines
    /// around it.
    pub fn append_to(&self, charset: Charset, out: &mut Vec<u8>) {
        let quoted = quoted(self.recipient, charset);
        out.extend_from_slice(b"\n<");
        out.extend_from_slice(&quoted);
        append(out, format_args!(">: {}\n", self.reason));
        attribute("recipient", &quoted, out);
        if !self.original.is_empty() && !self.original.eq_ignore_ascii_case(self.recipient) {
            let original = self::quoted(self.original, charset);
            attribute("original_recipient", &original, out);
        }
        append(out, format_args!("offset={}\n", self.offset));
        if !self.dsn_original.is_empty() {
            let mut text = self.dsn_original.to_vec();
            make_printable(&mut text, charset);
            attribute("dsn_orig_rcpt", &text, out);
        }
        if self.notify != 0 {
            append(out, format_args!("notify_flags={}\n", self.notify));
        }
        let (status, reason) = (self.status, self.reason);
        append(
            out,
            format_args!("status={status}\naction=failed\nreason={reason}\n\n"),
        );
    }
}

fn quoted(address: &[u8], charset: Charset) -> Vec<u8> {
    let mut text = Vec::new();
    quote_address(address, &mut text);
    make_printable(&mut text, charset);
    text
}

fn attribute(name: &str, value: &[u8], out: &mut Vec<u8>) {
    append(out, format_args!("{name}="));
    out.extend_from_slice(value);
    out.push(b'\n');
}

#[cfg(test)]
mod tests {
    use super::*;

    const ENTRY: BounceEntry<'_> = BounceEntry {
        recipient: b"real@bounce.example",
        original: b"alias@v.example",
        offset: 734,
        dsn_original: b"rfc822;alias@v.example",
        notify: 0,
        status: "5.7.1",
        reason: "administratively prohibited",
    };

    fn text(entry: &BounceEntry<'_>) -> String {
        let mut out = Vec::new();
        entry.append_to(Charset::StrictUtf8, &mut out);
        String::from_utf8(out).expect("UTF-8")
    }

    // Logs that the bounce daemon of Postfix 3.7.11 wrote.
    #[test]
    fn entries_are_those_of_the_bounce_daemon() {
        assert_eq!(
            text(&ENTRY),
            "\n<real@bounce.example>: administratively prohibited\n\
             recipient=real@bounce.example\noriginal_recipient=alias@v.example\n\
             offset=734\ndsn_orig_rcpt=rfc822;alias@v.example\nstatus=5.7.1\n\
             action=failed\nreason=administratively prohibited\n\n"
        );
        let same = BounceEntry {
            recipient: b"foo@bounce.example",
            original: b"FOO@Bounce.example",
            offset: 287,
            dsn_original: b"",
            notify: 4,
            ..ENTRY
        };
        assert_eq!(
            text(&same),
            "\n<foo@bounce.example>: administratively prohibited\n\
             recipient=foo@bounce.example\noffset=287\nnotify_flags=4\nstatus=5.7.1\n\
             action=failed\nreason=administratively prohibited\n\n"
        );
        let quoted = BounceEntry {
            recipient: b"sp ace@bounce.example",
            original: b"x<y@v.example",
            ..ENTRY
        };
        assert!(text(&quoted).contains(
            "\n<\"sp ace\"@bounce.example>: administratively prohibited\n\
             recipient=\"sp ace\"@bounce.example\noriginal_recipient=\"x<y\"@v.example\n"
        ));
    }

    #[test]
    fn no_address_adds_a_line_to_an_entry() {
        let hostile = BounceEntry {
            recipient: b"a\n\nrecipient=b\x1b@x",
            original: b"o\nstatus=2.0.0",
            dsn_original: b"rfc822;a\noffset=1",
            ..ENTRY
        };
        assert_eq!(text(&hostile).lines().count(), text(&ENTRY).lines().count());
        assert!(!text(&hostile).contains('\x1b'));
    }
}
