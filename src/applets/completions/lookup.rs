//! Completion values found on this machine: batches in the journal and names of
//! instances. Values that the caller may not read are not offered.

use std::ffi::OsStr;
use std::process::{Command, Stdio};

use super::super::{Call, instances};
use super::candidates::{Candidate, MachineValues};

/// Looks up the values of this kind.
pub fn find(call: &Call, place: MachineValues<'_>) -> Vec<Candidate> {
    match place {
        MachineValues::Batches(directory) => batches(directory),
        MachineValues::Instances(directory) => {
            let names = instances::names(call, directory.map(OsStr::new));
            let candidate = |word| Candidate {
                word,
                help: String::new(),
            };
            names.into_iter().map(candidate).collect()
        }
    }
}

/// Returns the batches that `--journal-list` prints. It runs in a child process,
/// since it gives up its rights and exits at the first error.
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
        .arg("--journal-list")
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
