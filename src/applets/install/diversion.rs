//! Debian's diversions: a record that the files of other packages are installed
//! under another name, so that an upgrade of Postfix's package does not
//! overwrite ours.
//!
//! dpkg-divert(1) keeps the record; the files are renamed here. dpkg-divert
//! could rename them too, but the program would be missing for a moment.

use std::ffi::OsStr;
use std::fs;
use std::io::ErrorKind;
use std::path::{Path, PathBuf};
use std::process::{Command, Output};

use anyhow::{Context, Result, bail};

use super::found::exists;

const DPKG_DIVERT: &str = "dpkg-divert";
/// The owner that dpkg-divert reports for a diversion by the administrator.
const LOCAL: &str = "LOCAL";

/// A path whose file, if a package provides it, is installed under another
/// path.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Diversion {
    /// The diverted path.
    pub from: PathBuf,
    /// The path in the same directory for the packages' files.
    pub to: PathBuf,
}

/// The owner of a registered diversion.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Registered {
    /// The path is not diverted.
    No,
    /// The administrator has diverted it to the path that we use, as `make`
    /// does.
    Ours,
    /// A package has diverted it, or the administrator to another path.
    Others(String),
}

impl Diversion {
    /// Asks dpkg-divert whether the path is diverted, and by whom.
    ///
    /// # Errors
    ///
    /// dpkg-divert(1) cannot be run, or fails.
    pub fn registered(&self) -> Result<Registered> {
        let who = self.ask("--listpackage")?;
        let to = self.ask("--truename")?;
        Ok(match who.as_str() {
            "" => Registered::No,
            LOCAL if Path::new(&to) == self.to => Registered::Ours,
            LOCAL => Registered::Others(format!("the administrator, to {to}")),
            package => Registered::Others(format!("package {package}")),
        })
    }

    /// Links the file to its second name and registers the diversion. The first
    /// name stays until our file replaces it atomically. Can be repeated after
    /// an interruption.
    ///
    /// # Errors
    ///
    /// The file cannot be linked, or dpkg-divert(1) fails.
    pub fn make(&self) -> Result<()> {
        if !exists(&self.to)? {
            fs::hard_link(&self.from, &self.to)
                .with_context(|| format!("cannot link {}", self.to.display()))?;
        }
        match self.registered()? {
            Registered::No => self.register("--add"),
            Registered::Ours | Registered::Others(_) => Ok(()),
        }
    }

    /// Unregisters the diversion. The file must have its first name again.
    ///
    /// # Errors
    ///
    /// dpkg-divert(1) cannot be run or fails.
    pub fn end(&self) -> Result<()> {
        self.register("--remove")
    }

    fn ask(&self, question: &str) -> Result<String> {
        let output = dpkg_divert(&[OsStr::new(question), self.from.as_os_str()])?;
        Ok(String::from_utf8_lossy(&output.stdout).trim().to_owned())
    }

    fn register(&self, verb: &str) -> Result<()> {
        let words = ["--quiet", "--local", "--no-rename", "--divert"];
        let mut arguments: Vec<&OsStr> = words.map(OsStr::new).into();
        arguments.extend([self.to.as_os_str(), OsStr::new(verb), self.from.as_os_str()]);
        dpkg_divert(&arguments).map(drop)
    }
}

fn dpkg_divert(arguments: &[&OsStr]) -> Result<Output> {
    let output = match Command::new(DPKG_DIVERT).args(arguments).output() {
        Err(error) if error.kind() == ErrorKind::NotFound => {
            bail!("diversions need {DPKG_DIVERT}, which this system does not have")
        }
        output => output.with_context(|| format!("cannot run {DPKG_DIVERT}"))?,
    };
    if !output.status.success() {
        let words = String::from_utf8_lossy(&output.stderr);
        bail!("{DPKG_DIVERT}: {}", words.trim().replace('\n', " "));
    }
    Ok(output)
}

/// Returns the package that a file belongs to; `None` if dpkg does not know.
pub fn package_of(path: &Path) -> Option<String> {
    let output = Command::new("dpkg-query")
        .arg("--search")
        .arg(path)
        .env("LC_ALL", "C")
        .output()
        .ok()?;
    let text = String::from_utf8_lossy(&output.stdout).into_owned();
    let package = |line: &str| Some(line.split_once(": ")?.0.to_owned());
    text.lines()
        .filter(|line| !line.starts_with("diversion by "))
        .find_map(package)
}
