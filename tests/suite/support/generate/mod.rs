//! Spools made of nothing but a seed and a case number.
//!
//! Draws the configuration and fills every queue; `message`, `logs`, `text`
//! and `objects` make what goes in. The same seed and case give the same
//! spool but for the inode numbers in the names.

pub mod contents;
mod logs;
mod message;
pub mod mutate;
mod objects;
pub mod suspect;
mod text;

use std::fs;

use fastrand::Rng;
use walkdir::WalkDir;

use super::instance::{Builder, Instance};
use super::postlog;
use super::spool::{Name, NewFile, OwnedBy, Place, Placed};

/// Which bad input is made.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Input {
    /// Leaves out what Postfix 3.7 reads wrongly.
    SafeFor37,
    /// All of it.
    Any,
}

/// A generated spool and what a run on it needs to know.
pub struct Spool {
    pub instance: Instance,
    /// In the order they were put there: the same for the same seed.
    pub placed: Vec<Placed>,
    /// The value of TZ; unset if `None`.
    pub time_zone: Option<&'static str>,
    /// For what the test itself wants to vary.
    pub rng: Rng,
}

const TIME_ZONES: [Option<&str>; 9] = [
    None,
    Some("UTC"),
    Some("Europe/Berlin"),
    Some("America/New_York"),
    Some("Asia/Kolkata"),
    Some("EST5EDT"),
    Some("<+0330>-3:30"),
    Some("No/Such_Place"),
    Some(""),
];

const HASHED: [&str; 10] = [
    "deferred, defer",
    "deferred, defer",
    "deferred defer bounce",
    "incoming,active,deferred,hold,defer,bounce,trace",
    "incoming  active\thold",
    "DEFERRED, Defer",
    "defer",
    ",deferred,,hold,",
    "nosuch",
    "maildrop deferred",
];

/// The message queues, the likelier ones more often.
const QUEUES: [&str; 9] = [
    "maildrop", "active", "incoming", "incoming", "deferred", "deferred", "deferred", "hold",
    "hold",
];

/// Makes the spool of a case.
pub fn spool(seed: u64, case: u64, input: Input) -> Spool {
    let mut rng = Rng::with_seed(seed ^ case.wrapping_mul(0x9E37_79B9_7F4A_7C15));
    let builder = configuration(&mut rng);
    let time_zone = pick(&mut rng, &TIME_ZONES);
    let instance = builder.build();
    let mut filler = Filler {
        instance,
        rng,
        input,
        placed: Vec::new(),
    };
    filler.fill();
    Spool {
        instance: filler.instance,
        placed: filler.placed,
        time_zone,
        rng: filler.rng,
    }
}

/// True in `percent` of all draws.
pub fn chance(rng: &mut Rng, percent: u32) -> bool {
    rng.u32(0..100) < percent
}

/// One of several.
pub fn pick<T: Copy>(rng: &mut Rng, from: &[T]) -> T {
    *from
        .get(rng.usize(0..from.len()))
        .expect("an index in range")
}

fn configuration(rng: &mut Rng) -> Builder {
    let mut builder = postlog::configure(Instance::builder())
        .set("hash_queue_names", pick(rng, &HASHED))
        .set("hash_queue_depth", pick(rng, &["1", "1", "1", "2", "3"]))
        .set(
            "enable_long_queue_ids",
            pick(rng, &["no", "yes", "YES", "No"]),
        );
    if chance(rng, 15) {
        builder = builder.set("smtputf8_enable", pick(rng, &["no", "yes"]));
    }
    if chance(rng, 10) {
        builder = builder.set("compatibility_level", pick(rng, &["0", "1", "2", "3.7"]));
    }
    if chance(rng, 1) {
        builder = builder.set("empty_address_recipient", "");
    } else if chance(rng, 12) {
        let odd = pick(rng, &["nobody at all", "<>", "caf\u{e9}", "$mail_name"]);
        builder = builder.set("empty_address_recipient", odd);
    }
    if chance(rng, 15) {
        let odd = pick(rng, &["Mail \"Deluxe\"", "X", "M\u{fc}ll\u{1b}[1m"]);
        builder = builder.set("mail_name", odd);
    }
    if chance(rng, 40) {
        builder = builder.set("duplicate_filter_limit", pick(rng, &["0", "1", "2", "5"]));
    }
    if chance(rng, 4) {
        let missing = pick(
            rng,
            &[
                "maildrop", "active", "incoming", "deferred", "hold", "defer",
            ],
        );
        builder = builder.without(missing);
    }
    builder
}

struct Filler {
    instance: Instance,
    rng: Rng,
    input: Input,
    placed: Vec<Placed>,
}

impl Filler {
    fn fill(&mut self) {
        let count = match self.rng.u32(0..100) {
            0..5 => 0,
            5..10 => 1,
            10..97 => self.rng.usize(2..40),
            _ => self.rng.usize(1_000..1_300),
        };
        let huge = count > 0 && chance(&mut self.rng, 4);
        for number in 0..count {
            let recipients = match number {
                0 if huge => self.rng.usize(2_000..6_000),
                _ => self.recipient_count(count),
            };
            let queue = pick(&mut self.rng, &QUEUES);
            if self.has(queue) {
                self.put_message(queue, recipients);
            }
        }
        if count > 0 && chance(&mut self.rng, 70) {
            self.put_objects();
        }
    }

    fn has(&self, queue: &str) -> bool {
        self.instance.queue_directory().join(queue).exists()
    }

    fn recipient_count(&mut self, messages: usize) -> usize {
        match self.rng.u32(0..100) {
            0..8 => 0,
            8..60 => 1,
            60..95 => self.rng.usize(2..8),
            _ if messages < 100 => self.rng.usize(8..200),
            _ => 2,
        }
    }

    fn put_message(&mut self, queue: &str, recipients: usize) {
        let draft = message::draft(&mut self.rng, queue, recipients, self.input);
        let mut file = NewFile::new(queue, draft.content);
        file.name = self.name();
        file.mode = self.mode();
        file.mtime = self.mtime();
        if chance(&mut self.rng, 1) {
            file.owner = OwnedBy::Root;
        }
        if chance(&mut self.rng, 6) {
            file.place = self.wrong_place(queue);
        }
        let Some(placed) = self.instance.spool().put_if_free(&file) else {
            return;
        };
        if chance(&mut self.rng, 3) {
            self.link_again(&placed);
        }
        for (log, percent) in [("defer", 55), ("bounce", 10), ("trace", 3)] {
            if chance(&mut self.rng, percent) && self.has(log) {
                let text = logs::text(&mut self.rng, &draft.recipients);
                let file = NewFile::new(log, text)
                    .named(Name::Literal(placed.name.clone()))
                    .mode(0o600);
                self.placed.extend(self.instance.spool().put_if_free(&file));
            }
        }
        self.placed.push(placed);
    }

    fn name(&mut self) -> Name {
        let microseconds = self.rng.u32(0..1_000_000);
        match self.rng.u32(0..100) {
            0..55 => Name::Short { microseconds },
            55..92 => {
                let seconds = self.rng.u64(0..6_000_000_000);
                Name::Long {
                    seconds,
                    microseconds,
                }
            }
            _ => Name::Literal(objects::odd_id(&mut self.rng)),
        }
    }

    fn mode(&mut self) -> u32 {
        match self.rng.u32(0..100) {
            0..75 => 0o700,
            75..90 => 0o710,
            90..93 => 0o600,
            _ => pick(
                &mut self.rng,
                &[0o777, 0o744, 0o750, 0o400, 0o500, 0o300, 0o000, 0o4710],
            ),
        }
    }

    fn mtime(&mut self) -> Option<i64> {
        Some(match self.rng.u32(0..100) {
            0..80 => self.rng.i64(1_500_000_000..1_800_000_000),
            80..90 => self.rng.i64(0..2_000_000_000),
            90..95 => self.rng.i64(2_147_483_648..9_000_000_000),
            95..98 => -self.rng.i64(1..2_000_000_000),
            _ => return None,
        })
    }

    fn wrong_place(&mut self, queue: &str) -> Place {
        let depth = self.instance.layout().depth(queue);
        let levels = match depth {
            0 => self.rng.usize(1..4),
            _ => self.rng.usize(0..=depth + 1),
        };
        let below = (0..levels)
            .map(|_| pick(&mut self.rng, &["0", "7", "A", "F", "_", "q", "z"]))
            .collect();
        Place::Below(below)
    }

    fn link_again(&mut self, placed: &Placed) {
        let directory = placed.path.parent().expect("a queue").to_owned();
        let name = objects::odd_id(&mut self.rng);
        let other = directory.join(String::from_utf8_lossy(&name).into_owned());
        let spool = self.instance.spool();
        if spool.is_free(&other) {
            spool.hard_link(&placed.path, &other);
        }
    }

    fn put_objects(&mut self) {
        let how_many = self.rng.usize(1..8);
        for number in 0..how_many {
            let queue = pick(&mut self.rng, &QUEUES);
            if self.has(queue) {
                let put = objects::put(&mut self.rng, &self.instance, queue, number);
                self.placed.extend(put);
            }
        }
    }
}

/// Takes away names that are too short to hold a time: what Postfix makes of
/// them depends on what was in memory after the name.
pub fn remove_short_names(spool: &Spool) {
    for queue in ["maildrop", "incoming", "active", "deferred", "hold"] {
        let directory = spool.instance.queue_directory().join(queue);
        for entry in WalkDir::new(directory).into_iter().flatten() {
            let stem = entry.file_name().to_string_lossy().replace("#FIX", "");
            if entry.file_type().is_file() && stem.len() < 5 {
                fs::remove_file(entry.path()).expect("unlink");
            }
        }
    }
}
