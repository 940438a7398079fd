//! Which Postfix an instance runs, hence whose listing is reproduced (spec
//! page 05, "Dialect").

use std::path::Path;

use crate::spool::report::Dialect;

/// The programs that carry the version, in the order in which they are asked.
const CARRIERS: [&str; 2] = ["showq", "master"];
/// What stands before the version.
const MARK: &[u8] = b"mail_version=";
/// The first version of the newer dialect.
const NEWER: (u32, u32) = (3, 11);
/// A daemon is small; nothing larger is searched.
const SIZE_MAX: u64 = 16 * 1024 * 1024;

/// The dialect of the daemons in `daemon_directory`; the newer one if there
/// are none.
pub fn of_daemons(daemon_directory: &Path) -> Dialect {
    CARRIERS
        .iter()
        .find_map(|name| version_in(&daemon_directory.join(name)))
        .map_or(Dialect::V3_11, |version| match version < NEWER {
            true => Dialect::V3_7,
            false => Dialect::V3_11,
        })
}

/// The version in a program, as (major, minor).
fn version_in(program: &Path) -> Option<(u32, u32)> {
    let metadata = std::fs::metadata(program).ok()?;
    if !metadata.is_file() || metadata.len() > SIZE_MAX {
        return None;
    }
    find_version(&std::fs::read(program).ok()?)
}

fn find_version(bytes: &[u8]) -> Option<(u32, u32)> {
    let at = bytes.windows(MARK.len()).position(|w| w == MARK)?;
    let version = bytes
        .get(at.checked_add(MARK.len())?..)?
        .split(|&b| b == 0)
        .next()?;
    let mut parts = std::str::from_utf8(version).ok()?.split(['.', '-']);
    Some((parts.next()?.parse().ok()?, parts.next()?.parse().ok()?))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn versions_are_numbers_not_texts() {
        assert_eq!(find_version(b"x\0mail_version=3.7.11\0y"), Some((3, 7)));
        assert_eq!(find_version(b"mail_version=3.11-20260101\0"), Some((3, 11)));
        assert_eq!(find_version(b"mail_version=3.12\0"), Some((3, 12)));
        assert_eq!(find_version(b"mail_version=\0"), None);
        assert_eq!(find_version(b"nothing"), None);
        assert!((3, 7) < NEWER && NEWER <= (3, 11));
    }

    #[test]
    fn without_daemons_the_newer_dialect_is_used() {
        assert_eq!(of_daemons(Path::new("/nonexistent")), Dialect::V3_11);
    }
}
