//! Compression of manual pages for Debian with gzip(1), which every Debian
//! system has.

use std::io::Write;
use std::process::{Command, Stdio};
use std::thread;

use anyhow::{Context, Result, ensure};

const GZIP: &str = "gzip";

/// Compresses a text. The result is always the same with one version of gzip.
///
/// # Errors
///
/// gzip(1) cannot be run, or fails.
pub fn compressed(text: &'static str) -> Result<Vec<u8>> {
    let failed = || format!("cannot run {GZIP}");
    let mut child = Command::new(GZIP)
        .args(["--best", "--no-name"])
        .stdin(Stdio::piped())
        .stdout(Stdio::piped())
        .spawn()
        .with_context(failed)?;
    let stdin = child.stdin.take();
    // gzip's output must be read while its input is written; otherwise both
    // processes would block on full pipes.
    let writer = thread::spawn(move || match stdin {
        Some(mut pipe) => pipe.write_all(text.as_bytes()),
        None => Ok(()),
    });
    let output = child.wait_with_output().with_context(failed)?;
    let written = writer.join().is_ok_and(|written| written.is_ok());
    ensure!(written && output.status.success(), "{GZIP} failed");
    Ok(output.stdout)
}
