//! What a copy of this process that has counted an instance's messages writes for
//! the process that lists the instances: one line for each fact.
//!
//! The copy has read the files of an instance with another user's rights, so what
//! it writes is untrusted input.

use crate::listing::Group;
use crate::spool::Queue;

/// The number of queues.
const QUEUES: usize = Queue::LISTED.len();
/// Separates the words of a line.
const SEPARATOR: char = '\t';

/// The messages of an instance.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct InstanceCounts {
    /// Their number in each queue, in the order of a listing.
    pub queues: [u64; QUEUES],
    /// Their bytes and the arrival of the oldest one, if the messages were read.
    pub measured: Option<(u64, i64)>,
}

impl InstanceCounts {
    /// The number of all messages.
    pub fn messages(&self) -> u64 {
        self.queues
            .iter()
            .fold(0, |sum, count| sum.saturating_add(*count))
    }

    /// Adds messages of a queue.
    pub fn add(&mut self, queue: Queue, count: u64) {
        let place = Queue::LISTED.iter().position(|listed| *listed == queue);
        if let Some(known) = place.and_then(|place| self.queues.get_mut(place)) {
            *known = known.saturating_add(count);
        }
    }

    /// Adds messages that were read.
    pub fn measure(&mut self, queue: Queue, group: &Group) {
        self.add(queue, group.count);
        let (bytes, oldest) = self.measured.unwrap_or((0, i64::MAX));
        let bytes = bytes.saturating_add(group.bytes);
        self.measured = Some((bytes, oldest.min(group.oldest)));
    }
}

/// What is known of an instance after its messages were counted.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct InstanceReport {
    /// Its name, if main.cf could be read.
    pub name: Option<String>,
    /// Its messages, or why they cannot be counted.
    pub counts: Result<InstanceCounts, String>,
}

impl InstanceReport {
    /// The lines for the other process.
    pub fn to_lines(&self) -> String {
        let mut lines = String::new();
        let mut put = |words: [&str; 2]| {
            let words = words.map(|word| word.replace([SEPARATOR, '\n'], " "));
            lines.push_str(&words.join("\t"));
            lines.push('\n');
        };
        if let Some(name) = &self.name {
            put(["name", name]);
        }
        match &self.counts {
            Err(problem) => put(["problem", problem]),
            Ok(counts) => {
                for (queue, count) in Queue::LISTED.iter().zip(counts.queues) {
                    put([queue.name(), &count.to_string()]);
                }
                if let Some((bytes, oldest)) = counts.measured {
                    put(["bytes", &bytes.to_string()]);
                    put(["oldest", &oldest.to_string()]);
                }
                put(["end", ""]);
            }
        }
        lines
    }

    /// Reads the lines of a copy. Without the last one, it has failed.
    pub fn parse(lines: &str) -> Self {
        let mut report = Self {
            name: None,
            counts: Err("the process that counts its messages has failed".to_owned()),
        };
        let mut counts = InstanceCounts::default();
        let (mut bytes, mut oldest) = (None, None);
        for line in lines.lines() {
            let Some((word, value)) = line.split_once(SEPARATOR) else {
                continue;
            };
            match word {
                "name" => report.name = Some(value.to_owned()),
                "problem" => report.counts = Err(value.to_owned()),
                "bytes" => bytes = value.parse().ok(),
                "oldest" => oldest = value.parse().ok(),
                "end" => {
                    counts.measured = bytes.zip(oldest);
                    report.counts = Ok(counts);
                }
                queue => {
                    let queue = Queue::LISTED.into_iter().find(|q| q.name() == queue);
                    if let (Some(queue), Ok(count)) = (queue, value.parse()) {
                        counts.add(queue, count);
                    }
                }
            }
        }
        report
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_report_is_read_as_it_was_written() {
        let counts = InstanceCounts {
            queues: [0, 1, 2, 3, u64::MAX],
            measured: Some((4096, 1_700_000_000)),
        };
        for counts in [Ok(counts), Err("no main.cf".to_owned())] {
            let report = InstanceReport {
                name: Some("postfix-a".to_owned()),
                counts,
            };
            assert_eq!(InstanceReport::parse(&report.to_lines()), report);
        }
    }

    #[test]
    fn a_report_that_is_cut_or_wrong_is_a_failure() {
        for lines in ["", "hold\t3\n", "hold\tx\nend", "\u{0}\nname\n"] {
            assert!(InstanceReport::parse(lines).counts.is_err(), "{lines:?}");
        }
        let split = InstanceReport {
            name: Some("a\tb\nproblem\tc".to_owned()),
            counts: Ok(InstanceCounts::default()),
        };
        let read = InstanceReport::parse(&split.to_lines());
        assert_eq!(read.name.as_deref(), Some("a b problem c"));
        assert!(read.counts.is_ok());
    }
}
