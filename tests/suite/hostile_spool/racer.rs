//! Every command while the mail owner replaces files with links, FIFOs, directories and
//! other files between a check and the use, and directories for a moment with links to
//! the outside.

use std::process::{Child, Command, Stdio};
use std::time::{Duration, Instant};

use super::check;
use super::commands::{PATIENCE, Spoken, changing, looking};
use super::traps::Trapped;
use crate::support::run::Tool;
use crate::support::{DEFAULT_SEED, Extent, Met, Needs, number_from_environment, require, tell};

/// How long it goes on unless somebody asks for more.
const SECONDS: u64 = 10;
/// The number of commands that have to run meanwhile, however busy the machine is.
const CALLS_MIN: u32 = 10;
/// What the mail owner does, in the language that qshape needs anyway.
const RACE: &str = include_str!("race.pl");

/// A process of the mail owner.
struct Racer(Child);

impl Racer {
    /// In these queues: no other may swap their directories, or it would
    /// itself be led outside.
    fn start(trapped: &Trapped, seed: u64, queues: &[&str]) -> Self {
        let owner = trapped.instance.owner();
        let mut command = Command::new("setpriv");
        command.arg(format!("--reuid={}", owner.uid));
        command.arg(format!("--regid={}", owner.gid));
        command.args(["--clear-groups", "--", "perl", "-e", RACE]);
        command
            .arg(trapped.outside.root())
            .arg(trapped.outside.linked(""));
        command.arg(seed.to_string());
        command.args(queues);
        command.current_dir(trapped.instance.queue_directory());
        command
            .stdin(Stdio::null())
            .stdout(Stdio::null())
            .stderr(Stdio::null());
        Self(command.spawn().expect("setpriv starts"))
    }

    fn is_running(&mut self) -> bool {
        self.0.try_wait().expect("wait").is_none()
    }
}

impl Drop for Racer {
    fn drop(&mut self) {
        let _ = self.0.kill();
        let _ = self.0.wait();
    }
}

#[test]
fn nothing_outside_is_touched_while_files_are_swapped() {
    if require(Needs::Root) == Met::No {
        return;
    }
    let seed = number_from_environment("SPOOLBOX_SEED").unwrap_or(DEFAULT_SEED);
    let complete = Duration::from_secs(SECONDS);
    let length = Extent::from_environment().duration(complete / 3, complete);
    let trapped = Trapped::empty();
    let mut racers = [
        Racer::start(
            &trapped,
            seed + 1,
            &["maildrop", "incoming", "active", "hold"],
        ),
        Racer::start(&trapped, seed + 2, &["deferred", "defer"]),
    ];
    let started = Instant::now();
    let (mut calls, mut slowest) = (0_u32, Duration::ZERO);
    let spoken: Vec<Spoken> = looking().into_iter().chain(changing()).collect();
    let mut rng = fastrand::Rng::with_seed(seed);
    while started.elapsed() < length || calls < CALLS_MIN {
        let spoken = rng.choice(&spoken).expect("a command");
        // One in three is a postcat, and it opens one file only.
        if spoken.tool == Tool::Postcat && rng.u8(0..5) > 0 {
            continue;
        }
        let before = Instant::now();
        let output = spoken.run(&trapped.instance, "");
        slowest = slowest.max(before.elapsed());
        check(&trapped, spoken, &output);
        calls += 1;
    }
    assert!(
        racers.iter_mut().all(Racer::is_running),
        "a racer has ended"
    );
    assert!(slowest < PATIENCE, "{calls} calls, {slowest:?}");
    let seconds = length.as_secs();
    tell(&format!(
        "{calls} calls in {seconds} s beside a racer; the slowest took {slowest:?}"
    ));
}
