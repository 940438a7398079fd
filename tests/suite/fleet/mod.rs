//! fixtures/fleet: what people with many hosts use, run with the programs that it is
//! for. CI installs them; elsewhere the tests say what is missing.

mod ansible;
mod clickhouse;
mod prometheus;
mod syslog_ng;

use std::path::{Path, PathBuf};

/// A directory of the kit.
fn kit(name: &str) -> PathBuf {
    let root = Path::new(env!("CARGO_MANIFEST_DIR"));
    root.join("fixtures/fleet").join(name)
}

/// A program that .ci/fleet-tools installs.
fn tool(name: &str) -> PathBuf {
    let root = Path::new(env!("CARGO_MANIFEST_DIR"));
    root.join("target/tools/fleet/bin").join(name)
}
