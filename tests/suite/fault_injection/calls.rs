//! The system calls that our programs make: which errors each can have, and
//! where nothing needs to come of an error.
//!
//! A call that is not in the table fails the tests: a change that makes a new one
//! has to say here what it means that it fails.

use nix::errno::Errno;
use nix::errno::Errno::{
    EACCES, EAGAIN, EBUSY, EINTR, EIO, EMFILE, ENOMEM, ENOSPC, ENOSYS, EPERM, EROFS,
};
use nix::libc;

use crate::support::tracer::Kind;

/// What an error of a call means.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Relevance {
    /// The work, or the answer, depends on it.
    Counts,
    /// Memory. A program that gets none may be ended by the libraries it
    /// stands on, by SIGABRT or the loader's status 127: that is a crash, and
    /// what holds after one has to hold.
    Memory,
    /// The work goes on as if nothing had happened, for this reason.
    Ignored(&'static str),
    /// It cannot fail in a way that a program could meet, for this reason.
    Never(&'static str),
}

impl Relevance {
    /// The heaviest first.
    pub fn rank(&self) -> u8 {
        match self {
            Self::Counts => 0,
            Self::Memory => 1,
            Self::Ignored(_) => 2,
            Self::Never(_) => 3,
        }
    }
}

/// A call: its number and name, the errors it can really have, and what they
/// mean.
pub struct Known {
    pub number: i64,
    pub name: &'static str,
    pub errors: &'static [Errno],
    pub severity: Relevance,
}

const fn counts(number: i64, name: &'static str, errors: &'static [Errno]) -> Known {
    Known {
        number,
        name,
        errors,
        severity: Relevance::Counts,
    }
}

const fn memory(number: i64, name: &'static str) -> Known {
    Known {
        number,
        name,
        errors: &[ENOMEM],
        severity: Relevance::Memory,
    }
}

const fn ignored(
    number: i64,
    name: &'static str,
    errors: &'static [Errno],
    why: &'static str,
) -> Known {
    Known {
        number,
        name,
        errors,
        severity: Relevance::Ignored(why),
    }
}

const fn never(number: i64, name: &'static str, why: &'static str) -> Known {
    Known {
        number,
        name,
        errors: &[],
        severity: Relevance::Never(why),
    }
}

/// What moves and removes names.
const NAMES: &[Errno] = &[ENOSPC, EIO, EACCES, ENOMEM, EBUSY, EROFS, EINTR];
/// What opens files and directories.
const OPENS: &[Errno] = &[EACCES, EIO, EMFILE, ENOMEM, EINTR];
/// What looks at names.
const LOOKS: &[Errno] = &[EACCES, EIO, ENOMEM];
/// What asks the kernel about the process itself.
const SELF: &str = "it is about the process itself, and takes no memory";
const BEGINS: &str = "the loader makes it before anything of ours runs";
const TIDY: &str = "what is given back is given back, and nobody could do more about it";

/// Every call.
pub const TABLE: &[Known] = &[
    counts(libc::SYS_openat, "openat", OPENS),
    counts(libc::SYS_openat2, "openat2", OPENS),
    counts(libc::SYS_newfstatat, "newfstatat", LOOKS),
    counts(libc::SYS_fstat, "fstat", &[EIO, ENOMEM]),
    counts(libc::SYS_statx, "statx", LOOKS),
    counts(libc::SYS_access, "access", LOOKS),
    counts(libc::SYS_getdents64, "getdents64", &[EIO, ENOMEM]),
    counts(libc::SYS_read, "read", &[EIO, EINTR, ENOMEM]),
    counts(libc::SYS_pread64, "pread64", &[EIO, EINTR, ENOMEM]),
    counts(libc::SYS_write, "write", &[ENOSPC, EIO, EINTR]),
    counts(libc::SYS_renameat, "renameat", NAMES),
    counts(libc::SYS_renameat2, "renameat2", NAMES),
    counts(libc::SYS_unlinkat, "unlinkat", NAMES),
    counts(libc::SYS_mkdirat, "mkdirat", NAMES),
    counts(libc::SYS_fchmod, "fchmod", &[EIO, EROFS, EPERM]),
    counts(libc::SYS_utimensat, "utimensat", &[EACCES, EIO, EROFS]),
    counts(libc::SYS_fsync, "fsync", &[EIO, ENOSPC, EINTR]),
    counts(libc::SYS_fdatasync, "fdatasync", &[EIO, ENOSPC, EINTR]),
    counts(libc::SYS_ftruncate, "ftruncate", &[EIO, EINTR]),
    counts(libc::SYS_flock, "flock", &[ENOMEM, EINTR]),
    counts(libc::SYS_chdir, "chdir", &[EACCES, EIO, ENOMEM]),
    counts(libc::SYS_setgid, "setgid", &[EPERM]),
    counts(libc::SYS_setgroups, "setgroups", &[EPERM, ENOMEM]),
    counts(libc::SYS_setuid, "setuid", &[EPERM, EAGAIN]),
    counts(libc::SYS_setresgid, "setresgid", &[EPERM]),
    counts(libc::SYS_setresuid, "setresuid", &[EPERM, EAGAIN]),
    counts(libc::SYS_clone3, "clone3", &[EAGAIN, ENOMEM]),
    counts(libc::SYS_clone, "clone", &[EAGAIN, ENOMEM]),
    counts(libc::SYS_poll, "poll", &[EINTR, ENOMEM]),
    counts(libc::SYS_ppoll, "ppoll", &[EINTR, ENOMEM]),
    counts(libc::SYS_pipe2, "pipe2", &[EMFILE]),
    counts(libc::SYS_dup2, "dup2", &[EMFILE, EINTR]),
    counts(libc::SYS_fcntl, "fcntl", &[EMFILE]),
    counts(libc::SYS_getcwd, "getcwd", &[ENOMEM]),
    counts(libc::SYS_readlink, "readlink", LOOKS),
    counts(libc::SYS_readlinkat, "readlinkat", LOOKS),
    memory(libc::SYS_mmap, "mmap"),
    memory(libc::SYS_mprotect, "mprotect"),
    memory(libc::SYS_mremap, "mremap"),
    memory(libc::SYS_brk, "brk"),
    // Of the mail log, and to see whether a daemon answers.
    counts(libc::SYS_socket, "socket", &[EMFILE, ENOMEM, EACCES]),
    counts(libc::SYS_connect, "connect", &[EACCES, EAGAIN, EINTR]),
    ignored(
        libc::SYS_sendto,
        "sendto",
        &[ENOMEM, EINTR],
        "a line for the mail log",
    ),
    ignored(
        libc::SYS_sendmmsg,
        "sendmmsg",
        &[ENOMEM, EINTR, ENOSYS, EPERM],
        "lines for the mail log: the next one is sent alone then",
    ),
    ignored(libc::SYS_close, "close", &[EIO, EINTR], TIDY),
    ignored(libc::SYS_munmap, "munmap", &[ENOMEM], TIDY),
    ignored(libc::SYS_madvise, "madvise", &[ENOMEM], "advice"),
    ignored(
        libc::SYS_prlimit64,
        "prlimit64",
        &[EPERM],
        "with fewer open files there are fewer workers",
    ),
    ignored(
        libc::SYS_getrusage,
        "getrusage",
        &[],
        "how many workers are worth while",
    ),
    ignored(
        libc::SYS_sched_getaffinity,
        "sched_getaffinity",
        &[ENOMEM],
        "how many workers are worth while",
    ),
    // With several threads it has EINVAL, which is its answer. It takes no
    // memory where nothing is unshared.
    ignored(
        libc::SYS_unshare,
        "unshare",
        &[EPERM, ENOSYS],
        "where a filter forbids it, /proc says how many threads there are",
    ),
    ignored(libc::SYS_prctl, "prctl", &[], "the name of a thread"),
    ignored(
        libc::SYS_getrandom,
        "getrandom",
        &[EINTR],
        "keys of hash tables: the standard library asks elsewhere",
    ),
    ignored(
        libc::SYS_ioctl,
        "ioctl",
        &[EIO],
        "whether it is a terminal: it is none then",
    ),
    never(
        libc::SYS_lseek,
        "lseek",
        "of a regular file or directory it fails on offsets only",
    ),
    never(
        libc::SYS_setsockopt,
        "setsockopt",
        "of a new socket a time limit that is one is taken, without memory",
    ),
    never(libc::SYS_futex, "futex", "the standard library waits again"),
    never(
        libc::SYS_sigaltstack,
        "sigaltstack",
        "of a mapping that is there",
    ),
    never(libc::SYS_execve, "execve", BEGINS),
    never(libc::SYS_arch_prctl, "arch_prctl", BEGINS),
    never(libc::SYS_set_tid_address, "set_tid_address", BEGINS),
    never(libc::SYS_set_robust_list, "set_robust_list", SELF),
    never(libc::SYS_rseq, "rseq", SELF),
    never(libc::SYS_rt_sigaction, "rt_sigaction", SELF),
    never(libc::SYS_rt_sigprocmask, "rt_sigprocmask", SELF),
    never(libc::SYS_rt_sigreturn, "rt_sigreturn", SELF),
    never(libc::SYS_sched_yield, "sched_yield", SELF),
    never(libc::SYS_clock_nanosleep, "clock_nanosleep", SELF),
    never(libc::SYS_umask, "umask", SELF),
    never(libc::SYS_uname, "uname", SELF),
    never(libc::SYS_getpid, "getpid", SELF),
    never(libc::SYS_gettid, "gettid", SELF),
    never(libc::SYS_getuid, "getuid", SELF),
    never(libc::SYS_geteuid, "geteuid", SELF),
    never(libc::SYS_getgid, "getgid", SELF),
    never(libc::SYS_getegid, "getegid", SELF),
    never(libc::SYS_getresuid, "getresuid", SELF),
    never(libc::SYS_getresgid, "getresgid", SELF),
    never(libc::SYS_getgroups, "getgroups", SELF),
    never(libc::SYS_tgkill, "tgkill", SELF),
    never(libc::SYS_exit, "exit", "it does not return"),
    never(libc::SYS_exit_group, "exit_group", "it does not return"),
];

/// What is known of a call.
pub fn known(kind: Kind) -> &'static Known {
    let mut table = TABLE.iter();
    let found = table.find(|known| known.number == kind.number);
    found.unwrap_or_else(|| panic!("system call {} is not in the table", kind.number))
}

/// The errors that this call can have.
pub fn errors(kind: Kind) -> Vec<Errno> {
    let flag = |flag: i32| kind.command & flag as u64 != 0;
    let mut errors = known(kind).errors.to_vec();
    match kind.number {
        // Only what opens a descriptor fails.
        libc::SYS_fcntl if kind.command != libc::F_DUPFD_CLOEXEC as u64 => errors.clear(),
        // To become root again, which is not to succeed.
        libc::SYS_setuid if kind.command == 0 => errors.clear(),
        // A new file needs room.
        libc::SYS_openat if flag(libc::O_CREAT) => errors.extend([ENOSPC, EROFS]),
        // What is open already may be looked at.
        libc::SYS_newfstatat | libc::SYS_statx if flag(libc::AT_EMPTY_PATH) => {
            errors.retain(|errno| *errno != EACCES);
        }
        _ => {}
    }
    errors
}

/// Calls that open a descriptor: when there are none left, all of them fail.
pub const OPEN: [i64; 6] = [
    libc::SYS_openat,
    libc::SYS_openat2,
    libc::SYS_socket,
    libc::SYS_fcntl,
    libc::SYS_pipe2,
    libc::SYS_dup2,
];
