//! What can be wrong with a configuration, in Postfix's exact words.
//!
//! Owns the texts and the rule which bytes of a file may appear in them. Does
//! not know the prefix (`PROG: fatal: `) nor where a message goes.

use std::io;
use std::os::unix::ffi::OsStrExt;
use std::path::{Path, PathBuf};

use thiserror::Error;

use crate::sys::error_text::error_text;
use crate::text::{Charset, make_printable, to_printable};

/// Bytes as they may appear in a message: everything else becomes `?`.
pub fn printable(bytes: &[u8], charset: Charset) -> String {
    let mut text = bytes.to_vec();
    make_printable(&mut text, charset);
    to_printable(&text)
}

/// A path as it may appear in a message before smtputf8_enable is known.
fn shown_path(path: &Path) -> String {
    printable(path.as_os_str().as_bytes(), Charset::Ascii)
}

/// A configuration that cannot be used. `Display` is the text that follows
/// `PROG: fatal: `; all texts in here are printable.
#[derive(Debug, Error)]
pub enum ConfigError {
    /// A configuration file cannot be opened or read.
    #[error("{words} {}: {}", shown_path(.path), error_text(.source))]
    File {
        /// What was tried, as Postfix says it: `open`, `read file` …
        words: &'static str,
        /// The file.
        path: PathBuf,
        /// Why it failed.
        source: io::Error,
    },
    /// A line without an equals sign.
    #[error("{}, line {line}: missing '=' after attribute name: \"{text}\"", shown_path(.path))]
    MissingEquals {
        /// The file.
        path: PathBuf,
        /// Where the logical line begins.
        line: u64,
        /// The logical line.
        text: String,
    },
    /// A line that begins with an equals sign.
    #[error("{}, line {line}: missing attribute name: \"{text}\"", shown_path(.path))]
    MissingName {
        /// The file.
        path: PathBuf,
        /// Where the logical line begins.
        line: u64,
        /// The logical line.
        text: String,
    },
    /// A value that cannot be expanded; a warning has said why.
    #[error("dictionary mail_dict: macro processing error")]
    Macro,
    /// A number in a comparison that is too large.
    #[error("mac_exp_eval: bad conversion: {text}")]
    Conversion {
        /// The digits.
        text: String,
    },
    /// A boolean that is neither yes nor no.
    #[error("bad boolean configuration: {name} = {value}")]
    Boolean {
        /// The parameter.
        name: &'static str,
        /// Its expanded value.
        value: String,
    },
    /// A number that is none.
    #[error("bad numerical configuration: {name} = {value}")]
    Integer {
        /// The parameter.
        name: &'static str,
        /// Its expanded value.
        value: String,
    },
    /// A number below the least one that makes sense.
    #[error("invalid {name} parameter value {value} < {least}")]
    IntegerRange {
        /// The parameter.
        name: &'static str,
        /// Its value.
        value: i32,
        /// The least value allowed.
        least: i32,
    },
    /// A time that is none.
    #[error("parameter {name}: bad time value or unit: {value}")]
    Time {
        /// The parameter.
        name: &'static str,
        /// Its expanded value.
        value: String,
    },
    /// A time below the least one that makes sense.
    #[error("invalid {name}: {value} (min {least})")]
    TimeRange {
        /// The parameter.
        name: &'static str,
        /// Its value in seconds.
        value: i32,
        /// The least value allowed.
        least: i32,
    },
    /// A value that must not be empty.
    #[error("bad string length {length} < {least}: {name} = {value}")]
    Length {
        /// The parameter.
        name: &'static str,
        /// Its expanded value.
        value: String,
        /// How long that is.
        length: usize,
        /// The least length allowed.
        least: usize,
    },
    /// A compatibility level that is no version.
    #[error("malformed compatibility level syntax: \"{text}\"")]
    Level {
        /// The value.
        text: String,
    },
    /// A word that is none of those a parameter accepts.
    #[error("file {path}: parameter {name}: unrecognized value: {value}")]
    Unrecognized {
        /// The main.cf, printable.
        path: String,
        /// The parameter.
        name: &'static str,
        /// Its expanded value.
        value: String,
    },
    /// A host name that is none; a warning has said why.
    #[error("file {path}: parameter {name}: bad parameter value: {value}")]
    HostName {
        /// The main.cf, printable.
        path: String,
        /// The parameter.
        name: &'static str,
        /// Its expanded value.
        value: String,
    },
    /// What the system calls this host is no host name; a warning has said why.
    #[error("unable to use my own hostname")]
    OwnHostName,
    /// A mail owner that is not in the user database.
    #[error("file {path}: parameter mail_owner: unknown user name value: {user}")]
    UnknownUser {
        /// The main.cf, printable.
        path: String,
        /// The user's name.
        user: String,
    },
    /// A mail owner with root's user ID.
    #[error("file {path}: parameter mail_owner: user {user} has privileged user ID")]
    PrivilegedUser {
        /// The main.cf, printable.
        path: String,
        /// The user's name.
        user: String,
    },
    /// A mail owner with root's group ID.
    #[error("file {path}: parameter mail_owner: user {user} has privileged group ID")]
    PrivilegedGroup {
        /// The main.cf, printable.
        path: String,
        /// The user's name.
        user: String,
    },
    /// A setgid_group that is not in the group database.
    #[error("file {path}: parameter setgid_group: unknown group name: {group}")]
    UnknownGroup {
        /// The main.cf, printable.
        path: String,
        /// The group's name.
        group: String,
    },
    /// A setgid_group with root's group ID.
    #[error("file {path}: parameter setgid_group: group {group} has privileged group ID")]
    PrivilegedSetgidGroup {
        /// The main.cf, printable.
        path: String,
        /// The group's name.
        group: String,
    },
    /// A mail owner whose group is setgid_group.
    #[error(
        "file {path}: parameters mail_owner and setgid_group: user {user} and group {group} have \
         the same group ID: {gid}"
    )]
    SharedGroup {
        /// The main.cf, printable.
        path: String,
        /// The mail owner's name.
        user: String,
        /// The group's name.
        group: String,
        /// Their group ID.
        gid: u32,
    },
    /// A protocol that is none.
    #[error("unknown inet_protocols value \"{word}\" in \"{value}\"")]
    InetProtocol {
        /// The word.
        word: String,
        /// The whole list.
        value: String,
    },
    /// A log file outside the directories for it.
    #[error("maillog_file value '{value}' does not match any prefix in maillog_file_prefixes")]
    MaillogFile {
        /// The expanded value.
        value: String,
    },
    /// A directory that a set-gid program must not believe.
    #[error(
        "specify \"alternate_config_directories = {directory}\" or \
         \"multi_instance_directories = {directory}\" in {}", shown_path(.default_file)
    )]
    Unauthorized {
        /// The directory asked for.
        directory: String,
        /// The main.cf that would have to list it.
        default_file: PathBuf,
    },
    /// A `!` in a pattern list with nothing after it.
    #[error("{parameter}: no pattern after '!'")]
    NoPattern {
        /// The parameter.
        parameter: &'static str,
    },
    /// A lookup table of a type that is not built in.
    #[error("{parameter}: unsupported table: {table}")]
    UnsupportedTable {
        /// The parameter.
        parameter: &'static str,
        /// `type:name`.
        table: String,
    },
    /// A lookup table without a type or a name.
    #[error("open dictionary: expecting \"type:name\" form instead of \"{table}\"")]
    TableForm {
        /// The table, as written.
        table: String,
    },
    /// An `inline:` table that is malformed.
    #[error("{fault}: \"{table}\"; need \"inline:{{name=value...}}\"")]
    InlineTable {
        /// What is wrong.
        fault: String,
        /// The table, as written.
        table: String,
    },
    /// A key that is twice in a `texthash:` table.
    #[error("{}, line {line}: duplicate entry: \"{key}\"", shown_path(.path))]
    DuplicateKey {
        /// The file.
        path: PathBuf,
        /// Where it stands again.
        line: u64,
        /// The key.
        key: String,
    },
}

impl ConfigError {
    /// The `error:` line that goes out before the fatal one, if there is one.
    pub fn preamble(&self) -> Option<String> {
        match self {
            Self::Unauthorized { directory, .. } => Some(format!(
                "unauthorized configuration directory name: {directory}"
            )),
            _ => None,
        }
    }
}
