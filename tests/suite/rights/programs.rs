//! Copies of both programs with and without the set-gid bit, run by anybody,
//! with any name, environment and descriptors.

use std::os::unix::fs::symlink;
use std::path::{Path, PathBuf};
use std::process::{Command, Stdio};
use std::time::Duration;

use crate::support::instance::{Instance, make_directory};
use crate::support::run::{Output, collect, install_program};

/// Number of Debian's user `nobody`.
pub const NOBODY: u32 = 65_534;

/// Which rights a copy lends.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Bits {
    Plain,
    SetGid,
}

/// Programs below the instance's directory, which everybody may enter.
pub struct Programs<'i> {
    instance: &'i Instance,
}

impl<'i> Programs<'i> {
    pub fn of(instance: &'i Instance) -> Self {
        for directory in ["theirs", "ours"] {
            make_directory(&instance.root().join(directory), 0o755);
        }
        Self { instance }
    }

    /// A copy of one of Postfix's programs, called by its own name.
    pub fn theirs(&self, name: &str, bits: Bits) -> PathBuf {
        self.copy(&Path::new("/usr/sbin").join(name), "theirs", name, bits)
    }

    /// A copy of ours.
    pub fn ours(&self, name: &str, bits: Bits) -> PathBuf {
        let program = Path::new(env!("CARGO_BIN_EXE_spoolbox"));
        self.copy(program, "ours", name, bits)
    }

    /// A link by which somebody calls the set-gid copy by another name.
    pub fn link_to_ours(&self, name: &str) -> PathBuf {
        let target = self.ours("postqueue", Bits::SetGid);
        let directory = self.instance.root().join("links");
        if !directory.exists() {
            make_directory(&directory, 0o755);
        }
        let link = directory.join(name);
        if !link.is_symlink() {
            symlink(target, &link).expect("a link");
        }
        link
    }

    fn copy(&self, program: &Path, whose: &str, name: &str, bits: Bits) -> PathBuf {
        let directory = self.instance.root().join(whose).join(format!("{bits:?}"));
        if !directory.exists() {
            make_directory(&directory, 0o755);
        }
        let path = directory.join(name);
        if !path.exists() {
            let mode = match bits {
                Bits::Plain => 0o755,
                Bits::SetGid => 0o2755,
            };
            install_program(program, &path, mode, self.instance.owner().drop_gid);
        }
        path
    }
}

/// A run of a program by somebody, with an instance as the machine's own.
pub struct Run<'a> {
    pub program: &'a Path,
    pub arguments: &'a [&'a str],
    pub user: u32,
    pub environment: &'a [(&'a str, &'a str)],
    /// What a shell is to do before it starts the program: `ulimit`, `umask`.
    pub before: &'a str,
    /// Redirections of a shell, such as `>&-`.
    pub redirections: &'a str,
}

impl<'a> Run<'a> {
    pub fn new(program: &'a Path, arguments: &'a [&'a str], user: u32) -> Self {
        Self {
            program,
            arguments,
            user,
            environment: &[],
            before: "",
            redirections: "",
        }
    }

    /// Runs it, with `etc` mounted on /etc/postfix for it alone.
    pub fn run(&self, etc: &Path) -> Output {
        let mut command = self.command(etc);
        command.stdin(Stdio::null());
        command.stdout(Stdio::piped()).stderr(Stdio::piped());
        let child = command.spawn().expect("unshare starts");
        collect(child, b"", Duration::from_secs(60))
    }

    /// The command of such a run.
    pub fn command(&self, etc: &Path) -> Command {
        let id = self.user.to_string();
        let mut command = Command::new("unshare");
        command.args(["--mount", "--propagation", "private", "--", "sh", "-c"]);
        command.arg("mount --bind \"$0\" /etc/postfix && exec \"$@\"");
        command.arg(etc);
        command.args(["setpriv", "--reuid", &id, "--regid", &id, "--clear-groups"]);
        command.args(["env", "-i", "PATH=/usr/sbin:/usr/bin:/sbin:/bin"]);
        command.args(self.environment.iter().map(|(n, v)| format!("{n}={v}")));
        // Both programs get the same name.
        let (before, redirections) = (self.before, self.redirections);
        let script = format!("{before}\nexec -a \"$0\" \"$@\" {redirections}");
        command.args(["bash", "-c", &script]);
        command.arg(self.program.file_name().expect("a name"));
        command.arg(self.program).args(self.arguments);
        command
            .env_clear()
            .env("PATH", "/usr/sbin:/usr/bin:/sbin:/bin");
        command.current_dir("/");
        command
    }
}
