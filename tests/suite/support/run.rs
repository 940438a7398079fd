//! Runs a tool, ours or Postfix's, in a clean environment, and returns all of
//! what can be seen of the run.
//!
//! Both programs are called with the same argv, argv[0] included. A run that
//! does not end in time is killed and reported as such.

use std::ffi::{OsStr, OsString};
use std::fmt;
use std::fs;
use std::io::{Read, Write};
use std::os::unix::process::{CommandExt, ExitStatusExt};
use std::path::{Path, PathBuf};
use std::process::{Child, Command, ExitStatus, Stdio};
use std::thread;
use std::thread::JoinHandle;
use std::time::{Duration, Instant};

use nix::sys::signal::{Signal, killpg};
use nix::unistd::Pid;

use super::instance::Instance;

/// The largest resident set that a process has had so far, in KiB. `None` if it
/// is gone, or still shares the test's memory: for a moment after spawn it does.
pub fn peak_so_far(child: &Child) -> Option<u64> {
    let process = format!("/proc/{}", child.id());
    let program = fs::read_link(format!("{process}/exe")).ok()?;
    if program == fs::read_link("/proc/self/exe").ok()? {
        return None;
    }
    let text = fs::read_to_string(format!("{process}/status")).ok()?;
    let line = text.lines().find_map(|line| line.strip_prefix("VmHWM:"))?;
    line.trim().strip_suffix(" kB")?.parse().ok()
}

/// How long a run may take unless it says otherwise.
const TIMEOUT: Duration = Duration::from_secs(120);
/// User and group of `nobody` on Debian.
const NOBODY: u32 = 65_534;

/// Whose program is run.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Program {
    Ours,
    Theirs,
}

impl Program {
    /// The path of the program for a caller with all rights.
    pub fn path(self, tool: Tool, instance: &Instance) -> PathBuf {
        match self {
            Self::Ours => instance.bin().join(tool.name()),
            Self::Theirs => tool.installed(),
        }
    }

    fn path_for(self, tool: Tool, user: User, instance: &Instance) -> PathBuf {
        match (self, user.id()) {
            (Self::Ours, Some(_)) => instance.set_gid_program().with_file_name(tool.name()),
            _ => self.path(tool, instance),
        }
    }
}

/// The names a tool is called by.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Tool {
    Postqueue,
    Mailq,
    Postsuper,
    Postcat,
    Qshape,
    Sendmail,
    Postfix,
}

impl Tool {
    pub const ALL: [Tool; 7] = [
        Tool::Postqueue,
        Tool::Mailq,
        Tool::Postsuper,
        Tool::Postcat,
        Tool::Qshape,
        Tool::Sendmail,
        Tool::Postfix,
    ];

    pub fn name(self) -> &'static str {
        match self {
            Tool::Postqueue => "postqueue",
            Tool::Mailq => "mailq",
            Tool::Postsuper => "postsuper",
            Tool::Postcat => "postcat",
            Tool::Qshape => "qshape",
            Tool::Sendmail => "sendmail",
            Tool::Postfix => "postfix",
        }
    }

    fn installed(self) -> PathBuf {
        let directory = match self {
            Tool::Mailq => "/usr/bin",
            _ => "/usr/sbin",
        };
        Path::new(directory).join(self.name())
    }
}

/// Who calls the tool.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum User {
    /// The user who runs the tests.
    Caller,
    /// Somebody without rights; postqueue and mailq are set-gid then. Root
    /// only.
    Nobody,
    /// The same with this number, of user and group.
    Id(u32),
}

impl User {
    /// The number to become.
    fn id(self) -> Option<u32> {
        match self {
            Self::Caller => None,
            Self::Nobody => Some(NOBODY),
            Self::Id(id) => Some(id),
        }
    }
}

/// Which configuration the program finds in /etc/postfix.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum DefaultEtc {
    /// The machine's.
    Machine,
    /// This directory, mounted there for this run alone. Root only.
    Mounted(PathBuf),
}

/// One call of a tool.
#[derive(Clone, Debug)]
pub struct Invocation {
    pub tool: Tool,
    pub args: Vec<OsString>,
    /// Long options that only our program has; they go before `args`.
    pub ours_only: Vec<OsString>,
    pub env: Vec<(OsString, OsString)>,
    pub cwd: PathBuf,
    pub stdin: Vec<u8>,
    pub user: User,
    pub default_etc: DefaultEtc,
    pub timeout: Duration,
}

impl Invocation {
    pub fn new<A: AsRef<OsStr>>(tool: Tool, args: impl IntoIterator<Item = A>) -> Self {
        Self {
            tool,
            args: args.into_iter().map(|a| a.as_ref().to_owned()).collect(),
            ours_only: Vec::new(),
            env: Vec::new(),
            cwd: PathBuf::from("/"),
            stdin: Vec::new(),
            user: User::Caller,
            default_etc: DefaultEtc::Machine,
            timeout: TIMEOUT,
        }
    }

    pub fn env(mut self, name: &str, value: impl AsRef<OsStr>) -> Self {
        self.env.push((name.into(), value.as_ref().to_owned()));
        self
    }

    pub fn cwd(mut self, cwd: &Path) -> Self {
        self.cwd = cwd.into();
        self
    }

    pub fn stdin(mut self, stdin: &[u8]) -> Self {
        self.stdin = stdin.into();
        self
    }

    pub fn user(mut self, user: User) -> Self {
        self.user = user;
        self
    }

    pub fn ours_only(mut self, option: &str) -> Self {
        self.ours_only.push(option.into());
        self
    }

    pub fn default_etc(mut self, etc: &Path) -> Self {
        self.default_etc = DefaultEtc::Mounted(etc.into());
        self
    }

    /// Runs it and waits for its end.
    pub fn run(&self, program: Program, instance: &Instance) -> Output {
        let mut command = self.command(program, instance);
        command
            .stdin(Stdio::piped())
            .stdout(Stdio::piped())
            .stderr(Stdio::piped())
            .process_group(0);
        let child = command
            .spawn()
            .unwrap_or_else(|error| panic!("{command:?}: {error}"));
        collect(child, &self.stdin, self.timeout)
    }

    /// The command, its streams not yet set.
    pub fn command(&self, program: Program, instance: &Instance) -> Command {
        if program == Program::Theirs {
            count_run();
        }
        let path = program.path_for(self.tool, self.user, instance);
        let mut command = match &self.default_etc {
            DefaultEtc::Machine => self.plain(&path),
            DefaultEtc::Mounted(etc) => self.in_namespace(&path, etc),
        };
        if program == Program::Ours {
            command.args(&self.ours_only);
        }
        command
            .args(&self.args)
            .env_clear()
            .env("PATH", "/usr/sbin:/usr/bin:/sbin:/bin")
            .envs(self.env.iter().map(|(name, value)| (name, value)))
            .current_dir(&self.cwd);
        command
    }

    fn plain(&self, path: &Path) -> Command {
        let mut command = Command::new(path);
        command.arg0(self.tool.name());
        if let Some(id) = self.user.id() {
            command.uid(id).gid(id);
        }
        command
    }

    fn in_namespace(&self, path: &Path, etc: &Path) -> Command {
        let mut command = Command::new("unshare");
        command.args(["--mount", "--propagation", "private", "--", "sh", "-c"]);
        command.arg("mount --bind \"$0\" /etc/postfix && exec \"$@\"");
        command.arg(etc);
        if let Some(id) = self.user.id() {
            let id = id.to_string();
            command.args(["setpriv", "--reuid", &id, "--regid", &id, "--clear-groups"]);
        }
        command.arg(path);
        command
    }
}

/// How a run ended.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Ended {
    Exited(i32),
    Killed(i32),
    TimedOut,
}

impl From<ExitStatus> for Ended {
    fn from(status: ExitStatus) -> Self {
        match status.code() {
            Some(code) => Self::Exited(code),
            None => Self::Killed(status.signal().unwrap_or(0)),
        }
    }
}

/// What a run left to be seen.
#[derive(Clone, PartialEq, Eq)]
pub struct Output {
    pub ended: Ended,
    pub stdout: Vec<u8>,
    pub stderr: Vec<u8>,
}

impl Output {
    pub fn stdout_text(&self) -> String {
        String::from_utf8_lossy(&self.stdout).into_owned()
    }

    pub fn stderr_text(&self) -> String {
        String::from_utf8_lossy(&self.stderr).into_owned()
    }
}

impl fmt::Debug for Output {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        writeln!(f, "{:?}", self.ended)?;
        writeln!(f, "--- stdout\n{}", self.stdout_text())?;
        write!(f, "--- stderr\n{}", self.stderr_text())
    }
}

/// Copies a program to a place that everybody may enter, with these bits and
/// this group. By another process: one that a thread of the tests starts while
/// the copy is open for writing would keep it from being run.
pub fn install_program(from: &Path, to: &Path, mode: u32, group: u32) {
    let mut command = Command::new("install");
    command.arg("-m").arg(format!("{mode:o}"));
    if nix::unistd::geteuid().is_root() {
        command.args(["-o", "0", "-g", &group.to_string()]);
    }
    let status = command.args([from, to]).status();
    assert!(status.is_ok_and(|status| status.success()), "install");
}

/// A copy of our program with the rights of its caller.
pub fn install_ours(to: &Path) {
    install_program(Path::new(env!("CARGO_BIN_EXE_spoolbox")), to, 0o755, 0);
}

/// Waits for a child with piped streams, feeding it `stdin`.
pub fn collect(mut child: Child, stdin: &[u8], timeout: Duration) -> Output {
    let feeder = child.stdin.take().map(|pipe| feed(pipe, stdin.to_vec()));
    let stdout = child.stdout.take().map(drain);
    let stderr = child.stderr.take().map(drain);
    let ended = wait(&mut child, timeout);
    // A child of the child could hold the streams open for ever.
    let group = Pid::from_raw(i32::try_from(child.id()).unwrap_or(i32::MAX));
    if ended == Ended::TimedOut {
        let _ = killpg(group, Signal::SIGKILL);
        let _ = child.wait();
    }
    drop(feeder.map(JoinHandle::join));
    Output {
        ended,
        stdout: join(stdout),
        stderr: join(stderr),
    }
}

pub fn feed(mut pipe: impl Write + Send + 'static, bytes: Vec<u8>) -> JoinHandle<()> {
    thread::spawn(move || {
        // The program may end without reading; that is not a failure.
        let _ = pipe.write_all(&bytes);
    })
}

pub fn drain(mut pipe: impl Read + Send + 'static) -> JoinHandle<Vec<u8>> {
    thread::spawn(move || {
        let mut bytes = Vec::new();
        pipe.read_to_end(&mut bytes).expect("a readable stream");
        bytes
    })
}

pub fn join(stream: Option<JoinHandle<Vec<u8>>>) -> Vec<u8> {
    stream.map_or_else(Vec::new, |s| s.join().expect("a reader thread"))
}

fn wait(child: &mut Child, timeout: Duration) -> Ended {
    let deadline = Instant::now() + timeout;
    let mut pause = Duration::from_micros(500);
    loop {
        if let Some(status) = child.try_wait().expect("waitpid") {
            return status.into();
        }
        if Instant::now() >= deadline {
            return Ended::TimedOut;
        }
        thread::sleep(pause);
        pause = (pause * 2).min(Duration::from_millis(10));
    }
}

/// Counts a run of Postfix's: the file that SPOOLBOX_COUNT names gets a byte.
fn count_run() {
    let Some(path) = std::env::var_os("SPOOLBOX_COUNT") else {
        return;
    };
    let file = fs::File::options().append(true).create(true).open(path);
    let written = file.and_then(|mut file| file.write_all(b"."));
    written.expect("the file of SPOOLBOX_COUNT");
}
