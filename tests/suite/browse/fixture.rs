//! A queue of which every screen is known: messages with names and ages that do
//! not depend on the machine or the time.

use std::path::Path;
use std::process::Command;
use std::time::{SystemTime, UNIX_EPOCH};

use spoolbox::queue_file::records::writer::QueueFile;

use crate::support::instance::{Builder, Instance};
use crate::support::screen::OnScreen;
use crate::support::spool::{Name, NewFile, Placed};
use crate::support::tree::{Labels, Snapshot};

const HOUR: i64 = 3600;
const DAY: i64 = 24 * HOUR;

/// The usual size of a terminal.
pub const USUAL: (u16, u16) = (24, 80);

/// A message: queue, name, age, sender, recipients, subject, reason.
type Entry = (
    &'static str,
    &'static str,
    i64,
    &'static str,
    &'static [&'static str],
    &'static str,
    &'static str,
);

const REFUSED: &str = "connect to mx.slow.example[192.0.2.7]:25: Connection refused";
const FULL: &str = "host mx.full.example[192.0.2.9] said: 452 4.2.2 Mailbox full";

const ENTRIES: [Entry; 8] = [
    (
        "deferred",
        "4BULK00001",
        3 * DAY + HOUR,
        "offers@bulk.example",
        &["ann@slow.example"],
        "Offers of the week",
        REFUSED,
    ),
    (
        "deferred",
        "4BULK00002",
        2 * DAY + HOUR,
        "offers@bulk.example",
        &["joe@slow.example"],
        "Offers of the week",
        REFUSED,
    ),
    (
        "deferred",
        "4BULK00003",
        5 * HOUR + 600,
        "offers@bulk.example",
        &["eve@full.example", "bob@full.example"],
        "Offers of the week",
        FULL,
    ),
    (
        "deferred",
        "4HAND00004",
        26 * HOUR,
        "jürgen@hand.example",
        &["x@full.example"],
        "Grüße aus Köln",
        FULL,
    ),
    (
        "hold",
        "4HELD00005",
        4 * DAY + HOUR,
        "list@news.example",
        &["all@dest.example"],
        "日本語の件名です",
        "",
    ),
    (
        "hold",
        "4HELD00006",
        12 * DAY + HOUR,
        "",
        &["root@dest.example"],
        "Undelivered mail",
        "",
    ),
    (
        "active",
        "4LIVE00007",
        HOUR + HOUR / 2,
        "now@hand.example",
        &["you@dest.example"],
        "Right now",
        "",
    ),
    (
        "incoming",
        "4COME00008",
        2 * HOUR + HOUR / 2,
        "in@hand.example",
        &["you@dest.example"],
        "Just here",
        "",
    ),
];

/// An instance with these messages.
pub struct QueueFixture {
    pub instance: Instance,
    placed: Vec<Placed>,
}

pub fn now() -> i64 {
    let now = SystemTime::now()
        .duration_since(UNIX_EPOCH)
        .expect("a time");
    i64::try_from(now.as_secs()).expect("a time")
}

impl QueueFixture {
    pub fn new() -> Self {
        Self::at(now())
    }

    /// One that can be compared with another of the same time.
    pub fn at(now: i64) -> Self {
        Self::build(now, Instance::builder())
    }

    /// One whose instance has this name.
    pub fn named(name: &str) -> Self {
        let builder = Instance::builder().set("multi_instance_name", name);
        Self::build(now(), builder)
    }

    fn build(now: i64, builder: Builder) -> Self {
        let instance = builder.set("smtputf8_enable", "yes").build();
        let placed = ENTRIES
            .iter()
            .map(|entry| put(&instance, entry, now))
            .collect();
        Self { instance, placed }
    }

    pub fn snapshot(&self) -> Snapshot {
        let labels = Labels::of(&self.placed);
        Snapshot::of(&self.instance.queue_directory(), &labels)
    }

    /// The command `spoolbox browse`.
    pub fn command(&self, arguments: &[&str]) -> Command {
        command(&self.instance.etc(), arguments)
    }

    /// Browse on a usual terminal, with the messages that match.
    pub fn browse_any(&self, arguments: &[&str]) -> OnScreen {
        let screen = OnScreen::start(&self.command(arguments), (40, 120));
        screen.wait_for("@");
        screen.wait_without("reading");
        screen
    }

    /// Browse on a terminal of this size, with all messages listed.
    pub fn browse(&self, arguments: &[&str], size: (u16, u16)) -> OnScreen {
        let screen = OnScreen::start(&self.command(arguments), size);
        screen.wait_for("8 messages");
        screen.wait_without("reading");
        screen
    }
}

/// The command `spoolbox browse` for an instance.
pub fn command(etc: &Path, arguments: &[&str]) -> Command {
    let mut command = Command::new(env!("CARGO_BIN_EXE_spoolbox"));
    command
        .args(["browse", "-c"])
        .arg(etc)
        .args(arguments)
        .env_clear()
        .env("PATH", "/usr/sbin:/usr/bin:/sbin:/bin")
        .env("TERM", "xterm")
        .env("LC_ALL", "C.UTF-8")
        .env("TZ", "UTC");
    command
}

fn put(instance: &Instance, entry: &Entry, now: i64) -> Placed {
    let (queue, name, age, sender, recipients, subject, reason) = *entry;
    let arrival = now - age;
    let subject = format!("Subject: {subject}");
    let lines = [
        subject.as_str(),
        "From: a@b.example",
        "",
        "Dear reader,",
        "",
        "the text.",
    ];
    let file = QueueFile::new(arrival, sender, recipients, &lines);
    let name = Name::Literal(name.into());
    let new = NewFile::new(queue, file.to_bytes())
        .named(name)
        .mtime(arrival);
    let placed = instance.spool().put(&new);
    if !reason.is_empty() {
        let log: String = recipients
            .iter()
            .map(|to| entry_of_log(to, reason))
            .collect();
        instance
            .spool()
            .put_log("defer", &placed.name, log.as_bytes());
    }
    placed
}

fn entry_of_log(recipient: &str, reason: &str) -> String {
    format!(
        "<{recipient}>: {reason}\nrecipient={recipient}\noffset=400\nstatus=4.4.1\n\
         action=delayed\nreason={reason}\n\n"
    )
}
