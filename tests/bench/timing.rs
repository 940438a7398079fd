//! Measures two programs against each other on the same data.

use std::fmt;
use std::fs;
use std::fs::File;
use std::io::Read;
use std::os::unix::process::CommandExt;
use std::path::{Path, PathBuf};
use std::process::{Command, ExitStatus, Stdio};
use std::time::{Duration, Instant};

use crate::limit::Limit;
use crate::spool::Spool;

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
pub struct Contest<'a> {
    pub label: &'static str,
    pub theirs: Program,
    pub ours: Program,
    pub cache: Cache,
    pub rounds: usize,
    pub order: Order,
    /// What has to be done at least, and with the messages of which spool.
    pub limit: (Limit, &'a Spool),
}

/// The times of all rounds of one comparison.
#[derive(Default)]
pub struct Times {
    /// Empty where Postfix has nothing to compare with.
    pub theirs: Vec<Duration>,
    pub ours: Vec<Duration>,
    /// Of the bare system calls; empty where a program is compared with others
    /// than Postfix's.
    pub limit: Vec<Duration>,
}

/// A line of the table: medians.
pub struct Row {
    label: String,
    theirs: Option<Duration>,
    ours: Duration,
    limit: Option<Duration>,
    /// The largest resident set of our program, in KiB, if it was measured.
    memory: Option<u64>,
}

impl Row {
    /// The medians of `times`.
    pub fn new(label: &str, times: Times, memory: Option<u64>) -> Self {
        Self {
            label: label.to_owned(),
            theirs: median(times.theirs),
            ours: median(times.ours).expect("a round at least"),
            limit: median(times.limit),
            memory,
        }
    }

    /// The names of the columns.
    pub fn heading() -> String {
        format!(
            "{:<30} {:>10} {:>10} {:>10} {:>14} {:>10} {:>10}",
            "", "Postfix", "ours", "limit", "Postfix/ours", "ours/limit", "memory"
        )
    }
}

impl Contest<'_> {
    /// Checks that both print the same, then measures them by turns.
    pub fn run(&self) -> Result<Row, String> {
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
        let mut times = Times::default();
        for _ in 0..self.rounds {
            for (program, list) in [
                (&self.theirs, &mut times.theirs),
                (&self.ours, &mut times.ours),
            ] {
                if self.cache == Cache::Cold {
                    drop_caches();
                }
                list.push(program.run(&b));
            }
            let (limit, spool) = self.limit;
            times.limit.push(limit.measure(spool, self.cache));
        }
        Ok(Row::new(self.label, times, Some(memory)))
    }
}

impl fmt::Display for Row {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let seconds = |time: Option<Duration>| {
            time.map_or_else(|| "-".to_owned(), |t| format!("{:.4} s", t.as_secs_f64()))
        };
        let ratio = |a: Option<Duration>, b: Option<Duration>| match (a, b) {
            (Some(a), Some(b)) => format!("{:.2}", a.as_secs_f64() / b.as_secs_f64()),
            _ => "-".to_owned(),
        };
        let ours = Some(self.ours);
        let memory = self
            .memory
            .map_or_else(|| "-".to_owned(), |kib| format!("{kib} KiB"));
        write!(
            f,
            "{:<30} {:>10} {:>10} {:>10} {:>14} {:>10} {memory:>10}",
            self.label,
            seconds(self.theirs),
            seconds(ours),
            seconds(self.limit),
            ratio(self.theirs, ours),
            ratio(ours, self.limit),
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

/// The middle one, if there is any.
fn median(mut times: Vec<Duration>) -> Option<Duration> {
    times.sort();
    times.get(times.len() / 2).copied()
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
