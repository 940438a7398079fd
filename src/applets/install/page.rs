//! Manual pages, compressed as Debian has them. gzip(1) does it: every Debian
//! has that, and only there it is wanted.

use std::io::Write;
use std::process::{Command, Stdio};
use std::thread;

use anyhow::{Context, Result, ensure};

const GZIP: &str = "gzip";

/// The compressed form of a text; with one version of gzip always the same.
pub fn compressed(text: &'static str) -> Result<Vec<u8>> {
    let failed = || format!("cannot run {GZIP}");
    let mut child = Command::new(GZIP)
        .args(["--best", "--no-name"])
        .stdin(Stdio::piped())
        .stdout(Stdio::piped())
        .spawn()
        .with_context(failed)?;
    let stdin = child.stdin.take();
    // Or both would wait, each for the other to read.
    let writer = thread::spawn(move || match stdin {
        Some(mut pipe) => pipe.write_all(text.as_bytes()),
        None => Ok(()),
    });
    let output = child.wait_with_output().with_context(failed)?;
    let written = writer.join().is_ok_and(|written| written.is_ok());
    ensure!(written && output.status.success(), "{GZIP} failed");
    Ok(output.stdout)
}
