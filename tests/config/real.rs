//! The installed Postfix, and configuration directories for it.

use std::os::unix::ffi::OsStrExt;
use std::os::unix::fs::PermissionsExt;
use std::os::unix::process::CommandExt;
use std::path::{Path, PathBuf};
use std::process::{Command, Output};
use std::time::{Duration, SystemTime};

const POSTQUEUE: &str = "/usr/sbin/postqueue";
const POSTCONF: &str = "/usr/sbin/postconf";
/// The version whose defaults and words are compared.
const VERSION: &str = "3.7.";

/// Whether there is a Postfix to compare with, or why not.
pub fn available() -> Result<(), String> {
    for program in [POSTQUEUE, POSTCONF] {
        if !Path::new(program).exists() {
            return Err(format!("no {program}"));
        }
    }
    if !nix::unistd::geteuid().is_root() {
        return Err("only root may have postqueue read any main.cf".to_owned());
    }
    let output = run(Command::new(POSTCONF).args(["-dh", "mail_version"]));
    let version = String::from_utf8_lossy(&output.stdout).into_owned();
    if !version.starts_with(VERSION) {
        return Err(format!("it is version {version}, not {VERSION}x"));
    }
    Ok(())
}

/// A configuration directory that goes when it is dropped.
pub struct Instance {
    directory: tempfile::TempDir,
    text: Vec<u8>,
}

impl Instance {
    /// Makes a directory with a main.cf; `@` in it stands for its name.
    pub fn new(text: &[u8]) -> Self {
        let directory = tempfile::tempdir().expect("a temporary directory");
        let name = directory.path().as_os_str().as_bytes();
        let text = text
            .split(|&byte| byte == b'@')
            .collect::<Vec<_>>()
            .join(name);
        let instance = Self { directory, text };
        instance.write("main.cf", &instance.text);
        instance
    }

    /// Its name.
    pub fn directory(&self) -> &Path {
        self.directory.path()
    }

    /// Adds a file. Postfix waits if it was changed just now: so it is old.
    pub fn write(&self, name: &str, text: &[u8]) {
        let path = self.directory().join(name);
        std::fs::write(&path, text).expect("write");
        let old = SystemTime::now() - Duration::from_secs(3600);
        let file = std::fs::File::options()
            .write(true)
            .open(path)
            .expect("open");
        file.set_modified(old).expect("set the time");
    }

    /// Lets everybody read it.
    pub fn make_public(&self) {
        for (path, mode) in [
            (self.directory().to_owned(), 0o755),
            (self.directory().join("main.cf"), 0o644),
        ] {
            let mode = std::fs::Permissions::from_mode(mode);
            std::fs::set_permissions(path, mode).expect("set the mode");
        }
    }

    /// Makes an empty queue directory, `@/queue`.
    pub fn make_queue(&self) {
        let path: PathBuf = self.directory().join("queue/public");
        std::fs::create_dir_all(path).expect("create directories");
    }

    /// The main.cf, for a message.
    pub fn text(&self) -> String {
        format!(
            "--- main.cf\n{}\n---\n",
            self.text.escape_ascii().to_string().replace("\\n", "\n")
        )
    }
}

/// What postqueue says on stderr, line by line, without its name; `None` if it
/// crashed, as it does on a comparison within the value that it compares.
pub fn postqueue(instance: &Instance, arguments: &[&str]) -> Option<Vec<String>> {
    let mut command = Command::new(POSTQUEUE);
    let output = run(command.arg("-c").arg(instance.directory()).args(arguments));
    let status = output.status.code()?;
    assert_eq!(status, 69, "{}", instance.text());
    Some(lines(&output, "postqueue: "))
}

/// The values that postconf shows for names, and its warnings about main.cf.
pub fn values(instance: &Instance, names: &[&str]) -> (Vec<Vec<u8>>, Vec<String>) {
    let mut command = Command::new(POSTCONF);
    // It calls itself in messages what it was called by.
    command.arg0("postconf");
    let output = run(command
        .arg("-c")
        .arg(instance.directory())
        .args(["-x", "-h"])
        .args(names));
    let text = output.stdout.strip_suffix(b"\n").unwrap_or(&output.stdout);
    let values: Vec<_> = text.split(|&byte| byte == b'\n').map(squeezed).collect();
    assert_eq!(values.len(), names.len(), "{}{output:?}", instance.text());
    // The others are about what postconf only looks for.
    let warnings = lines(&output, "postconf: warning: ")
        .into_iter()
        .filter(|line| line.contains("overriding earlier") || line.contains("must not start with"));
    (values, warnings.collect())
}

/// A value as postconf prints it: it makes one blank of each run of blanks.
pub fn squeezed(value: &[u8]) -> Vec<u8> {
    value
        .split(|&byte| byte.is_ascii_whitespace() || byte == b'\x0b')
        .filter(|word| !word.is_empty())
        .collect::<Vec<_>>()
        .join(b" ".as_slice())
}

fn lines(output: &Output, prefix: &str) -> Vec<String> {
    let text = String::from_utf8_lossy(&output.stderr).into_owned();
    let strip = |line: &str| line.strip_prefix(prefix).map(str::to_owned);
    text.lines().filter_map(strip).collect()
}

fn run(command: &mut Command) -> Output {
    for name in [
        "MAIL_CONFIG",
        "MAIL_VERBOSE",
        "MAIL_LOGTAG",
        "POSTLOG_SERVICE",
    ] {
        command.env_remove(name);
    }
    command.output().expect("run Postfix")
}
