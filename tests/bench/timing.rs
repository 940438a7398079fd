//! Measures two programs against each other on the same data.

use std::fmt;
use std::fs;
use std::fs::File;
use std::io::Read;
use std::os::unix::process::CommandExt;
use std::path::{Path, PathBuf};
use std::process::{Command, ExitStatus, Stdio};
use std::time::{Duration, Instant};

/// Whether the kernel may have the files in memory.
#[derive(Clone, Copy, PartialEq, Eq)]
pub enum Cache {
    /// As the run before left it.
    Warm,
    /// Dropped before every run.
    Cold,
}

/// A program with its arguments.
#[derive(Clone)]
pub struct Program {
    path: PathBuf,
    name: String,
    arguments: Vec<String>,
}

impl Program {
    /// Postfix's.
    pub fn theirs(name: &str, arguments: &[&str]) -> Self {
        Self::new(Path::new("/usr/sbin").join(name), name, arguments)
    }

    /// Ours, called by the same name.
    pub fn ours(name: &str, arguments: &[&str]) -> Self {
        Self::new(
            PathBuf::from(env!("CARGO_BIN_EXE_spoolbox")),
            name,
            arguments,
        )
    }

    /// A pipeline of programs.
    pub fn pipeline(script: &str) -> Self {
        Self::new(PathBuf::from("/bin/sh"), "sh", &["-c", script])
    }

    fn new(path: PathBuf, name: &str, arguments: &[&str]) -> Self {
        Self {
            path,
            name: name.to_owned(),
            arguments: arguments.iter().map(|&a| a.to_owned()).collect(),
        }
    }

    /// The program, its output thrown away.
    pub fn command(&self) -> Command {
        let mut command = Command::new(&self.path);
        command
            .arg0(&self.name)
            .args(&self.arguments)
            .stdin(Stdio::null())
            .stdout(Stdio::null())
            .stderr(Stdio::null());
        command
    }

    /// Runs with the output in a file; the time it took.
    fn run(&self, output: &Path) -> Duration {
        let file = File::create(output).expect("a file for the output");
        let start = Instant::now();
        let status = self
            .command()
            .stdout(file)
            .status()
            .expect("the program starts");
        let took = start.elapsed();
        assert!(status.success(), "{} failed: {status}", self.path.display());
        took
    }
}

/// Whether the order of lines counts when outputs are compared.
#[derive(Clone, Copy, PartialEq, Eq)]
pub enum Order {
    AsPrinted,
    Any,
}

impl Order {
    /// An output as it is compared.
    fn read(self, path: &Path) -> Vec<Vec<u8>> {
        let text = fs::read(path).expect("output");
        let mut lines: Vec<_> = text.split(|&b| b == b'\n').map(<[u8]>::to_vec).collect();
        if self == Order::Any {
            lines.sort();
        }
        lines
    }
}

/// One comparison.
pub struct Contest {
    pub label: &'static str,
    pub theirs: Program,
    pub ours: Program,
    pub cache: Cache,
    pub rounds: usize,
    pub order: Order,
}

/// Medians of a contest.
pub struct Outcome {
    label: &'static str,
    theirs: Duration,
    ours: Duration,
    memory: u64,
}

impl Contest {
    /// Checks that both print the same, then measures them by turns.
    pub fn run(&self) -> Result<Outcome, String> {
        let directory = tempfile::tempdir().expect("a temporary directory");
        let (a, b) = (
            directory.path().join("theirs"),
            directory.path().join("ours"),
        );
        self.ours.run(&b);
        let memory = peak_memory(&self.ours);
        self.theirs.run(&a);
        if self.order.read(&a) != self.order.read(&b) {
            return Err(self.label.to_owned());
        }
        let (mut theirs, mut ours) = (Vec::new(), Vec::new());
        for _ in 0..self.rounds {
            for (program, times) in [(&self.theirs, &mut theirs), (&self.ours, &mut ours)] {
                if self.cache == Cache::Cold {
                    drop_caches();
                }
                times.push(program.run(&b));
            }
        }
        Ok(Outcome {
            label: self.label,
            theirs: median(theirs),
            ours: median(ours),
            memory,
        })
    }
}

impl fmt::Display for Outcome {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let (theirs, ours) = (self.theirs.as_secs_f64(), self.ours.as_secs_f64());
        write!(
            f,
            "{:<28} {theirs:>8.3} s {ours:>8.3} s {:>7.1}x {:>8} KiB",
            self.label,
            theirs / ours,
            self.memory
        )
    }
}

/// How long a program takes to print its first lines.
pub fn first_lines(program: &Program, lines: usize) -> Duration {
    let start = Instant::now();
    let mut child = program
        .command()
        .stdout(Stdio::piped())
        .spawn()
        .expect("the program starts");
    let mut output = child.stdout.take().expect("a pipe");
    let (mut seen, mut buffer) = (0, [0; 4096]);
    while seen < lines {
        match output.read(&mut buffer).expect("output") {
            0 => break,
            count => seen += buffer[..count].iter().filter(|&&b| b == b'\n').count(),
        }
    }
    let took = start.elapsed();
    drop(output);
    child.wait().expect("the program ends");
    took
}

/// Why nothing can be measured here.
pub fn missing() -> Option<&'static str> {
    if !nix::unistd::getuid().is_root() {
        return Some("it needs root, for Postfix's own rights and to drop caches");
    }
    (!Path::new("/usr/sbin/postqueue").exists()).then_some("Postfix is not installed")
}

/// What the figures were measured on.
pub fn print_machine() {
    let output = Command::new("postconf")
        .args(["-d", "-h", "mail_version"])
        .output();
    let version = output.map(|o| String::from_utf8_lossy(&o.stdout).trim().to_owned());
    let kernel = fs::read_to_string("/proc/sys/kernel/osrelease").unwrap_or_default();
    let processors = std::thread::available_parallelism().map_or(0, usize::from);
    println!(
        "spoolbox {}, Postfix {}, {processors} processors, Linux {}",
        env!("CARGO_PKG_VERSION"),
        version.unwrap_or_default(),
        kernel.trim()
    );
}

/// Empties the kernel's caches.
pub fn drop_caches() {
    nix::unistd::sync();
    fs::write("/proc/sys/vm/drop_caches", "3").expect("root may drop caches");
}

/// The middle one.
pub fn median(mut times: Vec<Duration>) -> Duration {
    times.sort();
    times[times.len() / 2]
}

/// The largest resident set of a run, in KiB.
fn peak_memory(program: &Program) -> u64 {
    watched(&mut program.command()).1
}

/// Runs to the end: how it ended, and the largest resident set, in KiB, as the
/// kernel shows it while the program runs.
pub fn watched(command: &mut Command) -> (ExitStatus, u64) {
    let mut child = command.spawn().expect("the program starts");
    let status = format!("/proc/{}/status", child.id());
    let mut peak = 0;
    loop {
        if let Some(ended) = child.try_wait().expect("wait") {
            return (ended, peak);
        }
        let text = fs::read_to_string(&status).unwrap_or_default();
        let line = text.lines().find_map(|line| line.strip_prefix("VmHWM:"));
        let kib = line.and_then(|l| l.trim().strip_suffix(" kB"));
        peak = kib.and_then(|n| n.parse().ok()).unwrap_or(0).max(peak);
        std::thread::sleep(Duration::from_millis(1));
    }
}
