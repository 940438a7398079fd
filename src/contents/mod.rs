//! What postcat shows of one queue file (spec page 07), record by record.
//!
//! Owns the plan (which parts, which prefixes), the state machine that walks
//! envelope, header and body, and the order of output against warnings. Where
//! files come from and where text goes is the caller's business.

mod attribute;
mod error;
mod header;
mod number;
mod output;
mod plan;
mod show;
mod sizes;

pub use error::ContentsError;
pub use output::{Output, Sink};
pub use plan::{Flag, Plan};
pub use show::{Begin, show};
