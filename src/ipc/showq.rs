//! The showq client: reads a listing from the showq daemon. See showq(8).
//!
//! Accepts the data of every daemon since Postfix 3.4, whichever release is
//! installed: until they are restarted, daemons may be older or newer than
//! their program files. Values are sent quoted and printable, but are made
//! printable again, since another process may have taken the daemon's place.

use std::io;
use std::io::BufReader;
use std::os::unix::net::UnixStream;
use std::path::Path;
use std::time::Duration;

use super::attribute_error::AttributeError;
use super::attributes::{AttributeReader, Buffered};
use crate::queue_file::message_visitor::{
    LogClass, LogFacts, MessageHead, MessageVisitor, Recipient,
};
use crate::release::{Feature, Installed};
use crate::sys::socket::{Wait, connect_stream};
use crate::text::{Charset, make_printable};

/// The protocol name in the daemon's greeting.
const PROTOCOL: &str = "mail_queue_list_protocol";
/// The first attribute of a message.
const FIRST: &[u8] = b"queue_name";

/// Connects to the daemon whose socket is at `path`. If the daemon sends
/// nothing for `timeout`, reading from the stream fails.
///
/// # Errors
///
/// The connection fails.
pub fn connect(path: &Path, timeout: Duration) -> io::Result<BufReader<UnixStream>> {
    let stream = connect_stream(path, Wait::AtMost(timeout))?;
    // Zero stands for no time limit, but is an error to the system call.
    stream.set_read_timeout(Some(timeout).filter(|t| !t.is_zero()))?;
    Ok(BufReader::with_capacity(64 * 1024, stream))
}

/// A listing that is being read.
#[derive(Debug)]
pub struct Showq<R> {
    attributes: AttributeReader<R>,
    charset: Charset,
    /// The name that was read in advance.
    name: Vec<u8>,
    ahead: Ahead,
    message: MessageValues,
    recipient: RecipientValues,
}

/// What was read in advance.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Ahead {
    Nothing,
    /// The first name of a message.
    Name,
    /// The end of the listing.
    End,
}

#[derive(Debug, Default)]
struct MessageValues {
    queue: Vec<u8>,
    id: Vec<u8>,
    sender: Vec<u8>,
    number: Vec<u8>,
}

#[derive(Debug, Default)]
struct RecipientValues {
    original: Vec<u8>,
    address: Vec<u8>,
    class: Vec<u8>,
    reason: Vec<u8>,
}

impl<R: io::BufRead + Buffered> Showq<R> {
    /// A listing from the daemon whose socket is `peer`.
    pub fn new(input: R, peer: &str, charset: Charset) -> Self {
        Self {
            attributes: AttributeReader::new(input, peer),
            charset,
            name: Vec::new(),
            ahead: Ahead::Nothing,
            message: MessageValues::default(),
            recipient: RecipientValues::default(),
        }
    }

    /// Reads the daemon's greeting, if it sends one. Before Postfix 3.6 the
    /// listing begins at once, and an empty one is a single NUL. `installed` is
    /// used only if the daemon sends neither. A fault that can be ignored is
    /// returned as the value.
    ///
    /// # Errors
    ///
    /// The data is not the beginning of a listing.
    pub fn greeting(
        &mut self,
        installed: &Installed,
    ) -> Result<Option<AttributeError>, AttributeError> {
        let has_name = self.attributes.first_name(&mut self.name)?;
        if has_name && self.name == FIRST {
            self.ahead = Ahead::Name;
            return Ok(None);
        }
        if !has_name {
            self.ahead = Ahead::End;
            return Ok(None);
        }
        if self.name != b"protocol" && !installed.has(Feature::DaemonsGreet) {
            self.attributes.expect(&self.name, "queue_name")?;
        }
        self.attributes.greeting(&self.name, PROTOCOL)
    }

    /// Reports the next message. Returns false at the end of the listing.
    ///
    /// # Errors
    ///
    /// The daemon sends nothing or closes the connection, or the data is not a message.
    pub fn next(&mut self, report: &mut impl MessageVisitor) -> Result<bool, AttributeError> {
        match std::mem::replace(&mut self.ahead, Ahead::Nothing) {
            Ahead::End => return Ok(false),
            Ahead::Nothing if !self.next_name()? => return Ok(false),
            Ahead::Nothing | Ahead::Name => {}
        }
        self.head(report)?;
        while self.next_name()? {
            self.recipient(report)?;
        }
        report.end();
        Ok(true)
    }

    /// Whether more data can be read without waiting for the daemon.
    pub fn has_more(&self) -> bool {
        self.attributes.has_more()
    }

    /// Reads a message up to its sender. Its first name has been read in
    /// advance.
    fn head(&mut self, report: &mut impl MessageVisitor) -> Result<(), AttributeError> {
        let mut message = std::mem::take(&mut self.message);
        self.value("queue_name", &mut message.queue)?;
        self.named("queue_id", &mut message.id)?;
        self.named("time", &mut message.number)?;
        let arrival = self.attributes.number(&message.number)?;
        self.named("size", &mut message.number)?;
        let size = self.attributes.number(&message.number)?;
        let forced_expire = self.forced_expire(&mut message)?;
        report.message(&MessageHead {
            queue: &message.queue,
            id: &message.id,
            arrival,
            arrival_microseconds: 0,
            size,
            forced_expire,
            next_attempt: None,
            sender: &message.sender,
            envelope_sender: None,
        });
        self.message = message;
        Ok(())
    }

    /// Reads whether a message is marked to expire, which Postfix 3.4 does not
    /// send, and the sender.
    fn forced_expire(&mut self, to: &mut MessageValues) -> Result<Option<bool>, AttributeError> {
        let has_name = self.attributes.name(&mut self.name)?;
        if has_name && self.name == b"sender" {
            self.value("sender", &mut to.sender)?;
            return Ok(None);
        }
        if !has_name {
            return Err(self.attributes.missing("forced_expire"));
        }
        self.value("forced_expire", &mut to.number)?;
        let number = self.attributes.number(&to.number)?;
        self.named("sender", &mut to.sender)?;
        Ok(Some(number != 0))
    }

    /// Reads a recipient. Its first name has been read in advance.
    fn recipient(&mut self, report: &mut impl MessageVisitor) -> Result<(), AttributeError> {
        let mut recipient = std::mem::take(&mut self.recipient);
        let has_original = self.name == b"original_recipient";
        if has_original {
            self.value("original_recipient", &mut recipient.original)?;
            self.named("recipient", &mut recipient.address)?;
            self.named("log_class", &mut recipient.class)?;
        } else {
            self.value("recipient", &mut recipient.address)?;
        }
        self.named("reason", &mut recipient.reason)?;
        let class = match (has_original, recipient.class.as_slice()) {
            (false, _) | (true, b"defer") => LogClass::Defer,
            (true, b"bounce") => LogClass::Bounce,
            (true, _) => LogClass::Other,
        };
        let has_reason = !recipient.reason.is_empty();
        report.recipient(&Recipient {
            address: &recipient.address,
            original: has_original.then_some(&recipient.original),
            reason: has_reason.then_some((&recipient.reason, class)),
            facts: LogFacts::default(),
        });
        self.recipient = recipient;
        Ok(())
    }

    /// Reads the first name of a group in advance. Returns false at the end of
    /// the list.
    fn next_name(&mut self) -> Result<bool, AttributeError> {
        self.attributes.first_name(&mut self.name)
    }

    /// Reads the value of the name that was read in advance, which must be
    /// `name`.
    fn value(&mut self, name: &'static str, value: &mut Vec<u8>) -> Result<(), AttributeError> {
        self.attributes.expect(&self.name, name)?;
        self.attributes.value(value)?;
        make_printable(value, self.charset);
        Ok(())
    }

    /// Reads an attribute, whose name must be `name`.
    fn named(&mut self, name: &'static str, value: &mut Vec<u8>) -> Result<(), AttributeError> {
        if self.attributes.name(&mut self.name)? {
            self.value(name, value)
        } else {
            Err(self.attributes.missing(name))
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::release::Release;

    #[derive(Default)]
    struct AttributesSeen(Vec<String>);

    impl MessageVisitor for AttributesSeen {
        fn message(&mut self, head: &MessageHead<'_>) {
            self.0.push(format!(
                "{} {} {}{}",
                String::from_utf8_lossy(head.id),
                head.arrival,
                head.size,
                if head.forced_expire.is_some() {
                    ""
                } else {
                    " no mark"
                }
            ));
        }
        fn recipient(&mut self, r: &Recipient<'_>) {
            self.0.push(format!(
                "{:?} {:?}",
                r.original.is_some(),
                r.reason.map(|(_, class)| class)
            ));
        }
        fn end(&mut self) {
            self.0.push("end".into());
        }
        fn warning(&mut self, _: Vec<u8>) {}
    }

    fn read(text: &str) -> Result<Vec<String>, AttributeError> {
        let bytes = text.replace(' ', "\0").into_bytes();
        let mut showq = Showq::new(BufReader::new(&bytes[..]), "S", Charset::Ascii);
        showq.greeting(&installed("3.7"))?;
        let mut seen = AttributesSeen::default();
        while showq.next(&mut seen)? {}
        Ok(seen.0)
    }

    fn installed(version: &str) -> Installed {
        Installed::of_release(Release::parse(version).unwrap())
    }

    const GREETING: &str = "protocol mail_queue_list_protocol  ";
    const HEAD: &str = "queue_name hold queue_id A1 time 7 size 8 forced_expire 0 sender s ";

    #[test]
    fn both_kinds_of_recipient_groups_are_understood() {
        let old = format!("{GREETING}{HEAD}recipient r reason  recipient q reason x   ");
        assert_eq!(
            read(&old).unwrap(),
            ["A1 7 8", "false None", "false Some(Defer)", "end"]
        );
        let new = format!(
            "{GREETING}{HEAD}original_recipient o recipient r log_class bounce reason x   "
        );
        assert_eq!(read(&new).unwrap(), ["A1 7 8", "true Some(Bounce)", "end"]);
    }

    // The data that showq of Postfix 3.4.13 and 3.5.25 sends.
    #[test]
    fn a_daemon_without_a_greeting_is_understood() {
        let seen = |text: &str| read(text).unwrap();
        let head = HEAD.replace("forced_expire 0 ", "");
        assert_eq!(
            seen(&format!("{HEAD}recipient r reason    ")),
            ["A1 7 8", "false None", "end"]
        );
        assert_eq!(
            seen(&format!("{head}recipient r reason   {head}  ")),
            [
                "A1 7 8 no mark",
                "false None",
                "end",
                "A1 7 8 no mark",
                "end"
            ]
        );
        assert!(seen(" ").is_empty(), "an empty queue");
        assert_eq!(
            seen(&format!("{GREETING}{head}  ")),
            ["A1 7 8 no mark", "end"]
        );
    }

    #[test]
    fn the_expected_attribute_depends_on_the_release() {
        let warning = |version: &str| {
            let mut showq = Showq::new(BufReader::new(&b"x\0y\0\0"[..]), "S", Charset::Ascii);
            let greeting = showq.greeting(&installed(version));
            let fault = greeting.unwrap_or_else(Some).expect("a fault");
            fault.warning().expect("a warning")
        };
        let text = "unexpected attribute x from S socket (expecting: ";
        assert_eq!(warning("3.5.25"), format!("{text}queue_name)"));
        assert_eq!(warning("3.6.4"), format!("{text}protocol)"));
    }

    #[test]
    fn anything_else_is_malformed() {
        for text in [
            "",
            "protocol other  ",
            GREETING,
            "protocol mail_queue_list_protocol x y  ",
        ] {
            assert!(read(text).is_err(), "{text:?}");
        }
        for (from, to) in [("queue_id", "id"), ("time 7", "time x"), ("sender s ", "")] {
            let text = format!("{GREETING}{}  ", HEAD.replace(from, to));
            assert!(read(&text).is_err(), "{text:?}");
        }
    }
}
