//! Full-screen programs on a terminal: `postqueue --watch` and `spoolbox
//! browse`.

mod acts;
mod fixture;
mod instances;
mod looks;
mod multiplexers;
mod terminal;
mod watch;
