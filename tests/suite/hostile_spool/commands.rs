//! Every command that reads or changes a spool, in all its forms. Runs one as root, in
//! a mount namespace of its own, with a time limit.

use std::os::unix::process::CommandExt;
use std::path::Path;
use std::process::{Command, Stdio};
use std::time::Duration;

use super::traps::{IDS, id, ids, is_endless};
use crate::support::instance::Instance;
use crate::support::run::{Invocation, Output, Program, Tool, collect};

/// Nothing takes longer, also on a busy machine: what does hangs.
pub const PATIENCE: Duration = Duration::from_secs(60);
/// All columns of `--format`.
const FORMAT: &str = "%{id} %{queue} %{status} %{arrival} %{age} %{size} %{sender} \
    %{sender_domain} %{recipients} %{recipient_count} %{reason} %{next_attempt} %{path} \
    %{client_name} %{client_address} %{sasl_username} %{subject} %{message_id}\\n";

/// One command.
#[derive(Clone, Debug)]
pub struct Spoken {
    pub tool: Tool,
    pub words: Vec<String>,
    pub stdin: String,
}

impl Spoken {
    pub fn new(tool: Tool, words: &[&str]) -> Self {
        Self {
            tool,
            words: words.iter().map(|word| (*word).to_owned()).collect(),
            stdin: String::new(),
        }
    }

    /// A postsuper that changes the spool.
    pub fn changing(words: &[&str]) -> Self {
        Self::new(Tool::Postsuper, words)
    }

    /// One that reads all IDs from standard input.
    fn reading(mut self) -> Self {
        self.stdin = ids();
        self
    }

    pub fn call(&self, instance: &Instance) -> Invocation {
        Invocation::new(self.tool, &self.words)
            .env("MAIL_CONFIG", instance.etc())
            .env("TZ", "UTC")
            .stdin(self.stdin.as_bytes())
    }

    /// Runs ours after some commands of a shell, which may mount what they
    /// like.
    pub fn run(&self, instance: &Instance, before: &str) -> Output {
        let call = self.call(instance);
        let plain = call.command(Program::Ours, instance);
        let mut command = Command::new("unshare");
        command.args(["--mount", "--propagation", "private", "--", "sh", "-c"]);
        command.arg(format!("{before}\nexec \"$@\""));
        command
            .arg("sh")
            .arg(plain.get_program())
            .args(plain.get_args());
        self.finish(command, &call, instance)
    }

    /// The same on a terminal, to whose question the answer is yes.
    pub fn run_on_terminal(&self, instance: &Instance) -> Output {
        let call = self.call(instance);
        let program = call.command(Program::Ours, instance);
        let words = self.words.iter().map(|word| format!("'{word}'"));
        let line = [format!("{:?}", program.get_program())].into_iter();
        let line: Vec<String> = line.chain(words).collect();
        let mut command = Command::new("script");
        command.args(["-q", "-e", "-c", &line.join(" "), "/dev/null"]);
        self.finish(command, &call.stdin(b"y\n"), instance)
    }

    /// The same for a reader who wants no more than some lines.
    pub fn run_to_head(&self, instance: &Instance) -> Output {
        let call = self.call(instance);
        let program = call.command(Program::Ours, instance);
        let mut command = Command::new("sh");
        command.args(["-c", "\"$@\" | head -n 1000", "sh"]);
        command.arg(program.get_program()).args(program.get_args());
        self.finish(command, &call, instance)
    }

    fn finish(&self, mut command: Command, call: &Invocation, instance: &Instance) -> Output {
        command
            .env_clear()
            .env("PATH", "/usr/sbin:/usr/bin:/sbin:/bin");
        command.envs(call.env.iter().map(|(name, value)| (name, value)));
        command.current_dir(Path::new("/")).process_group(0);
        command
            .stdin(Stdio::piped())
            .stdout(Stdio::piped())
            .stderr(Stdio::piped());
        let child = command.spawn();
        let child = child.unwrap_or_else(|error| panic!("{self:?} {instance:?}: {error}"));
        collect(child, &call.stdin, PATIENCE)
    }
}

/// All commands that look.
pub fn looking() -> Vec<Spoken> {
    let mut all = Vec::new();
    let mut add = |tool, words: &[&str]| all.push(Spoken::new(tool, words));
    for words in [
        &["-p"][..],
        &["-j"],
        &["--ids"],
        &["--oneline"],
        &["--csv"],
        &["--count"],
        &["-j", "--detail"],
        &["-p", "--sort", "age,sender", "--reverse"],
        &["-p", "--time-style=iso"],
        &["--format", FORMAT],
        &["--prometheus"],
        &[
            "--check",
            "--warn",
            "1",
            "--crit",
            "5",
            "--warn-age",
            "1h",
            "--crit-age",
            "1d",
        ],
        &[
            "--ids",
            "--from",
            "s@example.com",
            "--to",
            "*",
            "--reason",
            "*",
        ],
        &["--ids", "--subject", "*x*"],
        &["--ids", "--header", "Subject: x"],
        &["--ids", "--body", "re:x"],
        &["--ids", "--sasl-user", "x", "--client", "192.0.2.0/24"],
        &[
            "--ids", "--not", "--older", "3d", "--size", "+1", "--status", "hold",
        ],
        &["-i", "MATCH", "--from", "*", "--dry-run"],
    ] {
        add(Tool::Postqueue, words);
    }
    for by in [
        "queue",
        "from",
        "from-domain",
        "to",
        "to-domain",
        "reason",
        "client",
        "sasl-user",
        "hour",
    ] {
        add(Tool::Postqueue, &[&format!("--count={by}")]);
    }
    add(Tool::Mailq, &[]);
    let queues = ["maildrop", "incoming", "active", "deferred", "hold"];
    for words in [
        &[][..],
        &["-s"],
        &["-p", "-l"],
        &["--by=sender"],
        &["--by=reason"],
        &["--by=queue"],
        &["--by=size", "--chart"],
        &["--by=recipient", "--json", "--top", "3"],
        &["--reason", "*", "--from", "*"],
        &["--subject", "*"],
    ] {
        add(Tool::Qshape, &[words, &queues].concat());
    }
    for kind in 0..IDS {
        let id = id(kind);
        // Each pair of zeros is a record to show: this would take days.
        let plain = [&["-q"][..], &["-qv"]]
            .into_iter()
            .filter(|_| !is_endless(kind));
        for words in plain.chain([&["-q", "--json"][..], &["-q", "--mbox"]]) {
            add(Tool::Postcat, &[words, &[&id]].concat());
        }
    }
    for option in ["-qb", "-qh", "-qe", "-qvrod", "-qf"] {
        add(Tool::Postcat, &[option, &id(15)]);
    }
    add(Tool::Postcat, &["-q", "--raw-message", &id(15)]);
    add(Tool::Postcat, &["-q", "--json", "MATCH", "--from", "*"]);
    add(Tool::Postcat, &["-q", "-e", "MATCH", "--id", &id(15)]);
    add(Tool::Postsuper, &["-d", "ALL", "--dry-run"]);
    add(
        Tool::Postsuper,
        &["-h", "MATCH", "--subject", "*", "--dry-run"],
    );
    add(Tool::Postsuper, &["--trash-list"]);
    all
}

/// All commands that change the spool.
pub fn changing() -> Vec<Spoken> {
    let mut all = Vec::new();
    let spoken = Spoken::changing;
    for option in ["-d", "-e", "-f", "-h", "-H", "-r"] {
        all.push(spoken(&[option, "-"]).reading());
        all.push(spoken(&[option, "ALL"]));
        all.push(spoken(&[option, "MATCH", "--from", "*"]));
        all.push(spoken(&[option, "ALL", "--results=json", "--comment=x"]));
        let by_id: Vec<String> = (0..IDS)
            .flat_map(|kind| [option.into(), id(kind)])
            .collect();
        let words: Vec<&str> = by_id.iter().map(String::as_str).collect();
        all.push(spoken(&words));
    }
    for words in [
        &["-s"][..],
        &["-S"],
        &["-p"],
        &["-p", "-s", "maildrop", "corrupt"],
        &["-s", "-d", "ALL", "trace", "bounce"],
        &["-d", "MATCH", "--subject", "*", "--max", "1000"],
        &["--trash", "-d", "ALL"],
        &["--trash", "-d", "MATCH", "--from", "*"],
        &["--undo"],
        &["--trash-purge", "--older", "0s"],
        &["-H", "ALL", "--notify"],
    ] {
        all.push(spoken(words));
    }
    all.push(spoken(&["--trash", "-d", "-"]).reading());
    all
}

/// Those that ask a question first.
pub fn asking() -> Vec<Spoken> {
    ["-d", "-h", "-r"]
        .map(|option| Spoken::changing(&[option, "ALL", "--interactive"]))
        .into()
}
