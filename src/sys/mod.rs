//! Safe interfaces to the operating system: directories by descriptor, rights,
//! copies of the process, signals, sockets, terminals, local time, system error
//! texts.
//!
//! The only module with `unsafe` code; each use states why it is sound.
//! Independent of mail.
#![allow(unsafe_code)]

pub mod child;
pub mod dir;
pub mod dir_changes;
pub mod error_text;
pub mod full_screen;
pub mod guarded;
pub mod lock;
#[cfg(feature = "browse")]
pub mod memory;
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

/// Repeats a system call that was interrupted by a signal. On a network or
/// user-space file system, any call can be.
fn retry_on_eintr<T>(call: impl Fn() -> nix::Result<T>) -> io::Result<T> {
    loop {
        match call() {
            Err(Errno::EINTR) => {}
            done => return Ok(done?),
        }
    }
}
