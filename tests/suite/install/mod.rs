//! install and uninstall: what they put where, with which rights, what they
//! refuse, and that everything is as before in the end.
//!
//! Whatever touches more than a temporary directory runs in a copy of the
//! machine.

mod crash;
mod destdir;
mod divert;
mod package;
mod rpm;
mod units;

use std::collections::BTreeMap;
use std::fs;
use std::hash::{DefaultHasher, Hash, Hasher};
use std::os::unix::fs::MetadataExt;
use std::path::Path;
use std::process::Command;

use crate::support::machine::Machine;
use crate::support::run::Output;

/// Runs our program under its own name.
fn spoolbox(arguments: &[&str]) -> Output {
    let output = Command::new(env!("CARGO_BIN_EXE_spoolbox"))
        .args(arguments)
        .env_remove("MAIL_CONFIG")
        .output()
        .expect("spoolbox starts");
    Output {
        ended: output.status.into(),
        stdout: output.stdout,
        stderr: output.stderr,
    }
}

/// Where programs, links, pages and diversions are on the machine.
const PLACES: [&str; 12] = [
    "/usr/bin",
    "/usr/sbin",
    "/usr/lib",
    "/usr/share/man/man1",
    "/usr/share/man/man7",
    "/usr/share/man/man8",
    "/usr/share/bash-completion/completions",
    "/usr/share/zsh/vendor-completions",
    "/usr/share/fish/vendor_completions.d",
    "/usr/local/bin",
    "/usr/local/sbin",
    "/var/lib/dpkg",
];
/// What is looked into, not only at.
const OF_INTEREST: [&str; 5] = ["post", "mailq", "qshape", "sendmail", "spoolbox"];

/// What the places look like, by path. dpkg's backups and caches differ.
fn look(machine: &Machine) -> BTreeMap<String, String> {
    let mut seen = BTreeMap::new();
    for place in PLACES {
        let entries = fs::read_dir(machine.path(place)).into_iter().flatten();
        for entry in entries {
            let entry = entry.expect("an entry");
            let name = entry.file_name().to_string_lossy().into_owned();
            let is_dpkgs = place == "/var/lib/dpkg";
            if !is_dpkgs || name == "diversions" || name == "statoverride" {
                seen.insert(format!("{place}/{name}"), describe(&entry.path(), &name));
            }
        }
    }
    seen
}

fn describe(path: &Path, name: &str) -> String {
    let found = path.symlink_metadata().expect("lstat");
    let kind = found.file_type();
    if kind.is_dir() {
        return format!("directory {:o}", found.mode());
    }
    let target = path.read_link().unwrap_or_default();
    let mut hasher = DefaultHasher::new();
    let is_of_interest = OF_INTEREST.iter().any(|word| name.contains(word));
    if kind.is_file() && (is_of_interest || name == "diversions") {
        fs::read(path).expect("a file").hash(&mut hasher);
    }
    // dpkg writes its own files anew.
    let modified = match name == "diversions" || name == "statoverride" {
        true => 0,
        false => found.mtime(),
    };
    format!(
        "{:o} {}:{} {} {modified} {} {:x}",
        found.mode(),
        found.uid(),
        found.gid(),
        found.size(),
        target.display(),
        hasher.finish()
    )
}

/// How two looks differ.
fn difference(before: &BTreeMap<String, String>, after: &BTreeMap<String, String>) -> Vec<String> {
    let mut lines = Vec::new();
    for path in before.keys().chain(after.keys()) {
        let (one, two) = (before.get(path), after.get(path));
        if one != two {
            lines.push(format!("{path}: {one:?} -> {two:?}"));
        }
    }
    lines.sort();
    lines.dedup();
    lines
}
