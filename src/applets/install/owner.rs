//! The owners of the installed files: root, and for one of them the group that
//! can reach Postfix's sockets.
//!
//! The group is looked up in main.cf and in the group database. A caller other
//! than root cannot change the owner of a file; the set-gid bit is left out
//! then, since it would grant that user's own group.

use std::fmt;
use std::fs::File;
use std::io;
use std::os::unix::fs::fchown;

use anyhow::{Context, Result, anyhow};
use nix::unistd::{Group, geteuid};

use super::layout::SetgidGrant;
use super::target::InstallTarget;
use crate::config::{MainCf, Parameters, default_directory, main_cf};
use crate::sys::process::Trust;

/// The setgid_group, unless main.cf names another one.
const DEFAULT_GROUP: &str = "postdrop";
/// The program for which main.cf is read.
const PROGRAM: &str = "postqueue";

/// The owner of an installed file.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Owner {
    /// The user that creates the file.
    Maker,
    /// Root and a group.
    Root {
        /// The group's ID.
        group: u32,
        /// The group's name, for messages.
        name: String,
    },
}

impl Owner {
    /// Changes the owner of an open file.
    ///
    /// # Errors
    ///
    /// The mode or the owner cannot be set.
    pub fn give(&self, file: &File) -> io::Result<()> {
        match self {
            Self::Maker => Ok(()),
            Self::Root { group, .. } => fchown(file, Some(0), Some(*group)),
        }
    }

    /// Whether a file with these IDs has this owner.
    pub fn is(&self, user: u32, group: u32) -> bool {
        match self {
            Self::Maker => true,
            Self::Root { group: wanted, .. } => user == 0 && group == *wanted,
        }
    }
}

impl fmt::Display for Owner {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Maker => Ok(()),
            Self::Root { name, .. } => write!(f, "root:{name} "),
        }
    }
}

/// The owners of all installed files.
#[derive(Clone, Debug)]
pub struct Owners {
    ordinary: Owner,
    set_gid: Owner,
    set_gid_mode: u32,
    /// Why no copy of the program has the set-gid bit; `None` if one has it.
    pub lack: Option<String>,
}

impl Owners {
    /// Looks up the owners for a target.
    ///
    /// # Errors
    ///
    /// The group does not exist, or main.cf or the group database cannot be read.
    pub fn of(target: &InstallTarget) -> Result<Self> {
        let ordinary = ordinary(target);
        let name = if target.is_this_system() {
            setgid_group()?
        } else {
            // A package must not depend on main.cf of the system it is built
            // on.
            DEFAULT_GROUP.to_owned()
        };
        let group = Group::from_name(&name).context("cannot look up the group")?;
        match group.filter(|_| ordinary != Owner::Maker) {
            Some(group) => Ok(Self {
                ordinary,
                set_gid: Owner::Root {
                    group: group.gid.as_raw(),
                    name,
                },
                set_gid_mode: 0o2755,
                lack: None,
            }),
            None if target.is_this_system() => Err(anyhow!(
                "there is no group {name}, which can reach Postfix's sockets: install Postfix first"
            )),
            None => Ok(Self {
                set_gid: ordinary.clone(),
                ordinary,
                set_gid_mode: 0o755,
                lack: Some(format!(
                    "postqueue has no set-gid bit: the package has to give it to root:{name} with mode 2755"
                )),
            }),
        }
    }

    /// Owner and mode of a program.
    pub fn of_program(&self, grant: SetgidGrant) -> (Owner, u32) {
        match grant {
            SetgidGrant::Nothing => (self.ordinary.clone(), 0o755),
            SetgidGrant::Group => (self.set_gid.clone(), self.set_gid_mode),
        }
    }
}

/// Owner and mode of a manual page, a script or the manifest.
pub fn of_text(target: &InstallTarget) -> (Owner, u32) {
    (ordinary(target), 0o644)
}

fn ordinary(target: &InstallTarget) -> Owner {
    if geteuid().is_root() || target.is_this_system() {
        Owner::Root {
            group: 0,
            name: "root".into(),
        }
    } else {
        Owner::Maker
    }
}

/// The setgid_group of main.cf in the default directory, the only one that a
/// set-gid program reads.
fn setgid_group() -> Result<String> {
    let directory = default_directory(Trust::BorrowedRights);
    if !main_cf::file_of(&directory).exists() {
        return Ok(DEFAULT_GROUP.into());
    }
    let mut warnings = Vec::new();
    let value = MainCf::read(
        &directory,
        Some(PROGRAM),
        |_| main_cf::LineRules::LENIENT,
        &mut warnings,
    )
    .map(Parameters::new)
    .and_then(|mut parameters| {
        parameters.take("setgid_group", DEFAULT_GROUP.as_bytes(), &mut warnings)
    })
    .context("cannot determine setgid_group")?;
    String::from_utf8(value).context("setgid_group is not UTF-8")
}
