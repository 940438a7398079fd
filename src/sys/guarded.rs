//! Opens directories that a given account cannot change. Only there can root
//! safely open a file by a path that the account could otherwise redirect.

use std::ffi::{CString, OsStr};
use std::io;
use std::path::{Component, Path};

use nix::sys::stat::Mode;
use nix::unistd::{Gid, Uid, getgrouplist};

use super::dir::{Dir, FileKind, stat_open};

/// An account that is not trusted.
#[derive(Clone, Debug)]
pub struct Account {
    name: Vec<u8>,
    user: Uid,
    group: Gid,
}

impl Account {
    /// Creates the account with this user name, user ID and primary group ID.
    pub fn new(name: &[u8], user: Uid, group: Gid) -> Self {
        Self {
            name: name.to_vec(),
            user,
            group,
        }
    }

    /// Returns whether the account is in the group. The system's group database
    /// is consulted only if it matters, because name services can be slow.
    fn is_in(&self, group: Gid) -> bool {
        let listed = || {
            let name = CString::new(self.name.as_slice()).ok()?;
            getgrouplist(&name, self.group).ok()
        };
        group == self.group || listed().is_some_and(|listed| listed.contains(&group))
    }
}

/// Opens the parent directory of the file at `path`, and returns it with the
/// file's name. Each directory on the path is checked after it was opened, and
/// no symbolic link is followed.
///
/// # Errors
///
/// `PermissionDenied` if the account owns one of the directories, or may write
/// to it and rename the files of others there (also through one of its groups,
/// or because everybody may); `InvalidInput` for a path that is not absolute or
/// contains `..`; otherwise the system error, such as `ELOOP` for a symbolic
/// link.
pub fn open_parent<'p>(path: &'p Path, account: &Account) -> io::Result<(Dir, &'p OsStr)> {
    let invalid = || io::Error::from(io::ErrorKind::InvalidInput);
    let name = path.file_name().ok_or_else(invalid)?;
    let mut components = path.parent().ok_or_else(invalid)?.components();
    if components.next() != Some(Component::RootDir) {
        return Err(invalid());
    }
    let mut directory = Dir::open(Path::new("/"))?;
    refuse_if_open_to(&directory, account)?;
    for component in components {
        let Component::Normal(step) = component else {
            return Err(invalid());
        };
        directory = directory.open_place(step)?;
        refuse_if_open_to(&directory, account)?;
    }
    Ok((directory, name))
}

fn refuse_if_open_to(directory: &Dir, account: &Account) -> io::Result<()> {
    let stat = stat_open(directory)?;
    let mode = Mode::from_bits_truncate(stat.st_mode);
    let is_owner = Uid::from_raw(stat.st_uid) == account.user;
    // In a directory with the sticky bit, only the owner of a file may rename
    // it.
    let may_rename = !mode.contains(Mode::S_ISVTX)
        && (mode.contains(Mode::S_IWOTH)
            || mode.contains(Mode::S_IWGRP) && account.is_in(Gid::from_raw(stat.st_gid)));
    if is_owner || may_rename || FileKind::of(&stat) != FileKind::Directory {
        return Err(io::ErrorKind::PermissionDenied.into());
    }
    Ok(())
}

#[cfg(test)]
mod tests {
    use std::fs;
    use std::os::unix::fs::{PermissionsExt, symlink};

    use super::*;

    fn account() -> Account {
        // This account has no rights in the test's directories.
        Account::new(b"nobody-4242", Uid::from_raw(4242), Gid::from_raw(4242))
    }

    fn mode(path: &Path, mode: u32) {
        fs::set_permissions(path, fs::Permissions::from_mode(mode)).unwrap();
    }

    #[test]
    fn only_directories_that_the_account_cannot_change_are_opened() {
        let root = tempfile::tempdir().unwrap();
        let root = fs::canonicalize(root.path()).unwrap();
        let (log, link) = (root.join("log"), root.join("link"));
        fs::create_dir(&log).unwrap();
        symlink("log", &link).unwrap();
        let file = log.join("mail.log");
        mode(&log, 0o755);
        assert!(open_parent(&file, &account()).is_ok());
        assert!(open_parent(&link.join("mail.log"), &account()).is_err());
        mode(&log, 0o757);
        assert!(open_parent(&file, &account()).is_err());
        mode(&log, 0o775);
        assert!(open_parent(&file, &account()).is_ok());
        let member = Account {
            group: nix::unistd::getegid(),
            ..account()
        };
        assert!(open_parent(&file, &member).is_err());
        mode(&log, 0o1777);
        assert!(open_parent(&file, &account()).is_ok());
        let owner = Account {
            user: nix::unistd::geteuid(),
            ..account()
        };
        assert!(open_parent(&file, &owner).is_err());
        for path in ["mail.log", "/", "/tmp/../etc/passwd"] {
            assert!(open_parent(Path::new(path), &account()).is_err(), "{path}");
        }
    }
}
