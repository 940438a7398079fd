//! The systemd units of the packages.

use std::fs;
use std::path::{Path, PathBuf};
use std::process::Command;

use crate::support::{Met, Needs, require};

/// Where the packages have the program.
const PROGRAM: &str = "/usr/bin/spoolbox";
/// The greatest exposure that systemd-analyze may find, of 100.
const EXPOSURE_MAX: &str = "20";

fn units() -> Vec<PathBuf> {
    let directory = Path::new(env!("CARGO_MANIFEST_DIR")).join(".systemd");
    let entries = fs::read_dir(directory).expect("the units");
    let units: Vec<PathBuf> = entries
        .map(|entry| entry.expect("an entry").path())
        .collect();
    assert!(units.len() >= 4, "{units:?}");
    units
}

/// Copies of the units that start the program under test.
fn copies(directory: &Path) -> Vec<PathBuf> {
    let copy = |unit: &PathBuf| {
        let text = fs::read_to_string(unit).expect("a unit");
        let path = directory.join(unit.file_name().expect("a name"));
        fs::write(&path, text.replace(PROGRAM, env!("CARGO_BIN_EXE_spoolbox"))).expect("written");
        path
    };
    units().iter().map(copy).collect()
}

#[test]
fn systemd_finds_nothing_wrong_with_the_units() {
    if require(Needs::SystemdAnalyze) == Met::No {
        return;
    }
    let directory = tempfile::tempdir().expect("a directory");
    let units = copies(directory.path());
    let output = Command::new("systemd-analyze")
        .args(["verify", "--man=no"])
        .args(&units)
        .output()
        .expect("systemd-analyze starts");
    let words = String::from_utf8_lossy(&output.stderr).into_owned();
    assert!(output.status.success() && words.is_empty(), "{words}");
    let is_service = |unit: &&PathBuf| unit.extension().is_some_and(|end| end == "service");
    let output = Command::new("systemd-analyze")
        .args(["security", "--offline=true", "--no-pager"])
        .args(["--threshold", EXPOSURE_MAX])
        .args(units.iter().filter(is_service))
        .output()
        .expect("systemd-analyze starts");
    let words = String::from_utf8_lossy(&output.stdout).into_owned();
    assert!(output.status.success(), "{words}");
}

/// The commands of the units are ones that the program accepts.
#[test]
fn the_commands_of_the_units_have_known_options() {
    let mut commands = 0;
    for unit in units() {
        let text = fs::read_to_string(&unit).expect("a unit");
        for line in text
            .lines()
            .filter_map(|line| line.strip_prefix("ExecStart="))
        {
            let mut words = line.split(' ');
            assert_eq!(words.next(), Some(PROGRAM));
            let applet = words.next().expect("an applet");
            let help = Command::new(env!("CARGO_BIN_EXE_spoolbox"))
                .args([applet, "--help"])
                .output()
                .expect("it starts");
            let help = String::from_utf8_lossy(&help.stdout).into_owned();
            for option in words.filter(|word| word.starts_with('-')) {
                let name = option.split('=').next().unwrap_or_default();
                assert!(help.contains(&format!("  {name}")), "{option}: {help}");
            }
            commands += 1;
        }
    }
    assert_eq!(commands, 2);
}
