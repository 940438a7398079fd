//! Acts on messages: the command line that does the same, and the act itself,
//! which is that command line carried out by postsuper's own code.
//!
//! Tagged messages are named by queue ID; one whose name belongs to another
//! file by now is left alone.

use std::ffi::{OsStr, OsString};
use std::fs::File;
use std::os::unix::ffi::OsStrExt;

use super::super::borrowed::Connections;
use super::super::flush::FlushRequest;
use super::super::postsuper::PreparedInstance;
use super::super::{Call, flush, postsuper};
use super::context::BrowseContext;
use super::filter::quoted;
use super::keys::BrowseAct;
use super::targets::{ActTargets, NamedMessages, ShownTargets};
use crate::logging::Logger;
use crate::spool::QueueId;

/// The number of IDs that are options of a command line; more are read from
/// standard input.
const OPTIONS_MAX: usize = 3;

/// The number of single messages over which attempts are spread: each is one
/// more comparison for each message of the queue.
const SPREAD_MAX: u64 = 200;
/// The argument that represents the messages of selection options.
const MATCH: &str = "MATCH";

/// A request to act.
#[derive(Debug)]
pub enum ActRequest {
    /// Do this with these messages. The text is that of [`Worded`].
    Act(BrowseAct, ActTargets, String),
    /// Take back the batch of this name.
    Undo(String),
}

/// The end of an act.
#[derive(Clone, Debug, Default)]
pub struct ActOutcome {
    /// The messages that postsuper or postqueue would print.
    pub report: Vec<String>,
    /// The batch by which the act can be taken back.
    pub undo: Option<String>,
}

impl BrowseAct {
    /// The act as a verb phrase, as in "Put 3 messages on hold".
    pub fn question(self, messages: &str) -> String {
        match self {
            BrowseAct::Hold => format!("Put {messages} on hold"),
            BrowseAct::Release => format!("Release {messages} from hold"),
            BrowseAct::Requeue => format!("Requeue {messages}"),
            BrowseAct::Delete => format!("Move {messages} to the trash"),
            BrowseAct::Erase => format!("Delete {messages} for good"),
            BrowseAct::Expire => format!("Force {messages} to expire"),
            BrowseAct::Bounce => format!("Return {messages} to the senders"),
            BrowseAct::Postpone => format!("Put off the next attempt for {messages}"),
            BrowseAct::Spread => format!("Release {messages} from hold, spread over a time"),
            BrowseAct::Flush => format!("Try to deliver {messages} now"),
        }
    }

    /// The option of postsuper, or of postqueue for [`BrowseAct::Flush`].
    fn option(self) -> &'static str {
        match self {
            BrowseAct::Hold => "-h",
            BrowseAct::Release | BrowseAct::Spread => "-H",
            BrowseAct::Postpone => "--postpone",
            BrowseAct::Bounce => "--bounce",
            BrowseAct::Requeue => "-r",
            BrowseAct::Delete | BrowseAct::Erase => "-d",
            BrowseAct::Expire => "-e",
            BrowseAct::Flush => "-i",
        }
    }
}

/// An act with the text that the user typed.
#[derive(Clone, Copy, Debug)]
pub struct Worded<'a> {
    /// The act.
    pub act: BrowseAct,
    /// The time of [`BrowseAct::Postpone`] and [`BrowseAct::Spread`], and the reason of
    /// [`BrowseAct::Bounce`].
    pub text: &'a str,
}

/// The words after the name of the tool. `argument` names the messages.
fn words(worded: Worded<'_>, argument: &[String], directory: Option<&OsStr>) -> Vec<OsString> {
    let mut words: Vec<OsString> = Vec::new();
    if let Some(directory) = directory {
        words.push("-c".into());
        words.push(directory.to_owned());
    }
    match worded.act {
        BrowseAct::Delete => words.push("--trash".into()),
        BrowseAct::Erase | BrowseAct::Flush => {}
        _ => words.push("--journal".into()),
    }
    match worded.act {
        BrowseAct::Postpone => words.push(format!("--until={}", worded.text).into()),
        BrowseAct::Spread => words.push(format!("--spread={}", worded.text).into()),
        BrowseAct::Bounce => words.push(format!("--reason-text={}", worded.text).into()),
        _ => {}
    }
    for argument in argument {
        words.push(worded.act.option().into());
        words.push(argument.into());
    }
    words
}

/// The command line that does the same, for a shell.
pub fn one_liner(worded: Worded<'_>, targets: &ShownTargets, directory: Option<&OsStr>) -> String {
    let act = worded.act;
    let tool = match act {
        BrowseAct::Flush => "postqueue",
        _ => "postsuper",
    };
    let line = |argument: &[String], rest: &[String]| {
        let mut line = tool.to_owned();
        let words = words(worded, argument, directory).into_iter();
        let words = words.map(|word| String::from_utf8_lossy(word.as_bytes()).into_owned());
        for word in words.chain(rest.iter().cloned()) {
            line.push(' ');
            line.push_str(&quoted(&word));
        }
        line
    };
    match targets {
        ShownTargets::Matching(selection) if selection.is_empty() && act == BrowseAct::Flush => {
            let words = words(worded, &[], directory);
            let words = words.iter().map(|word| quoted(&word.to_string_lossy()));
            let words: Vec<String> = words.collect();
            format!(
                "{tool} {}",
                [words, vec!["-f".to_owned()]].concat().join(" ")
            )
        }
        ShownTargets::Matching(selection) => line(&[all_or_match(selection)], selection),
        // Its plan needs a selection.
        ShownTargets::Named(ids) if act == BrowseAct::Spread => {
            let ids: Vec<String> = ids.iter().map(id_option).collect();
            line(&[MATCH.to_owned()], &ids)
        }
        ShownTargets::Named(ids) if ids.len() <= OPTIONS_MAX && act != BrowseAct::Flush => {
            let ids: Vec<String> = ids.iter().map(QueueId::to_string).collect();
            line(&ids, &[])
        }
        ShownTargets::Named(ids) => {
            let ids: Vec<String> = ids.iter().map(QueueId::to_string).collect();
            let ids = ids.join(" ");
            match act {
                BrowseAct::Flush => {
                    format!("for i in {ids}; do {}; done", line(&["$i".into()], &[]))
                        .replace("'$i'", "\"$i\"")
                }
                _ => format!("printf '%s\\n' {ids} | {}", line(&["-".into()], &[])),
            }
        }
    }
}

/// The argument that represents the messages of a selection.
fn all_or_match(selection: &[String]) -> String {
    if selection.is_empty() { "ALL" } else { MATCH }.to_owned()
}

/// Carries out a request.
pub fn run(context: &BrowseContext<'_>, request: &ActRequest, logger: &mut Logger) -> ActOutcome {
    logger.take_kept();
    let mut notes = Vec::new();
    match request {
        ActRequest::Act(BrowseAct::Flush, targets, _) => deliver(context, targets, logger),
        ActRequest::Act(act, ActTargets::Matching(selection), text) => {
            let worded = Worded { act: *act, text };
            let mut words = words(worded, &[all_or_match(selection)], context.directory);
            words.extend(selection.iter().map(OsString::from));
            perform(context, words, None, logger);
        }
        ActRequest::Act(act, ActTargets::Named(named), text) => {
            let worded = Worded { act: *act, text };
            if let Err(error) = on_named(context, worded, named, (logger, &mut notes)) {
                notes.push(format!("cannot pass on the queue IDs: {error}"));
            }
        }
        ActRequest::Undo(batch) => {
            let mut words = vec![OsString::from(format!("--undo={batch}"))];
            if let Some(directory) = context.directory {
                words.extend(["-c".into(), directory.to_owned()]);
            }
            perform(context, words, None, logger);
        }
    }
    outcome(logger, notes)
}

fn outcome(logger: &mut Logger, notes: Vec<String>) -> ActOutcome {
    let kept = logger.take_kept();
    let kept = String::from_utf8_lossy(&kept);
    let line = |line: &str| {
        let text = line.split_once(": ").map_or(line, |(_, text)| text);
        text.to_owned()
    };
    let undo = kept
        .lines()
        .rev()
        .find_map(|line| line.rsplit_once("--undo="));
    let undo = undo.map(|(_, batch)| batch.trim().to_owned());
    let report = kept
        .lines()
        .filter(|line| !line.contains("undo: "))
        .map(line);
    ActOutcome {
        report: report.chain(notes).collect(),
        undo,
    }
}

/// Acts on the messages whose names still belong to the same files.
fn on_named(
    context: &BrowseContext<'_>,
    worded: Worded<'_>,
    named: &NamedMessages,
    (logger, notes): (&mut Logger, &mut Vec<String>),
) -> std::io::Result<()> {
    let same = named.still_there(context)?;
    let gone = named.count.saturating_sub(same.count);
    if gone > 0 {
        notes.push(format!(
            "{gone} not there any longer, or replaced: left alone"
        ));
    }
    if same.count == 0 {
        return Ok(());
    }
    if worded.act != BrowseAct::Spread {
        let words = words(worded, &["-".to_owned()], context.directory);
        perform(context, words, Some(same.lines()?), logger);
    } else if same.count > SPREAD_MAX {
        notes.push(format!(
            "attempts are spread over {SPREAD_MAX} single messages at most, or over all \
             messages of a list: Tab chooses them"
        ));
    } else {
        let ids: std::io::Result<Vec<_>> = same.read()?.collect();
        let mut words = words(worded, &[MATCH.to_owned()], context.directory);
        words.extend(ids?.iter().map(|(id, _)| OsString::from(id_option(id))));
        perform(context, words, None, logger);
    }
    Ok(())
}

/// The selection option for one message.
fn id_option(id: &QueueId) -> String {
    format!("--id={id}")
}

/// Carries out a command line of postsuper.
fn perform(
    context: &BrowseContext<'_>,
    words: Vec<OsString>,
    input: Option<File>,
    logger: &mut Logger,
) {
    let mut arguments = vec![OsString::from("--quiet")];
    if words
        .iter()
        .any(|word| word.as_bytes().starts_with(b"--undo="))
    {
        arguments.clear();
    }
    arguments.extend(words);
    let call = Call::new("postsuper", arguments, context.call.caller);
    let place = PreparedInstance {
        config: context.config,
        spool: context.spool,
        interrupts: context.interrupts,
        input: input.as_ref(),
    };
    // A failure has been reported to the logger.
    let _ = postsuper::perform(&call, place, logger);
}

/// Requests delivery.
fn deliver(context: &BrowseContext<'_>, targets: &ActTargets, logger: &mut Logger) {
    let (config, spool) = (context.config, context.spool);
    let named = match targets {
        ActTargets::Matching(_) => {
            let place = (spool, Connections::MoreToCome);
            let all = flush::run(context.call, &FlushRequest::All, config, place, logger);
            if all.is_ok() {
                logger.info("Flushed: all messages");
            }
            return;
        }
        ActTargets::Named(named) => named,
    };
    let mut done = 0u64;
    // Messages that cannot be read are not counted.
    for (id, _) in named.read().into_iter().flatten().map_while(Result::ok) {
        let is_stopped = context.interrupts.caught().is_some();
        if is_stopped || flush::one(&id, config, Connections::MoreToCome, logger).is_err() {
            break;
        }
        done = done.saturating_add(1);
    }
    logger.info(format!("Flushed: {done} of {}", named.count));
}

#[cfg(test)]
mod tests {
    use super::*;

    fn named(ids: &[&str]) -> ShownTargets {
        let id = |id: &&str| QueueId::parse(id.as_bytes()).unwrap();
        ShownTargets::Named(ids.iter().map(id).collect())
    }

    #[test]
    fn one_liners_can_be_copied_to_a_shell() {
        let etc = Some(OsStr::new("/etc/post fix"));
        let matching = |words: &[&str]| {
            ShownTargets::Matching(words.iter().map(|w| (*w).to_owned()).collect())
        };
        for (act, targets, directory, expected) in [
            (
                BrowseAct::Hold,
                named(&["A1"]),
                None,
                "postsuper --journal -h A1",
            ),
            (
                BrowseAct::Delete,
                named(&["A", "B"]),
                etc,
                "postsuper -c '/etc/post fix' --trash -d A -d B",
            ),
            (
                BrowseAct::Erase,
                named(&["A", "B", "C", "D"]),
                None,
                r"printf '%s\n' A B C D | postsuper -d -",
            ),
            (
                BrowseAct::Postpone,
                named(&["A"]),
                None,
                "postsuper --journal --until=2h --postpone A",
            ),
            (
                BrowseAct::Spread,
                named(&["A", "B"]),
                None,
                "postsuper --journal --spread=2h -H MATCH --id=A --id=B",
            ),
            (
                BrowseAct::Release,
                matching(&[]),
                None,
                "postsuper --journal -H ALL",
            ),
            (
                BrowseAct::Requeue,
                matching(&["--from", "*@a.b"]),
                None,
                "postsuper --journal -r MATCH --from '*@a.b'",
            ),
            (
                BrowseAct::Flush,
                matching(&[]),
                etc,
                "postqueue -c '/etc/post fix' -f",
            ),
            (
                BrowseAct::Flush,
                matching(&["--older", "1d"]),
                None,
                "postqueue -i MATCH --older 1d",
            ),
            (
                BrowseAct::Flush,
                named(&["A", "B"]),
                None,
                "for i in A B; do postqueue -i \"$i\"; done",
            ),
        ] {
            let worded = Worded { act, text: "2h" };
            assert_eq!(one_liner(worded, &targets, directory), expected);
        }
    }
}
