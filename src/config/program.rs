//! What differs between Postfix's programs in the reading of main.cf. Observed
//! with Postfix 3.7.11.

use super::environment::Unlisted;

/// How a program reads main.cf.
#[derive(Clone, Copy, Debug)]
pub struct ProgramRules {
    /// Whether main.cf can refer to the program as `$process_name`.
    pub process_name: ProcessName,
    /// Whether the program checks maillog_file.
    pub log: LogUse,
    /// Whether and when import_environment is parsed.
    pub environment: EnvironmentUse,
    /// Whether authorized_mailq_users and authorized_flush_users are read.
    pub access_lists: AccessLists,
}

/// Whether `$process_name` is set.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum ProcessName {
    /// It is the name of the program.
    Set,
    /// It is not.
    Unset,
}

/// Whether a program writes to the mail log.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum LogUse {
    /// It does.
    Written,
    /// It does not, whatever the value of maillog_file.
    Ignored,
}

/// Whether and when import_environment is parsed.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum EnvironmentUse {
    /// Before the settings of main.cf for the mail log apply.
    BeforeLog(Unlisted),
    /// After everything else.
    AfterLog(Unlisted),
    /// Not at all: errors do not matter.
    None,
}

/// Whether the lists of users are read.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum AccessLists {
    /// They are.
    Read,
    /// They are not: nobody is listed.
    Ignored,
}

impl ProgramRules {
    /// Returns the rules of a program. Those of a program that Postfix does not
    /// have are the strictest ones.
    pub fn of(program: &str) -> Self {
        let rules = Self {
            process_name: ProcessName::Set,
            log: LogUse::Written,
            environment: EnvironmentUse::BeforeLog(Unlisted::Kept),
            access_lists: AccessLists::Read,
        };
        let access_lists = AccessLists::Ignored;
        match program {
            "postqueue" => Self {
                environment: EnvironmentUse::AfterLog(Unlisted::Dropped),
                ..rules
            },
            "mailq" | "sendmail" | "postsuper" => Self {
                access_lists,
                ..rules
            },
            "postcat" => Self {
                process_name: ProcessName::Unset,
                log: LogUse::Ignored,
                access_lists,
                ..rules
            },
            "postfix" => Self {
                process_name: ProcessName::Unset,
                environment: EnvironmentUse::BeforeLog(Unlisted::Dropped),
                access_lists,
                ..rules
            },
            "qshape" => Self {
                environment: EnvironmentUse::None,
                ..rules
            },
            _ => rules,
        }
    }
}
