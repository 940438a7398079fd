//! A spool whose messages differ in everything that can be selected, of ages
//! counted from now.

use std::time::{SystemTime, UNIX_EPOCH};

use spoolbox::queue_file::records::writer::QueueFile;

use crate::support::instance::Instance;
use crate::support::spool::{Name, NewFile, Placed};

pub const HOUR: i64 = 3600;
pub const DAY: i64 = 24 * HOUR;

pub fn now() -> i64 {
    let since = SystemTime::now().duration_since(UNIX_EPOCH);
    i64::try_from(since.expect("after 1970").as_secs()).expect("a time")
}

/// One message of the spool.
struct Mail {
    queue: &'static str,
    from: &'static str,
    to: &'static [&'static str],
    age: i64,
    attributes: &'static [&'static str],
    lines: &'static [&'static str],
    reason: Option<&'static str>,
}

const PLAIN: Mail = Mail {
    queue: "deferred",
    from: "ann@example.com",
    to: &["joe@dest.example"],
    age: 10 * 60,
    attributes: &[],
    lines: &["Subject: plain", "", "text"],
    reason: None,
};

const REFUSED: &str = "connect to mx1.dest.example[192.0.2.1]:25: Connection refused";
const REFUSED_TOO: &str = "connect to mx2.other.example[192.0.2.2]:25: Connection refused";
const GREY: &str = "host mx.grey.example[203.0.113.9] said: 450 4.2.0 <eve@grey.example>: \
                    Recipient address rejected: Greylisted (in reply to RCPT TO command)";

fn mails() -> Vec<Mail> {
    let client = &[
        "log_client_name=mx.partner.example",
        "log_client_address=192.0.2.77",
        "client_name=localhost",
        "client_address=127.0.0.1",
    ];
    let six = &[
        "client_name=unknown",
        "client_address=2001:db8::25",
        "sasl_method=PLAIN",
        "sasl_username=web17",
    ];
    vec![
        Mail {
            queue: "maildrop",
            from: "cron@host.example",
            ..PLAIN
        },
        Mail {
            queue: "incoming",
            attributes: client,
            ..PLAIN
        },
        Mail {
            queue: "active",
            from: "",
            to: &["ann@example.com"],
            ..PLAIN
        },
        Mail {
            queue: "active",
            from: "bob@Sub.Example.com",
            age: 2 * HOUR,
            attributes: six,
            ..PLAIN
        },
        Mail {
            reason: Some(REFUSED),
            age: 2 * DAY,
            ..PLAIN
        },
        Mail {
            to: &["joe@dest.example", "eve@other.example", "kim@other.example"],
            reason: Some(REFUSED_TOO),
            age: 4 * DAY,
            lines: &[
                "Subject: three of",
                " them",
                "X-Mailer: bulk 2.0",
                "",
                "Buy now",
                "or never",
            ],
            ..PLAIN
        },
        Mail {
            from: "offers@bulk.example",
            to: &["eve@grey.example"],
            reason: Some(GREY),
            age: 5 * HOUR,
            ..PLAIN
        },
        Mail {
            from: "offers@bulk.example",
            to: &["kim@Other.Example"],
            age: 3 * DAY,
            attributes: six,
            ..PLAIN
        },
        Mail {
            queue: "hold",
            from: "offers@bulk.example",
            to: &["a b@dest.example"],
            ..PLAIN
        },
        Mail {
            queue: "hold",
            from: "root",
            age: 8 * DAY,
            lines: &["subject: Large", "", "x"],
            ..PLAIN
        },
    ]
}

/// Fills the spool of an instance; the last message is large, and forced to
/// expire.
pub fn fill(instance: &Instance) -> Vec<Placed> {
    fill_at(instance, now())
}

/// The same, with all ages counted from `now`: for spools that are compared.
pub fn fill_at(instance: &Instance, now: i64) -> Vec<Placed> {
    let spool = instance.spool();
    let mut placed = Vec::new();
    let mails = mails();
    let last = mails.len() - 1;
    for (number, mail) in mails.iter().enumerate() {
        let mut file = QueueFile::new(now - mail.age, mail.from, mail.to, mail.lines);
        for attribute in mail.attributes {
            file.attributes.push(attribute.as_bytes().to_vec());
        }
        if number == last {
            file.lines.push(vec![b'y'; 50_000]);
        }
        let content = match mail.queue {
            "maildrop" => file.to_maildrop_bytes(),
            _ => file.to_bytes(),
        };
        let microseconds = 0x10_001 * (u32::try_from(number).expect("a few") + 1);
        let mode = if number == last { 0o710 } else { 0o700 };
        let file = NewFile::new(mail.queue, content)
            .named(Name::Short { microseconds })
            .mode(mode)
            .mtime(now - mail.age);
        let message = spool.put(&file);
        if let Some(reason) = mail.reason {
            spool.put_log("defer", &message.name, &log(mail.to, reason));
        }
        placed.push(message);
    }
    placed
}

/// A defer log as bounce(8) writes it.
fn log(recipients: &[&str], reason: &str) -> Vec<u8> {
    let entry = |recipient: &&str| {
        format!(
            "<{recipient}>: {reason}\nrecipient={recipient}\noffset=400\nstatus=4.4.1\n\
             action=delayed\nmta_type=dns\nmta_mname=mx.dest.example\nreason={reason}\n\n"
        )
    };
    let all: String = recipients.iter().map(entry).collect();
    all.into_bytes()
}
