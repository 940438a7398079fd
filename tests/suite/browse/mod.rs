//! Full-screen programs on a terminal: `postqueue --watch` and `spoolbox
//! browse`.

mod acts;
mod looks;
mod multiplexers;
mod scene;
mod terminal;
mod watch;
