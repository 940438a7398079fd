//! Reads and checks one parameter, or one group of parameters, after the other.
//!
//! `load` calls the steps in the order of Postfix.

use std::path::Path;

use super::checks;
use super::checks::MailOwner;
use super::environment;
use super::environment::{EnvironmentEntry, Unlisted};
use super::error::ConfigError;
use super::level::Level;
use super::main_cf::MainCf;
use super::parameters::Parameters;
use super::postfix::{line_rules_of, postfix_in, postfix_of};
use super::reference::LevelOperators;
use super::table;
use super::table::{Parameter, Rule};
use super::values::ParameterValues;
use crate::release::{Feature, Installed, Release};
use crate::text::Charset;

/// The parameters of one main.cf that have been read so far.
pub(super) struct Loader<'w> {
    /// The Postfix whose rules apply.
    pub(super) postfix: Installed,
    /// The expanded parameters.
    pub(super) parameters: Parameters,
    /// The values of those that the tools use.
    pub(super) values: ParameterValues,
    /// Warnings, with Postfix's texts.
    pub(super) warnings: &'w mut Vec<String>,
}

impl<'w> Loader<'w> {
    /// Reads `directory`/main.cf, and determines the release whose rules apply.
    pub(super) fn read(
        process_name: Option<&str>,
        directory: &Path,
        release: Option<Release>,
        warnings: &'w mut Vec<String>,
    ) -> Result<Self, ConfigError> {
        let line_rules = |file: &MainCf| line_rules_of(file, release);
        let file = MainCf::read(directory, process_name, line_rules, warnings)?;
        Ok(Self {
            postfix: postfix_of(&file, release),
            parameters: Parameters::new(file),
            values: ParameterValues::default(),
            warnings,
        })
    }

    /// Reads compatibility_level, to which the defaults of other parameters refer.
    pub(super) fn compatibility_level(&mut self) -> Result<(), ConfigError> {
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
    pub(super) fn take(&mut self, table: &[Parameter]) -> Result<(), ConfigError> {
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
    pub(super) fn respectful_logging(&mut self) -> Result<(), ConfigError> {
        const NAME: &str = "respectful_logging";
        let value = self.parameters.value(NAME.as_bytes())?;
        match self.parameters.boolean(NAME, &value) {
            Err(fault) if self.postfix.has(Feature::RespectfulLogging) => Err(fault),
            _ => Ok(()),
        }
    }

    pub(super) fn syslog_facility(&self) -> Result<u8, ConfigError> {
        let facility = self.values.text("syslog_facility");
        checks::syslog_facility(&self.parameters, &facility)
    }

    pub(super) fn inet_protocols(&self) -> Result<(), ConfigError> {
        let protocols = self.values.text("inet_protocols");
        checks::inet_protocols(&self.parameters, &protocols)
    }

    /// Checks the mail owner and setgid_group. An error in setgid_group alone is
    /// returned as a value: most commands do not need the group.
    pub(super) fn owners(&self) -> Result<(MailOwner, Option<ConfigError>), ConfigError> {
        let owner = checks::mail_owner(&self.parameters, &self.values.text("mail_owner"))?;
        let group = checks::setgid_group(&self.parameters, &self.values.text("setgid_group"));
        checks::own_group(&self.parameters, &owner, &group)?;
        Ok((owner, group.err()))
    }

    /// Parses import_environment.
    pub(super) fn import_environment(
        &self,
        unlisted: Unlisted,
    ) -> Result<Vec<EnvironmentEntry>, ConfigError> {
        let value = self.values.text("import_environment");
        environment::parse(&value, unlisted, &self.parameters)
    }

    pub(super) fn maillog_file(&self) -> Result<(), ConfigError> {
        let log = self.values.text("maillog_file");
        let prefixes = self.values.list("maillog_file_prefixes");
        checks::maillog_file(&self.parameters, &log, &prefixes)
    }

    pub(super) fn set_charset(&mut self) {
        if self.values.switch("smtputf8_enable") {
            self.parameters.set_charset(Charset::LooseUtf8);
        }
    }

    /// Reads the names of the host and its domain, each of which is by default
    /// derived from the other. They are checked once both are known.
    pub(super) fn host(&mut self) -> Result<(), ConfigError> {
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
    pub(super) fn installed(&self) -> Installed {
        let daemon_directory = self.values.path("daemon_directory");
        if self.postfix.is_in(&daemon_directory) {
            self.postfix.clone()
        } else {
            postfix_in(&daemon_directory)
        }
    }
}
