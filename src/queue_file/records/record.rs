//! A record of a queue file: its place in the file, and its type with the name that
//! postcat prints.

/// A record that is complete in the file.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Record {
    /// The type byte.
    pub kind: RecordType,
    /// Offset of the type byte in the file.
    pub offset: u64,
    /// Offset of the data.
    pub data: u64,
    /// Number of data bytes, any of which may be NUL.
    pub length: u64,
}

/// The type of a record, which is its first byte. Unknown types are possible.
#[derive(Clone, Copy, PartialEq, Eq, Hash)]
pub struct RecordType(pub u8);

impl RecordType {
    /// Message size and offsets; the first record of a complete queue file.
    pub const SIZE: Self = Self(b'C');
    /// Arrival time: seconds, a blank, microseconds.
    pub const TIME: Self = Self(b'T');
    /// Full name of the sender.
    pub const FULL_NAME: Self = Self(b'F');
    /// Content inspector.
    pub const INSPECTOR: Self = Self(b'I');
    /// Content filter, in the envelope.
    pub const FILTER: Self = Self(b'L');
    /// Envelope sender, unquoted.
    pub const SENDER: Self = Self(b'S');
    /// A recipient that was delivered to or bounced.
    pub const DONE_RECIPIENT: Self = Self(b'D');
    /// A recipient that was cancelled.
    pub const CANCELED_RECIPIENT: Self = Self(b'/');
    /// Envelope recipient, unquoted.
    pub const RECIPIENT: Self = Self(b'R');
    /// Original recipient of the recipient that follows.
    pub const ORIGINAL_RECIPIENT: Self = Self(b'O');
    /// When to send a warning about delayed mail.
    pub const WARNING_TIME: Self = Self(b'W');
    /// `name=value`.
    pub const ATTRIBUTE: Self = Self(b'A');
    /// File offset of the next record.
    pub const POINTER: Self = Self(b'p');
    /// Start of the message content.
    pub const CONTENT: Self = Self(b'M');
    /// A line of the content, without its newline.
    pub const TEXT: Self = Self(b'N');
    /// Part of a line of the content; the next text record continues it.
    pub const UNTERMINATED_TEXT: Self = Self(b'L');
    /// Unused space for later changes.
    pub const PADDING: Self = Self(b'w');
    /// Start of the extracted segment.
    pub const EXTRACTED: Self = Self(b'X');
    /// VERP delimiters.
    pub const VERP: Self = Self(b'V');
    /// End of the message.
    pub const END: Self = Self(b'E');
    /// Redirect address.
    pub const REDIRECT: Self = Self(b'>');
    /// DSN return flags.
    pub const DSN_RETURN: Self = Self(b'<');
    /// DSN envelope ID.
    pub const DSN_ENVELOPE_ID: Self = Self(b'i');
    /// DSN original recipient of the recipient that follows.
    pub const DSN_ORIGINAL_RECIPIENT: Self = Self(b'o');
    /// DSN notify flags of the recipient that follows.
    pub const DSN_NOTIFY: Self = Self(b'n');

    /// The name postcat prints for records of this type. Observed with Postfix 3.7.11.
    pub fn name(self) -> &'static str {
        match self.0 {
            b'C' => "message_size",
            b'T' => "message_arrival_time",
            b'c' => "queue_file_create_time",
            b'F' => "sender_fullname",
            b'I' => "content_inspector",
            b'L' => "content_filter",
            b'S' => "sender",
            b'D' => "done_recipient",
            b'/' => "canceled_recipient",
            b'R' => "recipient",
            b'O' => "original_recipient",
            b'W' => "warning_message_time",
            b'A' => "named_attribute",
            b'p' => "pointer_record",
            b'K' => "killed_record",
            b'M' => "message_content",
            b'N' => "regular_text",
            b'w' => "padding",
            b'X' => "extracted_info",
            b'r' => "return_receipt",
            b'e' => "errors_to",
            b'P' => "priority",
            b'V' => "verp_delimiters",
            b'E' => "message_end",
            b'>' => "redirect_to",
            b'f' => "flags",
            b'<' => "dsn_return_flags",
            b'i' => "dsn_envelope_id",
            b'o' => "dsn_original_recipient",
            b'n' => "dsn_notify_flags",
            _ => "unknown_record_type",
        }
    }
}

impl std::fmt::Debug for RecordType {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        write!(f, "{}({})", self.name(), self.0.escape_ascii())
    }
}
