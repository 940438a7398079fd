//! How an applet was called: its name and arguments, the rights of the process,
//! and the values inherited from an applet that handed over to this one.

use std::ffi::{OsStr, OsString};
use std::path::{Path, PathBuf};

use crate::config::locate;
use crate::sys::process::ProcessIds;

/// The call of an applet.
#[derive(Clone, Debug)]
pub struct Call {
    /// `argv[0]`, or the applet's name after `spoolbox`.
    pub program: OsString,
    /// The arguments after the program name.
    pub arguments: Vec<OsString>,
    /// The user and group IDs of the process, and whether its rights are
    /// borrowed.
    pub caller: ProcessIds,
    /// Values passed on by the applet that handed over to this one.
    pub inherited: Inherited,
}

/// Values that Postfix's programs pass to the programs they start through the
/// environment. Within this process they are fields; child processes get the
/// environment.
#[derive(Clone, Debug, Default)]
pub struct Inherited {
    /// The directory of main.cf, in place of MAIL_CONFIG.
    pub config_directory: Option<OsString>,
    /// The syslog_name until main.cf is read, in place of MAIL_LOGTAG.
    pub logtag: Option<Vec<u8>>,
    /// The path of postlogd's socket and the host name in lines for it, in place
    /// of POSTLOG_SERVICE and POSTLOG_HOSTNAME.
    pub postlog: Option<(PathBuf, Vec<u8>)>,
}

impl Call {
    /// A call that inherits nothing from another applet.
    pub fn new(program: impl Into<OsString>, arguments: Vec<OsString>, caller: ProcessIds) -> Self {
        Self {
            program: program.into(),
            arguments,
            caller,
            inherited: Inherited::default(),
        }
    }

    /// The directory of main.cf if no option names one: the inherited
    /// directory, else MAIL_CONFIG.
    pub fn config_directory(&self) -> Option<OsString> {
        let inherited = self.inherited.config_directory.clone();
        inherited.or_else(|| std::env::var_os(locate::ENVIRONMENT))
    }

    /// The last component of the program's path.
    pub fn base_name(&self) -> String {
        base_name(&self.program).to_string_lossy().into_owned()
    }
}

/// The last component of a path, or the whole path if it has none.
pub fn base_name(path: &OsStr) -> &OsStr {
    Path::new(path).file_name().unwrap_or(path)
}
