//! The order of actions in postsuper before Postfix 3.5, which is not that of
//! the options. Observed with Postfix 3.4.13.

use std::ffi::OsString;

use super::options::ALL;
use crate::actions::Action;
use crate::logging::Logger;

/// The actions in this order, and their letters.
const ORDER: [(Action, char); 4] = [
    (Action::Delete, 'd'),
    (Action::Requeue, 'r'),
    (Action::Hold, 'h'),
    (Action::Release, 'H'),
];

/// Sorts actions into this order: first those on ALL, once each, then those on
/// queue IDs. An action on ALL drops the same action on queue IDs, with a
/// warning.
pub fn arrange(actions: &mut Vec<(Action, OsString)>, logger: &mut Logger) {
    let given = std::mem::take(actions);
    let (all, mut single): (Vec<_>, Vec<_>) =
        given.into_iter().partition(|(_, argument)| argument == ALL);
    for (action, letter) in ORDER {
        let Some(first) = all.iter().find(|(other, _)| *other == action) else {
            continue;
        };
        actions.push(first.clone());
        let count = single.len();
        single.retain(|(other, _)| *other != action);
        if single.len() < count {
            logger.warning(format!(
                "option \"-{letter} ALL\" will ignore other command line queue IDs"
            ));
        }
    }
    // Actions that Postfix does not have come after those on ALL.
    let is_ordered = |action: Action| ORDER.iter().any(|(ordered, _)| *ordered == action);
    actions.extend(all.into_iter().filter(|(action, _)| !is_ordered(*action)));
    let place =
        |(action, _): &(Action, OsString)| ORDER.iter().position(|(ordered, _)| ordered == action);
    single.sort_by_key(place);
    actions.append(&mut single);
}

#[cfg(test)]
mod tests {
    use super::*;

    fn arranged(actions: &[(Action, &str)]) -> Vec<(Action, OsString)> {
        let mut actions = actions
            .iter()
            .map(|(action, argument)| (*action, OsString::from(argument)))
            .collect();
        arrange(&mut actions, &mut Logger::unheard("postsuper"));
        actions
    }

    // Observed with Postfix 3.4.13.
    #[test]
    fn all_comes_before_queue_ids_and_leaves_them_out() {
        use Action::{Delete, Hold, Release, Requeue};
        let owned = |actions: &[(Action, &str)]| -> Vec<(Action, OsString)> {
            let one = |(action, argument): &(Action, &str)| (*action, OsString::from(argument));
            actions.iter().map(one).collect()
        };
        assert_eq!(
            arranged(&[(Release, "B"), (Hold, "A"), (Delete, "D"), (Requeue, "C")]),
            owned(&[(Delete, "D"), (Requeue, "C"), (Hold, "A"), (Release, "B")])
        );
        assert_eq!(
            arranged(&[
                (Delete, "A"),
                (Release, "ALL"),
                (Requeue, "ALL"),
                (Release, "B")
            ]),
            owned(&[(Requeue, "ALL"), (Release, "ALL"), (Delete, "A")])
        );
        assert_eq!(
            arranged(&[(Hold, "ALL"), (Hold, "ALL"), (Hold, "-")]),
            owned(&[(Hold, "ALL")])
        );
        assert_eq!(
            arranged(&[(Action::Postpone, "ALL"), (Hold, "ALL")]),
            owned(&[(Hold, "ALL"), (Action::Postpone, "ALL")])
        );
    }
}
