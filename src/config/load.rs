//! Reads and checks every parameter, and fills in [`Config`].
//!
//! The order is that of Postfix, so that of several errors the same one is
//! reported. Parameters that the tools do not use are not checked: a queue can be
//! listed although main.cf has errors elsewhere (a deliberate difference).

use std::path::Path;
use std::sync::Arc;

use super::checks;
use super::checks::MailOwner;
use super::error::ConfigError;
use super::level::Level;
use super::load_state::{KnownFacility, LoadState};
use super::main_cf::MainCf;
use super::parameters::Parameters;
use super::postfix::{line_rules_of, postfix_in, postfix_of};
use super::reference::LevelOperators;
use super::settings::Config;
use super::table;
use super::table::{Parameter, Rule};
use super::values::ParameterValues;
use crate::release::{Feature, Installed, Release};
use crate::text::Charset;

/// The program that logs nothing, whatever the value of maillog_file.
const PROGRAM_WITHOUT_LOG: &str = "postcat";

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
        let LoadState {
            warnings,
            facility,
            syslog_name,
            postfix,
        } = progress;
        let mut loader = Loader::read(program, directory, release, warnings)?;
        *postfix = Some(loader.postfix.clone());
        loader.compatibility_level()?;
        loader.take(table::LOGGING)?;
        let syslog_facility = loader.syslog_facility()?;
        *facility = Some(KnownFacility {
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
        *syslog_name = Some(loader.values.text("syslog_name"));
        if program != PROGRAM_WITHOUT_LOG {
            loader.maillog_file()?;
        }
        loader.take(table::PROGRAMS)?;
        Ok(loader.finish(directory, syslog_facility, mail_owner, setgid_group_fault))
    }
}

struct Loader<'w> {
    postfix: Installed,
    parameters: Parameters,
    values: ParameterValues,
    warnings: &'w mut Vec<String>,
}

impl<'w> Loader<'w> {
    /// Reads `directory`/main.cf, and determines the release whose rules apply.
    fn read(
        program: &str,
        directory: &Path,
        release: Option<Release>,
        warnings: &'w mut Vec<String>,
    ) -> Result<Self, ConfigError> {
        let line_rules = |file: &MainCf| line_rules_of(file, release);
        let file = MainCf::read(directory, program, line_rules, warnings)?;
        Ok(Self {
            postfix: postfix_of(&file, release),
            parameters: Parameters::new(file),
            values: ParameterValues::default(),
            warnings,
        })
    }

    /// Reads compatibility_level, to which the defaults of other parameters refer.
    fn compatibility_level(&mut self) -> Result<(), ConfigError> {
        let name = "compatibility_level";
        if !self.postfix.has(Feature::LevelIsVersion) {
            self.parameters.set_level_operators(LevelOperators::Unknown);
        }
        let value = self.parameters.take(name, b"0", self.warnings)?;
        if !self.postfix.has(Feature::LevelIsVersion) {
            let digits = if self.postfix.has(Feature::LevelMayHaveParts) {
                value.split(|&byte| byte == b'.').next().unwrap_or_default()
            } else {
                value.as_slice()
            };
            // Refused with the whole value. A negative level is 0.
            let level = self.parameters.integer_in(name, digits, &value)?;
            self.parameters.replace(name, level.max(0).to_string());
            return Ok(());
        }
        match Level::parse(&value) {
            Some(_) => Ok(()),
            None => Err(ConfigError::Level {
                text: self.parameters.shown(&value),
            }),
        }
    }

    /// Reads the parameters of a part of the table, in its order.
    fn take(&mut self, table: &[Parameter]) -> Result<(), ConfigError> {
        for parameter in table {
            match parameter.name {
                "daemon_directory" => self.take_one(parameter, checks::daemon_directory()),
                // Determining the version reads a daemon's file, so do it only if
                // necessary.
                "mail_version" if self.parameters.mentions(parameter.name) => {
                    let version = self.postfix.version().to_owned();
                    self.take_one(parameter, version.as_bytes())
                }
                "respectful_logging" if !self.postfix.has(Feature::RespectfulLogging) => Ok(()),
                _ if !self.postfix.has(Feature::LevelIsVersion) => {
                    let default = parameter.default.replace("<level", "<");
                    self.take_one(parameter, default.as_bytes())
                }
                _ => self.take_one(parameter, parameter.default.as_bytes()),
            }?;
        }
        Ok(())
    }

    fn take_one(&mut self, parameter: &Parameter, default: &[u8]) -> Result<(), ConfigError> {
        let Parameter { name, rule, .. } = *parameter;
        if rule == Rule::Unused && self.parameters.is_set(name) {
            return Ok(());
        }
        let text = self.parameters.take(name, default, self.warnings)?;
        self.values.add(name, rule, text, &self.parameters)
    }

    /// Checks respectful_logging, which exists since Postfix 3.6.
    fn respectful_logging(&mut self) -> Result<(), ConfigError> {
        const NAME: &str = "respectful_logging";
        let value = self.parameters.value(NAME.as_bytes())?;
        match self.parameters.boolean(NAME, &value) {
            Err(fault) if self.postfix.has(Feature::RespectfulLogging) => Err(fault),
            _ => Ok(()),
        }
    }

    fn syslog_facility(&self) -> Result<u8, ConfigError> {
        let facility = self.values.text("syslog_facility");
        checks::syslog_facility(&self.parameters, &facility)
    }

    fn inet_protocols(&self) -> Result<(), ConfigError> {
        let protocols = self.values.text("inet_protocols");
        checks::inet_protocols(&self.parameters, &protocols)
    }

    /// Checks the mail owner and setgid_group. An error in setgid_group alone is
    /// returned as a value: most commands do not need the group.
    fn owners(&self) -> Result<(MailOwner, Option<ConfigError>), ConfigError> {
        let owner = checks::mail_owner(&self.parameters, &self.values.text("mail_owner"))?;
        let group = checks::setgid_group(&self.parameters, &self.values.text("setgid_group"));
        checks::own_group(&self.parameters, &owner, &group)?;
        Ok((owner, group.err()))
    }

    fn maillog_file(&self) -> Result<(), ConfigError> {
        let log = self.values.text("maillog_file");
        let prefixes = self.values.list("maillog_file_prefixes");
        checks::maillog_file(&self.parameters, &log, &prefixes)
    }

    fn set_charset(&mut self) {
        if self.values.switch("smtputf8_enable") {
            self.parameters.set_charset(Charset::LooseUtf8);
        }
    }

    /// Reads the names of the host and its domain, each of which is by default
    /// derived from the other. They are checked once both are known.
    fn host(&mut self) -> Result<(), ConfigError> {
        let [host, domain] = table::HOST;
        let mut default = Vec::new();
        if !self.parameters.is_set(host.name) {
            default = checks::own_host_name(self.parameters.charset(), self.warnings)?;
            if !default.contains(&b'.') {
                let domain = if self.parameters.is_set(domain.name) {
                    let name = domain.name.as_bytes();
                    self.parameters.expanded(name, self.warnings)?
                } else {
                    checks::LOCAL_DOMAIN.to_vec()
                };
                default.push(b'.');
                default.extend_from_slice(&domain);
            }
        }
        self.take_one(host, &default)?;
        let name = self.values.text(host.name);
        self.take_one(domain, checks::domain_of(&name))?;
        for parameter in table::HOST {
            let value = self.values.text(parameter.name);
            checks::host_name(&self.parameters, parameter.name, &value, self.warnings)?;
        }
        Ok(())
    }

    /// The Postfix whose daemons are in daemon_directory.
    fn installed(&self) -> Installed {
        let daemon_directory = self.values.path("daemon_directory");
        if self.postfix.is_in(&daemon_directory) {
            self.postfix.clone()
        } else {
            postfix_in(&daemon_directory)
        }
    }

    fn finish(
        self,
        directory: &Path,
        syslog_facility: u8,
        mail_owner: MailOwner,
        setgid_group_fault: Option<ConfigError>,
    ) -> Config {
        let log = self.values.path("maillog_file");
        Config {
            postfix: self.installed(),
            setgid_group_fault: setgid_group_fault.map(Arc::new),
            config_directory: directory.to_owned(),
            authorized_flush_users: self.values.text("authorized_flush_users"),
            authorized_mailq_users: self.values.text("authorized_mailq_users"),
            command_directory: self.values.path("command_directory"),
            daemon_directory: self.values.path("daemon_directory"),
            enable_long_queue_ids: self.values.switch("enable_long_queue_ids"),
            fast_flush_domains: self.values.text("fast_flush_domains"),
            flush_service_name: self.values.text("flush_service_name"),
            hash_queue_depth: self.values.number("hash_queue_depth"),
            hash_queue_names: self.values.list("hash_queue_names"),
            import_environment: self.values.tokens("import_environment"),
            ipc_timeout: self.values.time("ipc_timeout"),
            mail_name: self.values.text("mail_name"),
            mail_owner,
            maillog_file: (!log.as_os_str().is_empty()).then_some(log),
            multi_instance_directories: self.values.text("multi_instance_directories"),
            multi_instance_name: self.values.text("multi_instance_name"),
            myhostname: self.values.text("myhostname"),
            parent_domain_matches_subdomains: self.values.text("parent_domain_matches_subdomains"),
            pickup_service_name: self.values.text("pickup_service_name"),
            postlog_service_name: self.values.text("postlog_service_name"),
            queue_directory: self.values.path("queue_directory"),
            queue_service_name: self.values.text("queue_service_name"),
            showq_service_name: self.values.text("showq_service_name"),
            smtputf8_enable: self.values.switch("smtputf8_enable"),
            syslog_facility,
            syslog_name: self.values.text("syslog_name"),
            trigger_timeout: self.values.time("trigger_timeout"),
            warnings: Vec::new(),
            parameters: self.parameters,
        }
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
        result.map_err(|error| error.to_string().replace(&name, "DIR"))
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
