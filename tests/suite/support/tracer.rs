//! Runs one of our programs system call by system call, and kills the process before
//! one of them or makes that call fail without being executed.
//!
//! Counts the calls of all threads, and of all processes that they start, together.
//! strace(1) can inject errors too, but it counts the calls of each thread separately.
//! Uses the registers of one processor architecture. The tests decide what the result
//! has to be.

use std::collections::HashMap;
use std::fs;
use std::fs::File;
use std::os::unix::fs::FileExt;
use std::os::unix::process::CommandExt;
use std::path::{Path, PathBuf};
use std::process::{Command, Stdio};
use std::sync::mpsc::{RecvTimeoutError, channel};
use std::thread;
use std::time::Duration;

use nix::errno::Errno;
use nix::libc;
use nix::libc::user_regs_struct;
use nix::sys::ptrace;
use nix::sys::ptrace::Options;
use nix::sys::signal::{Signal, kill};
use nix::sys::wait::{WaitPidFlag, WaitStatus, waitpid};
use nix::unistd::Pid;

use super::run::{Ended, Output, drain, feed, join};

/// Longest run; what takes longer hangs.
const PATIENCE: Duration = Duration::from_secs(20);
/// A call's number in place of which the kernel makes none.
const NO_CALL: u64 = u64::MAX;
/// Bytes of a path that are read from the process.
const PATH_MAX: usize = 4096;

/// What a call is: its number, and the command of those that have one.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub struct Kind {
    pub number: i64,
    /// The command of fcntl(2), the user of setuid(2), flags; 0 of others.
    pub command: u64,
}

/// A call that was made, or begun.
#[derive(Clone, Debug)]
pub struct Made {
    pub kind: Kind,
    /// The file it is about, if it names one or its descriptor.
    pub about: Option<PathBuf>,
}

/// Where to strike.
#[derive(Clone, Debug)]
pub enum Target {
    /// Nowhere.
    Nothing,
    /// At the n-th of all calls, counted from 1.
    Any(u64),
    /// At the n-th call of one of these numbers.
    Among(Vec<i64>, u64),
    /// At the first call of one of these numbers that is about this file.
    About(Vec<i64>, PathBuf),
}

/// What becomes of a call that is struck.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Strike {
    /// The process is killed before it.
    Kill,
    /// It fails, this time.
    Once(Errno),
    /// It fails, and so does every later one.
    FromThenOn(Errno),
}

/// What came of a run.
#[derive(Debug)]
pub struct Traced {
    pub output: Output,
    pub calls: Vec<Made>,
    /// The calls that were struck.
    pub struck: Vec<Made>,
}

/// Runs a command, its streams not yet set. What it is about is found out for
/// every call if nothing is struck, and else for the call that is.
#[allow(clippy::zombie_processes, reason = "the tracer waits for it")]
pub fn run(mut command: Command, stdin: &[u8], target: Target, strike: Strike) -> Traced {
    command
        .stdin(Stdio::piped())
        .stdout(Stdio::piped())
        .stderr(Stdio::piped());
    be_traced(&mut command);
    let mut child = command.spawn().expect("the program starts");
    let pid = Pid::from_raw(i32::try_from(child.id()).expect("a process"));
    let feeder = child.stdin.take().map(|pipe| feed(pipe, stdin.to_vec()));
    let stdout = child.stdout.take().map(drain);
    let stderr = child.stderr.take().map(drain);
    let (alive, over) = channel::<()>();
    let watch = thread::spawn(move || {
        let waited = over.recv_timeout(PATIENCE);
        let is_late = waited == Err(RecvTimeoutError::Timeout);
        if is_late {
            let _ = kill(pid, Signal::SIGKILL);
        }
        is_late
    });
    let mut tracer = Tracer {
        pid,
        target,
        strike,
        count: 0,
        within: HashMap::new(),
        calls: Vec::new(),
        struck: Vec::new(),
    };
    let mut ended = tracer.follow();
    drop(alive);
    if watch.join().expect("no panic") {
        ended = Ended::TimedOut;
    }
    drop(feeder.map(thread::JoinHandle::join));
    Traced {
        output: Output {
            ended,
            stdout: join(stdout),
            stderr: join(stderr),
        },
        calls: tracer.calls,
        struck: tracer.struck,
    }
}

/// Lets the process that will be started stop at its first instruction.
#[allow(unsafe_code)]
fn be_traced(command: &mut Command) {
    // SAFETY: between fork(2) and execve(2) only ptrace(2) is called, which
    // allocates nothing.
    unsafe { command.pre_exec(|| Ok(ptrace::traceme()?)) };
}

/// What is to be done after a call that was struck.
enum Struck {
    /// It was not made: the error it shall return.
    Fails(Errno),
    /// A brk(2) that only asked: the address in its argument, which the caller
    /// still needs.
    AsksOnly(u64),
}

struct Tracer {
    pid: Pid,
    target: Target,
    strike: Strike,
    /// Calls so far of those that count.
    count: u64,
    /// The threads that are in the middle of a call, and what is to be done after
    /// it.
    within: HashMap<Pid, Option<Struck>>,
    calls: Vec<Made>,
    struck: Vec<Made>,
}

impl Tracer {
    /// Follows the process and its threads to the end.
    fn follow(&mut self) -> Ended {
        // Other threads of the tests have children too.
        let flags = WaitPidFlag::__WALL | WaitPidFlag::__WNOTHREAD;
        loop {
            let status = match waitpid(Pid::from_raw(-1), Some(flags)) {
                Ok(status) => status,
                Err(Errno::EINTR) => continue,
                Err(error) => panic!("waitpid: {error}"),
            };
            let (thread, signal) = match status {
                WaitStatus::Exited(pid, code) if pid == self.pid => return Ended::Exited(code),
                WaitStatus::Signaled(pid, signal, _) if pid == self.pid => {
                    return Ended::Killed(signal as i32);
                }
                WaitStatus::PtraceSyscall(thread) => {
                    self.stopped(thread);
                    (thread, None)
                }
                WaitStatus::Stopped(thread, Signal::SIGTRAP) if thread == self.pid => {
                    let options = Options::PTRACE_O_TRACESYSGOOD
                        | Options::PTRACE_O_TRACECLONE
                        | Options::PTRACE_O_TRACEFORK
                        | Options::PTRACE_O_TRACEVFORK
                        | Options::PTRACE_O_TRACEEXEC
                        | Options::PTRACE_O_EXITKILL;
                    let _ = ptrace::setoptions(thread, options);
                    (thread, None)
                }
                // A new thread or process.
                WaitStatus::Stopped(thread, Signal::SIGSTOP) => (thread, None),
                WaitStatus::Stopped(thread, signal) => (thread, Some(signal)),
                WaitStatus::PtraceEvent(thread, ..) => (thread, None),
                _ => continue,
            };
            // It may have been killed meanwhile.
            let _ = ptrace::syscall(thread, signal);
        }
    }

    /// A thread stands before or after a call.
    fn stopped(&mut self, thread: Pid) {
        if let Some(strike) = self.within.remove(&thread) {
            if let Some(strike) = strike
                && let Ok(mut registers) = ptrace::getregs(thread)
            {
                match strike {
                    Struck::Fails(errno) => registers.rax = -i64::from(errno as i32) as u64,
                    Struck::AsksOnly(address) => registers.rdi = address,
                }
                let _ = ptrace::setregs(thread, registers);
            }
            return;
        }
        let Ok(registers) = ptrace::getregs(thread) else {
            return;
        };
        let struck = self.begun(thread, registers);
        self.within.insert(thread, struck);
    }

    /// A thread is about to make a call. Returns what is to be done after it, if
    /// it is struck.
    fn begun(&mut self, thread: Pid, registers: user_regs_struct) -> Option<Struck> {
        let kind = Kind::of(&registers);
        let about = || about(thread, &registers);
        if !self.matches(kind, about) {
            let about = match self.target {
                Target::Nothing => about(),
                _ => None,
            };
            self.calls.push(Made { kind, about });
            return None;
        }
        let made = Made {
            kind,
            about: about(),
        };
        self.calls.push(made.clone());
        self.struck.push(made);
        match self.strike {
            Strike::Kill => {
                let _ = kill(self.pid, Signal::SIGKILL);
                None
            }
            // It never returns an error: what fails leaves the break where it is, as
            // asking for the break does. An error would be taken for an address.
            Strike::Once(_) | Strike::FromThenOn(_) if kind.number == libc::SYS_brk => {
                let asked = user_regs_struct {
                    rdi: 0,
                    ..registers
                };
                let _ = ptrace::setregs(thread, asked);
                Some(Struck::AsksOnly(registers.rdi))
            }
            Strike::Once(errno) | Strike::FromThenOn(errno) => {
                let none = user_regs_struct {
                    orig_rax: NO_CALL,
                    ..registers
                };
                let _ = ptrace::setregs(thread, none);
                Some(Struck::Fails(errno))
            }
        }
    }

    /// Counts a call; whether it is to be struck.
    fn matches(&mut self, kind: Kind, about: impl Fn() -> Option<PathBuf>) -> bool {
        let first = match &self.target {
            Target::Nothing => return false,
            Target::Among(numbers, _) | Target::About(numbers, _)
                if !numbers.contains(&kind.number) =>
            {
                return false;
            }
            Target::About(_, path) if about().as_ref() != Some(path) => return false,
            Target::About(..) => 1,
            Target::Any(first) | Target::Among(_, first) => *first,
        };
        self.count += 1;
        match self.strike {
            Strike::FromThenOn(_) => self.count >= first,
            Strike::Kill | Strike::Once(_) => self.count == first,
        }
    }
}

impl Kind {
    fn of(registers: &user_regs_struct) -> Self {
        let number = registers.orig_rax as i64;
        let command = match number {
            libc::SYS_setuid => registers.rdi,
            libc::SYS_fcntl => registers.rsi,
            libc::SYS_openat | libc::SYS_statx => registers.rdx,
            libc::SYS_newfstatat => registers.r10,
            _ => 0,
        };
        Self { number, command }
    }
}

/// The file that a call is about: the path it is given, or what its
/// descriptor was opened as.
fn about(thread: Pid, registers: &user_regs_struct) -> Option<PathBuf> {
    let open = |number: u64| {
        let link = match number as i32 {
            libc::AT_FDCWD => format!("/proc/{thread}/cwd"),
            number => format!("/proc/{thread}/fd/{number}"),
        };
        fs::read_link(link).ok()
    };
    match registers.orig_rax as i64 {
        libc::SYS_openat
        | libc::SYS_openat2
        | libc::SYS_newfstatat
        | libc::SYS_statx
        | libc::SYS_unlinkat
        | libc::SYS_renameat
        | libc::SYS_renameat2
        | libc::SYS_mkdirat
        | libc::SYS_utimensat
        | libc::SYS_faccessat
        | libc::SYS_faccessat2 => {
            let path = path_at(thread, registers.rsi)?;
            let base = open(registers.rdi)?;
            Some(match path.as_os_str().is_empty() {
                true => base,
                false => base.join(path),
            })
        }
        libc::SYS_open
        | libc::SYS_access
        | libc::SYS_chdir
        | libc::SYS_chmod
        | libc::SYS_mkdir
        | libc::SYS_rename
        | libc::SYS_rmdir
        | libc::SYS_unlink => {
            let path = path_at(thread, registers.rdi)?;
            Some(open(libc::AT_FDCWD as u64)?.join(path))
        }
        libc::SYS_read
        | libc::SYS_pread64
        | libc::SYS_write
        | libc::SYS_getdents64
        | libc::SYS_fstat
        | libc::SYS_fsync
        | libc::SYS_fdatasync
        | libc::SYS_ftruncate
        | libc::SYS_flock
        | libc::SYS_fchmod
        | libc::SYS_lseek
        | libc::SYS_fcntl
        | libc::SYS_close => open(registers.rdi),
        _ => None,
    }
}

/// The C string at an address of a process.
fn path_at(thread: Pid, address: u64) -> Option<PathBuf> {
    let memory = File::open(format!("/proc/{thread}/mem")).ok()?;
    let mut bytes = vec![0; PATH_MAX];
    let mut length = 0;
    // Page by page: what follows may not be there.
    while length < bytes.len() {
        let at = address + length as u64;
        let left = 4096 - usize::try_from(at % 4096).ok()?;
        let end = bytes.len().min(length + left);
        let count = memory.read_at(&mut bytes[length..end], at).ok()?;
        let piece = &bytes[length..length + count];
        if let Some(nul) = piece.iter().position(|&b| b == 0) {
            bytes.truncate(length + nul);
            return Some(Path::new(&String::from_utf8_lossy(&bytes).into_owned()).to_owned());
        }
        if count == 0 {
            return None;
        }
        length += count;
    }
    None
}
