//! The messages of the queue as the screen needs them: compact rows, their order,
//! their tags, and their commonest senders and reasons.

mod index;
mod order;
mod row;
mod sorting;
mod summary;
mod table;
mod tags;
#[cfg(test)]
mod tests;
mod texts;
mod work;

pub use index::{Index, PassKind};
pub use order::{ListOrder, SortColumn};
pub use row::{ListedMessage, Row, RowFlag, short_inode};
pub use summary::{ListTotals, Summary};
pub use tags::TagChange;
pub use texts::start_of;
pub use work::WorkDone;
