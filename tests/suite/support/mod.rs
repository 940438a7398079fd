//! The support of the tests: instances, spools, running both programs, and comparison.
//! Expectations about the output of the tools are in the tests.
// Shared by suites that each use a part of it.
#![allow(dead_code)]

pub mod compare;
pub mod effect;
pub mod generate;
pub mod instance;
pub mod layout;
pub mod machine;
pub mod mail_system;
pub mod pipeline;
pub mod postlog;
pub mod pty;
pub mod public;
pub mod run;
pub mod sample;
pub mod screen;
pub mod spool;
// Knows the registers of this processor only.
#[cfg(target_arch = "x86_64")]
pub mod tracer;
pub mod trash;
pub mod tree;

use std::io::Write;
use std::process::Command;
use std::sync::LazyLock;
use std::time::Duration;

use run::Program;
use spoolbox::release::Release;

/// The seed of the generated spools unless SPOOLBOX_SEED names another.
pub const DEFAULT_SEED: u64 = 20_261_123;

/// What a test cannot do without.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Needs {
    /// The installed Postfix; to list a spool without a mail system it has to
    /// be started by root.
    Postfix,
    /// The superuser: other users' files, set-gid copies, device nodes.
    Root,
    /// promtool, to check metrics.
    Promtool,
    /// strace(1), to kill a program between two system calls; and root.
    Strace,
    /// valgrind(1), to watch a program's memory; and root.
    Valgrind,
    /// cargo-deb, to make the Debian package; and root.
    CargoDeb,
    /// cargo-generate-rpm and rpm(8), to make the RPM package; and root.
    Rpm,
    /// systemd-analyze(1), to check the units.
    SystemdAnalyze,
    /// mandoc(1), to check the manual pages.
    Mandoc,
    /// lintian(1), to check the Debian package; cargo-deb and root.
    Lintian,
    /// The shell bash.
    Bash,
    /// The shell zsh.
    Zsh,
    /// The shell fish.
    Fish,
    /// tmux(1); and root.
    Tmux,
    /// GNU screen(1); and root.
    Screen,
    /// Minutes: a test that a newcomer's run leaves out.
    Time,
    /// What .ci/fleet-tools installs below target: ansible and ClickHouse.
    FleetTools,
    /// prometheus and its node_exporter.
    Prometheus,
    /// syslog-ng with its HTTP destination.
    SyslogNg,
    /// The module jsonschema of the system's python3.
    JsonSchema,
}

/// Whether a test can go on.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Met {
    Yes,
    No,
}

/// Looks whether `need` is met here. If not it says so, and under
/// SPOOLBOX_REQUIRE_POSTFIX=1 the test fails.
pub fn require(need: Needs) -> Met {
    let Some(reason) = lacking(need) else {
        return Met::Yes;
    };
    if must_run() {
        panic!("this test cannot run: {reason}");
    }
    let test = std::thread::current().name().unwrap_or("test").to_owned();
    tell(&format!("{test}: left out: {reason}"));
    Met::No
}

/// Whether a test that cannot run fails.
fn must_run() -> bool {
    std::env::var("SPOOLBOX_REQUIRE_POSTFIX").as_deref() == Ok("1")
}

/// Says something that has to be seen although the test passes: cargo hides
/// what the printing macros print, but not this.
pub fn tell(text: &str) {
    let _ = writeln!(std::io::stderr(), "{text}");
}

fn lacking(need: Needs) -> Option<&'static str> {
    if need == Needs::Time {
        // CI leaves nothing out, also where it takes samples.
        let is_short = Extent::from_environment() == Extent::Sample && !must_run();
        return is_short.then_some("it takes long; SPOOLBOX_LONG=1 runs it");
    }
    let for_all = [
        Needs::Promtool,
        Needs::SystemdAnalyze,
        Needs::Mandoc,
        Needs::Bash,
        Needs::Zsh,
        Needs::Fish,
        Needs::JsonSchema,
        Needs::FleetTools,
        Needs::Prometheus,
        Needs::SyslogNg,
    ];
    if !for_all.contains(&need) && !nix::unistd::geteuid().is_root() {
        return Some("it has to be run by root");
    }
    let (programs, reason): (&[&str], _) = match need {
        Needs::Root | Needs::Time => (&[], ""),
        Needs::Postfix => (&["postqueue", "postsuper"], "Postfix is not installed"),
        Needs::Strace => (&["strace"], "strace is not installed"),
        Needs::Valgrind => (&["valgrind"], "valgrind is not installed"),
        Needs::Bash => (&["bash", "setsid"], "bash or setsid is not installed"),
        Needs::Zsh => (&["zsh", "setsid"], "zsh or setsid is not installed"),
        Needs::Fish => (&["fish"], "fish is not installed"),
        Needs::Tmux => (&["tmux"], "tmux is not installed"),
        Needs::Screen => (&["screen"], "screen is not installed"),
        Needs::JsonSchema if has_json_schema() => return None,
        Needs::JsonSchema => {
            return Some("jsonschema (Debian's python3-jsonschema) is not installed");
        }
        Needs::FleetTools if has_fleet_tools() => return None,
        Needs::FleetTools => return Some(".ci/fleet-tools has not been run"),
        Needs::Prometheus => (
            &["prometheus", "promtool", "prometheus-node-exporter"],
            "prometheus or prometheus-node-exporter is not installed",
        ),
        Needs::SyslogNg if has_syslog_ng() => return None,
        Needs::SyslogNg => return Some("syslog-ng-core or syslog-ng-mod-http is not installed"),
        Needs::CargoDeb => (&["cargo-deb"], "cargo-deb is not installed"),
        Needs::Rpm => (
            &["cargo-generate-rpm", "rpm"],
            "cargo-generate-rpm or rpm is not installed",
        ),
        Needs::SystemdAnalyze => (
            &["systemd-analyze"],
            "systemd-analyze (Debian's systemd) is not installed",
        ),
        Needs::Mandoc => (&["mandoc"], "mandoc is not installed"),
        Needs::Lintian => (
            &["cargo-deb", "lintian"],
            "cargo-deb or lintian is not installed",
        ),
        Needs::Promtool => (
            &["promtool"],
            "promtool (Debian's prometheus) is not installed",
        ),
    };
    (!programs.iter().all(|program| is_in_path(program))).then_some(reason)
}

fn has_syslog_ng() -> bool {
    let modules = std::process::Command::new("/usr/sbin/syslog-ng")
        .arg("--version")
        .output();
    let has_http = |text: Vec<u8>| String::from_utf8_lossy(&text).contains("http");
    modules.is_ok_and(|output| has_http(output.stdout))
}

fn has_fleet_tools() -> bool {
    let root = std::path::Path::new(env!("CARGO_MANIFEST_DIR"));
    root.join("target/tools/fleet/tools").exists()
}

fn has_json_schema() -> bool {
    let python = std::process::Command::new("/usr/bin/python3")
        .args(["-c", "import jsonschema; jsonschema.Draft202012Validator"])
        .stderr(std::process::Stdio::null())
        .status();
    python.is_ok_and(|status| status.success())
}

fn is_in_path(program: &str) -> bool {
    let path = std::env::var_os("PATH").unwrap_or_default();
    std::env::split_paths(&path)
        .chain(["/usr/sbin".into()])
        .any(|directory| directory.join(program).exists())
}

/// The release of the installed Postfix, or of Debian 12's where none is.
pub fn installed_release() -> Release {
    static INSTALLED: LazyLock<Option<Release>> = LazyLock::new(|| {
        let mut command = Command::new("/usr/sbin/postconf");
        let output = command.args(["-dh", "mail_version"]).output().ok()?;
        Release::parse(String::from_utf8(output.stdout).ok()?.trim())
    });
    INSTALLED.unwrap_or_else(|| Release::parse("3.7.11").expect("a version"))
}

/// Which program the suites test: UNDER_TEST=ours (the default) or theirs.
pub fn under_test() -> Program {
    match std::env::var("UNDER_TEST").as_deref() {
        Ok("theirs") => Program::Theirs,
        Ok("ours") | Err(_) => Program::Ours,
        Ok(other) => panic!("UNDER_TEST is {other:?}, not ours or theirs"),
    }
}

/// How much the tests do, which is what SPOOLBOX_LONG says.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub enum Extent {
    /// Without it, or 0: a sample of the cases.
    Sample,
    /// 1: all cases, as in CI.
    Complete,
    /// More: the largest spools, every fault, and as many minutes of what goes
    /// on as long as one likes.
    Exhaustive { minutes: u64 },
}

impl Extent {
    pub fn from_environment() -> Self {
        match number_from_environment("SPOOLBOX_LONG") {
            None | Some(0) => Self::Sample,
            Some(1) => Self::Complete,
            Some(minutes) => Self::Exhaustive { minutes },
        }
    }

    pub fn is_exhaustive(self) -> bool {
        matches!(self, Self::Exhaustive { .. })
    }

    /// All of these, or `sampled` of them, spread over all.
    pub fn some_of<T>(self, all: impl IntoIterator<Item = T>, sampled: usize) -> Vec<T> {
        let all: Vec<T> = all.into_iter().collect();
        if self != Self::Sample {
            return all;
        }
        let step = all.len().div_ceil(sampled.max(1)).max(1);
        all.into_iter().step_by(step).collect()
    }

    /// How long a test goes on that could do so for ever.
    pub fn duration(self, sample: Duration, complete: Duration) -> Duration {
        match self {
            Self::Sample => sample,
            Self::Complete => complete,
            Self::Exhaustive { minutes } => Duration::from_secs(minutes.saturating_mul(60)),
        }
    }
}

/// A number from the environment.
pub fn number_from_environment(name: &str) -> Option<u64> {
    let text = std::env::var(name).ok()?;
    Some(
        text.parse()
            .unwrap_or_else(|_| panic!("{name} is {text:?}, not a number")),
    )
}
