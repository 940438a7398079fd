//! Reads and checks every parameter, and fills in [`Config`].
//!
//! The order of the steps, which are in `loader`, is that of Postfix, so that of
//! several errors the same one is reported. Parameters that the tools do not use are not checked: a queue can be
//! listed although main.cf has errors elsewhere (a deliberate difference).

use std::path::Path;
use std::sync::Arc;

use super::environment::EnvironmentEntry;
use super::error::ConfigError;
use super::load_state::{KnownFacility, LoadState};
use super::loader::Loader;
use super::program::{AccessLists, EnvironmentUse, LogUse, ProcessName, ProgramRules};
use super::settings::Config;
use super::table;
use crate::release::Release;

impl Config {
    /// Reads `directory`/main.cf for a program, to whose name main.cf can refer as
    /// `$process_name`. `release` overrides the release of the instance's daemons.
    ///
    /// # Errors
    ///
    /// The file cannot be read, or a parameter that is used has a bad value.
    pub fn load_for(
        program: &str,
        directory: &Path,
        release: Option<Release>,
        progress: &mut LoadState,
    ) -> Result<Self, ConfigError> {
        let rules = ProgramRules::of(program);
        let process_name = match rules.process_name {
            ProcessName::Set => Some(program),
            ProcessName::Unset => None,
        };
        let mut loader = Loader::read(process_name, directory, release, &mut progress.warnings)?;
        progress.postfix = Some(loader.postfix.clone());
        loader.compatibility_level()?;
        loader.take(table::LOGGING)?;
        let syslog_facility = loader.syslog_facility()?;
        progress.facility = Some(KnownFacility {
            facility: syslog_facility,
            after: loader.warnings.len(),
        });
        loader.take(table::SWITCHES)?;
        loader.respectful_logging()?;
        loader.inet_protocols()?;
        loader.set_charset();
        loader.host()?;
        loader.take(table::COMMON)?;
        let (mail_owner, setgid_group_fault) = loader.owners()?;
        let mut late = LateValues::default();
        if let EnvironmentUse::BeforeLog(unlisted) = rules.environment {
            match loader.import_environment(unlisted) {
                Ok(entries) => late.import_environment = entries,
                // Postfix checks the group first.
                Err(fault) => return Err(setgid_group_fault.unwrap_or(fault)),
            }
        }
        progress.syslog_name = Some(loader.values.text("syslog_name"));
        if rules.log == LogUse::Written {
            loader.maillog_file()?;
        }
        progress.before_log = Some(loader.warnings.len());
        let late_fault = late.read(&mut loader, rules).err().map(Arc::new);
        let log = loader.values.path("maillog_file");
        Ok(Self {
            postfix: loader.installed(),
            setgid_group_fault: setgid_group_fault.map(Arc::new),
            late_fault,
            config_directory: directory.to_owned(),
            authorized_flush_users: late.authorized_flush_users,
            authorized_mailq_users: late.authorized_mailq_users,
            command_directory: loader.values.path("command_directory"),
            daemon_directory: loader.values.path("daemon_directory"),
            enable_long_queue_ids: loader.values.switch("enable_long_queue_ids"),
            fast_flush_domains: loader.values.text("fast_flush_domains"),
            flush_service_name: loader.values.text("flush_service_name"),
            hash_queue_depth: loader.values.number("hash_queue_depth"),
            hash_queue_names: loader.values.list("hash_queue_names"),
            import_environment: late.import_environment,
            ipc_timeout: loader.values.time("ipc_timeout"),
            mail_name: loader.values.text("mail_name"),
            mail_owner,
            maillog_file: (!log.as_os_str().is_empty()).then_some(log),
            multi_instance_directories: loader.values.text("multi_instance_directories"),
            multi_instance_name: loader.values.text("multi_instance_name"),
            myhostname: loader.values.text("myhostname"),
            parent_domain_matches_subdomains: loader
                .values
                .text("parent_domain_matches_subdomains"),
            pickup_service_name: loader.values.text("pickup_service_name"),
            postlog_service_name: loader.values.text("postlog_service_name"),
            queue_directory: loader.values.path("queue_directory"),
            queue_service_name: loader.values.text("queue_service_name"),
            showq_service_name: loader.values.text("showq_service_name"),
            smtputf8_enable: loader.values.switch("smtputf8_enable"),
            syslog_facility,
            syslog_name: loader.values.text("syslog_name"),
            trigger_timeout: loader.values.time("trigger_timeout"),
            warnings: Vec::new(),
            parameters: loader.parameters,
        })
    }
}

/// Values that not every program reads. Those that were not read are empty: nobody
/// is listed, and no variable is taken over.
#[derive(Default)]
struct LateValues {
    authorized_flush_users: Vec<u8>,
    authorized_mailq_users: Vec<u8>,
    import_environment: Vec<EnvironmentEntry>,
}

impl LateValues {
    /// Reads what the program reads when its settings for the mail log apply.
    fn read(&mut self, loader: &mut Loader<'_>, rules: ProgramRules) -> Result<(), ConfigError> {
        if rules.access_lists == AccessLists::Read {
            loader.take(table::PROGRAMS)?;
            self.authorized_flush_users = loader.values.text("authorized_flush_users");
            self.authorized_mailq_users = loader.values.text("authorized_mailq_users");
        }
        if let EnvironmentUse::AfterLog(unlisted) = rules.environment {
            self.import_environment = loader.import_environment(unlisted)?;
        }
        Ok(())
    }
}

#[cfg(test)]
mod tests {
    use std::os::unix::ffi::OsStringExt;
    use std::time::Duration;

    use super::*;

    fn load(text: &str) -> Result<Config, String> {
        let directory = tempfile::tempdir().unwrap();
        // Few machines have a user "postfix", but all have "daemon".
        let text = format!("mail_owner = daemon\n{text}\n");
        std::fs::write(directory.path().join("main.cf"), text).unwrap();
        let mut progress = LoadState::default();
        let result = Config::load_for("postqueue", directory.path(), None, &mut progress);
        let name = directory.path().display().to_string();
        let shown = |error: String| error.replace(&name, "DIR");
        let config = result.map_err(|error| shown(error.to_string()))?;
        let late = config.check_late();
        late.map_err(|error| shown(error.to_string()))?;
        Ok(config)
    }

    fn error(text: &str) -> String {
        load(text).unwrap_err()
    }

    #[test]
    fn an_empty_file_gives_the_defaults() {
        let config = load("").unwrap();
        assert_eq!(config.queue_directory, Path::new("/var/spool/postfix"));
        assert_eq!(config.hash_queue_names, [b"deferred".as_slice(), b"defer"]);
        assert_eq!(config.hash_queue_depth, 1);
        let listing = config.listing_parameters(&mut Vec::new()).unwrap();
        assert_eq!(listing.duplicate_filter_limit, 1000);
        assert_eq!(config.trigger_timeout, Duration::from_secs(10));
        assert_eq!(config.ipc_timeout, Duration::from_secs(3600));
        assert_eq!(config.syslog_facility, 2);
        assert_eq!(config.syslog_name, b"postfix");
        assert_eq!(config.mail_owner.name, b"daemon");
        assert_eq!(config.maillog_file, None);
        assert!(!config.enable_long_queue_ids && !config.smtputf8_enable);
        let value = |name: &[u8]| config.parameters.value(name).unwrap();
        assert_eq!(config.fast_flush_domains, value(b"mydestination"));
    }

    #[test]
    fn the_compatibility_level_changes_defaults() {
        let config = load("compatibility_level = 3.6").unwrap();
        assert!(config.smtputf8_enable);
        assert_eq!(config.parameters.value(b"relay_domains").unwrap(), b"");
        assert!(!load("compatibility_level = 0.9").unwrap().smtputf8_enable);
    }

    #[test]
    fn bad_values_are_refused_with_the_text_of_postfix() {
        for (text, message) in [
            (
                "enable_long_queue_ids = maybe",
                "bad boolean configuration: enable_long_queue_ids = maybe",
            ),
            (
                "hash_queue_depth = x",
                "bad numerical configuration: hash_queue_depth = x",
            ),
            (
                "hash_queue_depth = 0",
                "invalid hash_queue_depth parameter value 0 < 1",
            ),
            (
                "trigger_timeout = 10x",
                "parameter trigger_timeout: bad time value or unit: 10x",
            ),
            ("trigger_timeout = 0", "invalid trigger_timeout: 0 (min 1)"),
            (
                "queue_directory =",
                "bad string length 0 < 1: queue_directory = ",
            ),
            (
                "syslog_facility = x",
                "file DIR/main.cf: parameter syslog_facility: unrecognized value: x",
            ),
            (
                "mail_owner = no such",
                "file DIR/main.cf: parameter mail_owner: unknown user name value: no such",
            ),
            (
                "mail_owner = root",
                "file DIR/main.cf: parameter mail_owner: user root has privileged user ID",
            ),
            (
                "maillog_file = /x",
                "maillog_file value '/x' does not match any prefix in maillog_file_prefixes",
            ),
            (
                "mail_name = ${x",
                "dictionary mail_dict: macro processing error",
            ),
            (
                "compatibility_level = x",
                "malformed compatibility level syntax: \"x\"",
            ),
            (
                "myhostname = a..b",
                "file DIR/main.cf: parameter myhostname: bad parameter value: a..b",
            ),
            ("myhostname = a.", "bad string length 0 < 1: mydomain = "),
        ] {
            assert_eq!(error(text), message, "{text}");
        }
    }

    #[test]
    fn of_several_errors_the_same_one_is_reported_as_by_postfix() {
        let faults = [
            "compatibility_level = x",
            "postlog_service_name =",
            "syslog_facility = x",
            "smtputf8_enable = x",
            "myhostname = -",
            "mail_name =",
            "queue_directory =",
            "hash_queue_depth = x",
            "ipc_timeout = x",
            "trigger_timeout = x",
            "mail_owner = root",
            "maillog_file = /x",
            "authorized_mailq_users = ${",
            "import_environment = =x",
        ];
        for first in 0..faults.len() {
            let alone = error(faults[first]);
            assert_eq!(error(&faults[first..].join("\n")), alone);
        }
    }

    #[test]
    fn an_unused_parameter_is_not_checked() {
        assert!(load("default_privs = ${\nsetgid_group = nosuchgroup\nmax_use = x").is_ok());
    }

    #[test]
    fn a_value_can_refer_only_to_defaults_before_it() {
        let config = load("queue_directory = /$mydomain/$relay_domains$ipc_timeout").unwrap();
        let domain = config.parameters.value(b"mydomain").unwrap();
        let expected = [b"/", domain.as_slice(), b"/"].concat();
        assert_eq!(config.queue_directory.into_os_string().into_vec(), expected);
        assert_eq!(config.parameters.value(b"ipc_timeout").unwrap(), b"3600s");
    }
}
