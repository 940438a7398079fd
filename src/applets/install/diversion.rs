//! Diversions: Debian's record that files of other packages make room. Where
//! Postfix's package brings a file anew, it goes to the other name then.
//!
//! dpkg-divert(1) keeps the record; the files are renamed here. It could do
//! both, but would leave a moment in which there is no program of that name.

use std::ffi::OsStr;
use std::fs;
use std::io::ErrorKind;
use std::path::{Path, PathBuf};
use std::process::{Command, Output};

use anyhow::{Context, Result, bail};

use super::found::exists;

const DPKG_DIVERT: &str = "dpkg-divert";
/// How dpkg-divert names a diversion that belongs to no package.
const LOCAL: &str = "LOCAL";

/// A path whose file, if it is a package's, goes to another path.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Diversion {
    /// The path that is taken.
    pub from: PathBuf,
    /// The path next to it for the files of others.
    pub to: PathBuf,
}

/// Who has diverted a path.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Registered {
    /// Nobody.
    No,
    /// The system's administrator, just so: we.
    Ours,
    /// A package, or the administrator to another path.
    Others(String),
}

impl Diversion {
    /// Asks whether it is registered.
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

    /// Gives the file its second name and registers it. The first name stays
    /// until our file takes its place in one step. Can be repeated after it
    /// was cut short.
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

    /// Ends it. The file has its first name back by then.
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

/// The package that a file belongs to, where dpkg knows.
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
