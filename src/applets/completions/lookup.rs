//! Values to complete that are on this machine: batches in the trash, names of
//! instances. What the caller may not read is not offered.

use std::ffi::OsStr;
use std::process::{Command, Stdio};

use super::super::{Call, postqueue};
use super::candidates::{Candidate, MachineValues};

/// Looks for values.
pub fn find(call: &Call, place: MachineValues<'_>) -> Vec<Candidate> {
    match place {
        MachineValues::Batches(directory) => batches(directory),
        MachineValues::Instances(directory) => {
            let names = postqueue::instance_names(call, directory.map(OsStr::new));
            let candidate = |word| Candidate {
                word,
                help: String::new(),
            };
            names.into_iter().map(candidate).collect()
        }
    }
}

/// The batches that `--trash-list` prints. It runs in a process of its own,
/// which gives up its rights and ends with the first error.
fn batches(directory: Option<&str>) -> Vec<Candidate> {
    let Ok(program) = std::env::current_exe() else {
        return Vec::new();
    };
    let mut command = Command::new(program);
    command.arg("postsuper");
    if let Some(directory) = directory {
        command.args(["-c", directory]);
    }
    let output = command
        .arg("--trash-list")
        .stdin(Stdio::null())
        .stderr(Stdio::null())
        .output();
    let text = match output {
        Ok(output) if output.status.success() => output.stdout,
        _ => return Vec::new(),
    };
    // The first line is the heading.
    let text = String::from_utf8_lossy(&text);
    let line = |line: &str| {
        let (word, rest) = line.split_once(' ')?;
        let help = rest.split_whitespace().collect::<Vec<_>>().join(" ");
        let word = word.to_owned();
        Some(Candidate { word, help })
    };
    text.lines().skip(1).filter_map(line).collect()
}
