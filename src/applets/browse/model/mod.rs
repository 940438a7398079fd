//! The messages of the queue as the screen needs them: compact rows, their
//! order, tags, and what is commonest among them.

mod index;
mod order;
mod row;
mod summary;
mod table;
mod texts;

pub use index::{Index, PassKind};
pub use order::{ListOrder, SortColumn};
pub use row::{ListedMessage, Row, RowFlag, short_inode};
pub use summary::Summary;
pub use texts::start_of;
