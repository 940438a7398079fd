//! Builds a selection from scanned options.

use super::client::ClientPattern;
use super::conditions::{
    AttributeTest, Conditions, ContentTest, Expiry, HeadTest, NameTest, Negation, RecipientTest,
    join,
};
use super::error::SelectionError;
use super::groups::Selection;
use super::lists::{queues, statuses};
use super::options::OPTIONS;
use super::pattern::{AddressPattern, DomainPattern, Pattern};
use super::values::{Bound, future_moment, moment};
use crate::cli::Scanned;
use crate::queue_file::mime::TextForm;

/// maximal_queue_lifetime and bounce_queue_lifetime, in seconds, until
/// [`Selection::set_lifetimes`] sets them: Postfix's default of five days.
const DEFAULT_LIFETIME: i64 = 5 * 86_400;

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
    /// The groups before the last `--or`.
    groups: Vec<Conditions>,
    /// The time from which durations count back, in seconds since the epoch.
    now: i64,
    /// The conditions since the last `--or`.
    group: Conditions,
    form: TextForm,
    next: Negation,
    /// The number of options since the last `--or`.
    given: u32,
}

impl Builder {
    /// Creates a builder. `now` is in seconds since the epoch.
    pub fn new(now: i64) -> Self {
        Self {
            groups: Vec::new(),
            now,
            group: Conditions::default(),
            form: TextForm::default(),
            next: Negation::Is,
            given: 0,
        }
    }

    /// Adds an option to the selection, if it is a selection option.
    ///
    /// # Errors
    ///
    /// The value is invalid, `--not` precedes an option that cannot be negated, or
    /// `--or` follows no selection option.
    pub fn take(&mut self, scanned: &Scanned) -> Result<Taken, SelectionError> {
        let (option, value) = match scanned {
            Scanned::Long("not", _) if self.next == Negation::Is => {
                self.next = Negation::IsNot;
                return Ok(Taken::Yes);
            }
            Scanned::Long(option, value) if OPTIONS.iter().any(|o| o.long == Some(option)) => {
                (*option, value)
            }
            Scanned::Long("raw", _) if self.next == Negation::Is => {
                self.form = TextForm::Raw;
                return Ok(Taken::Yes);
            }
            Scanned::Long("or", _) if self.next == Negation::Is => {
                self.end_group()?;
                return Ok(Taken::Yes);
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

    fn end_group(&mut self) -> Result<(), SelectionError> {
        if self.given == 0 {
            return Err(SelectionError::NothingToJoin);
        }
        self.groups.push(std::mem::take(&mut self.group));
        self.given = 0;
        Ok(())
    }

    /// Whether text is compared and shown decoded.
    pub fn form(&self) -> TextForm {
        self.form
    }

    /// Returns the selection; `None` if no selection option was given.
    ///
    /// # Errors
    ///
    /// As [`Builder::finish_shown`], or `--raw` is given and no text is compared.
    pub fn finish(self) -> Result<Option<Selection>, SelectionError> {
        let form = self.form;
        let selection = self.finish_shown()?;
        let compares = selection.as_ref().is_some_and(Selection::compares_text);
        if form == TextForm::Raw && !compares {
            return Err(SelectionError::NothingToCompare);
        }
        Ok(selection)
    }

    /// Returns the selection, for an applet that also shows the text of messages.
    ///
    /// # Errors
    ///
    /// `--not` or `--or` was the last option.
    pub fn finish_shown(mut self) -> Result<Option<Selection>, SelectionError> {
        if self.next == Negation::IsNot {
            return Err(SelectionError::NothingToNegate);
        }
        if self.given == 0 && self.groups.is_empty() {
            return Ok(None);
        }
        self.end_group()?;
        Ok(Some(Selection {
            groups: self.groups,
            form: self.form,
        }))
    }

    fn add(&mut self, option: &'static str, text: &str) -> Result<(), String> {
        let negation = self.next;
        let Conditions {
            names,
            heads,
            recipients,
            attributes,
            contents,
        } = &mut self.group;
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

fn head_test(option: &str, text: &str, now: i64) -> Result<HeadTest, String> {
    Ok(match option {
        "from" => HeadTest::From(AddressPattern::parse(text)?),
        "from-domain" => HeadTest::FromDomain(DomainPattern::parse(text)?),
        "older" => HeadTest::Before(moment(text, now)?),
        "newer" => HeadTest::Since(moment(text, now)?),
        "due" => HeadTest::Due(future_moment(text, now)?),
        "expires" => HeadTest::Expires(Expiry {
            until: future_moment(text, now)?,
            lifetime: DEFAULT_LIFETIME,
            bounce_lifetime: DEFAULT_LIFETIME,
        }),
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

#[cfg(test)]
mod tests {
    use super::*;
    use crate::spool::Queue;

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
                "older" | "newer" | "due" | "expires" => "3d",
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
    fn raw_requires_a_comparison_of_text() {
        assert!(build(&[("raw", ""), ("body", "x")]).unwrap().unwrap().form == TextForm::Raw);
        for options in [&[("raw", "")][..], &[("raw", ""), ("from", "x")]] {
            assert!(build(options).map(drop).unwrap_err().contains("--raw"));
        }
        assert!(
            build(&[("not", ""), ("raw", "")])
                .map(drop)
                .unwrap_err()
                .contains("--not")
        );
    }

    #[test]
    fn corrupt_is_searched_only_if_it_is_named() {
        let admits = |options: &[(&'static str, &str)]| {
            let selection = build(options).unwrap().unwrap();
            let by_name = selection.admits_name(b"corrupt", b"A");
            assert_eq!(by_name, selection.admits_queue(Queue::Corrupt));
            assert_eq!(selection.names_corrupt(), by_name);
            by_name
        };
        assert!(admits(&[("queue", "hold,corrupt")]));
        assert!(!admits(&[("id", "A")]) && !admits(&[("queue", "hold")]));
        assert!(!admits(&[("not", ""), ("queue", "hold")]));
        assert!(!admits(&[("not", ""), ("queue", "corrupt")]));
        // The second group does not name it.
        let both = [("queue", "corrupt"), ("id", "B"), ("or", ""), ("id", "A")];
        let both = build(&both).unwrap().unwrap();
        assert!(!both.admits_name(b"corrupt", b"A") && both.admits_name(b"corrupt", b"B"));
    }

    #[test]
    fn or_joins_groups_of_options() {
        for options in [
            &[("or", "")][..],
            &[("or", ""), ("from", "a")],
            &[("from", "a"), ("or", "")],
            &[("from", "a"), ("or", ""), ("or", ""), ("from", "b")],
        ] {
            assert!(build(options).map(drop).unwrap_err().contains("--or"));
        }
        let wrong = build(&[("from", "a"), ("not", ""), ("or", ""), ("from", "b")]);
        assert!(wrong.map(drop).unwrap_err().contains("--not"));
        let selection = build(&[
            ("queue", "hold"),
            ("id", "A"),
            ("or", ""),
            ("queue", "active"),
        ]);
        let selection = selection.unwrap().unwrap();
        let admits = |queue: &str, id: &str| selection.admits_name(queue.as_bytes(), id.as_bytes());
        assert!(admits("hold", "A") && admits("active", "B") && !admits("hold", "B"));
        assert!(selection.admits_queue(Queue::Active) && !selection.admits_queue(Queue::Deferred));
        assert!(selection.needs_names_only() && selection.needs_spool().is_none());
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
