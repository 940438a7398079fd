//! [`Config`]: every parameter the tools use, with its type.
//!
//! Owns the names and types of the fields. How they are looked at and checked
//! is `load`'s business.

use std::path::PathBuf;
use std::time::Duration;

use super::checks::MailOwner;
use super::error::{Charset, ConfigError};
use super::level::Level;
use super::parameters::Parameters;

/// What the tools need to know of main.cf. A field is named after its
/// parameter; `Vec<u8>` holds an expanded value that was not interpreted.
#[derive(Clone, Debug)]
#[allow(missing_docs)] // postconf(5) documents each of them
pub struct Config {
    /// The directory that was read, as it was named.
    pub config_directory: PathBuf,
    pub alternate_config_directories: Vec<u8>,
    pub authorized_flush_users: Vec<u8>,
    pub authorized_mailq_users: Vec<u8>,
    pub command_directory: PathBuf,
    pub compatibility_level: Level,
    pub daemon_directory: PathBuf,
    /// How many recipients are remembered; 0 is no limit.
    pub duplicate_filter_limit: u32,
    pub empty_address_recipient: Vec<u8>,
    pub enable_long_queue_ids: bool,
    pub fast_flush_domains: Vec<u8>,
    pub flush_service_name: Vec<u8>,
    pub hash_queue_depth: u32,
    /// The names in hash_queue_names.
    pub hash_queue_names: Vec<Vec<u8>>,
    /// Names and `name=value` settings of environment variables.
    pub import_environment: Vec<Vec<u8>>,
    pub ipc_timeout: Duration,
    pub mail_name: Vec<u8>,
    pub mail_owner: MailOwner,
    /// Where to log; `None` is syslog.
    pub maillog_file: Option<PathBuf>,
    pub maillog_file_prefixes: Vec<Vec<u8>>,
    pub multi_instance_directories: Vec<u8>,
    pub multi_instance_name: Vec<u8>,
    pub mydestination: Vec<u8>,
    pub mydomain: Vec<u8>,
    pub myhostname: Vec<u8>,
    pub parent_domain_matches_subdomains: Vec<u8>,
    pub pickup_service_name: Vec<u8>,
    pub postlog_service_name: Vec<u8>,
    pub queue_directory: PathBuf,
    pub queue_service_name: Vec<u8>,
    pub relay_domains: Vec<u8>,
    /// Only a name: it need not exist.
    pub setgid_group: Vec<u8>,
    pub showq_service_name: Vec<u8>,
    pub smtputf8_enable: bool,
    /// The facility's number, for instance 2 for mail.
    pub syslog_facility: u8,
    pub syslog_name: Vec<u8>,
    pub trigger_timeout: Duration,
    pub(super) parameters: Parameters,
}

impl Config {
    /// The expanded value of any parameter, even of one that is not ours.
    pub fn value(&self, name: &[u8]) -> Result<Vec<u8>, ConfigError> {
        self.parameters.value(name)
    }

    /// Which bytes of files and addresses messages may hold.
    pub fn charset(&self) -> Charset {
        self.parameters.charset()
    }
}
