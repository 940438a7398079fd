//! `spoolbox browse` on a large queue: the time to the first screen, the longest
//! time from a key to what it shows, the memory, and the processor time when
//! nothing happens.
//!
//! An argument that ends in /etc is the directory of main.cf of a queue that is
//! there already; it is left as it was.

use std::fs;
use std::process::Command;
use std::thread;
use std::time::{Duration, Instant};

use crate::screen::OnScreen;
use crate::spool::Spool;

/// How long nothing happens.
const IDLE: Duration = Duration::from_secs(20);
/// The clock ticks of a second in /proc.
const TICKS: f64 = 100.0;
const USUAL: (u16, u16) = (40, 120);
/// The number of times that the help is shown while something goes on.
const HELPS: usize = 10;
/// The number of keys that are printed: those that took longest.
const LONGEST: usize = 8;

/// Measures on a queue of `messages`.
pub fn run(messages: usize) {
    let given = std::env::args().find(|argument| argument.ends_with("/etc"));
    let spool = given.is_none().then(|| Spool::build(messages));
    let etc = given.or_else(|| Some(spool.as_ref()?.etc()));
    let mut browse = Browse::start(&etc.expect("a queue"));
    browse.read();
    browse.sort();
    browse.tag();
    browse.filter();
    browse.idle();
    browse.act();
    browse.print_times();
    browse.screen.keys("\u{3}");
    assert_eq!(browse.screen.end(), Some(0));
}

/// The program, and what was measured of it.
struct Browse {
    screen: OnScreen,
    started: Instant,
    times: Vec<(Duration, String)>,
}

impl Browse {
    fn start(etc: &str) -> Self {
        let mut command = Command::new(env!("CARGO_BIN_EXE_spoolbox"));
        command.args(["browse", "-c", etc]).env_clear();
        command.env("TERM", "xterm").env("LC_ALL", "C.UTF-8");
        let started = Instant::now();
        Self {
            screen: OnScreen::start(&command, USUAL),
            started,
            times: Vec::new(),
        }
    }

    /// Types keys, and waits for what they show.
    fn key(&mut self, keys: &str, what: &str, is_shown: impl Fn(&str) -> bool) {
        let start = Instant::now();
        self.screen.keys(keys);
        self.screen.wait_until(what, is_shown);
        self.times.push((start.elapsed(), what.to_owned()));
    }

    /// Prints how long the keys took.
    fn print_times(&mut self) {
        self.times.sort();
        let count = self.times.len();
        let median = self.times.get(count / 2).map(|(took, _)| *took);
        println!("{count} keys, from a key to what it shows: median {median:?}, the longest:");
        for (took, what) in self.times.iter().rev().take(LONGEST) {
            println!("  {took:?} {what}");
        }
    }

    /// Shows the help and leaves it again, and again.
    fn help(&mut self, meanwhile: &str) {
        for _ in 0..HELPS {
            let what = format!("the help, {meanwhile}");
            self.key("?", &what, |text| text.contains("Ctrl-C"));
            let what = format!("the list, {meanwhile}");
            self.key("q", &what, |text| !text.contains("Ctrl-C"));
        }
    }

    fn memory(&self, what: &str) {
        let status = format!("/proc/{}/status", self.screen.child.id());
        let status = fs::read_to_string(status).expect("its status");
        let peak = status.lines().find(|line| line.starts_with("VmHWM"));
        println!("peak memory, {what}: {}", peak.unwrap_or_default());
    }

    /// In clock ticks.
    fn processor_time(&self) -> f64 {
        let stat = format!("/proc/{}/stat", self.screen.child.id());
        let stat = fs::read_to_string(stat).expect("its state");
        let (_, fields) = stat.rsplit_once(')').expect("a name");
        let fields = fields.split_whitespace().skip(11).take(2);
        fields.filter_map(|ticks| ticks.parse::<f64>().ok()).sum()
    }

    fn read(&mut self) {
        self.screen.wait_for("@");
        println!("first screen: {:?}", self.started.elapsed());
        self.help("while the queue is read");
        self.wait_while("reading");
        println!("all messages: {:?}", self.started.elapsed());
        self.memory("all messages read");
    }

    fn wait_while(&self, what: &str) {
        while self.screen.text().contains(what) {
            thread::sleep(Duration::from_millis(20));
        }
    }

    fn sort(&mut self) {
        self.wait_while("sorting");
        for column in ["size", "sender", "reason", "recipients", "queue", "ID"] {
            let start = Instant::now();
            let by = format!("by {column}");
            self.key("s", &by.clone(), |text| text.contains(&by));
            self.help("while the list is sorted");
            self.wait_while("sorting");
            println!("sorted by {column}: {:?} at most", start.elapsed());
        }
        self.key("S", "the other direction", |_| true);
        self.key("G", "the last message", |_| true);
        self.wait_while("sorting");
        self.memory("sorted");
    }

    fn tag(&mut self) {
        self.key("a", "all tagged", |text| text.contains("tagged"));
        self.key("i", "tags inverted", |text| !text.contains("tagged"));
        self.key("a", "all tagged again", |text| text.contains("tagged"));
        self.key("s", "sorted with all tagged", |text| {
            text.contains("by age")
        });
        self.wait_while("sorting");
        self.key("h", "the question", |text| text.contains("command line"));
        self.key("\t", "another one", |text| {
            text.contains("under the cursor")
        });
        self.key("\t", "another one", |text| text.contains("of the list"));
        self.key("\u{1b}", "no act", |text| text.contains("nothing was done"));
        self.memory("all tagged");
    }

    fn filter(&mut self) {
        self.key("A", "no tags", |text| !text.contains("tagged"));
        self.key("f", "the prompt", |text| text.contains("filter:"));
        let filter = "--from n00*@host.example";
        self.key(&format!("{filter}\r"), "a filter", |text| {
            text.lines().any(|line| line.starts_with("--from"))
        });
        self.help("while messages are filtered");
        self.wait_while("reading");
        self.key("q", "no filter", |text| {
            !text.lines().any(|line| line.starts_with("--from"))
        });
        self.help("while rows are freed");
        self.wait_while("reading");
        self.wait_while("sorting");
        self.memory("filtered");
    }

    fn idle(&self) {
        thread::sleep(Duration::from_secs(2));
        let (start, before) = (Instant::now(), self.processor_time());
        thread::sleep(IDLE);
        let used = (self.processor_time() - before) / TICKS;
        let share = 100.0 * used / start.elapsed().as_secs_f64();
        println!("processor time when nothing happens: {share:.1} % of one");
    }

    fn act(&mut self) {
        self.key("a", "all tagged", |text| text.contains("tagged"));
        self.key("h", "the question", |text| text.contains("command line"));
        self.key("y", "acting", |text| text.contains("acting"));
        self.wait_while("acting");
        self.memory("all put on hold");
        self.screen.keys("u");
        self.wait_while("go on");
        self.wait_while("acting");
        self.memory("all put back");
    }
}
