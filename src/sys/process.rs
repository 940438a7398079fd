//! What a process does before anything else: umask, the standard
//! descriptors, whether it runs with somebody else's rights.

use std::ffi::{CStr, OsStr, OsString};
use std::fs::{File, OpenOptions};
use std::io;
use std::os::fd::{AsRawFd, IntoRawFd};
use std::os::unix::ffi::OsStrExt;

use nix::libc;
use nix::sys::resource::{Resource, UsageWho, getrlimit, getrusage, setrlimit};
use nix::sys::stat::{Mode, umask};
use nix::unistd::{Uid, getegid, geteuid, getgid, getuid};

/// umask 022, and descriptors 0, 1 and 2 open: a file opened later must never
/// land on one of them and receive our output (spec page 11).
pub fn tidy() -> io::Result<()> {
    umask(Mode::from_bits_truncate(0o022));
    loop {
        let null = open_null()?;
        if null.as_raw_fd() > 2 {
            return Ok(());
        }
        // Takes the free place for good: that is the purpose.
        let _ = null.into_raw_fd();
    }
}

fn open_null() -> io::Result<File> {
    OpenOptions::new().read(true).write(true).open("/dev/null")
}

/// Raises the number of files that may be open as far as the process may, and
/// says how many more can be opened now.
pub fn raise_open_files() -> u64 {
    let Ok((soft, hard)) = getrlimit(Resource::RLIMIT_NOFILE) else {
        return 0;
    };
    let limit = match setrlimit(Resource::RLIMIT_NOFILE, hard, hard) {
        Ok(()) => hard,
        Err(_) => soft,
    };
    let open = std::fs::read_dir("/proc/self/fd").map_or(0, |open| open.count() as u64);
    limit.saturating_sub(open)
}

/// How many blocks this thread has had to read from a disk so far: zero more
/// means that all it needed was in memory.
pub fn blocks_read() -> i64 {
    getrusage(UsageWho::RUSAGE_THREAD).map_or(0, |usage| usage.block_reads())
}

/// Whose rights the process has.
#[derive(Clone, Copy, Debug)]
pub struct Caller {
    /// The user who called.
    pub user: Uid,
    /// Whether the process trusts what the caller says.
    pub trust: Trust,
}

/// Whether the process got rights from the file it was started from.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Trust {
    /// It has the caller's rights: the caller may say where to look.
    OwnRights,
    /// Set-uid or set-gid: what the caller says must be checked.
    BorrowedRights,
}

impl Caller {
    /// Asks the kernel.
    pub fn of_this_process() -> Self {
        Self {
            user: getuid(),
            trust: match has_borrowed_rights() {
                true => Trust::BorrowedRights,
                false => Trust::OwnRights,
            },
        }
    }
}

/// Set-uid or set-gid, or started by a program that is. Root has nothing to
/// borrow.
fn has_borrowed_rights() -> bool {
    if getuid().is_root() && geteuid().is_root() {
        return false;
    }
    // The kernel's own mark also covers file capabilities.
    // SAFETY: getauxval(3) takes an integer and returns one.
    let secure = unsafe { libc::getauxval(libc::AT_SECURE) } != 0;
    secure || getuid() != geteuid() || getgid() != getegid()
}

/// The path from which the kernel started the program, as it was asked to.
pub fn started_from() -> Option<OsString> {
    // SAFETY: getauxval(3) takes an integer and returns one.
    let address = unsafe { libc::getauxval(libc::AT_EXECFN) };
    let path = std::ptr::with_exposed_provenance::<libc::c_char>(usize::try_from(address).ok()?);
    if path.is_null() {
        return None;
    }
    // SAFETY: the kernel put a C string there, on the first stack, where it
    // stays as long as the process lives; nothing here writes to it.
    let path = unsafe { CStr::from_ptr(path) };
    Some(OsStr::from_bytes(path.to_bytes()).to_owned())
}

/// Ends the process by SIGPIPE, as C programs end, when it writes to a pipe
/// that nobody reads.
pub fn die_of_closed_pipes() {
    use nix::sys::signal::{SigHandler, Signal, signal};
    // SAFETY: SIG_DFL installs no code of ours.
    let _ = unsafe { signal(Signal::SIGPIPE, SigHandler::SigDfl) };
}

/// Sets an environment variable, or removes it. Only while there is one
/// thread.
pub fn set_variable(name: &OsStr, value: Option<&OsStr>) {
    // SAFETY: the environment is changed only by this function, and only
    // before the first thread is started: nobody reads it at the same time.
    unsafe {
        match value {
            Some(value) => std::env::set_var(name, value),
            None => std::env::remove_var(name),
        }
    }
}
