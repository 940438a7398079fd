//! qshape compared with Postfix's own: generated queues and calls, ages at every limit
//! of a bucket, terminals; and extensions: JSON, charts, groupings, selections.

mod borders;
mod draft;
mod extensions;
mod generated;
mod hostile;
pub mod run;
mod selection;
mod terminal;
