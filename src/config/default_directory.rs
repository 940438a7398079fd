//! Finds the directory of main.cf if neither an option nor the environment names
//! one: `/etc/postfix`, or the directory of another system if `/etc/postfix` has no
//! main.cf.
//!
//! Another directory is used only if nobody except root can change it; a program that
//! runs with the user's own rights also accepts one that only that user can change. The
//! same rule applies to postconf(1), which is asked for the directory. A program with
//! borrowed rights runs no other program.

use std::env;
use std::ffi::OsStr;
use std::fs;
use std::io::ErrorKind;
use std::os::unix::ffi::OsStrExt;
use std::os::unix::fs::MetadataExt;
use std::path::{Path, PathBuf};
use std::process::{Command, Stdio};

use nix::unistd::geteuid;

use super::locate::DEFAULT_DIRECTORY;
use super::main_cf::file_of;
use crate::sys::process::Trust;

/// FreeBSD's ports and Postfix's own installation in /usr/local; Homebrew.
const OTHER_PLACES: [&str; 3] = [
    "/usr/local/etc/postfix",
    "/opt/homebrew/etc/postfix",
    "/home/linuxbrew/.linuxbrew/etc/postfix",
];
/// The program that prints the directory for which Postfix was built: postconf(1).
const POSTCONF: &str = "postconf";
/// Write permission for the group and for others.
const WRITABLE_BY_OTHERS: u32 = 0o022;

/// The directory of main.cf if none is named.
pub fn default_directory(trust: Trust) -> PathBuf {
    let usual = PathBuf::from(DEFAULT_DIRECTORY);
    let is_missing = fs::metadata(file_of(&usual))
        .is_err_and(|error| matches!(error.kind(), ErrorKind::NotFound | ErrorKind::NotADirectory));
    if is_missing {
        find_directory(Path::new("/"), env::var_os("PATH").as_deref(), trust).unwrap_or(usual)
    } else {
        usual
    }
}

/// The first trusted directory with a main.cf: the one that the postconf in `path`
/// prints, or else one of [`OTHER_PLACES`] below `root`.
fn find_directory(root: &Path, path: Option<&OsStr>, trust: Trust) -> Option<PathBuf> {
    let printed = match trust {
        Trust::OwnRights => path.and_then(|path| ask_postconf(path, trust)),
        Trust::BorrowedRights => None,
    };
    let others = OTHER_PLACES
        .iter()
        .filter_map(|place| Some(root.join(place.strip_prefix('/')?)));
    printed
        .into_iter()
        .chain(others)
        .find(|directory| is_trusted(&file_of(directory), trust))
}

/// The default of `config_directory` that the first postconf in `path` prints.
fn ask_postconf(path: &OsStr, trust: Trust) -> Option<PathBuf> {
    let program = env::split_paths(path)
        .filter(|directory| directory.is_absolute())
        .map(|directory| directory.join(POSTCONF))
        .find(|program| program.is_file())?;
    if !is_trusted(&program, trust) {
        return None;
    }
    let output = Command::new(program)
        .args(["-d", "-h", "config_directory"])
        .env_clear()
        .stdin(Stdio::null())
        .stderr(Stdio::null())
        .output()
        .ok()?;
    let directory = Path::new(OsStr::from_bytes(output.stdout.trim_ascii()));
    (output.status.success() && directory.is_absolute()).then(|| directory.to_owned())
}

/// Whether the file exists, and nobody can change it or a directory above it except
/// root and, for a program with the user's own rights, the user.
fn is_trusted(file: &Path, trust: Trust) -> bool {
    let user = match trust {
        Trust::OwnRights => geteuid().as_raw(),
        Trust::BorrowedRights => 0,
    };
    let is_safe = |path: &Path| {
        fs::symlink_metadata(path).is_ok_and(|stat| {
            (stat.uid() == 0 || stat.uid() == user) && stat.mode() & WRITABLE_BY_OTHERS == 0
        })
    };
    fs::canonicalize(file).is_ok_and(|real| real.is_file() && real.ancestors().all(is_safe))
}

#[cfg(test)]
mod tests {
    use std::os::unix::fs::PermissionsExt;

    use super::*;

    fn write(path: &Path, text: &str, mode: u32) {
        fs::create_dir_all(path.parent().unwrap()).unwrap();
        fs::write(path, text).unwrap();
        fs::set_permissions(path, fs::Permissions::from_mode(mode)).unwrap();
    }

    /// A trusted directory. Directories in /tmp are not trusted, because others can write to
    /// /tmp.
    fn scratch() -> Option<tempfile::TempDir> {
        let directory = tempfile::tempdir_in(env!("CARGO_MANIFEST_DIR")).ok()?;
        let file = directory.path().join("file");
        write(&file, "", 0o644);
        // Skip the test if the repository itself is in a directory that others can
        // change.
        is_trusted(&file, Trust::OwnRights).then_some(directory)
    }

    #[test]
    fn a_main_cf_of_another_system_is_used_if_only_its_owner_can_change_it() {
        let Some(root) = scratch() else { return };
        let ask = || find_directory(root.path(), None, Trust::OwnRights);
        assert_eq!(ask(), None);
        let directory = root.path().join("opt/homebrew/etc/postfix");
        write(&directory.join("main.cf"), "", 0o644);
        assert_eq!(ask(), Some(directory.clone()));
        let first = root.path().join("usr/local/etc/postfix");
        write(&first.join("main.cf"), "", 0o666);
        assert_eq!(ask(), Some(directory));
        write(&first.join("main.cf"), "", 0o644);
        assert_eq!(ask(), Some(first));
    }

    #[test]
    fn postconf_is_run_only_if_it_is_trusted_and_rights_are_not_borrowed() {
        let Some(root) = scratch() else { return };
        let directory = root.path().join("elsewhere");
        write(&directory.join("main.cf"), "", 0o644);
        let path = root.path().join("bin");
        let program = path.join(POSTCONF);
        let script = format!("#!/bin/sh\necho {}\n", directory.display());
        write(&program, &script, 0o755);
        let ask = |trust| find_directory(root.path(), Some(path.as_os_str()), trust);
        assert_eq!(ask(Trust::OwnRights), Some(directory));
        assert_eq!(ask(Trust::BorrowedRights), None);
        fs::set_permissions(&program, fs::Permissions::from_mode(0o777)).unwrap();
        assert_eq!(ask(Trust::OwnRights), None);
    }
}
