//! The instances of a host: the one that a call names, or all that
//! multi_instance_directories lists, in its order.
//!
//! Each instance has its own rights, log and queue directory, which are
//! process-wide, so the work of each is done by a forked copy of this process.
//! No program is executed, since this one may be set-gid.

use std::collections::HashSet;
use std::ffi::{OsStr, OsString};
use std::io::Write;
use std::os::unix::ffi::OsStrExt;

use thiserror::Error;

use super::instance::InstanceChoice;
use super::{Call, Fatal, instance, output};
use crate::config::{Config, words};
use crate::logging::Logger;
use crate::sys::child;
use crate::sys::child::{ChildEnd, ChildStdout};
use crate::sys::error_text::error_text;
use crate::text::to_printable;

/// The name of an instance without a name, as in postmulti(1).
const NAMELESS: &str = "-";

/// The instances that a call is for.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub enum Instances {
    /// The instance of `-c`, of MAIL_CONFIG, or of the default directory.
    #[default]
    Default,
    /// The instance of this name: `--instance`.
    Named(String),
    /// That instance and all others that its main.cf lists: `--all-instances`.
    All,
}

/// An option that chooses instances and cannot be used.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Error)]
pub enum InstancesError {
    /// Both options are given.
    #[error("--instance and --all-instances exclude each other")]
    Both,
    /// The name is not UTF-8.
    #[error("bad value for --instance: it is not UTF-8")]
    NotUtf8,
}

impl Instances {
    /// Applies an option. Returns whether it is one of these.
    ///
    /// # Errors
    ///
    /// The option contradicts an earlier one, or its value cannot be used.
    pub fn take(&mut self, name: &str, value: &OsStr) -> Result<bool, InstancesError> {
        let wanted = match name {
            "instance" => {
                let name = value.to_str().ok_or(InstancesError::NotUtf8)?;
                Self::Named(name.to_owned())
            }
            "all-instances" => Self::All,
            _ => return Ok(false),
        };
        let is_all = |instances: &Self| *instances == Self::All;
        if *self != Self::Default && is_all(self) != is_all(&wanted) {
            return Err(InstancesError::Both);
        }
        *self = wanted;
        Ok(true)
    }
}

/// An instance of this host.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct HostInstance {
    /// multi_instance_name, or `-` if the instance has no name.
    pub name: String,
    /// The directory of its main.cf.
    pub directory: OsString,
    /// Whether no other instance of the host has the same name.
    is_unique: bool,
}

impl HostInstance {
    fn of(config: &Config) -> Self {
        Self {
            name: name_of(config),
            directory: config.config_directory.as_os_str().to_owned(),
            is_unique: true,
        }
    }

    /// One whose main.cf cannot be read.
    fn unread(directory: &OsStr) -> Self {
        Self {
            name: to_printable(directory.as_bytes()),
            directory: directory.to_owned(),
            is_unique: true,
        }
    }

    /// The name, with the directory if several instances have the same name.
    pub fn label(&self) -> String {
        if self.is_unique {
            self.name.clone()
        } else {
            format!("{} ({})", self.name, self.shown_directory())
        }
    }

    /// Makes a command line one for this instance: stores the directory, as for
    /// `-c`, and the name.
    pub fn store_in(&self, directory: &mut Option<OsString>, name: &mut Option<String>) {
        *directory = Some(self.directory.clone());
        *name = Some(self.name.clone());
    }

    fn shown_directory(&self) -> String {
        to_printable(self.directory.as_bytes())
    }
}

/// The name of an instance: multi_instance_name, or `-` if that is empty.
pub fn name_of(config: &Config) -> String {
    match config.multi_instance_name.as_slice() {
        [] => NAMELESS.to_owned(),
        name => to_printable(name),
    }
}

/// The applet that asks for instances: how its errors are reported.
#[derive(Debug)]
pub struct Asker<'a> {
    /// How the applet was called.
    pub call: &'a Call,
    /// The name of the program in the configuration.
    pub program: &'a str,
    /// The logger for messages to the user.
    pub logger: &'a mut Logger,
    /// The exit status of a failure.
    pub status: u8,
}

impl Asker<'_> {
    /// Finds the instance that has this name. One whose main.cf cannot be read
    /// counts only if no other one has it.
    ///
    /// # Errors
    ///
    /// There is none, there are several, or a main.cf cannot be read. All were
    /// reported.
    pub fn named(&mut self, choice: InstanceChoice<'_>, name: &str) -> Result<HostInstance, Fatal> {
        let all = self.all_to_view(choice)?;
        let named: Vec<&HostInstance> = all.iter().filter(|i| i.name == name).collect();
        let text = match named.as_slice() {
            [one] => return Ok((*one).clone()),
            [] => {
                // It may be the one that cannot be read.
                let all = self.all(choice)?;
                let names: Vec<&str> = all.iter().map(|i| i.name.as_str()).collect();
                let name = to_printable(name.as_bytes());
                format!(
                    "there is no instance {name}; there are: {}",
                    names.join(", ")
                )
            }
            several => {
                let directories = several.iter().map(|i| i.shown_directory());
                let directories = directories.collect::<Vec<_>>().join(", ");
                let name = to_printable(name.as_bytes());
                format!("several instances are called {name}; use -c with: {directories}")
            }
        };
        Err(Fatal::report(self.status, self.logger, text))
    }

    /// Finds all instances: the chosen one first, then those that its main.cf
    /// lists, in that order and without duplicates. Each main.cf is read, so
    /// that nothing is begun if one of them cannot be used.
    ///
    /// # Errors
    ///
    /// A main.cf cannot be read, which was reported.
    pub fn all(&mut self, choice: InstanceChoice<'_>) -> Result<Vec<HostInstance>, Fatal> {
        self.find(choice, |asker, other| {
            Ok(HostInstance::of(&asker.read(other)?))
        })
    }

    /// Finds all instances like [`Asker::all`], but includes one whose main.cf
    /// cannot be read, under the name of its directory: the work for it fails,
    /// and that for the others goes on. For work that changes nothing: a mistake
    /// in one main.cf must not end the monitoring of the whole host.
    ///
    /// # Errors
    ///
    /// The first main.cf cannot be read, which was reported.
    pub fn all_to_view(&mut self, choice: InstanceChoice<'_>) -> Result<Vec<HostInstance>, Fatal> {
        self.find(choice, |asker, other| {
            let mut quiet = Logger::unheard(asker.program);
            let (call, program) = (asker.call, asker.program);
            let read = instance::configure(call, other, program, &mut quiet, asker.status);
            Ok(read.map_or_else(
                |_| HostInstance::unread(other.directory.unwrap_or_default()),
                |config| HostInstance::of(&config),
            ))
        })
    }

    fn find(
        &mut self,
        choice: InstanceChoice<'_>,
        read_other: impl Fn(&mut Self, InstanceChoice<'_>) -> Result<HostInstance, Fatal>,
    ) -> Result<Vec<HostInstance>, Fatal> {
        let config = self.read(choice)?;
        let mut found = vec![HostInstance::of(&config)];
        for directory in directories(&config).iter().skip(1) {
            let other = InstanceChoice {
                directory: Some(directory),
                ..choice
            };
            found.push(read_other(self, other)?);
        }
        mark_shared_names(&mut found);
        Ok(found)
    }

    /// Reads a main.cf. Warnings about it are left to the work for that
    /// instance, which reads it again.
    fn read(&mut self, choice: InstanceChoice<'_>) -> Result<Config, Fatal> {
        let mut quiet = Logger::unheard(self.program);
        let read = instance::configure(self.call, choice, self.program, &mut quiet, self.status);
        read.or_else(|_| {
            instance::configure(self.call, choice, self.program, self.logger, self.status)
        })
    }

    /// Carries out `work` for each instance in a process of its own, and goes
    /// on if one fails. `heading` is called before the work for an instance,
    /// `ended` with its result.
    ///
    /// # Errors
    ///
    /// The work failed for an instance, which was reported: the largest exit
    /// status is returned. Or no process can be started.
    pub fn each(
        &mut self,
        instances: &[HostInstance],
        stdout: ChildStdout,
        mut work: impl FnMut(&HostInstance, &mut Logger) -> Result<(), Fatal>,
        mut ended: impl FnMut(&HostInstance, ChildEnd),
    ) -> Result<(), Fatal> {
        let mut worst = 0;
        for instance in instances {
            let logger = &mut *self.logger;
            let done = child::run(stdout, || {
                work(instance, logger).map_or_else(Fatal::status, |()| 0)
            });
            let end = done.map_err(|error| {
                let text = format!("cannot start a process: {}", error_text(&error));
                Fatal::report(self.status, self.logger, text)
            })?;
            // The process has reported the reason of a failure.
            let status = end.status.and_then(|status| u8::try_from(status).ok());
            worst = worst.max(status.unwrap_or(self.status));
            ended(instance, end);
        }
        match worst {
            0 => Ok(()),
            status => Err(Fatal::already_reported(status)),
        }
    }
}

/// The directories of the main.cf files of all instances: that of this one first,
/// then those that it lists, in that order and without duplicates.
pub fn directories(config: &Config) -> Vec<OsString> {
    let listed = words(&config.multi_instance_directories).map(OsStr::from_bytes);
    let own = config.config_directory.as_os_str();
    let mut known = HashSet::new();
    std::iter::once(own)
        .chain(listed)
        .filter(|directory| known.insert(*directory))
        .map(OsStr::to_owned)
        .collect()
}

/// The names that occur more than once.
pub fn shared_names<'n>(names: impl IntoIterator<Item = &'n str>) -> HashSet<String> {
    let mut seen = HashSet::new();
    let names = names.into_iter();
    let shared = names.filter(|name| !seen.insert(*name));
    shared.map(str::to_owned).collect()
}

/// Notes which instances share their name.
fn mark_shared_names(found: &mut [HostInstance]) {
    let shared = shared_names(found.iter().map(|instance| instance.name.as_str()));
    for instance in found {
        instance.is_unique = !shared.contains(&instance.name);
    }
}

/// The names of all instances that main.cf in `directory`, or in the default
/// directory, lists; empty if one of them cannot be read.
pub fn names(call: &Call, directory: Option<&OsStr>) -> Vec<String> {
    let mut asker = Asker {
        call,
        program: "postqueue",
        logger: &mut Logger::unheard("postqueue"),
        status: 1,
    };
    let all = asker.all(InstanceChoice::at(directory));
    all.map_or_else(
        |_| Vec::new(),
        |all| all.into_iter().map(|i| i.name).collect(),
    )
}

/// Prints `==> NAME <==` on standard output before the text of an instance,
/// with an empty line before all but the `first` one.
///
/// # Errors
///
/// Standard output cannot be written, which was reported. A reader that has gone
/// is not an error.
pub fn print_heading(
    instance: &HostInstance,
    first: Option<&HostInstance>,
    logger: &mut Logger,
) -> Result<(), Fatal> {
    let gap = if first == Some(instance) { "" } else { "\n" };
    let text = format!("{gap}==> {} <==\n", instance.label());
    let written = std::io::stdout().lock().write_all(text.as_bytes());
    written.or_else(|error| output::output_failed(logger, &error))
}
