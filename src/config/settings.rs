//! [`Config`]: every parameter the tools use, with its type.
//!
//! Owns the names and types of the fields. How they are looked at and checked
//! is handled by `load`.

use std::path::PathBuf;
use std::sync::Arc;
use std::time::Duration;

use super::checks::MailOwner;
use super::error::ConfigError;
use super::parameters::Parameters;
use crate::release::Installed;
use crate::text::Charset;

/// What the tools need to know of main.cf. A field is named after its
/// parameter; `Vec<u8>` holds an expanded value that was not interpreted.
#[derive(Clone, Debug)]
pub struct Config {
    /// The directory that was read, as it was named.
    pub config_directory: PathBuf,
    /// Who may flush the queue: see [`Config::flush_users`].
    pub authorized_flush_users: Vec<u8>,
    /// Who may view the queue: see [`Config::mailq_users`].
    pub authorized_mailq_users: Vec<u8>,
    /// Where postqueue and the others are installed.
    pub command_directory: PathBuf,
    /// Where the daemons are installed.
    pub daemon_directory: PathBuf,
    /// Whether queue IDs are long.
    pub enable_long_queue_ids: bool,
    /// Sites of the flush service: see [`Config::flush_domains`].
    pub fast_flush_domains: Vec<u8>,
    /// The socket of the flush service, below public/.
    pub flush_service_name: Vec<u8>,
    /// How many levels of subdirectories hashed queues have.
    pub hash_queue_depth: u32,
    /// The names in hash_queue_names.
    pub hash_queue_names: Vec<Vec<u8>>,
    /// Names and `name=value` settings of environment variables.
    pub import_environment: Vec<Vec<u8>>,
    /// How long to wait for a daemon.
    pub ipc_timeout: Duration,
    /// What the mail system calls itself.
    pub mail_name: Vec<u8>,
    /// Whose rights are used.
    pub mail_owner: MailOwner,
    /// Where to log; `None` is syslog.
    pub maillog_file: Option<PathBuf>,
    /// Directories of other instances.
    pub multi_instance_directories: Vec<u8>,
    /// The name of this instance.
    pub multi_instance_name: Vec<u8>,
    /// The name of this host.
    pub myhostname: Vec<u8>,
    /// Lists in which a domain stands for its subdomains too.
    pub parent_domain_matches_subdomains: Vec<u8>,
    /// The socket of the pickup service, below public/.
    pub pickup_service_name: Vec<u8>,
    /// The socket of the log service, below public/.
    pub postlog_service_name: Vec<u8>,
    /// Where the queue is.
    pub queue_directory: PathBuf,
    /// The socket of the queue manager, below public/.
    pub queue_service_name: Vec<u8>,
    /// The socket of the showq service, below public/.
    pub showq_service_name: Vec<u8>,
    /// Whether UTF-8 is printable.
    pub smtputf8_enable: bool,
    /// The facility's number, for instance 2 for mail.
    pub syslog_facility: u8,
    /// What log records begin with.
    pub syslog_name: Vec<u8>,
    /// How long to wait for a service that is woken.
    pub trigger_timeout: Duration,
    /// What was odd in main.cf: every program that reads it says so.
    pub warnings: Vec<String>,
    /// The Postfix whose daemons work for the instance, or that the user
    /// names in its place.
    pub postfix: Installed,
    /// Why setgid_group cannot be used, if it cannot.
    pub(super) setgid_group_fault: Option<Arc<ConfigError>>,
    /// The expanded value of any parameter, even of one without a field.
    pub parameters: Parameters,
}

impl Config {
    /// That there is a setgid_group. Not checked for listings, which do not
    /// use it: a deliberate difference.
    ///
    /// # Errors
    ///
    /// The group is unknown.
    pub fn check_setgid_group(&self) -> Result<(), Arc<ConfigError>> {
        self.setgid_group_fault.clone().map_or(Ok(()), Err)
    }

    /// Which bytes of files and addresses messages may hold.
    pub fn charset(&self) -> Charset {
        self.parameters.charset()
    }
}
