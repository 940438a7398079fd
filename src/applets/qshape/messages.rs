//! The messages of qshape on standard error: the usage message in Postfix's
//! words, errors in our own.

use std::ffi::{OsStr, OsString};
use std::io;
use std::io::Write;
use std::os::unix::ffi::OsStrExt;
use std::path::Path;

use super::super::Call;
use super::errors::PROGRAM;
use crate::cli::nearest;
use crate::release::{Feature, Release};
use crate::spool::Queue;
use crate::sys::error_text::error_text;
use crate::sys::process;
use crate::text::{Charset, make_printable, to_printable};

/// Messages on standard error.
#[derive(Clone, Debug)]
pub(super) struct Messages {
    program: Vec<u8>,
}

impl Messages {
    /// Returns the messages of a call. Perl names a program by the path that
    /// the kernel executed, not by `argv[0]`.
    pub(super) fn of(call: &Call) -> Self {
        let named = call.program.as_bytes();
        let started = process::started_from().filter(|path: &OsString| {
            let name = Path::new(path).file_name();
            !named.contains(&b'/') && name == Some(OsStr::new(PROGRAM))
        });
        let program = started.map_or(named.to_vec(), |path| path.as_bytes().to_vec());
        Self { program }
    }

    /// Prints `PROG: text`.
    pub(super) fn say(&self, text: &[u8]) {
        write(&[&self.program[..], b": ", text, b"\n"].concat());
    }

    /// Prints the usage message of a release.
    pub(super) fn usage(&self, release: Release) {
        let the = if release.has(Feature::QshapeUsageText) {
            "the"
        } else {
            "the the"
        };
        let start = [b"Usage: ", self.program.as_slice(), USAGE].concat();
        write(&[start.as_slice(), the.as_bytes(), USAGE_REST].concat());
    }

    /// Reports a directory or file that cannot be read.
    pub(super) fn unread(&self, path: &[u8], cause: &io::Error) {
        let (name, why) = (to_printable(path), error_text(cause));
        let near = match cause.kind() {
            io::ErrorKind::NotFound => nearest(path, Queue::LISTED.map(Queue::name).into_iter()),
            _ => None,
        };
        let near = near.map_or(String::new(), |near| format!("; did you mean {near}?"));
        let mut text = format!("cannot read {name}: {why}{near}").into_bytes();
        make_printable(&mut text, Charset::Safe);
        self.say(&text);
    }
}

/// Reports that the output cannot be written.
pub(super) fn unwritten(error: &io::Error) {
    write(format!("Unable to flush stdout: {}\n", error_text(error)).as_bytes());
}

/// Writes a line with one system call. A closed standard error is ignored.
fn write(line: &[u8]) {
    let _ = io::stderr().lock().write_all(line);
}

/// The usage message after the program's name.
const USAGE: &[u8] = b" [ -s ] [ -p ] [ -m <min_subdomains> ] [ -l ]
\t[ -b <bucket_count> ] [ -t <bucket_time> ] [ -w <terminal_width> ]
\t[ -N <batch_msg_count> ] [ -n <batch_top_domains> ]
\t[ -c <config_directory> ] [ <queue_name> ... ]
The 's' option shows sender domain counts.
The 'p' option shows address counts by for parent domains.
Parent domains are shown with a leading '.' before the domain name.
Parent domains are only shown if ";
/// The end of the usage message. The article before it is doubled in old
/// releases.
const USAGE_REST: &[u8] = b" domain is not a TLD, and at
least <min_subdomains> (default 5) subdomains are shown in the output.

The bucket age ranges in units of <bucket_time> minutes are
[0,1), [1,2), [2,4), [4,8), [8, 16), ... i.e.:
\tthe first bucket is [0, bucket_time) minutes
\tthe second bucket is [bucket_time, 2*bucket_time) minutes
\tthe third bucket is [2*bucket_time, 4*bucket_time) minutes...
'-l' makes the ages linear, the number of buckets shown is <bucket_count>

The default summary is for the incoming and active queues. An explicit
list of queue names can be given on the command line. Non-absolute queue
names are interpreted relative to the Postfix queue directory. Use
<config_directory> to specify a non-default Postfix instance.  Values of
the main.cf queue_directory parameter that use variable expansions are
not supported. If necessary, use explicit absolute paths for all queues.
";
