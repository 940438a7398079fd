//! The outcome for each message as one line of JSON (`--results=json`).
//!
//! Defines the names and values of the members.

use std::borrow::Cow;

use serde::Serialize;

use super::action::Action;
use super::report::{ActionDone, ActionResult, Outcome};
use crate::spool::Queue;
use crate::text::{append_json_line, to_printable};

/// Returns the line about a result, with its newline.
pub fn json_line(action: Action, action_result: &ActionResult, instance: Option<&str>) -> String {
    let (result, before, after) = match action_result.outcome {
        Outcome::Done(action_done, queue) => (
            action_done.words(),
            Some(queue),
            queue_after(action_done, queue),
        ),
        Outcome::Unchanged(queue) => ("unchanged", Some(queue), Some(queue)),
        Outcome::NotMoved(queue) => ("not moved", Some(queue), Some(queue)),
        Outcome::NotFound => ("not found", None, None),
        Outcome::Vanished => ("vanished", None, None),
        Outcome::Invalid => ("invalid", None, None),
    };
    line(
        (action, &action_result.id),
        result,
        (before, after),
        instance,
    )
}

/// Returns the line about an action that a dry run would perform on a message
/// in `queue`, with its newline.
pub fn would_be_line(
    action: Action,
    id: &[u8],
    (action_done, queue): (ActionDone, Queue),
    instance: Option<&str>,
) -> String {
    let result = action_done.would_be();
    let queues = (Some(queue), queue_after(action_done, queue));
    line((action, id), &result, queues, instance)
}

fn line(
    (action, id): (Action, &[u8]),
    result: &str,
    (before, after): (Option<Queue>, Option<Queue>),
    instance: Option<&str>,
) -> String {
    let line = ResultLine {
        // Text given instead of an ID need not be UTF-8.
        id: String::from_utf8_lossy(id),
        action: name(action),
        result,
        queue_before: before.map(Queue::name),
        queue_after: after.map(Queue::name),
        instance,
    };
    let mut out = Vec::new();
    append_json_line(&line, &mut out);
    to_printable(&out)
}

/// The members of the JSON object on a line.
#[derive(Serialize)]
struct ResultLine<'a> {
    id: Cow<'a, str>,
    action: &'a str,
    result: &'a str,
    queue_before: Option<&'static str>,
    queue_after: Option<&'static str>,
    #[serde(skip_serializing_if = "Option::is_none")]
    instance: Option<&'a str>,
}

fn name(action: Action) -> &'static str {
    match action {
        Action::Delete => "delete",
        Action::Expire => "expire",
        Action::ExpireAndRelease => "expire and release",
        Action::Hold => "hold",
        Action::Release => "release",
        Action::Requeue => "requeue",
        Action::Postpone => "postpone",
        Action::DropRecipients => "drop recipient",
        Action::Bounce => "bounce",
    }
}

fn queue_after(action_done: ActionDone, before: Queue) -> Option<Queue> {
    match action_done {
        ActionDone::Removed | ActionDone::Purged => None,
        ActionDone::Trashed => Some(Queue::Saved),
        ActionDone::Restored(queue) => Some(queue),
        ActionDone::Requeued => Some(Queue::Maildrop),
        ActionDone::Held => Some(Queue::Hold),
        ActionDone::Released => Some(Queue::Deferred),
        ActionDone::Expired
        | ActionDone::Postponed
        | ActionDone::Unexpired
        | ActionDone::AttemptRestored
        | ActionDone::RecipientsRestored
        | ActionDone::RecipientsDropped => Some(before),
        ActionDone::Returned => Some(Queue::Deferred),
    }
}
