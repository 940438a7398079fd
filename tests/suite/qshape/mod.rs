//! qshape against Postfix's own: generated queues and calls, ages at every
//! border, terminals; and what is ours: JSON, charts, groupings,
//! selections.

mod borders;
mod draft;
mod extensions;
mod generated;
mod hostile;
pub mod run;
mod selection;
mod terminal;
