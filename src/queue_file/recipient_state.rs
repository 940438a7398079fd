//! The state of a recipient in a queue file, and the change that marks a recipient as
//! done: one byte in place, as delivery agents write it. Observed with Postfix
//! 3.7.11.

use std::fs::File;
use std::io;
use std::os::unix::fs::FileExt;

use super::records::RecordType;

/// The state of a recipient, which is the type of its record.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum RecipientState {
    /// The message is still to be delivered to the recipient.
    Pending,
    /// Nothing is left to do for the recipient.
    Done,
}

impl RecipientState {
    fn byte(self) -> u8 {
        match self {
            Self::Pending => RecordType::RECIPIENT.0,
            Self::Done => RecordType::DONE_RECIPIENT.0,
        }
    }
}

/// Returns the state of the recipient whose record is at `offset`; `None` if there is
/// no such record.
///
/// # Errors
///
/// The file cannot be read.
pub fn state(file: &File, offset: u64) -> io::Result<Option<RecipientState>> {
    let mut kind = [0];
    let length = file.read_at(&mut kind, offset)?;
    let states = [RecipientState::Pending, RecipientState::Done];
    let is_it = |state: &RecipientState| length == 1 && kind == [state.byte()];
    Ok(states.into_iter().find(is_it))
}

/// Sets the state of the recipient whose record is at `offset`, as delivery agents
/// do: by one byte in place. Returns false, and changes nothing, if the record is
/// not a recipient in the other state.
///
/// # Errors
///
/// The file cannot be read or written.
pub fn set_state(file: &File, offset: u64, state: RecipientState) -> io::Result<bool> {
    match self::state(file, offset)? {
        Some(now) if now != state => file.write_all_at(&[state.byte()], offset).map(|()| true),
        _ => Ok(false),
    }
}

#[cfg(test)]
mod tests {
    use std::io::{Read, Seek, Write};

    use super::*;

    #[test]
    fn a_state_is_set_only_on_a_recipient_in_the_other_state() {
        let bytes = b"R\x01aD\x01bO\x01c";
        let mut file = tempfile::tempfile().expect("a file");
        file.write_all(bytes).expect("written");
        let set = |offset, state| set_state(&file, offset, state).expect("written");
        assert!(set(0, RecipientState::Done));
        assert!(!set(0, RecipientState::Done));
        assert!(!set(3, RecipientState::Done));
        assert!(set(3, RecipientState::Pending));
        for offset in [1, 2, 6, 9, u64::from(u32::MAX)] {
            assert!(!set(offset, RecipientState::Done), "{offset}");
            assert!(!set(offset, RecipientState::Pending), "{offset}");
        }
        let mut after = Vec::new();
        file.rewind().expect("a file");
        file.read_to_end(&mut after).expect("read");
        assert_eq!(after, b"D\x01aR\x01bO\x01c");
    }
}
