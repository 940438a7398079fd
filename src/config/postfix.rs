//! Determines the Postfix release of an instance from the daemon_directory in its
//! main.cf, before any parameter is read.

use std::ffi::{OsStr, OsString};
use std::os::unix::ffi::{OsStrExt, OsStringExt};
use std::path::{Path, PathBuf};

use super::checks;
use super::main_cf::{LineRules, MainCf, NoName, Nuls};
use super::parameters::Parameters;
use crate::release::{Feature, Installed, Release};

/// The Postfix release of an instance according to the settings in main.cf, without
/// defaults. Reads no daemon's file yet.
pub fn postfix_of(file: &MainCf, release: Option<Release>) -> Installed {
    if let Some(release) = release {
        return Installed::of_release(release);
    }
    let parameters = Parameters::new(file.clone());
    let set = parameters
        .is_set("daemon_directory")
        .then(|| parameters.value(b"daemon_directory").ok())
        .flatten();
    let path = |directory| PathBuf::from(OsString::from_vec(directory));
    set.map_or_else(default_postfix, |directory| postfix_in(&path(directory)))
}

/// The Postfix whose daemons are in a directory; this machine's, which the
/// tools are of, if they say nothing.
pub fn postfix_in(directory: &Path) -> Installed {
    let default = OsStr::from_bytes(checks::daemon_directory());
    Installed::in_directory_or(directory, Path::new(default))
}

/// The Postfix of this machine, where main.cf says nothing else or cannot be
/// used.
pub fn default_postfix() -> Installed {
    Installed::in_directory(Path::new(OsStr::from_bytes(checks::daemon_directory())))
}

/// The rules for parsing the main.cf `file`.
pub fn line_rules_of(file: &MainCf, release: Option<Release>) -> LineRules {
    let postfix = postfix_of(file, release);
    let nuls = if postfix.has(Feature::NulWarning) {
        Nuls::Warn
    } else {
        Nuls::Ignore
    };
    let no_name = if postfix.has(Feature::SettingsNeedName) {
        NoName::Refuse
    } else {
        NoName::Accept
    };
    LineRules { nuls, no_name }
}
