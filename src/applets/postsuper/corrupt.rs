//! Damaged messages, in the queue corrupt: which requests are possible there.
//!
//! postsuper(1) never works on that queue. A selection that names it does, to
//! delete a message, or to put it on hold and release it after a repair.

use super::arguments::PostsuperArguments;
use super::options::MATCH;
use crate::actions::Action;
use crate::selection::Selection;

/// Refuses a request that is not possible with damaged messages, if the selection
/// names their queue.
///
/// # Errors
///
/// The text of the message.
pub(super) fn check(arguments: &PostsuperArguments) -> Result<(), String> {
    let selection = arguments.options.selection.as_ref();
    if !selection.is_some_and(Selection::names_corrupt) {
        return Ok(());
    }
    let is_possible = |action: &Action| matches!(action, Action::Delete | Action::Hold);
    let problem = if !arguments.operands.is_empty() || arguments.repairs() {
        "cannot be combined with queue operands, -p, -s and -S"
    } else if arguments
        .actions
        .iter()
        .any(|(_, argument)| argument != MATCH)
    {
        "cannot be combined with queue IDs, ALL and -"
    } else if !arguments
        .actions
        .iter()
        .all(|(action, _)| is_possible(action))
    {
        "requires -d or -h: put damaged messages on hold, and release them from there"
    } else {
        return Ok(());
    };
    Err(format!("--queue=corrupt {problem}"))
}
