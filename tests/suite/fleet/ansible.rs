//! The Ansible playbooks, on six hosts that are instances of this one: the bound of
//! the whole fleet, the trash, and the undo.

use std::fmt::Write;
use std::path::{Path, PathBuf};
use std::process::{Command, Output};

use super::{kit, tool};
use crate::selection::filled;
use crate::support::instance::Instance;
use crate::support::run::{Invocation, Program, Tool};
use crate::support::{Met, Needs, require};

/// The sender of three messages in each instance.
const SENDER: &str = "re:@example\\.com$";

/// Six hosts, and the directory of their inventory.
struct Fleet {
    hosts: Vec<Instance>,
    directory: tempfile::TempDir,
}

impl Fleet {
    fn new() -> Self {
        let fleet = Self {
            hosts: (0..6).map(|_| filled()).collect(),
            directory: tempfile::tempdir().expect("a directory"),
        };
        let programs = fleet.path("bin");
        std::fs::create_dir(&programs).expect("a directory");
        for name in ["postqueue", "postsuper"] {
            let program = env!("CARGO_BIN_EXE_spoolbox");
            std::os::unix::fs::symlink(program, programs.join(name)).expect("a link");
        }
        let mut inventory = "[mail]\n".to_owned();
        for (number, host) in fleet.hosts.iter().enumerate() {
            fleet.add_host(&mut inventory, &format!("mx{number}"), &host.etc());
        }
        std::fs::write(fleet.path("hosts"), inventory).expect("an inventory");
        fleet
    }

    fn path(&self, name: &str) -> PathBuf {
        self.directory.path().join(name)
    }

    fn add_host(&self, inventory: &mut String, name: &str, etc: &Path) {
        let path = format!("{}:/usr/bin:/bin", self.path("bin").display());
        writeln!(
            inventory,
            "{name} ansible_connection=local ansible_python_interpreter=/usr/bin/python3 \
             spoolbox_become=false \
             spoolbox_environment='{{\"MAIL_CONFIG\": \"{}\", \"PATH\": \"{path}\"}}'",
            etc.display()
        )
        .expect("memory");
    }

    /// Runs a playbook with variables.
    fn play(&self, playbook: &str, variables: &[(&str, &str)]) -> Output {
        let mut command = Command::new(tool("ansible-playbook"));
        command.arg("-i").arg(self.path("hosts"));
        for (name, value) in variables {
            let variable = serde_json::json!({ *name: *value });
            command.args(["-e", &variable.to_string()]);
        }
        command
            .arg(kit("ansible").join(playbook))
            .env("HOME", self.directory.path())
            .env("ANSIBLE_LOCALHOST_WARNING", "False")
            .env("ANSIBLE_FORKS", "6")
            .env("ANSIBLE_PIPELINING", "True")
            .env("LC_ALL", "C.UTF-8")
            .output()
            .expect("ansible-playbook")
    }

    /// The number of messages of the sender on each host.
    fn counts(&self) -> Vec<String> {
        let count = |host: &Instance| {
            let args = ["--count", "--from", SENDER];
            let output = Invocation::new(Tool::Postqueue, args)
                .env("MAIL_CONFIG", host.etc())
                .run(Program::Ours, host);
            output.stdout_text().trim().to_owned()
        };
        self.hosts.iter().map(count).collect()
    }
}

fn text(output: &Output) -> String {
    String::from_utf8_lossy(&output.stdout).into_owned()
}

#[test]
fn messages_of_a_sender_go_to_the_trash_and_come_back() {
    if require(Needs::Time) == Met::No
        || require(Needs::Root) == Met::No
        || require(Needs::FleetTools) == Met::No
    {
        return;
    }
    let fleet = Fleet::new();
    assert_eq!(fleet.counts(), ["3"; 6]);
    let sender = ("sender", SENDER);
    let bound = [sender, ("ticket", "4711"), ("most", "17")];
    let refused = fleet.play("delete-by-sender.yml", &bound);
    assert!(!refused.status.success());
    let said = "18 messages match, and most is 17: nothing was done";
    assert!(text(&refused).contains(said), "{}", text(&refused));
    assert_eq!(fleet.counts(), ["3"; 6]);
    let results = fleet.path("results.json");
    let file = results.to_str().expect("ASCII");
    let call = [
        sender,
        ("ticket", "4711"),
        ("most", "18"),
        ("results", file),
    ];
    let moved = fleet.play("delete-by-sender.yml", &call);
    assert!(moved.status.success(), "{}", text(&moved));
    assert_eq!(fleet.counts(), ["0"; 6]);
    let lines = std::fs::read_to_string(&results).expect("results");
    let mut hosts = Vec::new();
    for line in lines.lines() {
        let line: serde_json::Value = serde_json::from_str(line).expect("JSON");
        assert_eq!(line["result"], "moved to trash");
        assert_eq!(line["instance"], "-");
        hosts.push(line["host"].as_str().expect("a host").to_owned());
    }
    assert_eq!(hosts.len(), 18, "{lines}");
    hosts.dedup();
    assert_eq!(hosts, ["mx0", "mx1", "mx2", "mx3", "mx4", "mx5"]);
    // Another ticket restores nothing.
    for (ticket, count) in [("471", "0"), ("4711", "3")] {
        let undone = fleet.play("undo.yml", &[("ticket", ticket)]);
        assert!(undone.status.success(), "{}", text(&undone));
        assert_eq!(fleet.counts(), [count; 6], "{}", text(&undone));
    }
}

#[test]
fn nothing_is_changed_if_a_host_fails() {
    if require(Needs::Root) == Met::No || require(Needs::FleetTools) == Met::No {
        return;
    }
    let fleet = Fleet::new();
    let mut inventory = std::fs::read_to_string(fleet.path("hosts")).expect("an inventory");
    fleet.add_host(&mut inventory, "mx6", Path::new("/nonexistent"));
    std::fs::write(fleet.path("hosts"), inventory).expect("an inventory");
    let call = [("sender", SENDER), ("ticket", "4711")];
    let failed = fleet.play("delete-by-sender.yml", &call);
    assert!(!failed.status.success());
    assert!(
        text(&failed).contains("/nonexistent/main.cf"),
        "{}",
        text(&failed)
    );
    assert_eq!(fleet.counts(), ["3"; 6]);
}
