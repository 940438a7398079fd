//! Errors in a configuration, with Postfix's exact texts.
//!
//! The texts contain only printable characters. The caller adds the prefix (`PROG:
//! fatal: `).

use std::io;
use std::os::unix::ffi::OsStrExt;
use std::path::{Path, PathBuf};

use thiserror::Error;

use crate::sys::error_text::error_text;
use crate::text::{Charset, make_printable, to_printable};

/// Bytes as they can appear in a message; bytes that are not printable become `?`.
pub fn printable(bytes: &[u8], charset: Charset) -> String {
    let mut text = bytes.to_vec();
    make_printable(&mut text, charset);
    to_printable(&text)
}

/// A path as it can appear in a message before smtputf8_enable is known.
fn shown_path(path: &Path) -> String {
    printable(path.as_os_str().as_bytes(), Charset::Ascii)
}

/// A configuration that cannot be used. Display is the text that follows `PROG:
/// fatal: `. All text in the fields is printable.
#[derive(Debug, Error)]
pub enum ConfigError {
    /// A configuration file cannot be opened or read.
    #[error("{words} {}: {}", shown_path(.path), error_text(.source))]
    File {
        /// The operation that failed, in Postfix's words: `open`, `read file` …
        words: &'static str,
        /// The path of the file.
        path: PathBuf,
        /// The system error.
        source: io::Error,
    },
    /// A line has no equals sign.
    #[error("{}, line {line}: missing '=' after attribute name: \"{text}\"", shown_path(.path))]
    MissingEquals {
        /// The path of the file.
        path: PathBuf,
        /// Number of the first physical line.
        line: u64,
        /// The logical line.
        text: String,
    },
    /// A line begins with an equals sign.
    #[error("{}, line {line}: missing attribute name: \"{text}\"", shown_path(.path))]
    MissingName {
        /// The path of the file.
        path: PathBuf,
        /// Number of the first physical line.
        line: u64,
        /// The logical line.
        text: String,
    },
    /// A value cannot be expanded; a warning describes the problem.
    #[error("dictionary mail_dict: macro processing error")]
    Macro,
    /// A number in a comparison is too large.
    #[error("mac_exp_eval: bad conversion: {text}")]
    Conversion {
        /// The digits.
        text: String,
    },
    /// A boolean value is neither yes nor no.
    #[error("bad boolean configuration: {name} = {value}")]
    Boolean {
        /// The name of the parameter.
        name: &'static str,
        /// Its expanded value.
        value: String,
    },
    /// The value of a numeric parameter is not a number.
    #[error("bad numerical configuration: {name} = {value}")]
    Integer {
        /// The name of the parameter.
        name: &'static str,
        /// Its expanded value.
        value: String,
    },
    /// A number is below its minimum.
    #[error("invalid {name} parameter value {value} < {least}")]
    IntegerRange {
        /// The name of the parameter.
        name: &'static str,
        /// Its value.
        value: i32,
        /// The minimum.
        least: i32,
    },
    /// The value of a time parameter is not a time.
    #[error("parameter {name}: bad time value or unit: {value}")]
    Time {
        /// The name of the parameter.
        name: &'static str,
        /// Its expanded value.
        value: String,
    },
    /// A time is below its minimum.
    #[error("invalid {name}: {value} (min {least})")]
    TimeRange {
        /// The name of the parameter.
        name: &'static str,
        /// Its value in seconds.
        value: i32,
        /// The minimum in seconds.
        least: i32,
    },
    /// A value is too short.
    #[error("bad string length {length} < {least}: {name} = {value}")]
    Length {
        /// The name of the parameter.
        name: &'static str,
        /// Its expanded value.
        value: String,
        /// Length of the value in bytes.
        length: usize,
        /// The minimum length in bytes.
        least: usize,
    },
    /// A compatibility level is not a version.
    #[error("malformed compatibility level syntax: \"{text}\"")]
    Level {
        /// The value.
        text: String,
    },
    /// A value is not one of those that the parameter accepts.
    #[error("file {path}: parameter {name}: unrecognized value: {value}")]
    Unrecognized {
        /// The path of main.cf.
        path: String,
        /// The name of the parameter.
        name: &'static str,
        /// Its expanded value.
        value: String,
    },
    /// The value of a parameter is not a host name; a warning describes the
    /// problem.
    #[error("file {path}: parameter {name}: bad parameter value: {value}")]
    HostName {
        /// The path of main.cf.
        path: String,
        /// The name of the parameter.
        name: &'static str,
        /// Its expanded value.
        value: String,
    },
    /// The system's name of this host is not a host name; a warning describes the
    /// problem.
    #[error("unable to use my own hostname")]
    OwnHostName,
    /// The mail owner is not in the user database.
    #[error("file {path}: parameter mail_owner: unknown user name value: {user}")]
    UnknownUser {
        /// The path of main.cf.
        path: String,
        /// The name of the user.
        user: String,
    },
    /// The mail owner has root's user ID.
    #[error("file {path}: parameter mail_owner: user {user} has privileged user ID")]
    PrivilegedUser {
        /// The path of main.cf.
        path: String,
        /// The name of the user.
        user: String,
    },
    /// The mail owner has root's group ID.
    #[error("file {path}: parameter mail_owner: user {user} has privileged group ID")]
    PrivilegedGroup {
        /// The path of main.cf.
        path: String,
        /// The name of the user.
        user: String,
    },
    /// The group in setgid_group is not in the group database.
    #[error("file {path}: parameter setgid_group: unknown group name: {group}")]
    UnknownGroup {
        /// The path of main.cf.
        path: String,
        /// The name of the group.
        group: String,
    },
    /// The group in setgid_group has root's group ID.
    #[error("file {path}: parameter setgid_group: group {group} has privileged group ID")]
    PrivilegedSetgidGroup {
        /// The path of main.cf.
        path: String,
        /// The name of the group.
        group: String,
    },
    /// The group of the mail owner is the one in setgid_group.
    #[error(
        "file {path}: parameters mail_owner and setgid_group: user {user} and group {group} have \
         the same group ID: {gid}"
    )]
    SharedGroup {
        /// The path of main.cf.
        path: String,
        /// The name of the mail owner.
        user: String,
        /// The name of the group.
        group: String,
        /// Their group ID.
        gid: u32,
    },
    /// A word in inet_protocols is not a protocol.
    #[error("unknown inet_protocols value \"{word}\" in \"{value}\"")]
    InetProtocol {
        /// The unknown word.
        word: String,
        /// The value of inet_protocols.
        value: String,
    },
    /// An entry of a list has a brace that is not closed, or text after its braces.
    #[error("{parameter}: {fault} in \"{text}\"")]
    Braces {
        /// The name of the parameter.
        parameter: &'static str,
        /// The problem.
        fault: &'static str,
        /// The entry.
        text: String,
    },
    /// A setting in import_environment is malformed.
    #[error("{word}: {fault} in: {text}")]
    EnvironmentSetting {
        /// What Postfix calls the step that failed.
        word: &'static str,
        /// The problem.
        fault: &'static str,
        /// The setting.
        text: String,
    },
    /// The log file is outside the directories for log files.
    #[error("maillog_file value '{value}' does not match any prefix in maillog_file_prefixes")]
    MaillogFile {
        /// The expanded value.
        value: String,
    },
    /// A set-gid program was given a configuration directory that it must not
    /// trust.
    #[error(
        "specify \"alternate_config_directories = {directory}\" or \
         \"multi_instance_directories = {directory}\" in {}", shown_path(.default_file)
    )]
    Unauthorized {
        /// The requested directory.
        directory: String,
        /// The main.cf in which the directory would have to be listed.
        default_file: PathBuf,
    },
    /// A `!` in a pattern list has no pattern after it.
    #[error("{parameter}: no pattern after '!'")]
    NoPattern {
        /// The name of the parameter.
        parameter: &'static str,
    },
    /// A lookup table has a type that is not built in.
    #[error("{parameter}: unsupported table: {table}")]
    UnsupportedTable {
        /// The name of the parameter.
        parameter: &'static str,
        /// The table as written: `type:name`.
        table: String,
    },
    /// A lookup table has no type or no name.
    #[error("open dictionary: expecting \"type:name\" form instead of \"{table}\"")]
    TableForm {
        /// The table as written.
        table: String,
    },
    /// An `inline:` table is malformed.
    #[error("{fault}: \"{table}\"; need \"inline:{{name=value...}}\"")]
    InlineTable {
        /// The problem.
        fault: String,
        /// The table as written.
        table: String,
    },
    /// A key occurs twice in a `texthash:` table.
    #[error("{}, line {line}: duplicate entry: \"{key}\"", shown_path(.path))]
    DuplicateKey {
        /// The path of the file.
        path: PathBuf,
        /// Number of the line with the second occurrence.
        line: u64,
        /// The key.
        key: String,
    },
}

impl ConfigError {
    /// The text of the `error:` line that precedes the fatal one; `None` if there
    /// is none.
    pub fn preamble(&self) -> Option<String> {
        match self {
            Self::Unauthorized { directory, .. } => Some(format!(
                "unauthorized configuration directory name: {directory}"
            )),
            _ => None,
        }
    }
}
