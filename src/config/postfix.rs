//! Determines the Postfix release of an instance from the daemon_directory in its
//! main.cf, before any parameter is read.

use std::ffi::OsString;
use std::os::unix::ffi::OsStringExt;
use std::path::PathBuf;

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
    let directory = set.unwrap_or_else(|| checks::daemon_directory().to_vec());
    Installed::in_directory(&PathBuf::from(OsString::from_vec(directory)))
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
