//! The state of the process: umask, standard descriptors, open files, and
//! whether it runs with more rights than its caller.

use std::ffi::{CStr, OsStr, OsString};
use std::fs::{File, OpenOptions};
use std::io;
use std::os::fd::{BorrowedFd, IntoRawFd};
use std::os::unix::ffi::OsStrExt;
use std::path::Path;
use std::sync::atomic::{AtomicBool, Ordering};

use nix::errno::Errno;
use nix::fcntl::{FcntlArg, fcntl};
use nix::libc;
use nix::sched::{CloneFlags, unshare};
use nix::sys::resource::{Resource, UsageWho, getrlimit, getrusage, setrlimit};
use nix::sys::signal::Signal;
use nix::sys::stat::{Mode, umask};
use nix::unistd::{Uid, User, dup2_stdout, getegid, geteuid, getgid, getuid};
use rustix::stdio::{stderr, stdin, stdout};

use super::dir::Dir;
use super::signals::{Disposition, set_disposition};

/// Whether standard output was closed when the process was started. The start
/// of the process is global, so this is, too; it is written only before `main`.
static STDOUT_WAS_CLOSED: AtomicBool = AtomicBool::new(false);

/// The steps of nice(2) by which a priority is lowered.
#[cfg(feature = "browse")]
const LOWER_BY: i32 = 10;

/// Runs [`record_stdout_state`] before the Rust runtime, which opens /dev/null
/// in place of closed standard descriptors: output would be lost with status 0,
/// where Postfix's tools end with an error.
// SAFETY: the section holds pointers to C functions that are called once,
// before main, when the process has a single thread.
#[used]
#[unsafe(link_section = ".init_array")]
static BEFORE_MAIN: extern "C" fn() = record_stdout_state;

extern "C" fn record_stdout_state() {
    STDOUT_WAS_CLOSED.store(!is_open(stdout()), Ordering::SeqCst);
}

/// Sets the umask to 022 and makes sure that descriptors 0, 1 and 2 are open: a
/// file opened later must never be given one of these numbers and receive our
/// output. A standard output that was closed is opened for reading only, so
/// that writing to it fails.
///
/// # Errors
///
/// A descriptor is closed, and /dev/null cannot be opened in its place. If all
/// of them are open, /dev/null is not needed: a chroot may lack it.
pub fn sanitize_process() -> io::Result<()> {
    umask(Mode::from_bits_truncate(0o022));
    while [stdin(), stdout(), stderr()]
        .into_iter()
        .any(|standard| !is_open(standard))
    {
        let null = OpenOptions::new()
            .read(true)
            .write(true)
            .open("/dev/null")?;
        // Deliberately leaks the descriptor, which has the lowest free number.
        let _ = null.into_raw_fd();
    }
    if STDOUT_WAS_CLOSED.load(Ordering::SeqCst) {
        dup2_stdout(File::open("/dev/null")?)?;
    }
    Ok(())
}

/// Returns whether a standard descriptor is open.
fn is_open(standard: BorrowedFd<'_>) -> bool {
    fcntl(standard, FcntlArg::F_GETFD).is_ok()
}

/// Raises the limit on open files as far as the process is allowed to, and
/// returns how many more files can be opened now.
pub fn raise_open_files() -> u64 {
    let Ok((soft, hard)) = getrlimit(Resource::RLIMIT_NOFILE) else {
        return 0;
    };
    let limit = match setrlimit(Resource::RLIMIT_NOFILE, hard, hard) {
        Ok(()) => hard,
        Err(_) => soft,
    };
    limit.saturating_sub(open_files().unwrap_or(0))
}

/// Returns the number of open files.
fn open_files() -> io::Result<u64> {
    count_names(Path::new("/proc/self/fd"))
}

/// Returns the number of names in a directory.
fn count_names(directory: &Path) -> io::Result<u64> {
    let mut names = Dir::open(directory)?.names()?;
    let (mut count, mut name) = (0u64, Vec::new());
    while names.next(&mut name)?.is_some() {
        count = count.saturating_add(1);
    }
    Ok(count)
}

/// Returns how often this thread has waited so far, for a disk or for a lock:
/// its number of voluntary context switches.
pub fn waits() -> i64 {
    getrusage(UsageWho::RUSAGE_THREAD).map_or(0, |usage| usage.voluntary_context_switches())
}

/// Lowers the priority of this thread, and of the threads that it starts, by ten
/// steps of nice(2), which counts for one thread on Linux.
#[cfg(feature = "browse")]
pub fn lower_thread_priority() {
    // A priority that is kept as it is makes other threads slower, no more.
    let _ = rustix::process::nice(LOWER_BY);
}

/// Aborts the process if the thread that holds this value panics. Other threads
/// would otherwise wait for it forever, or take incomplete results for complete
/// ones.
#[derive(Debug)]
pub struct AbortOnPanic;

impl Drop for AbortOnPanic {
    fn drop(&mut self) {
        if std::thread::panicking() {
            std::process::abort();
        }
    }
}

/// Returns the process ID.
pub fn process_number() -> u32 {
    std::process::id()
}

/// Returns the name of a user; `None` if the system has none.
pub fn user_name(user: Uid) -> Option<String> {
    User::from_uid(user).ok().flatten().map(|user| user.name)
}

/// The caller of the process, and whether the process has more rights than the
/// caller.
#[derive(Clone, Copy, Debug)]
pub struct ProcessIds {
    /// The real user ID.
    pub user: Uid,
    /// Whether the process can trust the caller's input.
    pub trust: Trust,
}

/// Whether the process got rights from the file that it was started from.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Trust {
    /// The process has the caller's rights, so the caller may choose which
    /// files it uses.
    OwnRights,
    /// The process is set-uid or set-gid, so the caller's input must be
    /// checked.
    BorrowedRights,
}

impl ProcessIds {
    /// Returns the IDs of this process.
    pub fn of_this_process() -> Self {
        Self {
            user: getuid(),
            trust: if has_borrowed_rights() {
                Trust::BorrowedRights
            } else {
                Trust::OwnRights
            },
        }
    }
}

/// Returns whether the process is set-uid or set-gid, or was started by such a
/// program. False for root, who gains no rights.
fn has_borrowed_rights() -> bool {
    if getuid().is_root() && geteuid().is_root() {
        return false;
    }
    // The kernel's own flag also covers file capabilities.
    let secure = auxiliary_value(libc::AT_SECURE) != 0;
    secure || getuid() != geteuid() || getgid() != getegid()
}

/// Returns a value that the kernel passed to the process at its start; 0 if
/// there is none.
fn auxiliary_value(kind: libc::c_ulong) -> libc::c_ulong {
    // SAFETY: getauxval(3) takes an integer and returns one.
    unsafe { libc::getauxval(kind) }
}

/// Returns the path of the program, as it was passed to execve(2).
pub fn started_from() -> Option<OsString> {
    let address = auxiliary_value(libc::AT_EXECFN);
    let path = std::ptr::with_exposed_provenance::<libc::c_char>(usize::try_from(address).ok()?);
    if path.is_null() {
        return None;
    }
    // SAFETY: the kernel stored a C string there, on the initial stack, where
    // it stays as long as the process lives; nothing here writes to it.
    let path = unsafe { CStr::from_ptr(path) };
    Some(OsStr::from_bytes(path.to_bytes()).to_owned())
}

/// Makes the process end by SIGPIPE, as C programs do, when it writes to a pipe
/// without a reader.
pub fn die_of_closed_pipes() {
    // This cannot fail for SIGPIPE.
    let _ = set_disposition(Signal::SIGPIPE, Disposition::Default);
}

/// Returns whether the calling thread is the only one that uses this process's
/// memory. The answer stays true until the caller starts a thread, because no
/// other thread can.
///
/// unshare(2): CLONE_THREAD has no effect in a process with one thread, and is
/// an error (`EINVAL`) in any other. If a system call filter forbids the call,
/// the threads in /proc/self/task are counted.
pub fn is_only_thread() -> bool {
    match unshare(CloneFlags::CLONE_THREAD) {
        Ok(()) => true,
        Err(Errno::EPERM | Errno::ENOSYS) => {
            count_names(Path::new("/proc/self/task")).is_ok_and(|threads| threads == 1)
        }
        Err(_) => false,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_second_thread_is_detected() {
        let (done, wait) = std::sync::mpsc::channel::<()>();
        let other = std::thread::spawn(move || wait.recv());
        assert!(!is_only_thread());
        drop(done);
        assert!(other.join().is_ok());
    }
}
