//! A small spool whose content is known: one message of every usual kind.

use spoolbox::queue_file::records::writer::{QueueFile, RecipientsIn};

use super::instance::Instance;
use super::spool::{Name, NewFile, Placed};

/// The reason in the logs of the deferred messages.
pub const REASON: &str = "connect to 127.0.0.1[127.0.0.1]:9: Connection refused";
/// Mon Nov 23 13:00:15 2026, UTC.
pub const ARRIVAL: i64 = 1_795_438_815;

/// The messages of the sample spool.
pub struct Sample {
    /// Two recipients, deferred, short ID.
    pub deferred: Placed,
    /// One recipient of two still waits for its first try, long ID.
    pub partly: Placed,
    /// On hold, forced to expire.
    pub held: Placed,
    /// Being delivered; from the null sender.
    pub active: Placed,
    /// Just arrived, recipients after the content.
    pub incoming: Placed,
    /// Dropped by a local program.
    pub maildrop: Placed,
}

impl Sample {
    pub fn all(&self) -> [&Placed; 6] {
        [
            &self.deferred,
            &self.partly,
            &self.held,
            &self.active,
            &self.incoming,
            &self.maildrop,
        ]
    }
}

/// Fills the spool of an instance.
pub fn fill(instance: &Instance) -> Sample {
    let spool = instance.spool();
    let put = |queue: &str, microseconds: u32, mode: u32, content: Vec<u8>| {
        let name = Name::Short { microseconds };
        spool.put(&NewFile::new(queue, content).named(name).mode(mode))
    };
    let lines = ["subject: a message", "", "text"];
    let message =
        |sender: &str, recipients: &[&str]| QueueFile::new(ARRIVAL, sender, recipients, &lines);

    let both = ["one@dest.example", "two@dest.example"];
    let deferred = put(
        "deferred",
        0x3A_789,
        0o700,
        message("sender@example.com", &both).to_bytes(),
    );
    spool.put_log("defer", &deferred.name, &log(&both));

    let content = message(
        "partly@example.com",
        &["late@dest.example", "new@dest.example"],
    )
    .to_bytes();
    let name = Name::Long {
        seconds: 1_795_438_815,
        microseconds: 500_000,
    };
    let partly = spool.put(&NewFile::new("deferred", content).named(name));
    spool.put_log("defer", &partly.name, &log(&["late@dest.example"]));

    let mut extracted = message("list@example.com", &["a@dest.example", "b@dest.example"]);
    extracted.recipients_in = RecipientsIn::Extracted;
    let dropped = message("local@example.com", &["drop@dest.example"]);
    Sample {
        deferred,
        partly,
        held: put(
            "hold",
            0x1_0001,
            0o710,
            message("held@example.com", &both).to_bytes(),
        ),
        active: put(
            "active",
            0x2_0002,
            0o700,
            message("", &["bounce@dest.example"]).to_bytes(),
        ),
        incoming: put("incoming", 0x3_0003, 0o700, extracted.to_bytes()),
        maildrop: put("maildrop", 0x4_0004, 0o744, dropped.to_maildrop_bytes()),
    }
}

/// A defer log as bounce(8) writes it.
pub fn log(recipients: &[&str]) -> Vec<u8> {
    let entry = |recipient: &&str| {
        format!(
            "<{recipient}>: {REASON}\nrecipient={recipient}\noffset=400\nstatus=4.4.1\n\
             action=delayed\nreason={REASON}\n\n"
        )
    };
    recipients
        .iter()
        .map(entry)
        .collect::<String>()
        .into_bytes()
}
