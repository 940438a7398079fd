//! postsuper: deletes, holds, releases, requeues and expires messages, and
//! repairs the queues (spec pages 01, 06 and 11).
//!
//! Owns the command line, the order of the work, and the report. The work
//! itself is done by `spool`, with the mail owner's rights only.

use std::ffi::{OsStr, OsString};
use std::fs::File;
use std::os::fd::AsFd;
use std::os::unix::ffi::OsStrExt;
use std::os::unix::fs::MetadataExt;
use std::path::Path;

use super::{Call, Fatal, instance, postqueue};
use crate::cli::{self, Opt, Scanned, Scanner, Value};
use crate::config::Config;
use crate::diag::{Diag, Entry, Severity};
use crate::spool::actions::{Action, Selected};
use crate::spool::mass::{self, Field};
use crate::spool::note::{Journal, Line, Tally, Weight, WorkError};
use crate::spool::repair::{self, Changes, Purge, Repair, Structure};
use crate::spool::{Layout, Queue, id, stream, wake};
use crate::sys::process::Trust;
use crate::sys::rights;
use crate::sys::signals::Interrupts;

/// The name of the man page and of the configuration's user.
const PROGRAM: &str = "postsuper";
/// The status of every failure.
const STATUS: u8 = 1;
/// The argument that means every message.
const ALL: &str = "ALL";
/// The argument that means IDs from standard input.
const STDIN: &str = "-";
/// What a set-uid process hears.
const SET_UID: &str = "this postfix command must not run as a set-uid process";
/// What everybody but root hears.
const NOT_ROOT: &str = "use of this command is reserved for the superuser";
/// What is left to do after the work was cut short.
const INCOMPLETE: &str = "OPERATION INCOMPLETE -- RERUN COMMAND TO FIX THE QUEUE FIRST";
/// That IDs are not what they were.
const NAMES_CHANGED: &str = "QUEUE FILE NAMES WERE CHANGED TO MATCH INODE NUMBERS";
/// Why actions by ID are not begun then.
const CHECK_IDS: &str = "CHECK YOUR QUEUE IDS AND RE-ISSUE THE COMMAND";

const OPTIONS: [Opt; 14] = [
    Opt::short('c', Value::Required("DIR"), "read DIR/main.cf"),
    Opt::short('d', Value::Required("ID"), "delete messages"),
    Opt::short('e', Value::Required("ID"), "expire messages"),
    Opt::short(
        'f',
        Value::Required("ID"),
        "expire messages, and release them from hold",
    ),
    Opt::short('h', Value::Required("ID"), "put messages on hold"),
    Opt::short('H', Value::Required("ID"), "release messages from hold"),
    Opt::short('p', Value::None, "purge old temporary files"),
    Opt::short('r', Value::Required("ID"), "requeue messages"),
    Opt::short('s', Value::None, "check and repair the queues' structure"),
    Opt::short('S', Value::None, "the same, and redundant repairs"),
    Opt::short('v', Value::None, "accepted for compatibility"),
    Opt::long(
        "notify",
        Value::None,
        "wake qmgr and pickup after -H, -f or -r moved something",
    ),
    cli::HELP,
    cli::VERSION,
];

/// Whether an explanation is wanted instead of work.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
enum Mode {
    #[default]
    Work,
    Help,
    Version,
}

/// Whether qmgr and pickup are woken.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
enum Notify {
    #[default]
    No,
    WhenMoved,
}

/// The command line, understood.
#[derive(Debug, Default)]
struct Arguments {
    mode: Mode,
    config_directory: Option<OsString>,
    actions: Vec<(Action, OsString)>,
    purge: Purge,
    structure: Structure,
    notify: Notify,
    operands: Vec<OsString>,
}

impl Arguments {
    /// Whether the queues are walked for repair.
    fn repairs(&self) -> bool {
        self.purge != Purge::No || self.structure != Structure::Leave
    }

    /// Whether single messages are acted on, by an ID that may be wrong once
    /// names have changed.
    fn names_messages(&self) -> bool {
        self.actions.iter().any(|(_, argument)| argument != ALL)
    }
}

/// Runs postsuper.
pub fn run(call: &Call) -> Result<(), Fatal> {
    let program = call.base_name();
    let mut diag = instance::diag(call, &program, &program);
    let arguments = match parse_and_admit(call, &program, &mut diag)? {
        Admitted::Explanation(text) => return postqueue::print(&mut diag, &text),
        Admitted::Work(arguments) => arguments,
    };
    let directory = arguments.config_directory.as_deref();
    let config = instance::configure(call, directory, PROGRAM, &mut diag, STATUS)?;
    let spool = instance::enter_queue_directory(&config, &mut diag, STATUS)?;
    admit_to(call, &config, &mut diag)?;
    diag.keep_log_file(&config);
    drop_rights(call, &config, &mut diag)?;
    let interrupts = Interrupts::watch()
        .map_err(|error| told(&mut diag, &format!("cannot watch signals: {error}")))?;
    let layout = Layout::new(&config.hash_queue_names, config.hash_queue_depth);
    let selected = selected(&arguments.operands);
    let mut operation = Operation {
        arguments: &arguments,
        field: Field {
            spool: &spool,
            layout: &layout,
            selected: &selected,
            interrupts: &interrupts,
        },
        config: &config,
        diag: &mut diag,
        tally: Tally::default(),
        changes: Changes::default(),
    };
    operation.run()
}

/// What a caller who may call is given.
enum Admitted {
    Explanation(String),
    Work(Arguments),
}

/// Refuses callers without the right to, before their options are looked at;
/// then reads the options.
fn parse_and_admit(call: &Call, program: &str, diag: &mut Diag) -> Result<Admitted, Fatal> {
    if call.caller.trust == Trust::BorrowedRights {
        return Err(told(diag, SET_UID));
    }
    let arguments = match call.caller.user.is_root() {
        true => parse(call, program, diag)?,
        // A mail owner is let in by an option, so it is read first, quietly.
        false => scan(call).map_err(|_| told(diag, NOT_ROOT))?,
    };
    match arguments.mode {
        Mode::Help => Ok(Admitted::Explanation(help())),
        Mode::Version => Ok(Admitted::Explanation(super::front::version(PROGRAM))),
        Mode::Work if call.caller.user.is_root() || arguments.config_directory.is_some() => {
            Ok(Admitted::Work(arguments))
        }
        Mode::Work => Err(told(diag, NOT_ROOT)),
    }
}

/// Refuses a caller who is not root, unless he is the mail owner of an
/// instance that he named, and its queue directory is his.
fn admit_to(call: &Call, config: &Config, diag: &mut Diag) -> Result<(), Fatal> {
    let user = call.caller.user;
    let owns = || std::fs::metadata(".").is_ok_and(|found| found.uid() == user.as_raw());
    match user.is_root() || (user == config.mail_owner.uid && owns()) {
        true => Ok(()),
        false => Err(told(diag, NOT_ROOT)),
    }
}

/// Becomes the mail owner, for good: nothing in the spool is touched before.
fn drop_rights(call: &Call, config: &Config, diag: &mut Diag) -> Result<(), Fatal> {
    if !call.caller.user.is_root() {
        return Ok(());
    }
    let owner = &config.mail_owner;
    rights::irrevocably_become(owner.uid, owner.gid).map_err(|error| told(diag, &error.to_string()))
}

/// What can be wrong with a command line.
enum Misuse {
    /// getopt's message; the usage message follows.
    Option(Vec<u8>),
    /// -c with a relative path.
    RelativePath,
}

fn parse(call: &Call, program: &str, diag: &mut Diag) -> Result<Arguments, Fatal> {
    scan(call).map_err(|misuse| match misuse {
        Misuse::Option(message) => {
            diag.option_error(program.as_bytes(), &message);
            told(diag, &usage(program))
        }
        Misuse::RelativePath => told(diag, "-c requires absolute pathname"),
    })
}

fn scan(call: &Call) -> Result<Arguments, Misuse> {
    let mut arguments = Arguments::default();
    let mut scanner = Scanner::new(&OPTIONS, call.arguments.clone());
    while let Some(scanned) = scanner.next() {
        let scanned = scanned.map_err(|error| Misuse::Option(error.message()))?;
        take(scanned, &mut arguments)?;
    }
    arguments.operands = scanner.operands();
    if arguments.actions.is_empty() && !arguments.repairs() {
        arguments.purge = Purge::Unfinished;
        arguments.structure = Structure::Fix;
    }
    Ok(arguments)
}

fn take(option: Scanned, arguments: &mut Arguments) -> Result<(), Misuse> {
    let action = match option {
        Scanned::Short('c', value) => {
            if !Path::new(&value).is_absolute() {
                return Err(Misuse::RelativePath);
            }
            arguments.config_directory = Some(value);
            return Ok(());
        }
        Scanned::Short('d', value) => (Action::Delete, value),
        Scanned::Short('e', value) => (Action::Expire, value),
        Scanned::Short('f', value) => (Action::ExpireAndRelease, value),
        Scanned::Short('h', value) => (Action::Hold, value),
        Scanned::Short('H', value) => (Action::Release, value),
        Scanned::Short('r', value) => (Action::Requeue, value),
        other => {
            switch(other, arguments);
            return Ok(());
        }
    };
    arguments.actions.push(action);
    Ok(())
}

/// Takes an option without a value.
fn switch(option: Scanned, arguments: &mut Arguments) {
    match option {
        Scanned::Short('p', _) => arguments.purge = Purge::Unfinished,
        Scanned::Short('s', _) if arguments.structure == Structure::Leave => {
            arguments.structure = Structure::Fix;
        }
        Scanned::Short('S', _) => arguments.structure = Structure::FixRedundant,
        Scanned::Long("notify", _) => arguments.notify = Notify::WhenMoved,
        // The first of the two that stands there wins.
        Scanned::Long("help", _) if arguments.mode == Mode::Work => arguments.mode = Mode::Help,
        Scanned::Long("version", _) if arguments.mode == Mode::Work => {
            arguments.mode = Mode::Version;
        }
        _ => {}
    }
}

/// The queues that the operands name, or those that are meant without any.
fn selected(operands: &[OsString]) -> Vec<Selected> {
    match operands {
        [] => Queue::REPAIRED.map(Selected::Queue).to_vec(),
        some => some
            .iter()
            .map(|operand| Selected::parse(operand.as_bytes()))
            .collect(),
    }
}

/// One operation and all it needs.
struct Operation<'a> {
    arguments: &'a Arguments,
    field: Field<'a>,
    config: &'a Config,
    diag: &'a mut Diag,
    tally: Tally,
    changes: Changes,
}

impl Operation<'_> {
    fn run(&mut self) -> Result<(), Fatal> {
        let done = self.work();
        done.map_err(|error| self.end(&error))?;
        self.report();
        self.notify();
        Ok(())
    }

    /// Repairs, then acts, in the order of the options.
    fn work(&mut self) -> Result<(), End> {
        if self.arguments.repairs() {
            self.repair()?;
        }
        if self.changes.names && self.arguments.names_messages() {
            return Err(End::NamesChanged);
        }
        for (action, argument) in &self.arguments.actions {
            self.act(*action, argument)?;
        }
        Ok(())
    }

    fn repair(&mut self) -> Result<(), WorkError> {
        let repair = Repair {
            purge: self.arguments.purge,
            structure: self.arguments.structure,
            style: match self.config.enable_long_queue_ids {
                true => id::Style::Long,
                false => id::Style::Short,
            },
        };
        let mut told = Told::new(self.diag);
        let (tally, changes, ended) = repair::run(self.field, repair, &mut told);
        self.tally += tally;
        self.changes = changes;
        ended
    }

    fn act(&mut self, action: Action, argument: &OsStr) -> Result<(), WorkError> {
        let mut told = Told::new(self.diag);
        let (tally, ended) = if argument == STDIN {
            match standard_input() {
                Some(input) => stream::run(self.field, action, input, &mut told),
                None => return Ok(()),
            }
        } else if argument == ALL {
            mass::run(self.field, action, &mut told)
        } else {
            stream::one(self.field, action, argument.as_bytes(), &mut told)
        };
        self.tally += tally;
        ended?;
        match self.field.interrupts.caught() {
            Some(_) => Err(WorkError::Interrupted),
            None => Ok(()),
        }
    }

    /// The last words of an operation that was cut short.
    fn end(&mut self, end: &End) -> Fatal {
        let status = match end {
            End::NamesChanged => {
                self.diag.error(NAMES_CHANGED);
                self.diag.fatal(CHECK_IDS);
                STATUS
            }
            End::Work(WorkError::Interrupted) => {
                let signal = self.field.interrupts.caught();
                signal.and_then(|s| u8::try_from(s).ok()).unwrap_or(STATUS)
            }
            End::Work(error) => {
                self.diag.fatal(error.to_string());
                STATUS
            }
        };
        if self.changes != Changes::default() {
            self.diag.warning(INCOMPLETE);
        }
        Fatal::told(status)
    }

    /// One line per kind of action that was asked for.
    fn report(&mut self) {
        use Action::{Delete, Expire, ExpireAndRelease, Hold, Release, Requeue};
        let tally = self.tally;
        let lines: [(&str, &[Action], u64); 5] = [
            ("Requeued", &[Requeue], tally.requeued),
            ("Deleted", &[Delete], tally.deleted),
            ("Force-expired", &[Expire, ExpireAndRelease], tally.expired),
            ("Placed on hold", &[Hold], tally.held),
            (
                "Released from hold",
                &[Release, ExpireAndRelease],
                tally.released,
            ),
        ];
        for (what, actions, count) in lines {
            let asked = |(action, _): &(Action, OsString)| actions.contains(action);
            if self.arguments.actions.iter().any(asked) {
                self.diag.info(counted(what, count));
            }
        }
        if tally.renamed > 0 {
            let what = "Renamed to match inode number";
            self.diag.info(counted(what, tally.renamed));
        }
        if self.changes.names {
            self.diag.warning(NAMES_CHANGED);
        }
    }

    /// Wakes the daemons that take care of what was moved.
    fn notify(&mut self) {
        let moved = self.tally.released > 0 || self.tally.requeued > 0;
        if self.arguments.notify == Notify::No || !moved {
            return;
        }
        for (service, bytes) in [
            (&self.config.queue_service_name, wake::FLUSH),
            (&self.config.pickup_service_name, wake::WAKE),
        ] {
            let timeout = self.config.trigger_timeout;
            if let Err(error) = wake::wake(self.field.spool, service, bytes, timeout) {
                self.diag.warning(error.to_string());
            }
        }
    }
}

/// Why an operation was cut short.
enum End {
    Work(WorkError),
    NamesChanged,
}

impl From<WorkError> for End {
    fn from(error: WorkError) -> Self {
        Self::Work(error)
    }
}

/// Sends what the work tells to standard error and the mail log.
struct Told<'a> {
    diag: &'a mut Diag,
}

impl<'a> Told<'a> {
    fn new(diag: &'a mut Diag) -> Self {
        Self { diag }
    }
}

impl Journal for Told<'_> {
    fn lines(&mut self, lines: &[Line]) {
        let entry = |line: &Line| Entry {
            severity: match line.weight {
                Weight::Done => Severity::Info,
                Weight::Odd => Severity::Warning,
            },
            text: line.text.clone().into_bytes(),
        };
        self.diag.send_all(lines.iter().map(entry));
    }

    fn pause(&mut self) {}
}

/// Standard input without a buffer: what it holds is acted on at once.
fn standard_input() -> Option<File> {
    let input = std::io::stdin();
    let copy = input.as_fd().try_clone_to_owned();
    copy.ok().map(File::from)
}

fn counted(what: &str, count: u64) -> String {
    match count {
        1 => format!("{what}: 1 message"),
        _ => format!("{what}: {count} messages"),
    }
}

fn usage(program: &str) -> String {
    format!(
        "usage: {program} [-c config_dir] [-d queue_id (delete)] [-e queue_id (expire)] \
         [-f queue_id (expire and/or un-hold)] [-h queue_id (hold)] [-H queue_id (un-hold)] \
         [-p (purge temporary files)] [-r queue_id (requeue)] [-s (structure fix)] \
         [-S (redundant structure fix)][-v (verbose)] [queue...]"
    )
}

fn help() -> String {
    let about = "Acts on messages in the mail queue, as Postfix's postsuper does. ID is a queue ID,\n\
                 ALL for every message, or - for IDs from standard input, one a line.";
    cli::help("postsuper [option]... [queue]...", about, &OPTIONS)
}

fn told(diag: &mut Diag, text: &str) -> Fatal {
    diag.fatal(text);
    Fatal::told(STATUS)
}
