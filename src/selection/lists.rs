//! Parses the values of options that list names: queues and statuses.

use super::conditions::MessageStatus;
use crate::spool::Queue;

/// Parses names of queues that are separated by commas.
///
/// # Errors
///
/// A name is unknown; the text names the queues.
pub fn queues(text: &str) -> Result<Vec<Queue>, String> {
    let mut known = Queue::LISTED.to_vec();
    known.push(Queue::Corrupt);
    let queue = |name: &str| known.iter().copied().find(|queue| queue.name() == name);
    let all: Option<Vec<Queue>> = text.split(',').map(queue).collect();
    all.ok_or_else(|| {
        let names: Vec<&str> = known.iter().map(|queue| queue.name()).collect();
        format!("the queues are {}", names.join(", "))
    })
}

/// Parses names of statuses that are separated by commas.
///
/// # Errors
///
/// A name is unknown; the text names the statuses.
pub fn statuses(text: &str) -> Result<Vec<MessageStatus>, String> {
    let status = |name: &str| match name {
        "active" => Some(MessageStatus::Active),
        "hold" => Some(MessageStatus::Hold),
        "expire" => Some(MessageStatus::Expire),
        _ => None,
    };
    let all: Option<Vec<MessageStatus>> = text.split(',').map(status).collect();
    all.ok_or_else(|| "a status is active, hold or expire".to_owned())
}
