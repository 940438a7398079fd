//! [`Config`]: every parameter that the tools use, with its type. `load` fills it
//! in.

use std::path::PathBuf;
use std::sync::Arc;
use std::time::Duration;

use super::checks::MailOwner;
use super::environment::EnvironmentEntry;
use super::error::ConfigError;
use super::parameters::Parameters;
use crate::release::Installed;
use crate::text::Charset;

/// The parameters that the tools use. Fields are named after their parameters; a
/// `Vec<u8>` is an expanded value that has not been interpreted.
#[derive(Clone, Debug)]
pub struct Config {
    /// The configuration directory, as it was named.
    pub config_directory: PathBuf,
    /// The users who may flush the queue: see [`Config::flush_users`].
    pub authorized_flush_users: Vec<u8>,
    /// The users who may view the queue: see [`Config::mailq_users`].
    pub authorized_mailq_users: Vec<u8>,
    /// The directory of postqueue and the other commands.
    pub command_directory: PathBuf,
    /// The directory of the daemons.
    pub daemon_directory: PathBuf,
    /// Whether queue IDs are long.
    pub enable_long_queue_ids: bool,
    /// The sites of the flush service: see [`Config::flush_domains`].
    pub fast_flush_domains: Vec<u8>,
    /// The socket of the flush service, relative to public/.
    pub flush_service_name: Vec<u8>,
    /// Number of levels of subdirectories in hashed queues.
    pub hash_queue_depth: u32,
    /// The queues that have subdirectories.
    pub hash_queue_names: Vec<Vec<u8>>,
    /// The environment variables that the program takes over.
    pub import_environment: Vec<EnvironmentEntry>,
    /// How long to wait for a daemon.
    pub ipc_timeout: Duration,
    /// The name of the mail system.
    pub mail_name: Vec<u8>,
    /// The mail owner.
    pub mail_owner: MailOwner,
    /// The log file; `None` means syslog.
    pub maillog_file: Option<PathBuf>,
    /// The configuration directories of other instances.
    pub multi_instance_directories: Vec<u8>,
    /// The name of this instance.
    pub multi_instance_name: Vec<u8>,
    /// The name of this host.
    pub myhostname: Vec<u8>,
    /// The lists in which a domain also matches its subdomains.
    pub parent_domain_matches_subdomains: Vec<u8>,
    /// The socket of the pickup service, relative to public/.
    pub pickup_service_name: Vec<u8>,
    /// The socket of the log service, relative to public/.
    pub postlog_service_name: Vec<u8>,
    /// The queue directory.
    pub queue_directory: PathBuf,
    /// The socket of the queue manager, relative to public/.
    pub queue_service_name: Vec<u8>,
    /// The socket of the showq service, relative to public/.
    pub showq_service_name: Vec<u8>,
    /// Whether UTF-8 is printable.
    pub smtputf8_enable: bool,
    /// The number of the syslog facility, such as 2 for mail.
    pub syslog_facility: u8,
    /// The beginning of log records.
    pub syslog_name: Vec<u8>,
    /// How long to wait for a service that is triggered.
    pub trigger_timeout: Duration,
    /// The warnings about main.cf, which every program that reads it repeats.
    pub warnings: Vec<String>,
    /// The Postfix release of the instance's daemons, or the one that the user
    /// named instead.
    pub postfix: Installed,
    /// The error in setgid_group, if there is one.
    pub(super) setgid_group_fault: Option<Arc<ConfigError>>,
    /// The error that is found when the settings for the mail log apply, if there
    /// is one.
    pub(super) late_fault: Option<Arc<ConfigError>>,
    /// The expanded value of any parameter, including those without a field.
    pub parameters: Parameters,
}

impl Config {
    /// Checks setgid_group. Listings do not use it, and therefore do not check it:
    /// a deliberate difference.
    ///
    /// # Errors
    ///
    /// The group is unknown.
    pub fn check_setgid_group(&self) -> Result<(), Arc<ConfigError>> {
        self.setgid_group_fault.clone().map_or(Ok(()), Err)
    }

    /// Checks what Postfix's postqueue reads when it already writes to the mail log
    /// as main.cf says.
    ///
    /// # Errors
    ///
    /// One of these parameters cannot be used.
    pub fn check_late(&self) -> Result<(), Arc<ConfigError>> {
        self.late_fault.clone().map_or(Ok(()), Err)
    }

    /// The characters that messages can contain.
    pub fn charset(&self) -> Charset {
        self.parameters.charset()
    }
}
