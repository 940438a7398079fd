//! The location and owner of an instance's queues, which is all of main.cf that
//! qshape needs. Errors in other parameters do not matter.

use std::ffi::OsString;
use std::os::unix::ffi::OsStringExt;
use std::path::{Path, PathBuf};

use super::checks;
use super::checks::MailOwner;
use super::error::ConfigError;
use super::main_cf::{LineRules, MainCf};
use super::parameters::Parameters;
use super::postfix::line_rules_of;
use super::tokens::words;

/// The parameters and their defaults, as in `table`.
const QUEUE_DIRECTORY: (&str, &[u8]) = ("queue_directory", b"/var/spool/postfix");
const MAIL_OWNER: (&str, &[u8]) = ("mail_owner", b"postfix");
const HASH_QUEUE_NAMES: (&str, &[u8]) = ("hash_queue_names", b"deferred, defer");
const HASH_QUEUE_DEPTH: (&str, &[u8]) = ("hash_queue_depth", b"1");

/// The location of an instance's queues.
#[derive(Clone, Debug)]
pub struct QueuePaths {
    /// The queue directory; can be empty or relative.
    pub queue_directory: PathBuf,
    parameters: Parameters,
}

impl QueuePaths {
    /// Reads `directory`/main.cf for a program. Warnings are the texts that follow
    /// `PROG: warning: `.
    ///
    /// # Errors
    ///
    /// main.cf cannot be read, or what is needed of it cannot be used.
    pub fn load(
        program: &str,
        directory: &Path,
        warnings: &mut Vec<String>,
    ) -> Result<Self, ConfigError> {
        let file = MainCf::read(
            directory,
            Some(program),
            |file| line_rules_of(file, None),
            warnings,
        )?;
        let mut parameters = Parameters::new(file);
        let (name, default) = QUEUE_DIRECTORY;
        let path = parameters.take(name, default, warnings)?;
        Ok(Self {
            queue_directory: OsString::from_vec(path).into(),
            parameters,
        })
    }

    /// The owner of the queues.
    ///
    /// # Errors
    ///
    /// There is no such user, or it cannot own a queue.
    pub fn mail_owner(&mut self, warnings: &mut Vec<String>) -> Result<MailOwner, ConfigError> {
        let (name, default) = MAIL_OWNER;
        let user = self.parameters.take(name, default, warnings)?;
        checks::mail_owner(&self.parameters, &user)
    }

    /// The owner of the queues if main.cf does not set mail_owner.
    ///
    /// # Errors
    ///
    /// As [`QueuePaths::mail_owner`].
    pub fn default_mail_owner() -> Result<MailOwner, ConfigError> {
        let nothing = MainCf::parse(
            PathBuf::new(),
            b"",
            &[],
            LineRules::LENIENT,
            &mut Vec::new(),
        )?;
        checks::mail_owner(&Parameters::new(nothing), MAIL_OWNER.1)
    }

    /// The names of the queues that have subdirectories, and the number of levels.
    ///
    /// # Errors
    ///
    /// A parameter cannot be used.
    pub fn hashing(
        &mut self,
        warnings: &mut Vec<String>,
    ) -> Result<(Vec<Vec<u8>>, u32), ConfigError> {
        let (name, default) = HASH_QUEUE_NAMES;
        let names = self.parameters.take(name, default, warnings)?;
        let (name, default) = HASH_QUEUE_DEPTH;
        let depth = self.parameters.take(name, default, warnings)?;
        let depth = self.parameters.integer(name, &depth, 1)?;
        let names = words(&names).map(<[u8]>::to_vec).collect();
        Ok((names, depth.unsigned_abs()))
    }
}
