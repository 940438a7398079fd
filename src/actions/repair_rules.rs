//! The requested repairs, and the rules for file names that follow from them:
//! which names are bogus, and which have to be replaced. Changes nothing.

use std::time::Duration;

use crate::spool::id;

/// The suffix of a name between the two steps.
pub(super) const SUFFIX: &[u8] = b"#FIX";
/// The age beyond which an unfinished file is considered abandoned.
pub const UNFINISHED_MAX: Duration = Duration::from_secs(7 * 24 * 3600);
/// The same age before Postfix 3.5. Observed with Postfix 3.4.13.
pub const UNFINISHED_MAX_BEFORE_3_5: Duration = Duration::from_secs(24 * 3600);

/// The requested repairs.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Repair {
    /// Whether unfinished files are removed.
    pub purge: Purge,
    /// The age beyond which unfinished files are removed.
    pub unfinished_max: Duration,
    /// Whether names and locations are corrected.
    pub structure: Structure,
    /// The kind of queue IDs that the mail system generates.
    pub style: id::IdStyle,
    /// The treatment of names that contain no inode number.
    pub without_inode: WithoutInode,
}

/// The treatment of a message whose name has five characters: a time and no
/// inode number. Shorter names are always bogus.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum WithoutInode {
    /// The message is renamed. Observed with Postfix 3.7.11.
    #[default]
    Renamed,
    /// The name is reported as bogus, and the message is left alone. Observed
    /// since Postfix 3.5.27, 3.6.20, 3.7.22, 3.8.20, 3.9.14, 3.10.13 and
    /// 3.11.6.
    Bogus,
}

/// Whether old unfinished files are removed.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum Purge {
    /// Unfinished files are kept.
    #[default]
    No,
    /// Old unfinished files are removed.
    Unfinished,
}

/// Which names and locations are corrected.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum Structure {
    /// No name or location is corrected.
    #[default]
    Leave,
    /// Names that could collide, and files that would not be found (-s).
    Fix,
    /// As `Fix`, and long names that contain the inode number of another file
    /// (-S).
    FixRedundant,
}

impl Repair {
    /// Returns the inode number in the name of a message; `None` if the name is
    /// bogus.
    pub(super) fn inode_in(&self, name: &[u8]) -> Option<u64> {
        let too_short =
            self.without_inode == WithoutInode::Bogus && name.len() == id::SHORT_MICROSECONDS;
        id::inode(name).filter(|_| !too_short)
    }

    /// Like [`Self::inode_in`], for a name whose suffix was removed.
    ///
    /// Observed with Postfix 3.7.11: a name of a single letter is then not
    /// bogus, but counts as the name of another file. (Versions that consider a
    /// name of five characters bogus are assumed to consider this name bogus,
    /// too.)
    pub(super) fn inode_before_suffix(&self, name: &[u8]) -> Option<u64> {
        match (name, self.without_inode) {
            ([_], WithoutInode::Renamed) => Some(0),
            _ => self.inode_in(name),
        }
    }

    /// Returns whether a message must be renamed.
    pub(super) fn needs_name(&self, name: &[u8], inode: u64, real_inode: u64) -> bool {
        let is_long = id::long_microseconds(name).is_some();
        if is_long && self.style == id::IdStyle::Short {
            return true;
        }
        let is_redundant = is_long && self.structure != Structure::FixRedundant;
        inode != real_inode && !is_redundant
    }
}

/// Returns a name without the suffix of the first step; `None` if it does not
/// end in the suffix or consists of the suffix alone.
pub(super) fn unsuffixed(name: &[u8]) -> Option<&[u8]> {
    name.strip_suffix(SUFFIX).filter(|name| !name.is_empty())
}
