//! The selection options: their table, which every applet includes, and their
//! parser.

use super::client::ClientPattern;
use super::conditions::{
    AttributeTest, Clause, ContentTest, HeadTest, MessageStatus, NameTest, Negation, RecipientTest,
    Selection,
};
use super::error::SelectionError;
use super::pattern::{AddressPattern, DomainPattern, Pattern};
use super::values::{Bound, moment};
use crate::cli::{Opt, OptionGroup, Scanned, Value};
use crate::spool::Queue;

const P: Value = Value::Required("P");
const D: Value = Value::Required("DOMAIN");

const T: Value = Value::Required("T");

/// The selection options except `--not`.
const OPTIONS: [Opt; 18] = [
    Opt::long("from", P, "select messages whose sender matches P"),
    Opt::long(
        "from-domain",
        D,
        "select messages whose sender is in DOMAIN, or below it with .DOMAIN",
    ),
    Opt::long("to", P, "select messages with a recipient that matches P"),
    Opt::long(
        "to-domain",
        D,
        "select messages with a recipient in DOMAIN, or below it with .DOMAIN",
    ),
    Opt::long("all-to", P, "select messages whose recipients all match P"),
    Opt::long(
        "reason",
        P,
        "select messages with a recipient that is deferred for a reason that matches P",
    ),
    Opt::long(
        "older",
        T,
        "select messages that arrived before T, such as 90m, 3d, 1w or 2026-11-23T13:00",
    ),
    Opt::long("newer", T, "select messages that arrived at T or later"),
    Opt::long(
        "size",
        Value::Required("N"),
        "select messages of at least (+10M) or at most (-4k) N bytes",
    ),
    Opt::long(
        "rcpt-count",
        Value::Required("N"),
        "select messages with at least (+50) or at most (-5) N pending recipients",
    ),
    Opt::long(
        "queue",
        Value::Required("Q,..."),
        "select messages in one or more of the queues",
    )
    .list_of(&QUEUES),
    Opt::long(
        "status",
        Value::Required("S,..."),
        "select messages that the listing marks as",
    )
    .list_of(&STATUSES),
    Opt::long("id", P, "select messages whose queue ID matches P"),
    Opt::long(
        "subject",
        P,
        "select messages whose Subject header, without decoding, matches P",
    ),
    Opt::long(
        "header",
        Value::Required("NAME: P"),
        "select messages with a header NAME whose value matches P",
    ),
    Opt::long(
        "body",
        P,
        "select messages with a line of the body that matches P",
    ),
    Opt::long(
        "sasl-user",
        P,
        "select messages whose submitter has a login name that matches P",
    ),
    Opt::long(
        "client",
        P,
        "select messages from a client whose name or address matches P, or whose address is in the network P, such as 192.0.2.0/24",
    ),
];

/// Negates the option after it.
pub const NOT: Opt = Opt::long("not", Value::None, "negate the next selection option");

/// The values of `--queue`.
const QUEUES: [&str; 5] = ["maildrop", "active", "incoming", "deferred", "hold"];
/// The values of `--status`.
const STATUSES: [&str; 3] = ["active", "hold", "expire"];

/// The options of a selection as a group of an applet's table.
pub fn group() -> OptionGroup {
    OptionGroup::new("Selecting messages", &[&OPTIONS[..], &[NOT]].concat())
}

/// The paragraph of `--help` on how values match and how options combine.
pub const NOTE: &str = "Selection: P is a text, a glob if it contains * or ?, or a regular \
    expression after re:. The null sender is <>. A message must match all selection options; of \
    an option that is given more than once, it must match at least one value.";

/// Whether an option is a selection option.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Taken {
    /// The option was one, and has been added to the selection.
    Yes,
    /// The option belongs to the applet.
    No,
}

/// Builds a selection from options.
#[derive(Debug)]
pub struct Builder {
    selection: Selection,
    /// The time from which durations count back, in seconds since the epoch.
    now: i64,
    next: Negation,
    given: u32,
}

impl Builder {
    /// Creates a builder. `now` is in seconds since the epoch.
    pub fn new(now: i64) -> Self {
        Self {
            selection: Selection::default(),
            now,
            next: Negation::Is,
            given: 0,
        }
    }

    /// Adds an option to the selection, if it is a selection option.
    ///
    /// # Errors
    ///
    /// The value is invalid, or `--not` precedes an option that cannot be negated.
    pub fn take(&mut self, scanned: &Scanned) -> Result<Taken, SelectionError> {
        let (option, value) = match scanned {
            Scanned::Long("not", _) if self.next == Negation::Is => {
                self.next = Negation::IsNot;
                return Ok(Taken::Yes);
            }
            Scanned::Long(option, value) if OPTIONS.iter().any(|o| o.long == Some(option)) => {
                (*option, value)
            }
            _ if self.next == Negation::IsNot => return Err(SelectionError::NothingToNegate),
            _ => return Ok(Taken::No),
        };
        let wrong = |problem: String| SelectionError::Value {
            option,
            value: value.display().to_string(),
            problem,
        };
        let text = value
            .to_str()
            .ok_or_else(|| wrong("it is not UTF-8".to_owned()))?;
        self.add(option, text).map_err(wrong)?;
        self.next = Negation::Is;
        self.given = self.given.saturating_add(1);
        Ok(Taken::Yes)
    }

    /// Returns the selection; `None` if no selection option was given.
    ///
    /// # Errors
    ///
    /// `--not` was the last option.
    pub fn finish(self) -> Result<Option<Selection>, SelectionError> {
        match self.next {
            Negation::IsNot => Err(SelectionError::NothingToNegate),
            Negation::Is => Ok((self.given > 0).then_some(self.selection)),
        }
    }

    fn add(&mut self, option: &'static str, text: &str) -> Result<(), String> {
        let negation = self.next;
        let Selection {
            names,
            heads,
            recipients,
            attributes,
            contents,
        } = &mut self.selection;
        match option {
            "id" => join(names, option, negation, NameTest::Id(Pattern::parse(text)?)),
            "queue" => join(names, option, negation, NameTest::Queue(queues(text)?)),
            "sasl-user" => {
                let test = AttributeTest::SaslUser(Pattern::parse(text)?);
                join(attributes, option, negation, test);
            }
            "client" => {
                let test = AttributeTest::Client(ClientPattern::parse(text)?);
                join(attributes, option, negation, test);
            }
            "subject" | "header" | "body" => {
                join(contents, option, negation, content_test(option, text)?);
            }
            "to" | "all-to" | "to-domain" | "reason" | "rcpt-count" => {
                join(recipients, option, negation, recipient_test(option, text)?);
            }
            _ => join(heads, option, negation, head_test(option, text, self.now)?),
        }
        Ok(())
    }
}

impl Selection {
    /// The same selection, restricted to messages that were not forced to expire.
    pub fn without_expired(&self) -> Self {
        let mut narrowed = self.clone();
        let test = HeadTest::Status(vec![MessageStatus::Expire]);
        join(&mut narrowed.heads, "status", Negation::IsNot, test);
        narrowed
    }
}

/// Adds a test to the clause of its option and negation, or starts a new clause.
fn join<T>(clauses: &mut Vec<Clause<T>>, option: &'static str, negation: Negation, test: T) {
    let same = |clause: &&mut Clause<T>| clause.option == option && clause.negation == negation;
    match clauses.iter_mut().find(same) {
        Some(clause) => clause.tests.push(test),
        None => clauses.push(Clause {
            option,
            negation,
            tests: vec![test],
        }),
    }
}

fn head_test(option: &str, text: &str, now: i64) -> Result<HeadTest, String> {
    Ok(match option {
        "from" => HeadTest::From(AddressPattern::parse(text)?),
        "from-domain" => HeadTest::FromDomain(DomainPattern::parse(text)?),
        "older" => HeadTest::Before(moment(text, now)?),
        "newer" => HeadTest::Since(moment(text, now)?),
        "size" => HeadTest::Size(Bound::parse_size(text)?),
        _ => HeadTest::Status(statuses(text)?),
    })
}

fn recipient_test(option: &str, text: &str) -> Result<RecipientTest, String> {
    Ok(match option {
        "to" => RecipientTest::To(AddressPattern::parse(text)?),
        "all-to" => RecipientTest::AllTo(AddressPattern::parse(text)?),
        "to-domain" => RecipientTest::ToDomain(DomainPattern::parse(text)?),
        "reason" => RecipientTest::Reason(Pattern::parse(text)?),
        _ => RecipientTest::Count(Bound::parse_count(text)?),
    })
}

fn content_test(option: &str, text: &str) -> Result<ContentTest, String> {
    if option == "subject" {
        return Ok(ContentTest::Header(
            b"subject".to_vec(),
            Pattern::parse(text)?,
        ));
    }
    if option == "body" {
        return Ok(ContentTest::Body(Pattern::parse(text)?));
    }
    match text.split_once(':') {
        Some((name, value)) if is_header_name(name) => {
            let pattern = Pattern::parse(value.trim_start())?;
            Ok(ContentTest::Header(name.as_bytes().to_vec(), pattern))
        }
        _ => Err("give a header's name, a colon and a pattern: 'X-Mailer: *bulk*'".to_owned()),
    }
}

fn is_header_name(name: &str) -> bool {
    !name.is_empty() && name.bytes().all(|b| b.is_ascii_graphic())
}

fn queues(text: &str) -> Result<Vec<Queue>, String> {
    let queue = |name: &str| Queue::LISTED.into_iter().find(|queue| queue.name() == name);
    let all: Option<Vec<Queue>> = text.split(',').map(queue).collect();
    all.ok_or_else(|| {
        let names = Queue::LISTED.map(Queue::name).join(", ");
        format!("the queues are {names}")
    })
}

fn statuses(text: &str) -> Result<Vec<MessageStatus>, String> {
    let status = |name: &str| match name {
        "active" => Some(MessageStatus::Active),
        "hold" => Some(MessageStatus::Hold),
        "expire" => Some(MessageStatus::Expire),
        _ => None,
    };
    let all: Option<Vec<MessageStatus>> = text.split(',').map(status).collect();
    all.ok_or_else(|| "a status is active, hold or expire".to_owned())
}

#[cfg(test)]
mod tests {
    use super::*;

    fn build(options: &[(&'static str, &str)]) -> Result<Option<Selection>, String> {
        let mut builder = Builder::new(1_000_000);
        for (name, value) in options {
            let scanned = Scanned::Long(name, value.into());
            match builder.take(&scanned) {
                Ok(Taken::Yes) => {}
                Ok(Taken::No) => panic!("{name} is not taken"),
                Err(error) => return Err(error.to_string()),
            }
        }
        builder.finish().map_err(|error| error.to_string())
    }

    #[test]
    fn every_option_of_the_table_is_understood() {
        for option in OPTIONS {
            let name = option.long.unwrap();
            let value = match name {
                "from-domain" | "to-domain" => ".example.com",
                "older" | "newer" => "3d",
                "size" | "rcpt-count" => "+5",
                "queue" => "active,hold",
                "status" => "hold,expire",
                "header" => "X-Mailer: *bulk*",
                _ => "re:^x",
            };
            let selection = build(&[("not", ""), (name, value)]).unwrap().unwrap();
            assert!(selection.admits_name(b"active", b"x1") || name == "id" || name == "queue");
        }
    }

    #[test]
    fn no_option_is_no_selection() {
        assert!(build(&[]).unwrap().is_none());
    }

    #[test]
    fn errors_name_the_option_and_the_problem() {
        for (name, value, part) in [
            ("from", "re:(", "bad value for --from: re:(: "),
            ("size", "10M", "say +10M for at least"),
            ("older", "3", "give a time such as"),
            ("queue", "active,,hold", "the queues are maildrop, "),
            ("queue", "saved", "the queues are maildrop, "),
            ("status", "defered", "a status is"),
            ("header", "nocolon", "a header's name"),
            ("header", ": x", "a header's name"),
            ("rcpt-count", "5", "say +50"),
        ] {
            let error = build(&[(name, value)]).map(drop).unwrap_err();
            assert!(error.contains(part), "{error}");
        }
    }

    #[test]
    fn not_requires_a_selection_option_after_it() {
        for options in [&[("not", "")][..], &[("not", ""), ("not", "")]] {
            assert!(build(options).map(drop).unwrap_err().contains("--not"));
        }
        let mut builder = Builder::new(0);
        let not = Scanned::Long("not", "".into());
        assert_eq!(builder.take(&not), Ok(Taken::Yes));
        assert!(builder.take(&Scanned::Short('p', "".into())).is_err());
    }

    #[test]
    fn queue_and_id_are_decided_by_name() {
        let admits = |options: &[(&'static str, &str)], queue: &str, id: &str| {
            let selection = build(options).unwrap().unwrap();
            selection.admits_name(queue.as_bytes(), id.as_bytes())
        };
        assert!(admits(&[("queue", "active,hold")], "hold", "A"));
        assert!(!admits(&[("queue", "active,hold")], "deferred", "A"));
        assert!(admits(
            &[("queue", "active"), ("queue", "hold")],
            "hold",
            "A"
        ));
        assert!(!admits(&[("queue", "hold"), ("id", "B*")], "hold", "A"));
        assert!(!admits(&[("not", ""), ("id", "A")], "hold", "A"));
        assert!(!admits(&[("status", "hold")], "deferred", "A"));
        assert!(admits(&[("status", "hold,expire")], "deferred", "A"));
        assert!(!admits(
            &[("not", ""), ("status", "hold,expire")],
            "hold",
            "A"
        ));
        // Both IDs are excluded: two negated options do not mean "not A or not B".
        let neither = [("not", ""), ("id", "A"), ("not", ""), ("id", "B")];
        assert!(!admits(&neither, "hold", "A") && !admits(&neither, "hold", "B"));
        assert!(admits(&neither, "hold", "C"));
    }
}
