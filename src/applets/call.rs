//! How an applet was called: its name, its arguments, whose rights the process
//! has, and what an applet that hands over to another passes on.

use std::ffi::{OsStr, OsString};
use std::path::Path;

use crate::config::locate;
use crate::sys::process::ProcessIds;

/// How an applet was called.
#[derive(Clone, Debug)]
pub struct Call {
    /// argv[0], or the applet's name after `spoolbox`.
    pub program: OsString,
    /// The arguments after it.
    pub arguments: Vec<OsString>,
    /// Whose rights the process has.
    pub caller: ProcessIds,
    /// What the applet that hands over to this one passes on.
    pub inherited: Inherited,
}

/// What Postfix's programs pass to those they start through the environment.
/// Within this process it is a field; child processes get the environment.
#[derive(Clone, Debug, Default)]
pub struct Inherited {
    /// In place of MAIL_CONFIG: the directory of main.cf.
    pub config_directory: Option<OsString>,
    /// In place of MAIL_LOGTAG: syslog_name until main.cf is read.
    pub logtag: Option<Vec<u8>>,
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

    /// The directory of main.cf if no option names one: that of the applet
    /// that handed over, else MAIL_CONFIG.
    pub fn config_directory(&self) -> Option<OsString> {
        let inherited = self.inherited.config_directory.clone();
        inherited.or_else(|| std::env::var_os(locate::ENVIRONMENT))
    }

    /// The last component of the program's path.
    pub fn base_name(&self) -> String {
        base_name(&self.program).to_string_lossy().into_owned()
    }
}

/// The last component of a path, or all of it if it has none.
pub fn base_name(path: &OsStr) -> &OsStr {
    Path::new(path).file_name().unwrap_or(path)
}
