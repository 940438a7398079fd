//! Two running mail systems with the same mail, one for our tools and one for
//! Postfix's. Output, log and the final location of each message have to be the same.
//!
//! Queue IDs, times and ports differ between the two. A message is identified by its
//! sender, and by the number of times that it has got another ID.

use std::collections::{BTreeMap, BTreeSet};
use std::fs;
use std::net::TcpListener;
use std::thread;
use std::time::{Duration, Instant};

use regex::Regex;
use serde_json::Value;

use crate::support::mail_system::MailSystem;
use crate::support::pipeline::pipeline_of;
use crate::support::run::{Ended, Output, Program};
use crate::support::under_test;

const PATIENCE: Duration = Duration::from_secs(30);
/// After which a message that is still in incoming was passed over.
const WAKE: Duration = Duration::from_secs(8);
/// How many messages are tried at once; others stay in incoming.
const ACTIVE_LIMIT: &str = "3";

/// Where each message is: by the local part of its sender.
pub type Places = BTreeMap<String, String>;

/// One of the two systems.
pub struct Twin {
    pub system: MailSystem,
    program: Program,
    /// Takes connections and says nothing: mail to slow.example stays active.
    slow: TcpListener,
    /// The names of IDs, in the order in which they appeared.
    names: Vec<(String, String)>,
    /// Bytes of the mail log that were looked at.
    logged: usize,
}

impl Twin {
    fn start(program: Program) -> Self {
        let slow = TcpListener::bind("127.0.0.1:0").expect("a port");
        let port = slow.local_addr().expect("an address").port();
        let transport = format!("inline:{{ {{slow.example = smtp:[127.0.0.1]:{port}}} }}");
        let builder = MailSystem::builder()
            .set("transport_maps", &transport)
            .set("qmgr_message_active_limit", ACTIVE_LIMIT)
            .set("fast_flush_domains", "example.com");
        Self {
            system: MailSystem::start(builder),
            program,
            slow,
            names: Vec::new(),
            logged: 0,
        }
    }

    /// The queue, as Postfix's own postqueue lists it.
    fn listed(&self) -> Vec<Value> {
        let output = self.system.tool("postqueue", &["-j"]);
        let text = output.stdout_text();
        let objects = text.lines().map(serde_json::from_str);
        objects.map(|object| object.expect("an object")).collect()
    }

    fn places(&self) -> Places {
        let listed = self.listed();
        let place = |message| (sender_of(message), member(message, "queue_name"));
        listed.iter().map(place).collect()
    }

    /// Gives names to the IDs that have none.
    fn name(&mut self) {
        for message in self.listed() {
            let id = member(&message, "queue_id");
            if self.names.iter().any(|(known, _)| *known == id) {
                continue;
            }
            let prefix = format!("<{}#", sender_of(&message));
            let earlier = self.names.iter().filter(|(_, n)| n.starts_with(&prefix));
            let name = format!("{prefix}{}>", earlier.count() + 1);
            self.names.push((id, name));
        }
    }

    /// The ID that a sender's message has now.
    pub fn id(&self, sender: &str) -> String {
        let listed = self.listed();
        let found = listed.iter().find(|message| sender_of(message) == sender);
        member(found.expect("its message"), "queue_id")
    }

    /// ID and time of arrival of a sender's message.
    fn arrival(&self, sender: &str) -> (String, i64) {
        let listed = self.listed();
        let found = listed.iter().find(|message| sender_of(message) == sender);
        let message = found.expect("its message");
        let time = message["arrival_time"].as_i64().expect("a time");
        (member(message, "queue_id"), time)
    }

    /// Whose messages have been tried since the last time.
    fn attempts(&self) -> BTreeSet<String> {
        let lines = self.log_of("status=deferred");
        let name = |line: &String| {
            let (_, rest) = line.split_once(": <")?;
            Some(rest.split_once('#')?.0.to_owned())
        };
        lines.iter().filter_map(name).collect()
    }

    /// A script with `@sender@` in place of IDs.
    fn script(&self, script: &str) -> String {
        let mut parts = script.split('@').peekable();
        let mut text = String::new();
        let mut is_name = false;
        while let Some(part) = parts.next() {
            let is_last = parts.peek().is_none();
            // An address has an @, too: names are short words.
            let is_word = part.len() < 8 && part.bytes().all(|b| b.is_ascii_alphanumeric());
            if is_name && is_word && !is_last {
                text.push_str(&self.id(part));
                is_name = false;
                continue;
            }
            if is_name {
                text.push('@');
            }
            text.push_str(part);
            is_name = true;
        }
        text
    }

    /// What both systems have to print: with names for IDs, times and ports.
    fn canonical(&self, text: &str) -> String {
        let mut text = text.replace(&self.system.instance.root().display().to_string(), "@ROOT@");
        let slow = self.slow.local_addr().expect("an address").port();
        text = text.replace(&format!(":{slow}"), ":SLOW");
        text = text.replace(&format!(":{}", self.system.destination()), ":PORT");
        let mut names = self.names.clone();
        names.sort_by_key(|(id, _)| std::cmp::Reverse(id.len()));
        for (id, name) in names {
            text = text.replace(&id, &name);
        }
        for (pattern, word) in [
            (r"[A-Z][a-z]{2} +\d+ \d\d:\d\d:\d\d", "DATE"),
            (r#""arrival_time": \d+"#, "TIME"),
            (r"\[\d+\]: ", "[PID]: "),
            (r" +", " "),
        ] {
            let pattern = Regex::new(pattern).expect("an expression");
            text = pattern.replace_all(&text, word).into_owned();
        }
        text
    }

    /// Runs a script; the order of a directory differs between the two, and so
    /// does that of entries and lines.
    fn run(&mut self, script: &str) -> (Ended, String, String) {
        self.name();
        let script = self.script(script);
        let Output {
            ended,
            stdout,
            stderr,
        } = pipeline_of(self.program, &self.system.instance, &script);
        self.name();
        let sorted = |bytes: &[u8], separator: &str| {
            let text = self.canonical(&String::from_utf8_lossy(bytes));
            // No empty line comes after the heading.
            let text = text.replace("Recipient-------\n", "Recipient-------\n\n");
            let mut parts: Vec<_> = text.trim_end().split(separator).collect();
            parts.sort_unstable();
            parts.join(separator)
        };
        (ended, sorted(&stdout, "\n\n"), sorted(&stderr, "\n"))
    }

    /// What has been logged by a daemon or tool since the last time.
    fn log_of(&self, word: &str) -> Vec<String> {
        let path = self.system.instance.root().join("mail.log");
        let text = fs::read_to_string(path).unwrap_or_default();
        let text = self.canonical(text.get(self.logged..).unwrap_or_default());
        let mut lines: Vec<_> = text.lines().filter(|line| line.contains(word)).collect();
        lines.sort_unstable();
        lines.into_iter().map(str::to_owned).collect()
    }

    fn log_ends_here(&mut self) {
        let path = self.system.instance.root().join("mail.log");
        self.logged = fs::metadata(path).map_or(0, |found| found.len() as usize);
    }
}

fn member(message: &Value, name: &str) -> String {
    message[name].as_str().unwrap_or_default().to_owned()
}

/// The local part of a message's sender.
fn sender_of(message: &Value) -> String {
    let sender = member(message, "sender");
    sender.split('@').next().unwrap_or_default().to_owned()
}

/// Both of them.
pub struct Twins {
    pub ours: Twin,
    pub theirs: Twin,
}

impl Twins {
    pub fn start() -> Self {
        Self {
            ours: Twin::start(under_test()),
            theirs: Twin::start(Program::Theirs),
        }
    }

    /// Hands in a message, and waits for it to be where it belongs.
    pub fn submit(&mut self, sender: &str, recipient: &str, place: &str) {
        for twin in [&mut self.ours, &mut self.theirs] {
            let text = format!("Subject: {sender}\n\nThe text of {sender}.\n");
            let domain = if sender == "spammer" { "bad" } else { "fine" };
            let address = format!("{sender}@{domain}.example");
            twin.system.submit(&address, &[recipient], &text);
            wait_for(twin, &|places| {
                places.get(sender).is_some_and(|found| found == place)
            });
            twin.name();
        }
    }

    /// Runs a script on each of the two: what it prints, its status and the
    /// log of `program` have to be the same. Returns what was printed.
    pub fn run(&mut self, script: &str, program: &str) -> String {
        self.ours.log_ends_here();
        self.theirs.log_ends_here();
        let theirs = self.theirs.run(script);
        let ours = self.ours.run(script);
        assert_eq!(ours, theirs, "{script}");
        let deadline = Instant::now() + PATIENCE;
        loop {
            let (ours, theirs) = (self.ours.log_of(program), self.theirs.log_of(program));
            if ours == theirs {
                break;
            }
            assert!(Instant::now() < deadline, "{script}: {ours:#?} {theirs:#?}");
            thread::sleep(Duration::from_millis(50));
        }
        ours.1 + "\n" + &ours.2
    }

    /// What was logged since the last script, the same on both.
    pub fn logged(&self, program: &str) -> Vec<String> {
        self.ours.log_of(program)
    }

    /// Waits until these messages and no others were tried since the script.
    pub fn wait_for_attempts(&self, script: &str, senders: &[&str]) {
        let expected: BTreeSet<_> = senders.iter().map(|&sender| sender.to_owned()).collect();
        for twin in [&self.ours, &self.theirs] {
            let deadline = Instant::now() + PATIENCE;
            while twin.attempts() != expected {
                assert!(
                    Instant::now() < deadline,
                    "{script}: {:?} {}",
                    twin.attempts(),
                    twin.system.diagnosis()
                );
                thread::sleep(Duration::from_millis(50));
            }
        }
    }

    /// Wakes pickup, by Postfix's own tool, and waits until maildrop is empty.
    pub fn pick_up(&self) {
        for twin in [&self.ours, &self.theirs] {
            twin.system.tool("postqueue", &["-f"]);
            wait_for(twin, &|places| {
                places.values().all(|queue| queue != "maildrop")
            });
        }
    }

    /// ID and time of arrival of a sender's message on each of the two.
    pub fn arrivals(&self, sender: &str) -> [(String, i64); 2] {
        [self.ours.arrival(sender), self.theirs.arrival(sender)]
    }

    /// Times of arrival are in whole seconds.
    pub fn sleep_a_second(&self) {
        thread::sleep(Duration::from_millis(1100));
    }

    /// Where the messages are: the same on both, sooner or later.
    pub fn settle(&self, expected: &[(&str, &str)]) {
        let expected: Places = expected
            .iter()
            .map(|&(sender, queue)| (sender.to_owned(), queue.to_owned()))
            .collect();
        for twin in [&self.ours, &self.theirs] {
            wait_for(twin, &|places| *places == expected);
        }
    }

    /// The same, at once: a tool is done when it ends.
    pub fn assert_places(&self, expected: &[(&str, &str)]) {
        let [ours, theirs] = [&self.ours, &self.theirs].map(Twin::places);
        let log = || [&self.ours, &self.theirs].map(|twin| twin.system.diagnosis());
        assert_eq!(ours, theirs, "{:#?}", log());
        let ours: Vec<_> = ours.iter().map(|(s, q)| (s.as_str(), q.as_str())).collect();
        assert_eq!(ours, expected);
    }

    /// Whose messages are left, in whatever queue.
    pub fn assert_left(&self, expected: &[&str]) {
        for twin in [&self.ours, &self.theirs] {
            let places = twin.places();
            let left: Vec<_> = places.keys().map(String::as_str).collect();
            assert_eq!(left, expected, "{}", twin.system.diagnosis());
        }
    }
}

fn wait_for(twin: &Twin, is_there: &dyn Fn(&Places) -> bool) {
    let deadline = Instant::now() + PATIENCE;
    let mut next_wake = Instant::now() + WAKE;
    loop {
        let places = twin.places();
        if is_there(&places) {
            return;
        }
        let now = Instant::now();
        assert!(now < deadline, "{places:?}: {}", twin.system.diagnosis());
        // A queue manager that was scanning already may have passed over a
        // message that cleanup was about to complete, and scans again only when
        // it is woken.
        if now >= next_wake && places.values().any(|queue| queue == "incoming") {
            twin.system.tool("postqueue", &["-f"]);
            next_wake = now + WAKE;
        }
        thread::sleep(Duration::from_millis(50));
    }
}
