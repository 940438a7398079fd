//! qshape against Postfix's own: generated queues and calls, ages at every
//! border, terminals; and what is ours: JSON, charts, groupings.

mod draft;
mod generated;
mod run;
