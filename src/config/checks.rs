//! Checks of single parameters against the system and against each other, and
//! defaults that depend on the system, as described in postconf(5).
//!
//! The order of the checks is in `load`.

use std::os::unix::ffi::OsStringExt;
use std::path::Path;

use bstr::ByteSlice;
use nix::unistd::{Gid, Group, Uid, User, gethostname};

use super::error::ConfigError;
use super::host_name;
use super::parameters::Parameters;
use super::tokens::words;
use crate::text::Charset;

/// The domain of a host whose name has none.
pub const LOCAL_DOMAIN: &[u8] = b"localdomain";

/// The directories in which to look for the daemons: that of Debian, the default,
/// that of older systems.
const DAEMON_DIRECTORIES: [&str; 3] = [
    "/usr/lib/postfix/sbin",
    "/usr/libexec/postfix",
    "/usr/lib/postfix",
];

/// The syslog facilities that Postfix knows by name, with their numbers. The C
/// library has kern, which is 0, stand for the facility that was set before:
/// mail.
const FACILITIES: [(&[u8], u8); 20] = [
    (b"kern", 2),
    (b"user", 1),
    (b"mail", 2),
    (b"daemon", 3),
    (b"auth", 4),
    (b"syslog", 5),
    (b"lpr", 6),
    (b"news", 7),
    (b"uucp", 8),
    (b"cron", 9),
    (b"authpriv", 10),
    (b"ftp", 11),
    (b"local0", 16),
    (b"local1", 17),
    (b"local2", 18),
    (b"local3", 19),
    (b"local4", 20),
    (b"local5", 21),
    (b"local6", 22),
    (b"local7", 23),
];

/// The mail owner, a user that exists and is not root.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct MailOwner {
    /// The login name.
    pub name: Vec<u8>,
    /// The user ID, not 0.
    pub uid: Uid,
    /// The group ID, not 0.
    pub gid: Gid,
}

/// Looks up the mail owner.
///
/// # Errors
///
/// The user is unknown, or has the user or group ID 0.
pub fn mail_owner(parameters: &Parameters, value: &[u8]) -> Result<MailOwner, ConfigError> {
    let (path, user) = (parameters.file(), parameters.shown(value));
    let name = std::str::from_utf8(value)
        .ok()
        .filter(|n| !n.contains('\0'));
    match name.map(User::from_name) {
        Some(Ok(Some(entry))) if entry.uid.is_root() => {
            Err(ConfigError::PrivilegedUser { path, user })
        }
        Some(Ok(Some(entry))) if entry.gid.as_raw() == 0 => {
            Err(ConfigError::PrivilegedGroup { path, user })
        }
        Some(Ok(Some(entry))) => Ok(MailOwner {
            name: value.to_vec(),
            uid: entry.uid,
            gid: entry.gid,
        }),
        _ => Err(ConfigError::UnknownUser { path, user }),
    }
}

/// The group of the set-gid programs, which exists and is not root's.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct SetgidGroup {
    name: String,
    gid: Gid,
}

/// Looks up setgid_group.
///
/// # Errors
///
/// The group is unknown, or has group ID 0.
pub fn setgid_group(parameters: &Parameters, value: &[u8]) -> Result<SetgidGroup, ConfigError> {
    let (path, group) = (parameters.file(), parameters.shown(value));
    let name = std::str::from_utf8(value)
        .ok()
        .filter(|name| !name.contains('\0'));
    match name.map(Group::from_name) {
        Some(Ok(Some(entry))) if entry.gid.as_raw() == 0 => {
            Err(ConfigError::PrivilegedSetgidGroup { path, group })
        }
        Some(Ok(Some(entry))) => Ok(SetgidGroup {
            name: group,
            gid: entry.gid,
        }),
        _ => Err(ConfigError::UnknownGroup { path, group }),
    }
}

/// Refuses a mail owner whose group is that of the set-gid programs, because both
/// would then have the same rights. An unknown group is accepted here.
///
/// # Errors
///
/// The two have the same group ID, or the group is root's.
pub fn own_group(
    parameters: &Parameters,
    owner: &MailOwner,
    group: &Result<SetgidGroup, ConfigError>,
) -> Result<(), ConfigError> {
    match group {
        Ok(group) if group.gid == owner.gid => Err(ConfigError::SharedGroup {
            path: parameters.file(),
            user: parameters.shown(&owner.name),
            group: group.name.clone(),
            gid: owner.gid.as_raw(),
        }),
        Err(ConfigError::PrivilegedSetgidGroup { path, group }) => {
            Err(ConfigError::PrivilegedSetgidGroup {
                path: path.clone(),
                group: group.clone(),
            })
        }
        Ok(_) | Err(_) => Ok(()),
    }
}

/// Checks that a value is a list of `all`, `ipv4` and `ipv6`.
///
/// # Errors
///
/// A word of the list is none of these.
pub fn inet_protocols(parameters: &Parameters, value: &[u8]) -> Result<(), ConfigError> {
    let is_known = |word: &&[u8]| [&b"all"[..], b"ipv4", b"ipv6"].contains(word);
    match words(value).find(|word| !is_known(word)) {
        None => Ok(()),
        Some(word) => Err(ConfigError::InetProtocol {
            word: parameters.shown(word),
            value: parameters.shown(value),
        }),
    }
}

/// Returns the number of a syslog facility.
///
/// # Errors
///
/// There is no facility of that name.
pub fn syslog_facility(parameters: &Parameters, value: &[u8]) -> Result<u8, ConfigError> {
    let found = FACILITIES.iter().find(|(name, _)| *name == value);
    found
        .map(|&(_, number)| number)
        .ok_or_else(|| ConfigError::Unrecognized {
            path: parameters.file(),
            name: "syslog_facility",
            value: parameters.shown(value),
        })
}

/// Checks that a log file is in one of the directories for log files.
///
/// # Errors
///
/// The file is outside of them.
pub fn maillog_file(
    parameters: &Parameters,
    value: &[u8],
    prefixes: &[Vec<u8>],
) -> Result<(), ConfigError> {
    if value.is_empty() || prefixes.iter().any(|prefix| value.starts_with(prefix)) {
        return Ok(());
    }
    let value = parameters.shown(value);
    Err(ConfigError::MaillogFile { value })
}

/// Checks that a value is a valid host name.
///
/// # Errors
///
/// The text is no host name.
pub fn host_name(
    parameters: &Parameters,
    name: &'static str,
    value: &[u8],
    warnings: &mut Vec<String>,
) -> Result<(), ConfigError> {
    host_name::check(value).map_err(|fault| {
        warnings.push(fault.warning(value, parameters.charset()));
        ConfigError::HostName {
            path: parameters.file(),
            name,
            value: parameters.shown(value),
        }
    })
}

/// The name of this host according to the system.
///
/// # Errors
///
/// The text is no host name.
pub fn own_host_name(charset: Charset, warnings: &mut Vec<String>) -> Result<Vec<u8>, ConfigError> {
    let name = gethostname().map(OsStringExt::into_vec).unwrap_or_default();
    host_name::check(&name).map_err(|fault| {
        warnings.push(fault.warning(&name, charset));
        ConfigError::OwnHostName
    })?;
    Ok(name)
}

/// A host name without its first label; [`LOCAL_DOMAIN`] if it has only one.
pub fn domain_of(host: &[u8]) -> &[u8] {
    host.split_once_str(".")
        .map_or(LOCAL_DOMAIN, |(_, domain)| domain)
}

/// The default of daemon_directory: the first of the usual directories that exists.
pub fn daemon_directory() -> &'static [u8] {
    let [first, ..] = DAEMON_DIRECTORIES;
    DAEMON_DIRECTORIES
        .into_iter()
        .find(|directory| Path::new(directory).is_dir())
        .unwrap_or(first)
        .as_bytes()
}
