//! `spoolbox completions`: what real shells complete. bash and zsh run on a
//! terminal of their own, where a line is typed and the tab key pressed; fish
//! prints what it would offer.

use std::fs;
use std::fs::File;
use std::io::{Read, Write};
use std::os::unix::fs::symlink;
use std::path::{Path, PathBuf};
use std::process::{Child, Command, Stdio};
use std::sync::mpsc::{Receiver, channel};
use std::time::{Duration, Instant};

use nix::pty::openpty;
use tempfile::TempDir;

use crate::selection::manual::long_options;
use crate::support::run::Tool;
use crate::support::{Met, Needs, require};

const PATIENCE: Duration = Duration::from_secs(60);
const TOOLS: [Tool; 5] = [
    Tool::Mailq,
    Tool::Postcat,
    Tool::Postqueue,
    Tool::Postsuper,
    Tool::Qshape,
];

fn spoolbox(arguments: &[&str]) -> String {
    let output = Command::new(env!("CARGO_BIN_EXE_spoolbox"))
        .args(arguments)
        .env_remove("MAIL_CONFIG")
        .output()
        .expect("spoolbox starts");
    assert!(output.status.success(), "{arguments:?}: {output:?}");
    String::from_utf8(output.stdout).expect("text")
}

/// The words that a shell is given for the last of `words`.
fn candidates(words: &[&str]) -> Vec<String> {
    let answer = spoolbox(&[&["completions", "--words"], words].concat());
    let word = |line: &str| line.split('\t').next().unwrap_or_default().to_owned();
    answer.lines().map(word).collect()
}

/// The tools, installed below a directory with their completions.
struct Installed(TempDir);

impl Installed {
    fn new() -> Self {
        let directory = tempfile::tempdir().expect("a temporary directory");
        let scripts = directory.path().join("scripts");
        let bin = directory.path().join("bin");
        fs::create_dir(&scripts).expect("a directory");
        fs::create_dir(&bin).expect("a directory");
        for name in [
            "spoolbox",
            "mailq",
            "postcat",
            "postqueue",
            "postsuper",
            "qshape",
        ] {
            symlink(env!("CARGO_BIN_EXE_spoolbox"), bin.join(name)).expect("a link");
        }
        for (shell, name) in [("bash", "spoolbox"), ("zsh", "_spoolbox")] {
            let script = spoolbox(&["completions", shell]);
            fs::write(scripts.join(name), script).expect("a script");
        }
        Self(directory)
    }

    fn scripts(&self) -> PathBuf {
        self.0.path().join("scripts")
    }

    fn search_path(&self) -> String {
        let path = std::env::var("PATH").expect("a search path");
        format!("{}:{path}", self.0.path().join("bin").display())
    }
}

/// A shell on a terminal of its own.
struct Shell {
    child: Child,
    keyboard: File,
    screen: Receiver<Vec<u8>>,
    seen: String,
}

impl Shell {
    fn start(program: &[&str], installed: &Installed) -> Self {
        let pty = openpty(None, None).expect("a pseudo-terminal");
        let slave = File::from(pty.slave);
        let child = Command::new("setsid")
            .args(["--wait", "--ctty"])
            .args(program)
            .env("PATH", installed.search_path())
            .env("HOME", installed.0.path())
            .env("TERM", "dumb")
            .env_remove("MAIL_CONFIG")
            .current_dir(installed.0.path())
            .stdin(slave.try_clone().expect("dup"))
            .stdout(slave.try_clone().expect("dup"))
            .stderr(slave)
            .spawn()
            .expect("setsid starts");
        let keyboard = File::from(pty.master);
        let mut reader = keyboard.try_clone().expect("dup");
        let (sender, screen) = channel();
        std::thread::spawn(move || {
            let mut buffer = [0; 4096];
            while let Ok(length @ 1..) = reader.read(&mut buffer) {
                if sender.send(buffer[..length].to_vec()).is_err() {
                    break;
                }
            }
        });
        Self {
            child,
            keyboard,
            screen,
            seen: String::new(),
        }
    }

    fn bash(installed: &Installed) -> Self {
        let mut shell = Self::start(&["bash", "--norc", "--noprofile", "-i"], installed);
        let script = installed.scripts().join("spoolbox");
        shell.keys(&format!("source {}\r", script.display()));
        // Shows the line and empties it; the quotes keep the echo apart.
        shell.keys("show() { printf 'LI''NE<%s>' \"$READLINE_LINE\"; READLINE_LINE=; }\r");
        shell.keys("bind -x '\"\\C-g\": show'; echo REA''DY\r");
        shell.until("READY");
        shell
    }

    fn zsh(installed: &Installed) -> Self {
        let mut shell = Self::start(&["zsh", "-f", "-i"], installed);
        let scripts = installed.scripts();
        // Before those of zsh, as the directories of packages are.
        shell.keys(&format!("fpath=({} $fpath)\r", scripts.display()));
        shell.keys("autoload -Uz compinit; compinit -u -D\r");
        shell.keys("show() { print -rn -- 'LI''NE<'$BUFFER'>'; BUFFER= }\r");
        shell.keys("zle -N show; bindkey '^G' show; echo REA''DY\r");
        shell.until("READY");
        shell
    }

    fn keys(&mut self, keys: &str) {
        self.keyboard
            .write_all(keys.as_bytes())
            .expect("a terminal");
    }

    /// Waits for a text on the screen; returns what precedes it.
    fn until(&mut self, text: &str) -> String {
        let deadline = Instant::now() + PATIENCE;
        loop {
            if let Some(at) = self.seen.find(text) {
                let before = self.seen[..at].to_owned();
                self.seen.drain(..at + text.len());
                return before;
            }
            let left = deadline.saturating_duration_since(Instant::now());
            match self.screen.recv_timeout(left) {
                Ok(bytes) => self.seen.push_str(&String::from_utf8_lossy(&bytes)),
                Err(_) => panic!("no {text:?} on the screen: {:?}", self.seen),
            }
        }
    }

    /// The line after a tab at the end of `typed`.
    fn completed(&mut self, typed: &str) -> String {
        self.keys(&format!("{typed}\t\x07"));
        self.until("LINE<");
        self.until(">")
    }
}

impl Drop for Shell {
    fn drop(&mut self) {
        let _ = self.child.kill();
        let _ = self.child.wait();
    }
}

/// Lines with a single completion: what is typed, and the line afterwards.
const LINES: [(&str, &str); 13] = [
    ("postqueue --dry", "postqueue --dry-run "),
    ("postqueue --count=ho", "postqueue --count=hour "),
    ("postqueue --source sh", "postqueue --source showq "),
    ("postqueue --source=sh", "postqueue --source=showq "),
    ("postqueue --sort=age,si", "postqueue --sort=age,size "),
    ("postqueue --lim", "postqueue --limit="),
    ("spoolbox postqueue --dry", "spoolbox postqueue --dry-run "),
    ("spoolbox posts", "spoolbox postsuper "),
    ("qshape --ch", "qshape --chart "),
    ("qshape --by=qu", "qshape --by=queue "),
    ("postsuper -d MA", "postsuper -d MATCH "),
    ("postsuper -h ALL inco", "postsuper -h ALL incoming "),
    ("postcat scripts/_spool", "postcat scripts/_spoolbox "),
];

#[test]
fn bash_completes_lines_that_are_typed() {
    if require(Needs::Bash) == Met::No {
        return;
    }
    let installed = Installed::new();
    let mut shell = Shell::bash(&installed);
    for (typed, line) in LINES {
        assert_eq!(shell.completed(typed), line);
    }
}

/// zsh has a `_postfix` of its own for postqueue and postsuper.
#[test]
fn zsh_completes_lines_that_are_typed_with_our_function() {
    if require(Needs::Zsh) == Met::No {
        return;
    }
    let installed = Installed::new();
    let mut shell = Shell::zsh(&installed);
    for (typed, line) in LINES {
        assert_eq!(shell.completed(typed), line);
    }
    for tool in TOOLS {
        let name = tool.name();
        shell.keys(&format!("echo US''ED $_comps[{name}] US''ED\r"));
        shell.until("USED ");
        assert_eq!(shell.until(" USED"), "_spoolbox", "{name}");
    }
}

#[test]
fn fish_offers_what_the_other_shells_complete() {
    if require(Needs::Fish) == Met::No {
        return;
    }
    let installed = Installed::new();
    for (typed, line) in LINES {
        let call = format!("spoolbox completions fish | source; complete -C '{typed}'");
        let output = Command::new("fish")
            .args(["--no-config", "-c", &call])
            .env("PATH", installed.search_path())
            .env("HOME", installed.0.path())
            .env_remove("MAIL_CONFIG")
            .current_dir(installed.0.path())
            .stdin(Stdio::null())
            .output()
            .expect("fish starts");
        let text = String::from_utf8_lossy(&output.stdout).into_owned();
        let words: Vec<&str> = text.lines().filter_map(|l| l.split('\t').next()).collect();
        let word = line.trim_end().rsplit(' ').next().expect("a word");
        assert_eq!(words, [word], "{typed}: {output:?}");
    }
}

#[test]
fn every_option_of_the_help_is_offered() {
    for tool in TOOLS {
        let options = long_options(tool);
        assert!(options.len() >= 3, "{tool:?}: {options:?}");
        let offered = candidates(&[tool.name(), "--"]);
        for option in options {
            let is_it = |word: &String| word.trim_end_matches('=') == format!("--{option}");
            assert!(
                offered.iter().any(is_it),
                "{tool:?} --{option}: {offered:?}"
            );
        }
    }
}

#[test]
fn options_are_offered_where_the_tool_would_read_them() {
    assert_eq!(candidates(&["postsuper", "--int"]), ["--interactive"]);
    assert_eq!(candidates(&["postsuper", "--und"]), ["--undo", "--undo="]);
    // The value of -d, and after the first operand.
    assert!(candidates(&["postsuper", "-d", "--in"]).is_empty());
    assert!(candidates(&["postsuper", "-d", "ALL", "hold", "--in"]).is_empty());
    assert!(candidates(&["postsuper", "--", "--in"]).is_empty());
    assert_eq!(candidates(&["postsuper", "de"]), ["defer", "deferred"]);
    assert_eq!(candidates(&["postqueue", "-c", ""]), [":directories"]);
    assert_eq!(candidates(&["postqueue", "--output="]), [":files"]);
    assert!(candidates(&["unknown", ""]).is_empty());
}

/// Writes a demo; returns its configuration directory.
fn demo(directory: &Path) -> String {
    spoolbox(&["demo", &directory.display().to_string()]);
    directory.join("etc").display().to_string()
}

#[test]
fn undo_offers_the_batches_in_the_trash() {
    let directory = tempfile::tempdir().expect("a temporary directory");
    let etc = demo(&directory.path().join("demo"));
    assert!(candidates(&["postsuper", "-c", &etc, "--undo="]).is_empty());
    spoolbox(&["postsuper", "-c", &etc, "--trash", "-d", "ALL", "deferred"]);
    let list = spoolbox(&["postsuper", "-c", &etc, "--trash-list"]);
    let line = list.lines().nth(1).expect("a batch");
    let batch = line.split(' ').next().expect("its name");
    let offered = candidates(&["spoolbox", "postsuper", "-c", &etc, "--undo="]);
    assert_eq!(offered, [format!("--undo={batch}")]);
}

#[test]
fn instance_offers_the_names_of_the_instances() {
    let directory = tempfile::tempdir().expect("a temporary directory");
    let first = demo(&directory.path().join("first"));
    let second = demo(&directory.path().join("second"));
    let append = |etc: &str, text: &str| {
        let path = Path::new(etc).join("main.cf");
        let before = fs::read_to_string(&path).expect("main.cf");
        fs::write(&path, before + text).expect("main.cf");
    };
    append(&first, &format!("multi_instance_directories = {second}\n"));
    append(&second, "multi_instance_name = postfix-out\n");
    assert_eq!(
        candidates(&["postqueue", "-c", &first, "--instance="]),
        ["--instance=-", "--instance=postfix-out"]
    );
    assert_eq!(
        candidates(&["postqueue", "-c", &first, "--instance", "post"]),
        ["postfix-out"]
    );
}

#[test]
fn other_shells_are_named() {
    let output = Command::new(env!("CARGO_BIN_EXE_spoolbox"))
        .args(["completions", "tcsh"])
        .output()
        .expect("spoolbox starts");
    assert_eq!(output.status.code(), Some(1));
    let text = String::from_utf8_lossy(&output.stderr);
    assert!(text.contains("bash, zsh, fish"), "{text}");
}
