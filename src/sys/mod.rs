//! The operating system, made safe to use: directories by descriptor, rights,
//! copies of the process, signals, sockets, terminals, local time, system
//! error texts.
//!
//! The only module with `unsafe`; each use states why it is sound. Independent
//! of mail.
#![allow(unsafe_code)]

pub mod child;
pub mod dir;
pub mod error_text;
pub mod guarded;
pub mod lock;
pub mod poll;
pub mod process;
pub mod rights;
pub mod signals;
pub mod socket;
pub mod source;
pub mod terminal;
pub mod time;

use std::io;

use nix::errno::Errno;

/// Makes a call, once more as long as a signal interrupts it: on a file system
/// of the network, or in user space, any of them can be.
fn retry_on_eintr<T>(call: impl Fn() -> nix::Result<T>) -> io::Result<T> {
    loop {
        match call() {
            Err(Errno::EINTR) => {}
            done => return Ok(done?),
        }
    }
}
